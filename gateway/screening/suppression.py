"""Whose address a customer must drop: who opted out, whose mailbox is gone, and, where it is allowed, who complained.

PAG-8. A complainant's address goes to the customer only where the feed's terms or the person's recorded consent say so,
that of a spam trap never: a list that is washed of its traps stays a bad list. Decides on values.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from parsers.report import Bounce, Report

TRAP_WEIGHT = 3.0  # what feeds of spam traps are registered with

# Feeds put tokens where the address was: those are nobody's.
_TOKEN = re.compile(
    r"x{3,}|\*+|redacted.*|hidden.*|anonym.*|[0-9a-f]{16,}|[A-Za-z0-9+/=_-]{32,}|.*redacted", re.IGNORECASE
)
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,253}")
_GONE = re.compile(r"5\.(?:1\.(?:1|2|3|6|10)|2\.1)\Z")


class Cause(StrEnum):
    OPT_OUT = "opt-out"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"


@dataclass(frozen=True, slots=True)
class Terms:
    """`feeds`: names of feeds whose terms let a complainant's address go to the customer."""

    feeds: Collection[str] = ()


def real_address(text: str | None) -> str | None:
    """An address that somebody reads, lower-case; None for a token and for what is no address."""
    if text is None or not _ADDRESS.fullmatch(text):
        return None
    local, _, domain = text.lower().rpartition("@")
    invalid = domain.endswith(".invalid") or "." not in domain
    return None if invalid or _TOKEN.fullmatch(local) else f"{local}@{domain}"


def gone(bounces: Collection[Bounce]) -> list[str]:
    """The recipients whose mailbox is not there (RFC 3463 X.1.* and X.2.1); a refusal for other reasons is none."""
    dead = [one for one in bounces if one.action == "failed" and _GONE.match(one.status or "")]
    return [address for one in dead if (address := real_address(one.recipient))]


def opted_out(report: Report) -> list[str]:
    """Who does not want that mail any more."""
    return [address for text in report.original_rcpt_to if (address := real_address(text))]


def complained(
    report: Report, feed: str | None, weight: float, person: str | None, terms: Terms, *, consents: bool
) -> list[str]:
    """The complainants whom the customer may be told. `feed` or `person` reports; `weight` as registered."""
    if feed is not None:
        return opted_out(report) if feed in terms.feeds and weight < TRAP_WEIGHT else []
    address = real_address(person)
    return [address] if address and consents else []

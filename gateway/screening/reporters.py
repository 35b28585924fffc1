"""Who reports, as somebody whose word is weighed: a feed, an organisation or a person, and how they stand with us.

An organisation speaks through programs: a machine-made report of an authenticated domain is the domain's. What
people write is the person's, and so is everything from a freemail domain. Pure; staff's decisions about reporters and
what was counted come in as values. Must never go by an unauthenticated name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.model import Identity, IdentityKind
from gateway.screening import registry
from gateway.screening.words import HUMAN_FORMATS
from parsers.fields import registrable
from parsers.report import Parsed

_NAME_CHARS = 320


class ReporterKind(StrEnum):
    FEED = "feed"
    ORGANISATION = "organisation"
    PERSON = "person"


class Trust(StrEnum):
    """Staff's word about a reporter."""

    USUAL = "usual"
    TRUSTED = "trusted"  # believed like a registered feed
    DOUBTFUL = "doubtful"  # each report waits for a person


@dataclass(frozen=True, slots=True)
class Reporter:
    """`key` is `feed:NAME`, `organisation:DOMAIN` or `person:ADDRESS`; `also`: the key of the person's organisation, or
    of the person at whose address the organisation's program writes; None where there is none."""

    kind: ReporterKind
    name: str
    domain: str | None = None
    also: str | None = None

    @property
    def key(self) -> str:
        return f"{self.kind.value}:{self.name}"


@dataclass(frozen=True, slots=True)
class Standing:
    """What staff decided about a reporter; None: as registered. `throttle`: most reports in an hour that are acted on,
    `recent` how many there were in the last."""

    key: str
    trust: Trust = Trust.USUAL
    blocked: bool = False
    why: str = ""
    weight: float | None = None
    may_reply: bool | None = None
    opens_cases: bool | None = None
    raw_forwarding: bool | None = None
    alias: str | None = None
    throttle: int | None = None
    recent: int = 0


def reporter_of(identity: Identity, parsed: Parsed) -> Reporter | None:
    """Who reports; None: nobody accountable."""
    if identity.kind is IdentityKind.FEED and identity.feed:
        return Reporter(ReporterKind.FEED, identity.feed, identity.domain)
    if identity.kind is not IdentityKind.DOMAIN or not identity.domain:
        return None
    domain = registrable(identity.domain) or identity.domain
    strangers = domain in registry.freemail()
    address = (identity.address or identity.domain).lower().replace("\0", "")[:_NAME_CHARS]
    address = address.encode("utf-8", "replace").decode()
    if parsed.format not in HUMAN_FORMATS and not strangers:
        return Reporter(ReporterKind.ORGANISATION, domain, domain, f"{ReporterKind.PERSON.value}:{address}")
    also = None if strangers else f"{ReporterKind.ORGANISATION.value}:{domain}"
    return Reporter(ReporterKind.PERSON, address, domain, also)


def standing(reporter: Reporter | None, decided: Mapping[str, Standing]) -> Standing | None:
    """How a reporter stands: what was decided about it, else about what it belongs to; a block of either, then a doubt
    about either, goes first."""
    if reporter is None or not decided:
        return None
    found = [decided[key] for key in (reporter.key, reporter.also or "") if key in decided]
    worst = [one for one in found if one.blocked] or [one for one in found if one.trust is Trust.DOUBTFUL]
    return next(iter(worst or found), None)


def precision(accepted: int, disputed: int, false: int) -> float | None:
    """The part of a reporter's accepted reports that held, 0 to 1: a false one counts whole, a disputed one half.
    None: too early to say."""
    if accepted <= 0:
        return None
    return max(0.0, 1.0 - (false + disputed / 2) / accepted)


def beyond(reporters: Iterable[Reporter | None], decided: Mapping[str, Standing]) -> list[int]:
    """Places of those that are more than their reporter's throttle allows in this hour, in order."""
    spent: dict[str, int] = {}
    over = []
    for place, reporter in enumerate(reporters):
        found = standing(reporter, decided)
        if found is None or found.throttle is None:
            continue
        spent[found.key] = spent.get(found.key, found.recent) + 1
        if spent[found.key] > found.throttle:
            over.append(place)
    return over

"""The sample mails: templates that lie in `mails/`, filled in relative to the moment at which the demo starts.

`{{mailbox}}` and the like are given values, `{{ago:3h|rfc5322}}` is a time before that moment,
so that nothing is ever too old. Must never hold a real person's mail or address.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from parsers import parse

MAILS = Path(__file__).parent / "mails"
CUSTOMERS = Path(__file__).parent / "customers.csv"
_PLACE = re.compile(r"\{\{(?:ago:(\d+)([smhd])\|(rfc5322|iso|day)|([a-z_]+))\}\}")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Sample:
    """One mail of the story, ready to be delivered. `title` is what the table calls it; `late` comes after the others
    were read."""

    row: str
    mailbox: str
    title: str
    arrived: datetime
    raw: bytes
    late: bool = False

    @property
    def subject(self) -> str | None:
        """As the parsers read it: that is how its row is found again."""
        return parse(self.raw).envelope.subject


@dataclass(frozen=True, slots=True)
class Answer:
    """A mail that comes back once a notice has gone to `reads`. `template` is filled in from that notice."""

    row: str
    mailbox: str
    title: str
    reads: str
    template: str


def samples(now: datetime) -> list[Sample]:
    """What lies in the mailboxes at the start, in the order of the story. `now` aware UTC."""
    return [
        Sample(
            entry["row"],
            entry["to"],
            entry["what"],
            now - _span(*re.findall(r"\d+|[smhd]", entry["arrived"])),
            as_mail(_read(entry["file"]), now, {"mailbox": entry["to"]}),
            late="late" in entry,
        )
        for entry in _story()["mail"]
    ]


def answers() -> list[Answer]:
    """What the robots send back."""
    return [Answer(e["row"], e["to"], e["what"], e["reads"], _read(e["file"])) for e in _story()["answer"]]


def as_mail(template: str, now: datetime, values: Mapping[str, str]) -> bytes:
    """A template as bytes with the line ends of mail."""
    return fill(template, now, values).replace("\n", "\r\n").encode()


def fill(template: str, now: datetime, values: Mapping[str, str]) -> str:
    """A template with its places filled in. Raises KeyError for a place without a value."""

    def filled(match: re.Match[str]) -> str:
        number, unit, form, name = match.groups()
        if name:
            return values[name]
        at = (now - _span(number, unit)).replace(microsecond=0)
        if form == "day":  # its midnight
            at = at.replace(hour=0, minute=0, second=0)
        return format_datetime(at) if form == "rfc5322" else at.isoformat().replace("+00:00", "Z")

    return _PLACE.sub(filled, template)


def _span(number: str, unit: str) -> timedelta:
    return timedelta(**{_UNITS[unit]: int(number)})


def _read(name: str) -> str:
    return (MAILS / name).read_text(encoding="utf-8")


def _story() -> dict[str, list[dict[str, str]]]:
    return tomllib.loads(_read("story.toml"))

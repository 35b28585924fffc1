"""Who fell silent: feeds that wrote and write no more, mailboxes that cannot be read or were not for a while. Pure.

Must never give an alarm by itself: a person looks at the list.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.store.mailboxes import MailboxState
from gateway.store.today import Heard

_LEAST = timedelta(hours=24)  # shorter pauses are nights
_TIMES = 10  # that much longer than its usual pause is no pause any more
_UNREAD = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Silent:
    """Who, since when, and why that is odd, in a sentence."""

    name: str
    since: datetime | None
    why: str


def feeds(heard: Iterable[Heard], now: datetime) -> list[Silent]:
    """Feeds whose pause is ten times their usual one, and a day at least; the longest first."""
    found = []
    for one in heard:
        if len(one.at) < 2:
            continue
        last, first = max(one.at), min(one.at)
        usual = (last - first) / (len(one.at) - 1)
        if now - last > max(_LEAST, usual * _TIMES):
            found.append(
                Silent(one.name, last, f"usually every {_span(usual)}, now {_span(now - last)} without a report")
            )
    return sorted(found, key=lambda one: one.since or now)


def mailboxes(states: Iterable[MailboxState], now: datetime) -> list[Silent]:
    """Mailboxes with an error, and those that were last read more than an hour ago."""
    found = []
    for one in states:
        if one.error:
            found.append(Silent(one.name, one.read_to, one.error))
        elif one.read_to is not None and now - one.read_to > _UNREAD:
            found.append(Silent(one.name, one.read_to, f"not read for {_span(now - one.read_to)}"))
    return found


def _span(time: timedelta) -> str:
    """`3 days`, `5 hours`, `12 minutes`."""
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if (count := round(time.total_seconds() / size)) >= 1:
            return f"{count} {name}{'s' if count > 1 else ''}"
    return "less than a minute"

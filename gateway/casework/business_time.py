"""Time that only runs on working days: where it ends, and how much of it lies between two moments.

Pure. Days are those of the calendar's time zone and count from midnight to midnight, so
that a day on which the clocks change has 23 or 25 hours; moments are aware UTC. Must never
decide which class counts so: the policy says.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.policies.classes import Calendar

_DAY = timedelta(days=1)
_LAST = date(9998, 12, 31)


def after(calendar: Calendar | None, start: datetime, span: timedelta) -> datetime:
    """The moment at which `span` has run since `start`; without a calendar all time counts.

    Of no time to run, `start` itself. Raises OverflowError for a calendar that never opens.
    """
    if calendar is None or span <= timedelta(0):
        return start + span if calendar is None else start
    left = span
    for opens, closes in _open(calendar, start):
        begins = max(opens, start)
        if closes - begins >= left:
            return begins + left
        left -= closes - begins
    raise OverflowError(f"{span} of working time after {start} never end: the calendar has no working day left")


def between(calendar: Calendar | None, start: datetime, end: datetime) -> timedelta:
    """How much time runs between two moments; without a calendar all of it does (negative where `end` is first)."""
    if calendar is None:
        return end - start
    total = timedelta(0)
    for opens, closes in _open(calendar, start):
        if opens >= end:
            break
        total += min(closes, end) - max(opens, start)
    return total


def _open(calendar: Calendar, start: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The working days (UTC bounds) that end after `start`, in order."""
    zone = ZoneInfo(calendar.time_zone)
    day = start.astimezone(zone).date()
    while day < _LAST:
        if calendar.counts(day):
            opens = datetime.combine(day, time(0), zone).astimezone(UTC)
            closes = datetime.combine(day + _DAY, time(0), zone).astimezone(UTC)
            if closes > start:
                yield opens, closes
        day += _DAY

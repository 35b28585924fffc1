"""The figures of a period: how quickly, how much, from whom, about whom, and what waits (the statistics of the desk).

Must never judge: it counts, and says of how many each figure is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from gateway.house import House
from gateway.store import statistics as store
from gateway.store.statistics import Answers, Counts, Period, Source, Spread

_MOST_DAYS = 3660
_DAYS_BY_DAY = 100  # longer periods are counted by weeks
_MOST_LINES = 15  # sources and customers


class PeriodError(ValueError):
    """It is no period; the text says what is."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of the days [since, until). `starts`: each day or Monday of it; the lists by time name theirs. Times in seconds;
    the first Spread of a list is of the whole period (start empty), unless the list is empty."""

    since: date
    until: date
    weekly: bool
    starts: tuple[str, ...]
    acknowledged: list[Spread]
    notified: list[Spread]
    resolved: list[Spread]
    by_kind: list[tuple[str, str, int]]
    by_source: list[Source]
    by_customer: list[tuple[str, str, int]]
    answers: Answers
    opened: dict[str, int]
    unmatched: dict[str, int]
    backlog: dict[str, int]

    @property
    def in_time(self) -> float | None:
        """Share of the customers' answers within 24 hours, 0..1; None: nobody could answer yet."""
        return self.answers.in_time / self.answers.ripe if self.answers.ripe else None

    @property
    def repeated(self) -> float | None:
        """Share of the resources told of that were told of again, 0..1."""
        return self.answers.again / self.answers.told if self.answers.told else None


def days_of(now: datetime, days: int, since: str = "", until: str = "") -> tuple[date, date]:
    """[since, until) of what was asked: the last `days` with today, or two days as `2026-01-31`, the last included.
    Raises PeriodError."""
    try:
        last = date.fromisoformat(until) if until else now.date()
        first = date.fromisoformat(since) if since else last - timedelta(days=days - 1)
        end = last + timedelta(days=1)
    except (ValueError, OverflowError):
        raise PeriodError("That is no day: write it as 2026-01-31.") from None
    if not 0 < (end - first).days <= _MOST_DAYS:
        raise PeriodError(f"A period begins before it ends, and has {_MOST_DAYS} days at most.")
    return first, end


async def figures(house: House, since: date, until: date) -> Statistics:
    """All of it. What is kept of days that are over, and a count of the others."""
    weekly = (until - since).days > _DAYS_BY_DAY
    async with house.database.reading() as connection:
        counts = Counts(connection, Period(since, until, weekly))
        return Statistics(
            since, until, weekly, _starts(since, until, weekly=weekly),
            acknowledged=await counts.acknowledged(), notified=await counts.notified(),
            resolved=await counts.resolved(), by_kind=await counts.by_kind(),
            by_source=await counts.by_source(_MOST_LINES), by_customer=await counts.by_customer(_MOST_LINES),
            answers=await counts.answers(house.clock()), opened=await counts.opened(),
            unmatched=await store.unmatched(connection), backlog=await store.backlog(connection),
        )  # fmt: skip


def _starts(since: date, until: date, *, weekly: bool) -> tuple[str, ...]:
    first = since - timedelta(days=since.weekday()) if weekly else since
    step = 7 if weekly else 1
    return tuple((first + timedelta(days=n)).isoformat() for n in range(0, (until - first).days, step))

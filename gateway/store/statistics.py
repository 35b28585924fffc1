"""What happened in a period, added up from the figures of its days: few statements, few rows back.

Medians and 90th percentiles are of the nearest rank, in full minutes below an hour, ten minutes below a day, hours
above. The legal lane is in no figure. Must never return a row for each report.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, case, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import CaseState, ClockState
from gateway.screening.reporters import precision
from gateway.store import counted, figures
from gateway.store.figures import IN_TIME, Figures, midnight
from gateway.store.queue import is_waiting
from gateway.store.tables import actions, attributions, cases, clocks, customers, held
from gateway.store.tables import reporters as reporter_rows

_UNRESOLVED = [state.value for state in ClockState if state is not ClockState.RESOLVED]  # found by their index


@dataclass(frozen=True, slots=True)
class Period:
    """The days [since, until), UTC. `weekly`: counted by weeks that begin on Monday, else by days."""

    since: date
    until: date
    weekly: bool = False


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took on the day or in the week that begins then (`2026-01-31`; empty: in all of the
    period): how many there were, and seconds."""

    start: str
    count: int
    median: float
    ninety: float


@dataclass(frozen=True, slots=True)
class Source:
    """A reporter's reports in the period; `precision` as `screening.reporters` has it."""

    key: str
    trust: str
    reports: int
    accepted: int
    disputed: int
    false: int
    precision: float | None


@dataclass(frozen=True, slots=True)
class Answers:
    """Resources of which a customer was told in the period and at least 24 hours ago; of all told, how many again."""

    ripe: int
    in_time: int
    told: int
    again: int


class Counts:
    """Asks the questions of one period over one connection."""

    def __init__(self, connection: AsyncConnection, period: Period) -> None:
        self._connection = connection
        self._period = period
        self._is_sqlite = connection.dialect.name == "sqlite"

    async def by_kind(self) -> list[tuple[str, str, int]]:
        """(day or week, category, reports), oldest first."""
        rows = await self._rows(figures.KIND)
        start = self._start(rows.c.day).label("start")
        found = await self._connection.execute(
            select(start, rows.c.name, _total(rows)).group_by(start, rows.c.name).order_by(start)
        )
        return [(row[0], row[1], int(row[2])) for row in found]

    async def by_source(self, limit: int) -> list[Source]:
        """Those who reported most."""
        sums = figures.by_reporter(await self._rows(figures.SOURCE, daily=False)).limit(limit).subquery()
        rows = await self._connection.execute(
            select(sums, reporter_rows.c.key, reporter_rows.c.trust)
            .outerjoin(reporter_rows, reporter_rows.c.id == sums.c.ref)
            .order_by(sums.c.reports.desc(), reporter_rows.c.key)
        )
        found = []
        for row in rows:
            right = (int(row.accepted), int(row.disputed), int(row.found_false))
            believed = precision(*right) if row.key else None
            found.append(Source(row.key or "", row.trust or "", int(row.reports), *right, believed))
        return found

    async def by_customer(self, limit: int) -> list[tuple[str, str, int]]:
        """(key, name, reports about something of theirs), most first."""
        rows = await self._rows(figures.CUSTOMER, daily=False)
        found = _total(rows).label("found")
        most = select(rows.c.ref, found).group_by(rows.c.ref).order_by(found.desc()).limit(limit).subquery()
        named = await self._connection.execute(
            select(customers.c.key, customers.c.name, most.c.found)
            .join(most, most.c.ref == customers.c.id)
            .order_by(most.c.found.desc(), customers.c.key)
        )
        return [(row[0], row[1], int(row[2])) for row in named]

    async def acknowledged(self) -> list[Spread]:
        """From the receipt of a report to our reply that it was taken."""
        return await self._spread(figures.ACKNOWLEDGED)

    async def notified(self) -> list[Spread]:
        """From the first report about a resource to its customer being told."""
        return await self._spread(figures.NOTIFIED)

    async def resolved(self) -> list[Spread]:
        """From the opening of a case to its resolution."""
        return await self._spread(figures.RESOLVED)

    async def opened(self) -> dict[str, int]:
        """Cases by the day or week of their opening."""
        rows = await self._rows(figures.OPENED)
        start = self._start(rows.c.day).label("start")
        found = await self._connection.execute(select(start, _total(rows)).group_by(start))
        return {row[0]: int(row[1]) for row in found}

    async def answers(self, now: datetime) -> Answers:
        """How quickly customers answered, and about how much they were told again."""
        told = again = ripe = in_time = 0
        edge = now.astimezone(UTC) - timedelta(seconds=IN_TIME)  # whoever was told later, may still answer in time
        rows = await self._rows(figures.ANSWERED)
        for day, step, many in await self._connection.execute(
            select(rows.c.day, rows.c.step, _total(rows)).group_by(rows.c.day, rows.c.step)
        ):
            told += many
            again += many if step & figures.AGAIN else 0
            if day < edge.date().isoformat():
                ripe += many
                in_time += many if step & figures.QUICK else 0
        if self._period.since <= edge.date() < self._period.until:
            of_that_day = (clocks.c.notified_at >= midnight(edge.date()), clocks.c.notified_at <= edge)
            quick = Figures(is_sqlite=self._is_sqlite).answered_in_time()
            row = (await self._connection.execute(select(func.count(), _sum(quick)).where(*of_that_day))).one()
            ripe, in_time = ripe + row[0], in_time + row[1]
        return Answers(int(ripe), int(in_time), int(told), int(again))

    async def _rows(self, figure: str, *, daily: bool = True) -> Any:
        since, until = self._period.since, self._period.until
        return (await counted.rows(self._connection, figure, since, until, daily=daily)).subquery()

    async def _spread(self, figure: str) -> list[Spread]:
        """First one Spread for all, then one for each day or week. How often each length of time occurred comes back:
        hundreds of rows, however many there were."""
        rows = await self._rows(figure)
        start = self._start(rows.c.day).label("start")
        found = await self._connection.execute(
            select(start, rows.c.step, _total(rows).label("many")).group_by(start, rows.c.step)
        )
        times: dict[str, Counter[float]] = {}
        for row in found:
            times.setdefault(row.start, Counter())[float(row.step)] += int(row.many)
        every = sum(times.values(), Counter[float]())
        return [_of(name, some) for name, some in (("", every), *sorted(times.items())) if some]

    def _start(self, day: ColumnElement[str]) -> ColumnElement[str]:
        """The day itself, or the Monday of its week."""
        if not self._period.weekly:
            return day
        if self._is_sqlite:
            return func.date(day, "weekday 0", "-6 days")
        return func.to_char(func.date_trunc("week", cast(day, Date)), "YYYY-MM-DD")


async def backlog(connection: AsyncConnection) -> dict[str, int]:
    """What waits now: clocks of open cases by state, and what wants a person."""
    found = await connection.execute(
        select(clocks.c.state, func.count())
        .join(cases, cases.c.id == clocks.c.case_id)
        .where(cases.c.state == CaseState.OPEN.value, clocks.c.state.in_(_UNRESOLVED))
        .group_by(clocks.c.state)
    )
    counted = {row[0]: row[1] for row in found}
    waiting = {
        "queue": select(func.count()).where(is_waiting()),
        "held": select(func.count()).where(held.c.state == "waiting"),
        "approval": select(func.count()).where(actions.c.state == "proposed"),
    }
    row = (await connection.execute(select(*(query.scalar_subquery() for query in waiting.values())))).one()
    return counted | dict(zip(waiting, row, strict=True))


async def unmatched(connection: AsyncConnection) -> dict[str, int]:
    """Entries of the unmatched queue that wait now, by reason, most first."""
    rows = await connection.execute(
        select(attributions.c.reason, func.count())
        .where(is_waiting())
        .group_by(attributions.c.reason)
        .order_by(func.count().desc(), attributions.c.reason)
    )
    return {row[0]: row[1] for row in rows}


def _total(rows: Any) -> ColumnElement[int]:
    return func.sum(rows.c["count"])


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _of(start: str, times: Counter[float]) -> Spread:
    """`times`: how often each number of seconds occurred."""
    many = times.total()
    return Spread(start, many, _ranked(times, (many + 1) // 2), _ranked(times, (many * 9 + 9) // 10))


def _ranked(times: Counter[float], rank: int) -> float:
    """The time at this rank, from 1, of all in ascending order."""
    before = 0
    for took in sorted(times):
        before += times[took]
        if before >= rank:
            return took
    return max(times)

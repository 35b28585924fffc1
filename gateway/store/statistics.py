"""What happened in a period, counted by the database: few statements, each over an index, few rows back.

Medians and 90th percentiles are of the nearest rank, in full minutes below an hour, ten minutes below a day, hours
above. The legal lane is in no figure. Must never return a row for each report.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, DateTime, Integer, Select, and_, case, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import CaseState, Verdict
from gateway.screening.reporters import precision
from gateway.store.reporters import DISPUTED, FALSE
from gateway.store.tables import accounts, actions, attributions, cases, clocks, customers, held, notices, reports
from gateway.store.tables import reporters as reporter_rows

_HOUR, _DAY = 3600, 86400  # seconds
_IN_TIME = timedelta(hours=24).total_seconds()


@dataclass(frozen=True, slots=True)
class Period:
    """[since, until), aware UTC. `weekly`: counted by weeks that begin on Monday, else by days."""

    since: datetime
    until: datetime
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
        start = self._start(reports.c.received_at).label("start")
        rows = await self._connection.execute(
            select(start, reports.c.category, func.count())
            .where(self._within(reports.c.received_at), reports.c.verdict != Verdict.LEGAL.value)
            .group_by(start, reports.c.category)
            .order_by(start)
        )
        return [(row[0], row[1], row[2]) for row in rows]

    async def by_source(self, limit: int) -> list[Source]:
        """Those who reported most."""
        accepted = or_(reports.c.verdict == Verdict.ACCEPTED.value, reports.c.judgement.is_not(None))
        counted = (
            select(
                reports.c.reporter_id, func.count().label("reports"), _sum(accepted).label("accepted"),
                _sum(reports.c.judgement == DISPUTED).label("disputed"),
                _sum(reports.c.judgement == FALSE).label("found_false"),
            )
            .where(self._within(reports.c.received_at), reports.c.verdict != Verdict.LEGAL.value)
            .group_by(reports.c.reporter_id)
            .order_by(func.count().desc())
            .limit(limit)
            .subquery()
        )  # fmt: skip
        rows = await self._connection.execute(
            select(counted, reporter_rows.c.key, reporter_rows.c.trust)
            .outerjoin(reporter_rows, reporter_rows.c.id == counted.c.reporter_id)
            .order_by(counted.c.reports.desc(), reporter_rows.c.key)
        )
        return [
            Source(
                row.key or "", row.trust or "", row.reports, row.accepted, row.disputed, row.found_false,
                precision(row.accepted, row.disputed, row.found_false) if row.key else None,
            )
            for row in rows
        ]  # fmt: skip

    async def by_customer(self, limit: int) -> list[tuple[str, str, int]]:
        """(key, name, reports about something of theirs), most first."""
        rows = await self._connection.execute(
            select(customers.c.key, customers.c.name, func.count(func.distinct(reports.c.id)).label("found"))
            .select_from(reports)
            .join(attributions, attributions.c.report_id == reports.c.id)
            .join(accounts, accounts.c.id == attributions.c.account_id)
            .join(customers, customers.c.id == accounts.c.customer_id)
            .where(self._within(reports.c.received_at), reports.c.verdict != Verdict.LEGAL.value)
            .group_by(customers.c.key, customers.c.name)
            .order_by(func.count(func.distinct(reports.c.id)).desc(), customers.c.key)
            .limit(limit)
        )
        return [(row[0], row[1], row[2]) for row in rows]

    async def acknowledged(self) -> list[Spread]:
        """From the receipt of a report to our reply that it was taken."""
        received = notices.c.facts["received_at"].as_string()
        asked = received if self._is_sqlite else cast(received, DateTime(timezone=True))
        chosen = and_(notices.c.kind == "acknowledgement", self._within(notices.c.sent_at))
        return await self._spread(
            select(self._start(notices.c.sent_at).label("start"), self._seconds(asked, notices.c.sent_at))
            .where(chosen)
        )  # fmt: skip

    async def notified(self) -> list[Spread]:
        """From the first report about a resource to its customer being told. Resources of later rounds are left out:
        their first report belongs to the first round."""
        first = func.min(reports.c.received_at)
        return await self._spread(
            select(self._start(clocks.c.notified_at).label("start"), self._seconds(first, clocks.c.notified_at))
            .join(attributions, attributions.c.clock_id == clocks.c.id)
            .join(reports, reports.c.id == attributions.c.report_id)
            .where(self._within(clocks.c.notified_at), clocks.c.round == 1)
            .group_by(clocks.c.id, clocks.c.notified_at)
        )

    async def resolved(self) -> list[Spread]:
        """From the opening of a case to its resolution."""
        took = self._seconds(cases.c.opened_at, cases.c.resolved_at)
        return await self._spread(
            select(self._start(cases.c.resolved_at).label("start"), took).where(
                self._within(cases.c.resolved_at), cases.c.state != CaseState.OPEN.value
            )
        )

    async def opened(self) -> dict[str, int]:
        """Cases by the day or week of their opening."""
        start = self._start(cases.c.opened_at).label("start")
        rows = await self._connection.execute(
            select(start, func.count()).where(self._within(cases.c.opened_at)).group_by(start)
        )
        return {row[0]: row[1] for row in rows}

    async def answers(self, now: datetime) -> Answers:
        """How quickly customers answered, and about how much they were told again."""
        ripe = clocks.c.notified_at <= now - timedelta(seconds=_IN_TIME)
        quick = self._seconds(clocks.c.notified_at, clocks.c.answered_at) <= _IN_TIME
        row = (
            await self._connection.execute(
                select(_sum(ripe), _sum(and_(ripe, quick)), func.count(), _sum(clocks.c.round > 1)).where(
                    self._within(clocks.c.notified_at)
                )
            )
        ).one()
        return Answers(*(int(value or 0) for value in row))

    async def _spread(self, times: Select[str, float]) -> list[Spread]:
        """Of a query of (start, seconds): first one Spread for all, then one for each start. The database counts how
        often each time occurred, in steps that nobody misses: hundreds of rows come back, however many there were."""
        one = times.subquery()
        start, took = one.c[0], func.round(one.c[1])
        step = case((took < _HOUR, 60), (took < _DAY, 600), else_=3600)
        steps = took / step
        full = (cast(steps, Integer) if self._is_sqlite else func.floor(steps)) * step
        rows = await self._connection.execute(
            select(start.label("start"), full.label("took"), func.count().label("many"))
            .where(one.c[1].is_not(None))
            .group_by(start, full)
        )
        counted: dict[str, Counter[float]] = {}
        for row in rows:
            counted.setdefault(row.start, Counter())[float(row.took)] += row.many
        every = sum(counted.values(), Counter[float]())
        return [_of(name, times) for name, times in (("", every), *sorted(counted.items())) if times]

    def _within(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        return and_(column >= self._period.since, column < self._period.until)

    def _start(self, column: ColumnElement[Any]) -> ColumnElement[str]:
        """The day of a time, or the Monday of its week."""
        if self._is_sqlite:
            return func.date(column, "weekday 0", "-6 days") if self._period.weekly else func.date(column)
        day = func.date_trunc("week" if self._period.weekly else "day", func.timezone("UTC", column))
        return func.to_char(day, "YYYY-MM-DD")

    def _seconds(self, start: ColumnElement[Any], end: ColumnElement[Any]) -> ColumnElement[float]:
        """Between two times, nothing where there is no end; what ended before it began took no time."""
        if self._is_sqlite:
            took = (func.julianday(end) - func.julianday(start)) * 86400.0
        else:
            took = func.extract("epoch", end) - func.extract("epoch", start)
        return case((took < 0, 0.0), else_=took).label("took")


async def backlog(connection: AsyncConnection) -> dict[str, int]:
    """What waits now: clocks of open cases by state, and what wants a person."""
    found = await connection.execute(
        select(clocks.c.state, func.count())
        .join(cases, cases.c.id == clocks.c.case_id)
        .where(cases.c.state == CaseState.OPEN.value, clocks.c.state != "resolved")
        .group_by(clocks.c.state)
    )
    counted = {row[0]: row[1] for row in found}
    waiting = {
        "queue": select(func.count()).where(attributions.c.queue == "waiting"),
        "held": select(func.count()).where(held.c.state == "waiting"),
        "approval": select(func.count()).where(actions.c.state == "proposed"),
    }
    row = (await connection.execute(select(*(query.scalar_subquery() for query in waiting.values())))).one()
    return counted | dict(zip(waiting, row, strict=True))


async def unmatched(connection: AsyncConnection) -> dict[str, int]:
    """Entries of the unmatched queue that wait now, by reason, most first."""
    rows = await connection.execute(
        select(attributions.c.reason, func.count())
        .where(attributions.c.queue == "waiting")
        .group_by(attributions.c.reason)
        .order_by(func.count().desc(), attributions.c.reason)
    )
    return {row[0]: row[1] for row in rows}


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

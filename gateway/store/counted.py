"""Days that are over, counted once: what of a period is kept, what is to be counted as it is asked, and the counting.

A day is counted when it has been over for an hour; whatever changes in it later, the database's triggers write to
`stale_days` in the same transaction, and until it is counted again it is counted as it is asked. So a figure is right
at every moment, kept or not. Must never be told by hand that something changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    and_,
    bindparam,
    cast,
    delete,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store import switches
from gateway.store.figures import PART_OF, PARTS, Figures, Span
from gateway.store.tables import cases, counted_days, day_figures, reports, stale_days
from gateway.store.tables import switches as switch_rows

COUNTED_TO = "counted_to"  # the switch: the triggers look at days up to this one
_OVER_FOR = timedelta(hours=1)  # what was under way at midnight is done by then
_OLDEST = timedelta(days=3660)
_LONG = timedelta(days=120)  # then most of what there is is read anyway
_DAY = timedelta(days=1)


async def rows(
    connection: AsyncConnection, figure: str, since: date, until: date, *, daily: bool = True
) -> Select[Any] | CompoundSelect[Any]:
    """(day, name, ref, step, count) of these days: kept ones as they are, the others counted now. Not `daily`: it does
    not matter which day it was, and kept ones of a long time come added up, under no day."""
    kept, others = await _split(connection, PART_OF[figure], since, until)
    tables = Figures(is_sqlite=connection.dialect.name == "sqlite")
    every = select(*(day_figures.c[name] for name in ("day", "name", "ref", "step", "count")))
    stored = every if daily or until - since < _LONG else _added_up()
    stored = stored.where(day_figures.c.figure == _known(figure), or_(false(), *(_days(span) for span in kept)))
    if not kept:
        return tables.of(figure, others)
    return union_all(stored, tables.of(figure, others)) if others else stored


async def due(connection: AsyncConnection, now: datetime, limit: int) -> list[tuple[str, date]]:
    """(part, day) to count: those that changed, then the latest that were never counted."""
    stale = select(stale_days.c.part, stale_days.c.day).distinct().order_by(stale_days.c.day.desc()).limit(limit)
    found = [(row.part, date.fromisoformat(row.day)) for row in await connection.execute(stale)]
    days = await _over(connection, now)
    many = select(counted_days.c.part, func.count()).group_by(counted_days.c.part)
    counted = {row[0]: row[1] for row in await connection.execute(many)}
    for part in PARTS:
        if counted.get(part, 0) < len(days) and len(found) < limit:
            known = select(counted_days.c.day).where(counted_days.c.part == part)
            done = set((await connection.execute(known)).scalars())
            found += [(part, day) for day in days if day.isoformat() not in done and (part, day) not in found]
    return found[:limit]


async def is_watched(connection: AsyncConnection, now: datetime) -> bool:
    """Whether changes up to the last day that is over are written down."""
    return (await switches.read(connection, COUNTED_TO) or "") >= _yesterday(now)


async def watch(connection: AsyncConnection, now: datetime) -> None:
    """From the end of this transaction on they are; what is counted later is right."""
    await switches.write(connection, COUNTED_TO, _yesterday(now))


async def count(connection: AsyncConnection, part: str, day: date) -> None:
    """Count one part of a day, again too. Nodes do it one after the other."""
    await connection.execute(select(switch_rows).where(switch_rows.c.name == COUNTED_TO).with_for_update())
    name, tables = day.isoformat(), Figures(is_sqlite=connection.dialect.name == "sqlite")
    known = select(stale_days.c.id).where(stale_days.c.part == part, stale_days.c.day == name)
    seen = list((await connection.execute(known)).scalars())  # before the counting: what comes meanwhile stays
    await connection.execute(
        delete(day_figures).where(day_figures.c.figure.in_(PARTS[part]), day_figures.c.day == name)
    )
    for figure in PARTS[part]:
        found = tables.of(figure, [Span(day, day + _DAY)]).subquery()
        columns = ("day", "name", "ref", "step", "count")
        fresh = select(literal(figure), *(found.c[column] for column in columns))
        await connection.execute(insert(day_figures).from_select(["figure", *columns], fresh))
    done = select(counted_days).where(counted_days.c.part == part, counted_days.c.day == name)
    if (await connection.execute(done)).first() is None:
        await connection.execute(insert(counted_days).values(part=part, day=name))
    await connection.execute(delete(stale_days).where(stale_days.c.id.in_(seen)))


async def forget(connection: AsyncConnection) -> None:
    """All days are to be counted anew."""
    for table in (counted_days, day_figures, stale_days):
        await connection.execute(delete(table))


async def first_day(connection: AsyncConnection) -> date | None:
    """The first day of which anything is known."""
    first = [
        (await connection.execute(select(func.min(column)))).scalar()
        for column in (reports.c.received_at, cases.c.opened_at)
    ]
    known = [at for at in first if at is not None]
    return min(known).astimezone(UTC).date() if known else None


async def _over(connection: AsyncConnection, now: datetime) -> list[date]:
    """The days that are over, the latest first, back to the first of which anything is known."""
    first, last = await first_day(connection), (now.astimezone(UTC) - _OVER_FOR).date() - _DAY
    if first is None:
        return []
    begin = max(first, last - _OLDEST)
    return [last - _DAY * n for n in range((last - begin).days + 1)]


async def _split(connection: AsyncConnection, part: str, since: date, until: date) -> tuple[list[Span], list[Span]]:
    """The days that are kept and right, and the others."""
    between = (counted_days.c.day >= since.isoformat(), counted_days.c.day < until.isoformat())
    stale = select(stale_days.c.id).where(stale_days.c.part == part, stale_days.c.day == counted_days.c.day)
    query = select(counted_days.c.day).where(counted_days.c.part == part, *between, ~stale.exists())
    right = {date.fromisoformat(day) for day in (await connection.execute(query)).scalars()}
    days = [since + _DAY * n for n in range((until - since).days)]
    return list(_spans([day for day in days if day in right])), list(_spans([d for d in days if d not in right]))


def _yesterday(now: datetime) -> str:
    return (now.astimezone(UTC) - _DAY).date().isoformat()


def _spans(days: Sequence[date]) -> Iterator[Span]:
    """Days in order, those that follow each other as one."""
    start = 0
    for n, day in enumerate(days):
        if n + 1 == len(days) or days[n + 1] != day + _DAY:
            yield Span(days[start], day + _DAY)
            start = n + 1


def _added_up() -> Select[Any]:
    """In the order of the index `day_figures_ref`."""
    by = [day_figures.c[name] for name in ("name", "ref", "step")]
    total = cast(func.sum(day_figures.c["count"]), Integer)
    return select(literal("").label("day"), *by, total.label("count")).group_by(*by)


def _days(span: Span) -> ColumnElement[bool]:
    since, until = (_known(day.isoformat()) for day in (span.since, span.until))
    return and_(day_figures.c.day >= since, day_figures.c.day < until)


def _known(value: str) -> BindParameter[str]:
    """As it is, not as a parameter: PostgreSQL makes one plan for all parameters, and a week is not a year."""
    return bindparam(None, value, literal_execute=True)

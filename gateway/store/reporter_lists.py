"""Reporters as people look at them: with how many of their reports were right, the busiest first.

Counted from their reports, day by day (`counted`): no row of a busy feed is where all nodes wait for each other. The
legal lane is in no figure. Must never change anything.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import Verdict
from gateway.screening.reporters import precision
from gateway.store import counted, figures
from gateway.store.tables import reporters, reports

_COUNTS = ("reports", "accepted", "disputed", "found_false")
_FIRST = date(1970, 1, 1)


async def listed(
    connection: AsyncConnection, now: datetime, limit: int = 500, since: datetime | None = None
) -> list[dict[str, Any]]:
    """Reporters with their counts and precision, those with the most reports first. `since`: only reports received
    from the beginning of that day on count, else all."""
    counts = figures.by_reporter(await _rows(connection, now, since)).subquery()
    query = select(reporters, *(counts.c[name] for name in _COUNTS))
    busy = query.join(counts, counts.c.ref == reporters.c.id).order_by(counts.c.reports.desc(), reporters.c.key)
    found = await _told(connection, busy.limit(limit))
    if len(found) < limit:  # then those of whom nothing is counted
        none = select(reporters, *(literal(0).label(name) for name in _COUNTS))
        others = none.where(reporters.c.id.not_in(select(counts.c.ref))).order_by(reporters.c.key)
        found += await _told(connection, others.limit(limit - len(found)))
    return found


async def shown(connection: AsyncConnection, key: str, now: datetime) -> dict[str, Any] | None:
    """One reporter with its counts."""
    row = (await connection.execute(select(reporters.c.id).where(reporters.c.key == key))).one_or_none()
    if row is None:
        return None
    its = await _rows(connection, now, None)
    counts = figures.by_reporter(select(its).where(its.c.ref == row.id).subquery()).subquery()
    numbers = (func.coalesce(counts.c[name], 0).label(name) for name in _COUNTS)
    query = select(reporters, *numbers).outerjoin(counts, counts.c.ref == reporters.c.id)
    return (await _told(connection, query.where(reporters.c.id == row.id)))[0]


async def latest(connection: AsyncConnection, reporter_id: int, limit: int = 10) -> list[dict[str, Any]]:
    """Its newest reports, without those of the legal lane."""
    names = ("id", "received_at", "category", "source_ip", "verdict", "reason", "judgement", "identity")
    rows = await connection.execute(
        select(*(reports.c[name] for name in names))
        .where(reports.c.reporter_id == reporter_id, reports.c.verdict != Verdict.LEGAL.value)
        .order_by(reports.c.id.desc())
        .limit(limit)
    )
    return [dict(row) for row in rows.mappings()]


async def _rows(connection: AsyncConnection, now: datetime, since: datetime | None) -> Any:
    tomorrow = (now.astimezone(UTC) + timedelta(days=1)).date()
    first = since.astimezone(UTC).date() if since else await counted.first_day(connection) or _FIRST
    return (await counted.rows(connection, figures.SOURCE, first, tomorrow, daily=False)).subquery()


async def _told(connection: AsyncConnection, query: Select[Any]) -> list[dict[str, Any]]:
    """With `precision`, and `last_seen`: when the newest of its reports came, looked up for those that are shown."""
    shown = query.subquery()
    newest = (
        select(reports.c.received_at)
        .where(reports.c.reporter_id == shown.c.id)
        .order_by(reports.c.id.desc())
        .limit(1)
        .scalar_subquery()
        .correlate(shown)
    )
    ordered = select(shown, newest.label("last_seen")).order_by(shown.c.reports.desc(), shown.c.key)
    rows = await connection.execute(ordered)
    return [_with_precision(dict(row)) for row in rows.mappings()]


def _with_precision(row: dict[str, Any]) -> dict[str, Any]:
    row["false"] = row.pop("found_false")  # a word of SQL's own
    for name in ("reports", "accepted", "disputed", "false"):
        row[name] = int(row[name])
    return row | {"precision": precision(row["accepted"], row["disputed"], row["false"])}

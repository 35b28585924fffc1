"""Runs of sources as rows: whose turn it is, who reads, how far, and what each run brought.

A source is read under a lease that each batch extends, so that of several nodes and people only one reads it; the
position is kept with the batch, in its transaction. Must never read a source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.connectors.sources.contract import Position
from gateway.store.tables import source_runs, sources
from gateway.store.text import storable

LEASE = timedelta(minutes=5)  # from one batch to the next; who died holds it no longer
_KEPT = 200  # runs of one source


@dataclass(frozen=True, slots=True)
class State:
    """What is known of a source. `reader`: who reads it at this moment (None: nobody)."""

    name: str
    last_run: datetime | None = None
    last_good: datetime | None = None
    next_at: datetime | None = None
    failures: int = 0
    error: str | None = None
    reader: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A lease: where to read on, and whether the run before did not come to its end."""

    position: Position
    unfinished: bool


@dataclass(frozen=True, slots=True)
class Run:
    """One run that is over. `report` has the fields of `leases.Changes`, and `placed`: reports that waited and found
    their customer by it."""

    source: str
    who: str
    began_at: datetime
    ended_at: datetime
    report: dict[str, Any] = field(default_factory=dict)
    error: str | None = None


async def due(connection: AsyncConnection, names: Sequence[str], now: datetime) -> list[str]:
    """Those of these sources whose turn it is and whom nobody reads, the longest waiting first."""
    rows = await connection.execute(
        select(sources.c.name, sources.c.next_at, sources.c.lease_until).where(sources.c.name.in_(list(names)))
    )
    known = {row.name: row for row in rows}
    waits = [
        (known[name].next_at.isoformat() if name in known and known[name].next_at else "", name)
        for name in names
        if name not in known
        or (
            (known[name].next_at is None or known[name].next_at <= now)
            and (known[name].lease_until is None or known[name].lease_until <= now)
        )
    ]
    return [name for _, name in sorted(waits)]


async def take(
    connection: AsyncConnection, name: str, holder: str, now: datetime, *, on_time: bool = False
) -> Taken | None:
    """The lease, with the place from which to read on. None: somebody else reads it, or (`on_time`) has just done so
    and it is not its turn any more."""
    insert_into = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    fresh = {"name": name, "position": {}, "failures": 0}
    await connection.execute(insert_into(sources).on_conflict_do_nothing(index_elements=["name"]), [fresh])
    row = (await connection.execute(select(sources).where(sources.c.name == name).with_for_update())).one()
    if row.lease_until is not None and row.lease_until > now:
        return None
    if on_time and row.next_at is not None and row.next_at > now:
        return None
    leased = {"lease_holder": holder, "lease_until": now + LEASE}
    await connection.execute(update(sources).where(sources.c.name == name).values(**leased))
    return Taken(dict(row.position or {}), row.failures > 0 or row.lease_holder is not None)


async def keep(connection: AsyncConnection, name: str, holder: str, position: Position, now: datetime) -> bool:
    """How far it was read by now. False: the lease ran out and somebody else has it; nothing of the batch may count."""
    done = await connection.execute(
        update(sources)
        .where(sources.c.name == name, sources.c.lease_holder == holder)
        .values(position=storable(position), lease_until=now + LEASE)
    )
    return done.rowcount == 1


async def release(connection: AsyncConnection, name: str, holder: str) -> None:
    """Nobody reads it any more; its turn is as it was."""
    mine = (sources.c.name == name, sources.c.lease_holder == holder)
    await connection.execute(update(sources).where(*mine).values(lease_holder=None, lease_until=None))


async def leave(connection: AsyncConnection, name: str, now: datetime) -> None:
    """Its reader goes before its time: who comes next knows by the lease, which is over, that what was brought is to be
    followed up."""
    await connection.execute(update(sources).where(sources.c.name == name).values(lease_until=now))


async def over(connection: AsyncConnection, run: Run, holder: str, next_at: datetime | None) -> int:
    """The run is over: kept with what it brought, the lease given back. Returns how often it failed in a row before."""
    name = run.source
    failures = int(
        (await connection.execute(select(sources.c.failures).where(sources.c.name == name))).scalar_one_or_none() or 0
    )
    values: dict[str, Any] = {"last_run": run.ended_at, "error": run.error, "next_at": next_at}
    values |= {"failures": failures + 1} if run.error else {"failures": 0, "last_good": run.ended_at}
    await connection.execute(update(sources).where(sources.c.name == name).values(storable(values)))
    await release(connection, name, holder)
    await connection.execute(
        insert(source_runs),
        storable([{column: getattr(run, column) for column in Run.__dataclass_fields__}]),
    )
    own = source_runs.c.source == name
    last_kept = select(source_runs.c.id).where(own).order_by(source_runs.c.id.desc()).offset(_KEPT).limit(1)
    await connection.execute(delete(source_runs).where(own, source_runs.c.id <= last_kept.scalar_subquery()))
    return failures


async def states(connection: AsyncConnection, now: datetime) -> dict[str, State]:
    """What is known of every source that was ever read."""
    rows = await connection.execute(select(sources).order_by(sources.c.name))
    return {
        row.name: State(
            row.name, row.last_run, row.last_good, row.next_at, row.failures, row.error,
            row.lease_holder if row.lease_until is not None and row.lease_until > now else None,
        )
        for row in rows
    }  # fmt: skip


async def latest(connection: AsyncConnection) -> dict[str, Run]:
    """The last run of each source."""
    newest = select(func.max(source_runs.c.id)).group_by(source_runs.c.source)
    rows = await connection.execute(select(source_runs).where(source_runs.c.id.in_(newest)))
    return {row.source: _run(row) for row in rows}


async def history(connection: AsyncConnection, name: str, limit: int = 50) -> list[Run]:
    """The runs of one source, the latest first."""
    rows = await connection.execute(
        select(source_runs).where(source_runs.c.source == name).order_by(source_runs.c.id.desc()).limit(limit)
    )
    return [_run(row) for row in rows]


def _run(row: Any) -> Run:
    return Run(row.source, row.who, row.began_at, row.ended_at, row.report or {}, row.error)

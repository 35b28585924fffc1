"""Marks and strikes as rows: an account's standing laid out and taken away, a fixed number of statements a batch.

The caller holds the accounts (`desk.hold`), so that two nodes count one after the other. Must never decide.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casework.defence import Reporter
from gateway.casework.strikes import LIVE, Mark, MarkKind, MarkState, Standing, Strike, StrikeKind, StrikeState
from gateway.store import events
from gateway.store.events import Event
from gateway.store.tables import marks, strikes
from gateway.store.text import storable


async def load(
    connection: AsyncConnection, account_ids: Collection[int], around: tuple[datetime, datetime], keys: Iterable[str]
) -> dict[int, Standing]:
    """The standing of these accounts: marks between the two times, those with one of the keys (void ones too: the
    same complaint does not come to life again), live strikes. Two statements."""
    found = {account_id: Standing(account_id) for account_id in account_ids}
    since, until = around
    near = and_(marks.c.at >= since, marks.c.at <= until, marks.c.state != MarkState.VOID.value)
    chosen = select(marks).where(marks.c.account_id.in_(list(found)), or_(near, marks.c.key.in_(sorted(set(keys)))))
    for row in await connection.execute(chosen.order_by(marks.c.at, marks.c.id)):
        found[row.account_id].marks.append(mark_of(row))
    for account_id, live in (await of_accounts(connection, account_ids)).items():
        found[account_id].strikes = live
    return found


async def of_accounts(connection: AsyncConnection, account_ids: Collection[int]) -> dict[int, list[Strike]]:
    """The live strikes of each account, oldest first. One statement."""
    rows = await connection.execute(
        select(strikes)
        .where(strikes.c.account_id.in_(list(account_ids)), strikes.c.state.in_([state.value for state in LIVE]))
        .order_by(strikes.c.at, strikes.c.id)
    )
    found: dict[int, list[Strike]] = {account_id: [] for account_id in account_ids}
    for row in rows:
        found[row.account_id].append(strike_of(row))
    return found


async def save(connection: AsyncConnection, standings: Iterable[Standing], report_ids: list[int], now: datetime) -> int:
    """Write new marks and strikes, with an Event for each strike. `report_ids` maps positions in the batch to rows.
    Returns how many strikes are new. At most four statements."""
    standings = list(standings)
    fresh = [_mark_row(s.account_id, m, report_ids) for s in standings for m in s.marks if m.id is None]
    if fresh:
        await connection.execute(insert(marks), storable(fresh))
    made = [(s, strike) for s in standings for strike in s.fresh]
    if made:
        rows = [_strike_row(s, strike, now) for s, strike in made]
        inserted = await connection.execute(insert(strikes).returning(strikes.c.id, sort_by_parameter_order=True), rows)
        ids = list(inserted.scalars())
        await _spend(connection, [(one, strike, i) for (one, strike), i in zip(made, ids, strict=True)])
        await events.add(connection, [_made(s, strike, i, now) for (s, strike), i in zip(made, ids, strict=True)])
    return len(made)


async def declare(connection: AsyncConnection, strike: Strike, *, who: str, now: datetime) -> None:
    """A strike that staff made, with its Event."""
    row = _strike_row(Standing(strike.account_id), strike, now)
    made = await connection.execute(insert(strikes).values(storable(row)).returning(strikes.c.id))
    data = {"strike": made.scalar_one(), "account": strike.account_id, "policy": strike.policy}
    await events.add(connection, [Event(now, who, "immediate threat", strike.why, data=data)])


async def by_ids(connection: AsyncConnection, ids: Collection[int]) -> list[Strike]:
    """Those of these strikes that stand, locked until the transaction ends."""
    if not ids:
        return []
    live = strikes.c.state.in_([state.value for state in LIVE])
    rows = await connection.execute(
        select(strikes).where(strikes.c.id.in_(list(ids)), live).order_by(strikes.c.id).with_for_update()
    )
    return [strike_of(row) for row in rows]


async def marks_of(connection: AsyncConnection, strike: Strike, threat_since: datetime | None = None) -> list[Mark]:
    """The marks behind a strike; for a threat (`threat_since`) all of the account in (threat_since, strike.at]."""
    behind = marks.c.strike_id == strike.id
    if threat_since is not None:
        span = and_(marks.c.at >= threat_since, marks.c.at <= strike.at, marks.c.state != MarkState.VOID.value)
        behind = and_(marks.c.account_id == strike.account_id, span)
    rows = await connection.execute(select(marks).where(behind).order_by(marks.c.at, marks.c.id))
    return [mark_of(row) for row in rows]


async def ladder_marks(connection: AsyncConnection, account_id: int) -> list[Mark]:
    """The marks behind all live strikes of an account."""
    live = select(strikes.c.id).where(
        strikes.c.account_id == account_id, strikes.c.state.in_([state.value for state in LIVE])
    )
    rows = await connection.execute(select(marks).where(marks.c.strike_id.in_(live)).order_by(marks.c.at, marks.c.id))
    return [mark_of(row) for row in rows]


async def void(
    connection: AsyncConnection, why: str, *, case_id: int | None = None, account_id: int | None = None
) -> list[int]:
    """The marks of a case, or all of an account, do not count any more. Returns the strikes they were part of."""
    if case_id is None and account_id is None:
        raise ValueError("void needs a case or an account")
    chosen = marks.c.case_id == case_id if case_id is not None else marks.c.account_id == account_id
    rows = await connection.execute(
        update(marks)
        .where(chosen, marks.c.state != MarkState.VOID.value)
        .values(state=MarkState.VOID.value, why=why)
        .returning(marks.c.strike_id)
    )
    return sorted({strike_id for strike_id in rows.scalars() if strike_id is not None})


def mark_of(row: Any) -> Mark:
    """A mark as the pure code knows it."""
    reporter = Reporter(row.complainant, row.organisation, known=row.known, freemail=row.freemail)
    return Mark(
        row.key, row.at, reporter, row.conduct_at, MarkKind(row.kind), MarkState(row.state), row.policy,
        cls=row.cls, case_id=row.case_id, why=row.why, id=row.id,
    )  # fmt: skip


def strike_of(row: Any) -> Strike:
    """A strike as the pure code knows it."""
    return Strike(
        StrikeKind(row.kind), row.number, row.at, row.policy, row.why, (), StrikeState(row.state), row.warned_at,
        row.id, row.account_id,
    )  # fmt: skip


def reach(times: Sequence[datetime], longest: timedelta) -> tuple[datetime, datetime]:
    """Between which times a mark can meet one of these."""
    return min(times) - longest, max(times) + longest


async def _spend(connection: AsyncConnection, made: Iterable[tuple[Standing, Strike, int]]) -> None:
    rows = [
        {"of_account": s.account_id, "of_key": key, "by": strike_id}
        for s, strike, strike_id in made
        if strike.kind == StrikeKind.STRIKE
        for key in strike.keys
    ]
    if rows:
        statement = update(marks).where(
            marks.c.account_id == bindparam("of_account"), marks.c.key == bindparam("of_key")
        )
        await connection.execute(statement.values(state=MarkState.SPENT.value, strike_id=bindparam("by")), rows)


def _mark_row(account_id: int, mark: Mark, report_ids: list[int]) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "key": mark.key,
        "kind": mark.kind.value,
        "state": mark.state.value,
        "at": mark.at,
        "conduct_at": mark.conduct_at,
        "policy": mark.policy,
        "complainant": mark.reporter.complainant,
        "organisation": mark.reporter.organisation,
        "known": mark.reporter.known,
        "freemail": mark.reporter.freemail,
        "cls": mark.cls,
        "report_id": report_ids[mark.report] if mark.report is not None else None,
        "case_id": mark.case_id,
        "why": mark.why,
    }


def _strike_row(standing: Standing, strike: Strike, now: datetime) -> dict[str, Any]:
    of = [mark.at for mark in standing.marks if mark.key in set(strike.keys)]
    return {
        "account_id": standing.account_id,
        "kind": strike.kind.value,
        "number": strike.number,
        "at": strike.at,
        "first_at": min(of, default=strike.at),
        "complaints": len(strike.keys),
        "policy": strike.policy,
        "state": strike.state.value,
        "why": strike.why,
        "created_at": now,
        "next_at": now,
    }


def _made(standing: Standing, strike: Strike, strike_id: int, now: datetime) -> Event:
    what = "immediate threat" if strike.kind == StrikeKind.THREAT else f"strike {strike.number}"
    case_id = max((m.case_id for m in standing.marks if m.key in set(strike.keys) and m.case_id), default=None)
    data = {"strike": strike_id, "account": standing.account_id, "policy": strike.policy}
    return Event(now, events.SYSTEM, what, strike.why, case_id=case_id, data=data)

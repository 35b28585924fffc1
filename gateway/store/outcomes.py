"""Outcomes that may be told, and who waits for one. Must never decide who hears what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, and_, case, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import CaseState
from gateway.store import events, switches
from gateway.store.events import Event
from gateway.store.tables import attributions, case_outcomes, cases, clocks, outcome_wishes, reports
from gateway.store.text import storable

_TELLING = "outcomes told"  # the switch
_ENDED = (CaseState.RESOLVED.value, CaseState.CLOSED.value, CaseState.DISMISSED.value)
_ITS_CASES = (
    reports.join(attributions, attributions.c.report_id == reports.c.id)
    .join(clocks, clocks.c.id == attributions.c.clock_id)
    .join(cases, cases.c.id == clocks.c.case_id)
    .outerjoin(case_outcomes, case_outcomes.c.case_id == cases.c.id)
)  # fmt: skip


async def wish(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Remember who is to hear of which message; the first wish for one stands. One statement."""
    if not rows:
        return
    inserting = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = inserting(outcome_wishes).on_conflict_do_nothing(index_elements=["message_id"])
    await connection.execute(statement, storable(list(rows)))


async def release(connection: AsyncConnection, case_id: int, result: str, *, who: str, why: str, now: datetime) -> int:
    """Complainants of this case may hear the result. Returns how many wait for it."""
    inserting = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {"case_id": case_id, "result": result, "released_at": now, "released_by": who, "why": why}
    statement = inserting(case_outcomes).values(storable(row))
    anew = {name: statement.excluded[name] for name in row if name != "case_id"}
    await connection.execute(statement.on_conflict_do_update(index_elements=["case_id"], set_=anew))
    await events.add(connection, [Event(now, who, "outcome released", f"{result}: {why}", case_id=case_id)])
    of_it = select(reports.c.message_id).select_from(_ITS_CASES).where(cases.c.id == case_id)
    waiting = and_(outcome_wishes.c.message_id.in_(of_it), outcome_wishes.c.done_at.is_(None))
    woken = await connection.execute(update(outcome_wishes).where(waiting).values(look_at=now))
    return int(woken.rowcount)


async def any_due(connection: AsyncConnection, now: datetime) -> bool:
    """One statement that writes nothing: most turns end here."""
    query = select(outcome_wishes.c.id).where(outcome_wishes.c.look_at <= now, outcome_wishes.c.done_at.is_(None))
    return (await connection.execute(query.limit(1))).first() is not None


async def due(connection: AsyncConnection, now: datetime, limit: int) -> list[dict[str, Any]]:
    """Wishes that are to be looked at, oldest first, locked until the transaction ends."""
    rows = await connection.execute(
        select(outcome_wishes)
        .where(outcome_wishes.c.look_at <= now, outcome_wishes.c.done_at.is_(None))
        .order_by(outcome_wishes.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [dict(row) for row in rows.mappings()]


async def results(connection: AsyncConnection, message_ids: Sequence[int]) -> dict[int, set[str]]:
    """{message: the results of its cases} of those whose cases have all ended and been released. One statement."""
    told = and_(cases.c.state.in_(_ENDED), case_outcomes.c.released_at >= cases.c.resolved_at)
    rows = await connection.execute(
        select(
            reports.c.message_id,
            case_outcomes.c.result,
            func.min(case((told, 1), else_=0).cast(Integer)).label("told"),
        )
        .select_from(_ITS_CASES)
        .where(reports.c.message_id.in_(list(message_ids)), cases.c.state != CaseState.MERGED.value)
        .group_by(reports.c.message_id, case_outcomes.c.result)
    )
    found: dict[int, set[str]] = {}
    open_: set[int] = set()
    for row in rows:
        found.setdefault(row.message_id, set()).add(row.result or "")
        if not row.told:
            open_.add(row.message_id)
    return {message: said for message, said in found.items() if message not in open_}


async def said_since(connection: AsyncConnection, since: datetime) -> int:
    """How many were told since then. Nobody else tells any until the transaction ends: two nodes could each use up
    what is left of an hour."""
    await switches.hold(connection, _TELLING)
    query = select(func.count()).select_from(outcome_wishes).where(outcome_wishes.c.done_at > since)
    return int((await connection.execute(query)).scalar_one())


async def done(connection: AsyncConnection, told: Mapping[int, tuple[str, int | None]], now: datetime) -> None:
    """{wish: (result, its notice)}: that was that."""
    for number, (result, notice_id) in told.items():
        values = {"done_at": now, "look_at": None, "result": result, "notice_id": notice_id}
        await connection.execute(update(outcome_wishes).where(outcome_wishes.c.id == number).values(**values))


async def sleep(connection: AsyncConnection, numbers: Iterable[int]) -> None:
    """Not yet: the next release wakes them."""
    chosen = sorted(set(numbers))
    if chosen:
        await connection.execute(update(outcome_wishes).where(outcome_wishes.c.id.in_(chosen)).values(look_at=None))


async def of_case(connection: AsyncConnection, case_id: int) -> dict[str, Any]:
    """What may be told of a case (`released`, None: nothing yet), and who is or was to hear it (`wishes`)."""
    row = (await connection.execute(select(case_outcomes).where(case_outcomes.c.case_id == case_id))).mappings()
    released = row.one_or_none()
    of_it = select(reports.c.message_id).select_from(_ITS_CASES).where(cases.c.id == case_id)
    query = select(outcome_wishes).where(outcome_wishes.c.message_id.in_(of_it)).order_by(outcome_wishes.c.id)
    wishes = [dict(one) for one in (await connection.execute(query)).mappings()]
    return {"released": dict(released) if released else None, "wishes": wishes}

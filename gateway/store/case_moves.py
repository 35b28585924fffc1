"""Clocks that go from one case to another, with everything that was said and done about them.

Their evidence follows by itself (attributions name the clock); notices and actions name the
case too and go along. Events stay where they happened. Must never decide what may move.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import Case, CaseState, Clock
from gateway.store import events
from gateway.store.case_rows import case_row, current_key
from gateway.store.events import Event
from gateway.store.tables import actions, cases, clocks, notices


async def merge(  # noqa: PLR0913  (what goes where, and who says so, when and why)
    connection: AsyncConnection,
    source: Case,
    target: Case,
    moving: Sequence[Clock],
    *,
    keeps_coming: bool,
    who: str,
    why: str,
    now: datetime,
) -> None:
    """`moving` clocks go over and `source` is merged. `keeps_coming`: it was the latest of its account and class, and
    what comes for it goes to `target` from now on."""
    await _move(connection, [clock.id or 0 for clock in moving], target.id or 0)
    await connection.execute(
        update(cases).where(cases.c.merged_into == source.id).values(merged_into=target.id)  # one step, never a chain
    )
    gone = update(cases).where(cases.c.id == source.id)
    values = {"state": CaseState.MERGED.value, "merged_into": target.id, "resolved_at": now}
    await connection.execute(gone.values(**(values if keeps_coming else values | {"current": None})))
    taken = f"{source.number} with {', '.join(clock.value for clock in moving) or 'nothing'}"
    await events.add(
        connection,
        [
            Event(now, who, "case merged", f"into {target.number}: {why}", case_id=source.id),
            Event(now, who, "case took another", f"{taken}: {why}", case_id=target.id),
        ],
    )  # fmt: skip


async def split(
    connection: AsyncConnection, case: Case, moving: Sequence[Clock], *, who: str, why: str, now: datetime
) -> int:
    """`moving` clocks get a case of their own, of the same account, class and policy. Returns its id."""
    fresh = case_row(Case(case.account_id, case.cls, CaseState.OPEN, now, policy=case.policy)) | {"current": None}
    made = (await connection.execute(insert(cases).returning(cases.c.id), [fresh])).scalar_one()
    key = current_key(case.account_id, case.cls, made)
    await connection.execute(update(cases).where(cases.c.id == made).values(current=key))
    await _move(connection, [clock.id or 0 for clock in moving], made)
    number = Case(case.account_id, case.cls, CaseState.OPEN, now, id=made).number
    going = ", ".join(clock.value for clock in moving)
    await events.add(
        connection,
        [
            Event(now, who, "case split", f"{going} into {number}: {why}", case_id=case.id),
            Event(now, who, "case opened", f"split off {case.number} with {going}: {why}", case_id=made),
        ],
    )
    return int(made)


async def _move(connection: AsyncConnection, clock_ids: Sequence[int], case_id: int) -> None:
    for table in (notices, actions):
        await connection.execute(update(table).where(table.c.clock_id.in_(clock_ids)).values(case_id=case_id))
    await connection.execute(update(clocks).where(clocks.c.id.in_(clock_ids)).values(case_id=case_id))

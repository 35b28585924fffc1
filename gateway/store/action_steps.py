"""What each connector has to do for an action: planned, claimed, its outcome written, and what is in force with it.

One row for each (action, connector, phase, run) under an idempotency key that every attempt hands on. Must never
call a connector or decide what is to be done.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.connectors.contract import Entry, Phase
from gateway.model import ActionKind, ActionState
from gateway.store.tables import action_steps as steps
from gateway.store.tables import actions
from gateway.store.text import storable

CLAIM = timedelta(minutes=15)
PENDING, DONE, FAILED, CANCELLED = "pending", "done", "failed", "cancelled"


@dataclass(frozen=True, slots=True)
class Step:
    """One connector's part. `attempts` counts those that ended; `run` those that staff began anew."""

    id: int
    key: str
    action_id: int
    connector: str
    phase: Phase
    run: int
    state: str
    attempts: int
    created_at: datetime
    next_at: datetime | None
    done_at: datetime | None
    answer: str
    claimed_by: str | None
    claimed_until: datetime | None


_COLUMNS = [steps.c[name] for name in Step.__dataclass_fields__]


async def of(connection: AsyncConnection, action_id: int) -> list[Step]:
    """The steps of an action, in the order in which they were planned. Locked until the transaction ends."""
    rows = await connection.execute(
        select(*_COLUMNS).where(steps.c.action_id == action_id).order_by(steps.c.id).with_for_update()
    )
    return [_step(row) for row in rows]


async def plan(
    connection: AsyncConnection, action_id: int, phase: Phase, connectors: Sequence[str], now: datetime
) -> None:
    """A step for each of these connectors, one run further than the last of this phase."""
    last = (
        await connection.execute(
            select(func.max(steps.c.run)).where(steps.c.action_id == action_id, steps.c.phase == phase.value)
        )
    ).scalar_one()
    run = (last or 0) + 1
    rows = [
        {
            "key": f"action-{action_id}-{name}-{phase.value}-{run}", "action_id": action_id, "connector": name,
            "phase": phase.value, "run": run, "state": PENDING, "attempts": 0, "created_at": now, "next_at": now,
            "answer": "",
        }
        for name in connectors
    ]  # fmt: skip
    if rows:
        await connection.execute(insert(steps), rows)


async def claim(
    connection: AsyncConnection, node: str, connectors: Collection[str], now: datetime, limit: int
) -> list[Step]:
    """Take up to `limit` steps of these connectors that are due, oldest first. A step of an action that fell is
    never claimed."""
    free = or_(steps.c.claimed_until.is_(None), steps.c.claimed_until < now)
    wanted = or_(
        and_(steps.c.phase == Phase.DO.value, actions.c.state == ActionState.APPROVED.value),
        and_(steps.c.phase == Phase.UNDO.value, actions.c.lifting.is_(True)),
    )
    due = (
        select(steps.c.id)
        .join(actions, actions.c.id == steps.c.action_id)
        .where(steps.c.state == PENDING, steps.c.next_at <= now, free, wanted)
        .where(steps.c.connector.in_(sorted(connectors)))
        .order_by(steps.c.id)
        .limit(limit)
        .with_for_update(of=steps, skip_locked=True)
    )
    ids = list((await connection.execute(due)).scalars())
    if not ids:
        return []
    taken = await connection.execute(
        update(steps).where(steps.c.id.in_(ids)).values(claimed_by=node, claimed_until=now + CLAIM).returning(*_COLUMNS)
    )
    return sorted((_step(row) for row in taken), key=lambda step: step.id)


async def unclaim(connection: AsyncConnection, ids: Sequence[int]) -> None:
    """These were claimed and not begun."""
    await connection.execute(update(steps).where(steps.c.id.in_(list(ids))).values(claimed_until=None, claimed_by=None))


async def release(connection: AsyncConnection, node: str) -> None:
    """What this node had claimed and has no outcome is free again: at start, and when it stops."""
    await connection.execute(
        update(steps).where(steps.c.claimed_by == node, steps.c.state == PENDING).values(claimed_until=None)
    )


async def done(connection: AsyncConnection, step: Step, now: datetime, answer: str) -> None:
    await _end(connection, step, {"state": DONE, "done_at": now, "next_at": None, "answer": answer})


async def not_done(connection: AsyncConnection, step: Step, next_at: datetime | None, answer: str) -> None:
    """Another attempt at `next_at`, or None for never."""
    await _end(connection, step, {"state": PENDING if next_at else FAILED, "next_at": next_at, "answer": answer})


async def cancel(connection: AsyncConnection, action_id: int, phase: Phase) -> None:
    """What is still to be done of this phase falls."""
    await connection.execute(
        update(steps)
        .where(steps.c.action_id == action_id, steps.c.phase == phase.value, steps.c.state == PENDING)
        .values(state=CANCELLED, next_at=None, claimed_until=None)
    )


async def forget(connection: AsyncConnection, ids: Sequence[int]) -> None:
    """These failed, and others take their place."""
    await connection.execute(update(steps).where(steps.c.id.in_(list(ids))).values(state=CANCELLED, next_at=None))


async def in_force(connection: AsyncConnection, connector: str, step: Step) -> list[Entry]:
    """What this connector has to have in force once `step` is carried out: what it did and nobody lifts, with what is
    done now, without what is lifted now."""
    standing = [ActionState.APPROVED.value, ActionState.DONE.value, ActionState.FAILED.value]
    rows = await connection.execute(
        select(actions.c.id, actions.c.kind, actions.c.target, actions.c.expires_at)
        .join(steps, steps.c.action_id == actions.c.id)
        .where(steps.c.connector == connector, steps.c.phase == Phase.DO.value)
        .where(or_(steps.c.state == DONE, steps.c.id == step.id))
        .where(actions.c.state.in_(standing), actions.c.lifting.is_(False))
        .order_by(actions.c.id)
    )
    return list({row.id: Entry(row.id, ActionKind(row.kind), row.target, row.expires_at) for row in rows}.values())


async def _end(connection: AsyncConnection, step: Step, values: dict[str, Any]) -> None:
    await connection.execute(
        update(steps)
        .where(steps.c.id == step.id)
        .values(attempts=steps.c.attempts + 1, claimed_until=None, **storable(values))
    )


def _step(row: Any) -> Step:
    return Step(**{**row._mapping, "phase": Phase(row.phase)})  # noqa: SLF001  (a Core row's public mapping)

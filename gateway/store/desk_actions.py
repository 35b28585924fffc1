"""The Actions that changed clocks ask for, and those that fall with them: part of saving a Desk.

An action falls with its clock until a connector began with it; what was enforced already, staff decide. Must never
decide anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import and_, exists, or_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casework.actions import first_state
from gateway.casework.desk import ClockKey, Desk
from gateway.casework.states import ClockTrigger
from gateway.model import TO_ACCOUNT, ActionKind, ActionState, CaseKey, Clock
from gateway.store import actions as store
from gateway.store import events
from gateway.store.enforced import PLANNED
from gateway.store.tables import action_steps, actions


async def save(
    connection: AsyncConnection,
    desk: Desk,
    case_ids: Mapping[CaseKey, int],
    clock_ids: Mapping[ClockKey, int],
    now: datetime,
) -> None:
    """At most three statements, whatever the size of the batch. Each clock's Event tells of it."""
    falling = [clock_ids[a.change.clock.key] for a in desk.applied if a.change.cancels_actions]
    if falling:
        await _fall(connection, falling, now)
    rows = [
        {
            "key": _key(a.change.clock, clock_ids[a.change.clock.key], wanted.kind),
            "kind": wanted.kind.value,
            "state": first_state(wanted.approval).value,
            "approval": wanted.approval,
            "account_id": a.change.clock.case_key[0],
            "case_id": case_ids[a.change.clock.case_key],
            "clock_id": clock_ids[a.change.clock.key],
            "target": _target(desk, a.change.clock, wanted.kind),
            "why": a.change.why,
            "created_at": now,
            "told": PLANNED if a.change.trigger is ClockTrigger.DUE else "",  # that the time is up says what follows
        }
        for a in desk.applied
        for wanted in a.change.actions
    ]
    await store.plan(connection, rows)


def _target(desk: Desk, clock: Clock, kind: ActionKind) -> str:
    """The resource that was reported; for what is done to an account, the account."""
    return desk.parties[clock.case_key[0]].target if kind in TO_ACCOUNT else clock.value


async def _fall(connection: AsyncConnection, clock_ids: list[int], now: datetime) -> None:
    begun = exists().where(
        action_steps.c.action_id == actions.c.id,
        or_(action_steps.c.claimed_by.is_not(None), action_steps.c.attempts > 0),
    )
    falls = or_(
        actions.c.state.in_([ActionState.PROPOSED.value, ActionState.ASKED.value]),
        and_(actions.c.state == ActionState.APPROVED.value, ~begun),
    )
    await connection.execute(
        update(actions)
        .where(actions.c.clock_id.in_(clock_ids), falls)
        .values(state=ActionState.CANCELLED.value, decided_at=now, decided_by=events.SYSTEM)
    )


def _key(clock: Clock, clock_id: int, kind: ActionKind) -> str:
    """Once for each end of the clock: an extension ends too, in the same round."""
    return f"clock:{clock_id}/{clock.round}/{clock.due_at}/{kind.value}"

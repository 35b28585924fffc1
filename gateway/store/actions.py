"""What staff decide about Actions: approved, carried out, cancelled, undone; each once, with who and why.

A conditional update: two people who press at once do it once. Must never carry anything out.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import ActionState
from gateway.store import events
from gateway.store.events import Event
from gateway.store.tables import actions


async def decide(  # noqa: PLR0913  (who decided what about which row, from which states, and why)
    connection: AsyncConnection,
    action_id: int,
    allowed: Collection[ActionState],
    to: ActionState,
    *,
    who: str,
    why: str,
    now: datetime,
) -> ActionState | None:
    """Move an action to `to` if it is in one of the `allowed` states. Returns the state it was in when it was
    not allowed (unchanged), None when it was done. Raises LookupError if there is no such action."""
    done = await connection.execute(
        update(actions)
        .where(actions.c.id == action_id, actions.c.state.in_([state.value for state in allowed]))
        .values(state=to.value, decided_by=who, decided_at=now)
        .returning(actions.c.case_id, actions.c.clock_id, actions.c.kind, actions.c.target)
    )
    row = done.one_or_none()
    if row is None:
        state = (
            await connection.execute(select(actions.c.state).where(actions.c.id == action_id))
        ).scalar_one_or_none()
        if state is None:
            raise LookupError(f"there is no action {action_id}; 'arfgate block list' shows them")
        return ActionState(state)
    what = f"action {row.kind} {to.value}"
    await events.add(
        connection, [Event(now, who, what, f"{row.target}: {why}", case_id=row.case_id, clock_id=row.clock_id)]
    )
    return None

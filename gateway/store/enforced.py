"""Which Actions have come further than their customers know: planned, carried out, lifted. Must never decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import ActionKind, ActionState, Case, CaseState
from gateway.store import events
from gateway.store.tables import actions, cases, strikes

# What a customer was told last of an action.
NOTHING, SILENT, PLANNED, DONE, LIFTED = "", "silent", "planned", "done", "lifted"

# a statement tells of the one, and the other is nobody of ours
_SAID_OTHERWISE = (ActionKind.CHARGE.value, ActionKind.LIST_FOREIGN.value)


@dataclass(frozen=True, slots=True)
class Step:
    """An action that came further, and the strike it came from (times as ISO 8601). `state` is an ActionState."""

    id: int
    account_id: int
    case_id: int | None
    kind: str
    target: str
    state: str
    approval: str
    done_at: datetime | None
    complaints: int | None
    first_at: str | None
    last_at: str | None
    policy: str | None


_WAITS = and_(actions.c.told == NOTHING, actions.c.state.in_([ActionState.PROPOSED.value, ActionState.ASKED.value]))
_DONE = and_(actions.c.told.in_([NOTHING, SILENT, PLANNED]), actions.c.state == ActionState.DONE.value)
_UNDONE = and_(actions.c.told == DONE, actions.c.state == ActionState.UNDONE.value)
# What falls by itself falls with an answer or a resolution, which says enough.
_REFUSED = and_(
    actions.c.told == PLANNED, actions.c.state == ActionState.CANCELLED.value, actions.c.decided_by != events.SYSTEM
)
_UNTOLD = (
    or_(_WAITS, _DONE, _UNDONE, _REFUSED),
    actions.c.account_id.is_not(None),
    actions.c.kind.not_in(_SAID_OTHERWISE),
)


async def any_untold(connection: AsyncConnection) -> bool:
    """One statement that writes nothing: most turns end here."""
    return (await connection.execute(select(actions.c.id).where(*_UNTOLD).limit(1))).first() is not None


async def untold(connection: AsyncConnection, limit: int) -> list[Step]:
    """Oldest first, locked until the transaction ends."""
    rows = await connection.execute(
        select(
            actions.c.id, actions.c.account_id, actions.c.case_id, actions.c.kind, actions.c.target, actions.c.state,
            actions.c.approval, actions.c.decided_at, strikes.c.complaints, strikes.c.first_at, strikes.c.at,
            strikes.c.policy,
        )
        .outerjoin(strikes, strikes.c.id == actions.c.strike_id)
        .where(*_UNTOLD)
        .order_by(actions.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=actions)
    )  # fmt: skip
    return [
        Step(*row[:9], row[9].isoformat() if row[9] else None, row[10].isoformat() if row[10] else None, row[11])
        for row in rows
    ]


async def cases_of(connection: AsyncConnection, case_ids: Sequence[int]) -> dict[int | None, tuple[str, str]]:
    """{case: (its number, its policy)}. Not locked: who decides about a case waits for its actions, which are held."""
    rows = await connection.execute(
        select(cases.c.id, cases.c.opened_at, cases.c.policy).where(cases.c.id.in_(list(case_ids)))
    )
    return {row.id: (Case(0, "", CaseState.OPEN, row.opened_at, id=row.id).number, row.policy) for row in rows}


async def mark_told(connection: AsyncConnection, told: Sequence[tuple[int, str]]) -> None:
    """(action, what its customer knows now). One statement."""
    if told:
        values = case(dict(told), value=actions.c.id)
        await connection.execute(
            update(actions).where(actions.c.id.in_([number for number, _ in told])).values(told=values)
        )

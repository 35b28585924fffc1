"""Which Actions were carried out without the customer having been told. Must never decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import ActionKind, ActionState
from gateway.store.tables import actions, strikes

# a statement tells of the one, and the other is nobody of ours
_SAID_OTHERWISE = (ActionKind.CHARGE.value, ActionKind.LIST_FOREIGN.value)


@dataclass(frozen=True, slots=True)
class Done:
    """An action that was carried out, and the strike it came from (times as ISO 8601)."""

    id: int
    account_id: int
    case_id: int | None
    kind: str
    target: str
    done_at: datetime | None
    complaints: int | None
    first_at: str | None
    last_at: str | None
    policy: str | None


_UNTOLD = (
    actions.c.told.is_(False),
    actions.c.state == ActionState.DONE.value,
    actions.c.account_id.is_not(None),
    actions.c.kind.not_in(_SAID_OTHERWISE),
)


async def any_untold(connection: AsyncConnection) -> bool:
    """One statement that writes nothing: most turns end here."""
    return (await connection.execute(select(actions.c.id).where(*_UNTOLD).limit(1))).first() is not None


async def untold(connection: AsyncConnection, limit: int) -> list[Done]:
    """Oldest first, locked until the transaction ends."""
    rows = await connection.execute(
        select(
            actions.c.id, actions.c.account_id, actions.c.case_id, actions.c.kind, actions.c.target,
            actions.c.decided_at, strikes.c.complaints, strikes.c.first_at, strikes.c.at, strikes.c.policy,
        )
        .outerjoin(strikes, strikes.c.id == actions.c.strike_id)
        .where(*_UNTOLD)
        .order_by(actions.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=actions)
    )  # fmt: skip
    return [
        Done(*row[:7], row[7].isoformat() if row[7] else None, row[8].isoformat() if row[8] else None, row[9])
        for row in rows
    ]


async def mark_told(connection: AsyncConnection, ids: Sequence[int]) -> None:
    if ids:
        await connection.execute(update(actions).where(actions.c.id.in_(list(ids))).values(told=True))

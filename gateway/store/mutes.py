"""Mute rules in the database; each made and lifted with its author. Must never delete one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casework.mutes import Mute, MuteKind
from gateway.store import events
from gateway.store.events import Event
from gateway.store.tables import attributions, mutes
from gateway.store.text import storable


async def active(connection: AsyncConnection, now: datetime) -> tuple[Mute, ...]:
    """The rules that hold."""
    rows = await connection.execute(
        select(mutes).where(mutes.c.expires_at > now, mutes.c.lifted_at.is_(None)).order_by(mutes.c.id)
    )
    return tuple(
        Mute(
            row.id, MuteKind(row.kind), row.value, row.expires_at, row.family,
            int(row.first or "0", 16), int(row.last or "0", 16),
        )
        for row in rows
    )  # fmt: skip


async def add(connection: AsyncConnection, rule: Mute, reason: str, *, who: str, now: datetime) -> int:
    """A new rule (its id does not count). Returns its number."""
    made = await connection.execute(
        insert(mutes).returning(mutes.c.id).values(
            storable(
                {
                    "kind": rule.kind.value, "value": rule.value, "family": rule.family, "first": f"{rule.first:x}",
                    "last": f"{rule.last:x}", "reason": reason, "who": who, "created_at": now,
                    "expires_at": rule.expires_at,
                }
            )
        )
    )  # fmt: skip
    why = f"{rule.kind.value} {rule.value} until {rule.expires_at:%Y-%m-%d %H:%M}Z: {reason}"
    await events.add(connection, [Event(now, who, "muted", why)])
    return int(made.scalar_one())


async def lift(connection: AsyncConnection, number: int, *, who: str, now: datetime) -> bool:
    """End a rule before its time. False: there is none that holds."""
    done = await connection.execute(
        update(mutes)
        .where(mutes.c.id == number, mutes.c.lifted_at.is_(None), mutes.c.expires_at > now)
        .values(lifted_at=now, lifted_by=who)
    )
    if done.rowcount != 1:
        return False
    await events.add(connection, [Event(now, who, "mute lifted", f"rule {number}")])
    return True


async def overview(connection: AsyncConnection) -> list[dict[str, Any]]:
    """All rules, the latest first, with how many complaints each kept back."""
    kept = (
        select(attributions.c.muted_by, func.count().label("kept_back"))
        .where(attributions.c.muted_by.is_not(None))
        .group_by(attributions.c.muted_by)
        .subquery()
    )
    rows = await connection.execute(
        select(mutes, func.coalesce(kept.c.kept_back, 0).label("kept_back"))
        .outerjoin(kept, kept.c.muted_by == mutes.c.id)
        .order_by(mutes.c.id.desc())
    )
    return [dict(row) for row in rows.mappings()]

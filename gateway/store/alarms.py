"""Alarms on their way to staff. Must never decide who is told, or how often."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.tables import due_alarms


async def any_due(connection: AsyncConnection) -> bool:
    """One statement that writes nothing: most turns end here."""
    return (await connection.execute(select(due_alarms.c.id).limit(1))).first() is not None


async def take(connection: AsyncConnection, limit: int) -> list[dict[str, Any]]:
    """Up to `limit`, oldest first: they are the caller's, and gone with its transaction. Two statements."""
    query = select(due_alarms).order_by(due_alarms.c.id).limit(limit).with_for_update(skip_locked=True)
    rows = [dict(row) for row in (await connection.execute(query)).mappings()]
    if rows:
        await connection.execute(delete(due_alarms).where(due_alarms.c.id.in_([row["id"] for row in rows])))
    return rows

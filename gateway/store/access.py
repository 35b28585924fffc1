"""The access log: who looked at which personal data, when and from where.

Written before the page is made, so that no look is missing. Must never be updated or deleted from, and must never
hold what was seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.tables import access_log
from gateway.store.text import storable

_PATH_CHARS = 300


@dataclass(frozen=True, slots=True)
class Look:
    """One look. `path`: the page; `address`: the machine it was seen from."""

    id: int
    at: datetime
    who: str
    path: str
    address: str


async def add(connection: AsyncConnection, who: str, path: str, address: str, now: datetime) -> None:
    row = {"at": now, "who": who, "path": path[:_PATH_CHARS], "address": address}
    await connection.execute(insert(access_log), storable([row]))


async def listed(
    connection: AsyncConnection,
    *,
    who: str | None = None,
    path: str | None = None,
    before: int | None = None,
    limit: int = 200,
) -> list[Look]:
    """The newest first: of one person, of one page, or all; `before`: those older than that number."""
    query = select(*(access_log.c[name] for name in Look.__dataclass_fields__))
    if who is not None:
        query = query.where(access_log.c.who == who)
    if path is not None:
        query = query.where(access_log.c.path == path)
    if before is not None:
        query = query.where(access_log.c.id < before)
    return [Look(*row) for row in await connection.execute(query.order_by(access_log.c.id.desc()).limit(limit))]

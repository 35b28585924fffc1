"""Which of several conditions a list should walk on SQLite, which cannot know which value is rare.

Must never change what a list holds: a hidden condition is the same one, out of sight of the indexes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

_LOOKED_AT = 50_000  # rows with one value


async def rarest_first(connection: AsyncConnection, ids: Any, walked: Sequence[tuple[Any, Any]]) -> list[Any]:
    """(a condition, the same hidden from the indexes). The list walks the index of the rarest; the others are hidden
    from SQLite, which would walk a million cases of a class to find a person's two. `ids`: the table's key."""
    if len(walked) < 2 or connection.dialect.name != "sqlite":
        return [condition for condition, _ in walked]
    many = []
    for condition, _ in walked:
        some = select(ids).where(condition).limit(_LOOKED_AT).subquery()
        many.append((await connection.execute(select(func.count()).select_from(some))).scalar_one())
    rarest = many.index(min(many))
    return [condition if n == rarest else hidden for n, (condition, hidden) in enumerate(walked)]

"""The numbers beside the places of the rail, and the number of the last event: what tells a page that it is old.

Bounded: a number beyond the bound says that there are many. Must never count a whole table.
"""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.tables import actions, attributions, events, held


async def counts(connection: AsyncConnection, most: int = 1000) -> dict[str, int]:
    """What stands beside the places of the rail, at most so many each; and `change`, the number of the last event."""
    waiting = {
        "/queue": (attributions.c.id, attributions.c.queue == "waiting"),
        "/approvals": (actions.c.id, actions.c.state == "proposed"),
        "/held": (held.c.id, held.c.state == "waiting"),
    }
    told: dict[str, int] = {}
    for path, (column, which) in waiting.items():
        some = select(column).where(which).limit(most).subquery()
        told[path] = int((await connection.execute(select(func.count()).select_from(some))).scalar_one())
    last = await connection.execute(select(func.max(events.c.id)))
    return told | {"change": int(last.scalar_one() or 0)}

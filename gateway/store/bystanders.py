"""What staff add to the list of large innocent domains, and take from it. Must never hold what comes with arfgate."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store import events, switches
from gateway.store.events import Event
from gateway.store.tables import bystanders
from gateway.store.text import storable


async def current(connection: AsyncConnection, packaged: AbstractSet[str]) -> frozenset[str]:
    """The list that comes with arfgate, as staff changed it."""
    said = {
        row.name: row.innocent for row in await connection.execute(select(bystanders.c.name, bystanders.c.innocent))
    }
    return frozenset((packaged - said.keys()) | {name for name, innocent in said.items() if innocent})


async def say(connection: AsyncConnection, name: str, *, innocent: bool, who: str, why: str, now: datetime) -> None:
    """On the list, or off it. Every node knows it with the next look at what is ours."""
    row = {"name": name, "innocent": innocent, "who": who, "why": why, "at": now}
    inserting = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    changed = {key: value for key, value in row.items() if key != "name"}
    statement = inserting(bystanders).on_conflict_do_update(index_elements=["name"], set_=storable(changed))
    await connection.execute(statement, storable(row))
    await switches.count_up(connection, switches.ASSIGNMENTS_VERSION)
    what = "bystander added" if innocent else "bystander removed"
    await events.add(connection, [Event(now, who, what, f"{name}: {why}")])

"""The few values that all nodes share: is everything paused, which version of the assignments is it.

Must never hold what belongs to the settings file.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Integer, String, cast, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store import events
from gateway.store.events import Event
from gateway.store.tables import switches

PAUSED = "paused"
YES = "yes"
ASSIGNMENTS_VERSION = "assignments_version"
CUSTOMERS_VERSION = "customers_version"


async def read(connection: AsyncConnection, name: str) -> str | None:
    found = await connection.execute(select(switches.c.value).where(switches.c.name == name))
    return found.scalar_one_or_none()


async def write(connection: AsyncConnection, name: str, value: str) -> None:
    done = await connection.execute(update(switches).where(switches.c.name == name).values(value=value))
    if done.rowcount == 0:
        await connection.execute(insert(switches).values(name=name, value=value))


async def count_up(connection: AsyncConnection, name: str) -> int:
    """The next number. Whoever asks after us waits until our transaction ends: numbers are given in order of commit."""
    next_one = cast(cast(switches.c.value, Integer) + 1, String)
    statement = update(switches).where(switches.c.name == name).values(value=next_one).returning(switches.c.value)
    found = (await connection.execute(statement)).scalar_one_or_none()
    if found is None:
        await connection.execute(insert(switches).values(name=name, value="1"))
        return 1
    return int(found)


async def is_paused(connection: AsyncConnection) -> bool:
    return await read(connection, PAUSED) == YES


async def pause(connection: AsyncConnection, *, paused: bool, who: str, why: str, now: datetime) -> None:
    """Stop (or take up again) all sending and acting, on every node."""
    await write(connection, PAUSED, YES if paused else "no")
    await events.add(connection, [Event(now, who, "paused" if paused else "resumed", why)])

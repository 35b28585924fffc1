"""The few values that all nodes share: is everything paused, which version of the assignments is it.

Must never hold what belongs to the settings file.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Integer, String, cast, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store import events
from gateway.store.events import Event
from gateway.store.inserts import inserting
from gateway.store.tables import switches

PAUSED = "paused"
YES = "yes"
ASSIGNMENTS_VERSION = "assignments_version"
CUSTOMERS_VERSION = "customers_version"


async def read(connection: AsyncConnection, name: str) -> str | None:
    found = await connection.execute(select(switches.c.value).where(switches.c.name == name))
    return found.scalar_one_or_none()


async def write(connection: AsyncConnection, name: str, value: str) -> None:
    """Set it, whoever else sets it at the same time: the later one's value stays. One statement."""
    statement = inserting(connection, switches).values(name=name, value=value)
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"value": statement.excluded.value})
    )


async def claim(connection: AsyncConnection, name: str, before: str | None, value: str) -> bool:
    """Change what was read as `before` (None: it was not there) to `value`. Of several nodes that read the same, one is
    told that it was the one; the others wait until its transaction ends, and begin nothing. One statement."""
    if before is None:
        fresh = (
            inserting(connection, switches)
            .values(name=name, value=value)
            .on_conflict_do_nothing(index_elements=["name"])
        )
        return (await connection.execute(fresh.returning(switches.c.name))).first() is not None
    statement = update(switches).where(switches.c.name == name, switches.c.value == before).values(value=value)
    return (await connection.execute(statement)).rowcount == 1


async def hold(connection: AsyncConnection, name: str) -> None:
    """Whoever holds the same waits until our transaction ends, and sees then what we wrote: for what is looked up
    before it is written, and has no row of its own to lock. Two statements."""
    await connection.execute(inserting(connection, switches).values(name=name, value="").on_conflict_do_nothing())
    await connection.execute(select(switches.c.value).where(switches.c.name == name).with_for_update())


async def count_up(connection: AsyncConnection, name: str) -> int:
    """The next number. Whoever asks after us waits until our transaction ends: numbers are given in order of commit.
    One statement."""
    next_one = cast(cast(switches.c.value, Integer) + 1, String)
    statement = inserting(connection, switches).values(name=name, value="1")
    counted = statement.on_conflict_do_update(index_elements=["name"], set_={"value": next_one})
    return int((await connection.execute(counted.returning(switches.c.value))).scalar_one())


async def lease(connection: AsyncConnection, name: str, node: str, now: datetime, until: datetime) -> bool:
    """Take something that one node does at a time. False: another one has it."""
    held = await read(connection, name)
    last, _, end = (held or "").rpartition(" ")
    if held and last != node and datetime.fromisoformat(end) > now:
        return False
    return await claim(connection, name, held, f"{node} {until.isoformat()}")


async def is_paused(connection: AsyncConnection) -> bool:
    return await read(connection, PAUSED) == YES


async def pause(connection: AsyncConnection, *, paused: bool, who: str, why: str, now: datetime) -> None:
    """Stop (or take up again) all sending and acting, on every node."""
    await write(connection, PAUSED, YES if paused else "no")
    await events.add(connection, [Event(now, who, "paused" if paused else "resumed", why)])

"""Two nodes at work on one database at the same moment, the same way in every run.

The first has said everything of its transaction and does not commit before the second waits for it (or is through).
On SQLite the second waits before its first statement.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.house import House
from gateway.store.database import Database

T = TypeVar("T")
Act = Callable[[AsyncConnection], Awaitable[T]]

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


async def overlapping(database: Database, first: Act[T], second: Act[T]) -> tuple[T, T]:
    """What two transactions return of which the second begins before the first ends."""

    async def of_its_own() -> T:
        async with database.writing() as connection:
            return await second(connection)

    async with database.writing() as connection:
        made = await first(connection)
        other = asyncio.create_task(of_its_own())
        await _stuck(database, other)
    return made, await other


async def beside(database: Database, first: Act[Any], other: Awaitable[T], then: Act[Any]) -> T:
    """What `other` returns, which has transactions of its own: it begins after `first` and before `then`, both of one
    transaction. Two that wait for each other in a ring fail."""
    async with database.writing() as connection:
        await first(connection)
        waiting = asyncio.ensure_future(other)
        await _stuck(database, waiting)
        await then(connection)
    return await waiting


async def both(house: House, act: Callable[[House], Awaitable[T]]) -> tuple[T, T]:
    """What `act` returns on two nodes; no writing transaction of the first ends before the second waits for it."""
    plain = house.database
    held = _Held(plain)
    house.database = held
    first = asyncio.create_task(act(house))
    await asyncio.wait([first, asyncio.create_task(held.done.wait())], return_when=asyncio.FIRST_COMPLETED)
    house.database = plain
    second = asyncio.create_task(act(house))
    await _stuck(plain, second)
    held.go.set()
    return await first, await second


class _Held(Database):
    """Its first writing transaction says all it has to say (`done`), and commits when told to (`go`)."""

    def __init__(self, plain: Database) -> None:
        self.__dict__.update(plain.__dict__)
        self.done, self.go = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        async with super().writing() as connection:
            yield connection
            self.done.set()
            await self.go.wait()


async def _stuck(database: Database, other: asyncio.Future[Any]) -> None:
    """Until `other` waits for a lock of the database, or is through."""
    while not other.done():
        await asyncio.sleep(0)
        if database.is_sqlite:
            return
        async with database.reading() as connection:
            if (await connection.execute(text(_WAITING))).scalar_one():
                return

"""Counts the days that are over, some at a time, and again where something of them changed.

The statistics and the reporters' precision read what is kept. Must never decide what counts: `store.figures` does.
"""

from __future__ import annotations

from gateway.house import House
from gateway.store import counted

_AT_ONCE = 10  # parts of days, each in a transaction of its own


async def run(house: House) -> int:
    """Returns how many parts of days were counted."""
    now = house.clock()
    async with house.database.reading() as connection:
        watched = await counted.is_watched(connection, now)
        due = await counted.due(connection, now, _AT_ONCE) if watched else []
    if not watched:  # at midnight: an hour before the day is counted
        async with house.database.writing() as connection:
            await counted.watch(connection, now)
    for part, day in due:
        async with house.database.writing() as connection:
            await counted.count(connection, part, day)
    return len(due)


async def recount(house: House) -> int:
    """All days anew, whatever is kept. Returns how many parts of days were counted."""
    async with house.database.writing() as connection:
        await counted.forget(connection)
        await counted.watch(connection, house.clock())
    done = 0
    while more := await run(house):
        done += more
    return done

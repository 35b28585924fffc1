"""Transactions are all or nothing, read-then-write is isolated, and errors are for people."""

from __future__ import annotations

import asyncio
import sqlite3
import threading

import pytest

from gateway.store import switches
from gateway.store.database import Database, StoreError


async def test_what_fails_leaves_nothing(database):
    async def fail_half_way() -> None:
        async with database.writing() as connection:
            await switches.write(connection, "x", "1")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        await fail_half_way()
    async with database.reading() as connection:
        assert await switches.read(connection, "x") is None


async def test_counting_up_by_many_at_once_loses_nothing_on_sqlite(tmp_path):
    databases = [Database(f"sqlite+aiosqlite:///{tmp_path}/a.db") for _ in range(3)]
    await databases[0].migrate()

    async def count(database: Database) -> None:
        for _ in range(10):
            async with database.writing() as connection:
                await switches.count_up(connection, "n")

    await asyncio.gather(*(count(database) for database in databases))
    async with databases[0].reading() as connection:
        assert await switches.read(connection, "n") == "30"
    for database in databases:
        await database.close()


async def test_a_file_that_another_program_holds_is_named_as_such(tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.store.database._PRAGMAS", ("journal_mode=WAL", "busy_timeout=1"))
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/a.db")
    await database.migrate()
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked; another program holds the file"):
        async with database.writing():
            pass
    other.execute("ROLLBACK")
    other.close()
    async with database.writing() as connection:  # and the connection is as good as before
        await switches.write(connection, "x", "1")
    await database.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite+aiosqlite:////nowhere/at/all/a.db", "the folder of the setting database.url must exist"),
        ("postgresql+asyncpg://nobody@127.0.0.1:1/none", "look at the setting database.url"),
    ],
)
async def test_a_database_that_cannot_be_opened_is_told_in_one_line(url, says):
    database = Database(url)
    with pytest.raises(StoreError, match=says) as error:
        await database.migrate()
    assert "\n" not in str(error.value)
    await database.close()
    for thread in threading.enumerate():  # aiosqlite's, which tells the loop of its end: the loop must still be there
        if "_connection_worker_thread" in thread.name:
            await asyncio.to_thread(thread.join, 5)

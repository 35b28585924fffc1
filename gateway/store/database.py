"""The engine: SQLite or PostgreSQL behind two doors, `reading` and `writing`.

A writing transaction on SQLite begins IMMEDIATE, so that read-then-write is isolated
(with the driver's own habits it is not); PostgreSQL claims rows with SKIP LOCKED where
it matters. Commits are durable (synchronous=FULL). Must never know what is stored.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from gateway.store.migrate import upgrade
from gateway.store.sqlite_trips import driver

_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000")

_TROUBLE = (DBAPIError, sqlite3.Error, OSError)  # a BEGIN goes straight to the driver, its error comes as it is


class StoreError(Exception):
    """The database cannot be used; the text says why and what to do."""


class Database:
    """One database. `url` is `sqlite+aiosqlite:///FILE` or `postgresql+asyncpg://...`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self._writer = self._engine(immediate=True)
        self._reader = self._engine(immediate=False) if self.is_sqlite else self._writer
        self._single = self._one_by_one()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that commits at the end or leaves nothing. Raises StoreError."""
        try:
            async with self._writer.begin() as connection:
                yield connection
        except _TROUBLE as error:
            raise self._for_people(error) from error

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A consistent look that changes nothing. Raises StoreError."""
        try:
            async with self._reader.connect() as connection:
                yield connection
        except _TROUBLE as error:
            raise self._for_people(error) from error

    @asynccontextmanager
    async def single(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which each statement is a transaction of its own, committed when it returns: for the
        outcome of a sending, where a commit stands between two mails. Holds no lock in between. Raises StoreError."""
        try:
            async with self._single.connect() as connection:
                yield connection
        except _TROUBLE as error:
            raise self._for_people(error) from error

    async def migrate(self) -> None:
        """Bring the schema to the newest version. Safe to run again. Raises StoreError."""
        try:
            async with self._writer.begin() as connection:
                await connection.run_sync(upgrade)
        except _TROUBLE as error:
            raise self._for_people(error) from error

    async def close(self) -> None:
        await self._single.dispose()
        await self._writer.dispose()
        if self._reader is not self._writer:
            await self._reader.dispose()

    def _engine(self, *, immediate: bool) -> AsyncEngine:
        if not self.is_sqlite:
            # compiling a statement takes PostgreSQL seconds, most of ours milliseconds
            untold = {"server_settings": {"jit": "off"}}
            return create_async_engine(self.url, pool_pre_ping=True, connect_args=untold)
        # One connection may write at a time anyway: a second one would only wait inside the driver.
        engine = create_async_engine(
            self.url, module=driver(), pool_size=1 if immediate else 5, max_overflow=0, pool_timeout=60
        )
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_immediate if immediate else _begin)
        return engine

    def _one_by_one(self) -> AsyncEngine:
        if not self.is_sqlite:
            return self._writer.execution_options(isolation_level="AUTOCOMMIT")
        engine = create_async_engine(self.url, module=driver(), isolation_level="AUTOCOMMIT")
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        return engine

    def _for_people(self, error: Exception) -> StoreError:
        origin = str(getattr(error, "orig", error)).strip().splitlines() or ["no reason given"]
        said = origin[-1].removeprefix("<class ").strip()
        hint = "look at the setting database.url and at the server"
        if "full" in said:
            hint = "free space on the disk, then start again: what was stored is safe, the rest is still in the mailbox"
        elif "locked" in said:
            hint = "another program holds the file; stop it"
        elif "unable to open" in said:
            hint = "the folder of the setting database.url must exist and be writable"
        elif "no such table" in said or "does not exist" in said:
            hint = "run 'arfgate db upgrade'"
        return StoreError(f"database: {said}; {hint}")


def _prepare_sqlite(dbapi_connection: Any, _record: object) -> None:
    dbapi_connection.isolation_level = None  # BEGIN is ours, see below
    cursor = dbapi_connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Any) -> None:
    _say(connection, "BEGIN IMMEDIATE")


def _begin(connection: Any) -> None:
    _say(connection, "BEGIN")


def _say(connection: Any, statement: str) -> None:
    """Straight to the driver: one trip to its thread instead of three, for every transaction."""
    connection.connection.dbapi_connection.run_async(lambda driver: driver.execute(statement))

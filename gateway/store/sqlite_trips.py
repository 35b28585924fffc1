"""SQLite's driver, with one trip to its thread for a statement instead of four.

aiosqlite runs everything in a thread; SQLAlchemy asks it to open a cursor, to execute, to fetch
and to close, each a trip there and back. All rows are read at once anyway. Must never be more
than that: what a statement does, and when it commits, is as with the driver alone.
"""

# ruff: noqa: SLF001  (neither library offers another way in; the versions are pinned, and every test goes through here)

from __future__ import annotations

import collections
import sqlite3
from typing import Any

import aiosqlite
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
)
from sqlalchemy.util import EMPTY_DICT


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    """A cursor that exists in the driver only while its statement runs."""

    __slots__ = ("_description", "_lastrowid", "_rowcount")
    _awaitable_cursor_close = False

    def __init__(self, adapt_connection: AsyncAdapt_aiosqlite_connection) -> None:
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection._connection
        self._rows = collections.deque()
        self._soft_closed_memoized = EMPTY_DICT
        self._description, self._rowcount, self._lastrowid = None, -1, 0

    @property
    def description(self) -> Any:
        return self._description

    @property
    def rowcount(self) -> int:
        return self._rowcount

    @property
    def lastrowid(self) -> int:
        return self._lastrowid

    async def _execute_async(self, operation: Any, parameters: Any = None) -> Any:
        await self._run(lambda driver: driver.execute(operation, parameters or ()))

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> Any:
        await self._run(lambda driver: driver.executemany(operation, seq_of_parameters))

    async def _run(self, statement: Any) -> None:
        def there(driver: sqlite3.Connection) -> tuple[Any, int, int, list[Any]]:
            cursor = statement(driver)
            rows = cursor.fetchall() if cursor.description else []
            found = (cursor.description, cursor.rowcount, cursor.lastrowid, rows)
            cursor.close()
            return found

        connection: Any = self._connection
        async with self._adapt_connection._execute_mutex:
            description, count, last, rows = await connection._execute(there, connection._conn)
        self._description, self._rowcount, self._lastrowid = description, count, last
        self._rows = collections.deque(rows)

    def close(self) -> None:
        self._rows.clear()


class _Connection(AsyncAdapt_aiosqlite_connection):
    __slots__ = ()
    _cursor_cls = _Cursor  # type: ignore[assignment]  # the driver's own type names no base


class _Driver(AsyncAdapt_aiosqlite_dbapi):
    def connect(self, *arguments: Any, **options: Any) -> _Connection:
        plain = super().connect(*arguments, **options)
        return _Connection(self, plain._connection)


def driver() -> _Driver:
    """What `create_async_engine` takes as `module`."""
    return _Driver(aiosqlite, sqlite3)

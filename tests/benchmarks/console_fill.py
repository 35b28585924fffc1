"""Brings the rows of `console_rows` into a migrated database quickly: without its indexes, which are made afterwards,
and without its triggers, which look at other rows by those indexes; the days are counted afterwards.

Must never run beside somebody else who writes.
"""

from __future__ import annotations

import re
import sqlite3
import time

import asyncpg
from console_rows import statements

_INTO = re.compile(r"INSERT INTO (\w+)")
_QUICK = (
    "journal_mode=OFF",
    "synchronous=OFF",
    "cache_size=-400000",
    "temp_store=MEMORY",
    "foreign_keys=OFF",
    "locking_mode=EXCLUSIVE",
)


async def fill(url: str, many: int) -> None:
    """So many cases, with what belongs to them. `url` as the settings have it; of PostgreSQL, its superuser's."""
    if url.startswith("sqlite"):
        _fill_sqlite(url.rpartition(":///")[2], many)
    else:
        await _fill_postgresql(url.replace("+asyncpg", ""), many)


def _fill_sqlite(path: str, many: int) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in _QUICK:
        connection.execute(f"PRAGMA {pragma}").fetchall()
    held = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY type"
    )
    made = held.fetchall()
    for kind, name, _ in made:
        connection.execute(f'DROP {kind} "{name}"')
    connection.execute("BEGIN")
    for statement in statements(many, sqlite=True):
        _timed(statement, lambda: connection.execute(statement))  # noqa: B023  (called at once)
    for kind, name, sql in made:
        _timed(f"{kind} {name}", lambda: connection.execute(sql))  # noqa: B023
    connection.execute("COMMIT")
    connection.execute("PRAGMA locking_mode=NORMAL").fetchall()
    connection.execute("PRAGMA journal_mode=WAL").fetchall()
    connection.close()


async def _fill_postgresql(url: str, many: int) -> None:
    """VACUUM ANALYZE at the end, as the server would do it by itself some minutes later."""
    connection = await asyncpg.connect(url)
    await connection.execute("SET session_replication_role = replica; SET synchronous_commit = off")
    await connection.execute("SET maintenance_work_mem = '512MB'; SET max_parallel_maintenance_workers = 2")
    made = await connection.fetch(
        "SELECT i.indexname, i.indexdef FROM pg_indexes AS i WHERE i.schemaname = 'public'"
        " AND NOT EXISTS (SELECT 1 FROM pg_constraint AS c WHERE c.conname = i.indexname)"
    )
    for row in made:
        await connection.execute(f'DROP INDEX "{row["indexname"]}"')
    tables = set()
    for statement in statements(many, sqlite=False):
        began = time.perf_counter()
        await connection.execute(statement)
        _say(statement, began)
        tables |= set(_INTO.findall(statement))
    for row in made:
        began = time.perf_counter()
        await connection.execute(row["indexdef"])
        _say(f"index {row['indexname']}", began)
    for table in sorted(tables):
        await connection.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
        )
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


def _timed(name: str, work: object) -> None:
    began = time.perf_counter()
    work()  # type: ignore[operator]
    _say(name, began)


def _say(name: str, began: float) -> None:
    if (took := time.perf_counter() - began) > 5:
        print(f"    {took:5.0f} s  {' '.join(name.split())[:70]}", flush=True)

"""Inserting what another node may insert at the same moment: nobody fails, and no two wait for each other in a ring.

Must never decide what happens to a row that was there first: the callers say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.text import storable


def inserting(connection: AsyncConnection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that can say what happens on conflict."""
    return (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(table)


async def add_new(
    connection: AsyncConnection, table: Table, key: str, rows: Sequence[dict[str, Any]]
) -> dict[str, int]:
    """Insert the rows whose `key` (a unique column) nobody has, with ids in the order of `rows`. Returns {key: id} of
    those inserted. One statement, two on PostgreSQL.

    PostgreSQL lets an insert wait for another node's that has the same key and is not committed: two batches that meet
    in two keys the other way round would wait for each other. So they are inserted in the order of their keys."""
    if not rows:
        return {}
    chosen = [dict(row) for row in rows]
    if connection.dialect.name == "postgresql":
        number = func.nextval(func.pg_get_serial_sequence(table.name, "id"))
        drawn = await connection.execute(select(number).select_from(func.generate_series(1, len(chosen)).alias()))
        chosen = [row | {"id": i} for row, i in zip(chosen, sorted(drawn.scalars()), strict=True)]
        chosen.sort(key=lambda row: str(row[key]))
    statement = inserting(connection, table).on_conflict_do_nothing(index_elements=[key])
    made = await connection.execute(statement.returning(table.c[key], table.c.id), storable(chosen))
    return {row[0]: row[1] for row in made}

"""The buckets against floods, shared by all nodes: read for a batch, written back in one statement.

Must never decide: `screening.flood` does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.screening.flood import Bucket
from gateway.store.tables import flood_buckets
from gateway.store.text import storable

_FORGOTTEN = timedelta(days=2)  # by then every bucket is full, and as good as none


async def buckets(connection: AsyncConnection, keys: Iterable[str]) -> dict[str, Bucket]:
    """Those that there are, locked until the transaction ends. One statement."""
    rows = await connection.execute(
        select(flood_buckets)
        .where(flood_buckets.c.key.in_(sorted(set(keys))))
        .order_by(flood_buckets.c.key)
        .with_for_update()
    )
    return {row.key: Bucket(row.key, row.tokens, row.at, row.tripped_at) for row in rows}


async def write(connection: AsyncConnection, changed: Iterable[Bucket], now: datetime) -> None:
    """Keep these, and forget what nobody asked for in days. Two statements."""
    rows = [asdict(bucket) for bucket in sorted(changed, key=lambda one: one.key)]
    if not rows:
        return
    inserting = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = inserting(flood_buckets)
    anew = {name: statement.excluded[name] for name in ("tokens", "at", "tripped_at")}
    await connection.execute(
        statement.on_conflict_do_update(index_elements=[flood_buckets.c.key], set_=anew), storable(rows)
    )
    old = select(flood_buckets.c.key).where(flood_buckets.c.at < now - _FORGOTTEN).with_for_update(skip_locked=True)
    await connection.execute(delete(flood_buckets).where(flood_buckets.c.key.in_(old)))

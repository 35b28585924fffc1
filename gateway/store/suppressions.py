"""The customers' suppression lists: fed by opt-outs, bounces and permitted complaints, read for export.

Must never decide who is on one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.tables import accounts, customers, suppressions
from gateway.store.text import storable


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address, since when, and why."""

    address: str
    cause: str
    at: datetime
    authenticated: bool


async def add(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> int:
    """Put addresses on the lists of the accounts' customers; who is on one stays as it is. Rows: account_id, address,
    cause, authenticated, message_id, at. Returns how many are new. Two statements."""
    if not rows:
        return 0
    ids = sorted({row["account_id"] for row in rows})
    held_by = await connection.execute(select(accounts.c.id, accounts.c.customer_id).where(accounts.c.id.in_(ids)))
    customer_of = {row.id: row.customer_id for row in held_by}
    fresh: dict[tuple[int, str], dict[str, Any]] = {}
    for row in rows:
        if row["account_id"] in customer_of:
            customer = customer_of[row["account_id"]]
            plain = {name: value for name, value in row.items() if name != "account_id"}
            fresh.setdefault((customer, row["address"]), plain | {"customer_id": customer})
    inserting = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = inserting(suppressions).on_conflict_do_nothing().returning(suppressions.c.id)
    made = await connection.execute(statement, storable([fresh[key] for key in sorted(fresh)])) if fresh else None
    return len(made.all()) if made is not None else 0


async def of_customer(connection: AsyncConnection, key: str) -> list[Suppression]:
    """A customer's list, oldest first. Raises LookupError where there is no such customer."""
    found = await connection.execute(select(customers.c.id).where(customers.c.key == key))
    customer = found.scalar_one_or_none()
    if customer is None:
        raise LookupError(f"there is no customer '{key}'; 'arfgate customer list' shows them")
    columns = [suppressions.c[name] for name in Suppression.__dataclass_fields__]
    rows = await connection.execute(
        select(*columns).where(suppressions.c.customer_id == customer).order_by(suppressions.c.id)
    )
    return [Suppression(*row) for row in rows]

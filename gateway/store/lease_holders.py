"""Whom a source means by the names of its holders: customers' keys, or logins and subscribers, each at its time.

Must never choose between two accounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.tables import accounts, customers, identifiers


@dataclass(frozen=True, slots=True)
class Holders:
    """Accounts by `customer` or `customer/account`, and of each login or subscriber (lower case) who had it when."""

    named: dict[str, int]
    known: dict[str, list[tuple[int, datetime, datetime | None]]]

    def account(self, names: Sequence[str], at: datetime, *, logins: bool) -> int | None:
        """The first of these names that is somebody's at a time. One that two accounts have then is nobody's; one that
        only one account ever had, and is known of it only since later, was its own before."""
        for name in names:
            held = self.known.get(name.lower(), [])
            then = {account for account, start, end in held if start <= at and (end is None or at < end)}
            if not then and held and at < min(start for _, start, _ in held):
                then = {account for account, _, _ in held}
            if name in self.named and not (logins and then):
                return self.named[name]
            if then:
                return then.pop() if len(then) == 1 else None
        return None


async def holders(connection: AsyncConnection, names: Sequence[str]) -> Holders:
    """Whom these names may mean."""
    wanted = sorted(set(names))
    keys = sorted({name.partition("/")[0] for name in wanted})
    rows = await connection.execute(
        select(accounts.c.id, accounts.c.name, customers.c.key)
        .join(customers, customers.c.id == accounts.c.customer_id)
        .where(customers.c.key.in_(keys))
    )
    named = {row.key if row.name == "main" else f"{row.key}/{row.name}": row.id for row in rows}
    columns = [identifiers.c[name] for name in ("value", "account_id", "valid_from", "valid_to")]
    rows = await connection.execute(
        select(*columns).where(
            identifiers.c.kind.in_(("login", "subscriber")),
            identifiers.c.value.in_(sorted({name.lower() for name in wanted})),
        )
    )
    known: dict[str, list[tuple[int, datetime, datetime | None]]] = {}
    for row in rows:
        known.setdefault(row.value, []).append((row.account_id, row.valid_from, row.valid_to))
    return Holders({name: named[name] for name in wanted if name in named}, known)

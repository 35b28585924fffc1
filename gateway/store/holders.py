"""Whose addresses lie in a range now: whom a block would hit. Must never decide whose fault anything is."""

from __future__ import annotations

from datetime import datetime
from ipaddress import IPv4Network, IPv6Network

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.tables import accounts, assignments, customers

_MOST = 50  # named to people; more is said as a number by nobody, a block that wide is refused by eye


async def overlapping(connection: AsyncConnection, net: IPv4Network | IPv6Network, now: datetime) -> list[str]:
    """customer/account of every assignment that holds at `now` and shares an address with `net`. One statement."""
    first, last = int(net.network_address), int(net.broadcast_address)
    rows = await connection.execute(
        select(customers.c.key, accounts.c.name)
        .distinct()
        .select_from(assignments)
        .join(accounts, accounts.c.id == assignments.c.account_id)
        .join(customers, customers.c.id == accounts.c.customer_id)
        .where(
            assignments.c.family == net.version,
            assignments.c.first <= f"{last:032x}",
            assignments.c.last >= f"{first:032x}",
            assignments.c.valid_from <= now,
            or_(assignments.c.valid_to.is_(None), assignments.c.valid_to > now),
        )
        .order_by(customers.c.key, accounts.c.name)
        .limit(_MOST)
    )
    return [f"{row.key}/{row.name}" for row in rows]

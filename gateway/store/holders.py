"""Whose addresses lie in a range now: whom a block would hit. Must never decide whose fault anything is."""

from __future__ import annotations

from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, summarize_address_range

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import Use
from gateway.store.tables import accounts, assignments, customers

_MOST = 50  # named to people; more is said as a number by nobody, a block that wide is refused by eye


async def overlapping(connection: AsyncConnection, net: IPv4Network | IPv6Network, now: datetime) -> list[str]:
    """customer/account of every assignment that holds at `now` and shares an address with `net`. One statement."""
    rows = await connection.execute(
        select(customers.c.key, accounts.c.name)
        .distinct()
        .select_from(assignments)
        .join(accounts, accounts.c.id == assignments.c.account_id)
        .join(customers, customers.c.id == accounts.c.customer_id)
        .where(*_held(net, now))
        .order_by(customers.c.key, accounts.c.name)
        .limit(_MOST)
    )
    return [f"{row.key}/{row.name}" for row in rows]


async def infrastructure(
    connection: AsyncConnection, net: IPv4Network | IPv6Network, now: datetime
) -> list[tuple[IPv4Network | IPv6Network, str]]:
    """What of a range is assigned as our own infrastructure, with the words of the assignment. One statement."""
    rows = await connection.execute(
        select(assignments.c.resource, assignments.c.first, assignments.c.last)
        .where(*_held(net, now), assignments.c.use == Use.PROTECTED.value)
        .order_by(assignments.c.id)
        .limit(_MOST)
    )
    address = IPv4Address if net.version == 4 else IPv6Address
    return [
        (part, f"{row.resource} is assigned as our own infrastructure")
        for row in rows
        for part in summarize_address_range(address(int(row.first, 16)), address(int(row.last, 16)))
    ]


def _held(net: IPv4Network | IPv6Network, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Assignments that hold now and share an address with a range."""
    first, last = int(net.network_address), int(net.broadcast_address)
    return (
        assignments.c.family == net.version,
        assignments.c.first <= f"{last:032x}",
        assignments.c.last >= f"{first:032x}",
        assignments.c.valid_from <= now,
        or_(assignments.c.valid_to.is_(None), assignments.c.valid_to > now),
    )

"""Customers, their accounts, contacts and assignments: imported whole or not at all.

An import adds and updates, it never deletes: history decides whose address it was then.
What they hold is in `store.assignments`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.intake.customers import CustomerFile
from gateway.store import assignments, events, parties, switches
from gateway.store.events import Event
from gateway.store.tables import accounts, contacts, customers
from gateway.store.tables import assignments as assignment_rows

_CHUNK = 500  # keys in one IN list


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import changed, in rows."""

    customers: int
    accounts: int
    assignments_new: int
    assignments_changed: int


async def import_file(connection: AsyncConnection, file: CustomerFile, *, who: str, now: datetime) -> Imported:
    """Bring the rows of a checked file in. The caller's transaction makes it all or nothing."""
    await switches.count_up(connection, switches.CUSTOMERS_VERSION)  # held until the end: one import after another
    customer_ids = await _customers(connection, file)
    await _contacts(connection, file, customer_ids)
    account_ids, made = await _accounts(connection, file, customer_ids)
    new, changed = await assignments.write_file(connection, file.assignments, account_ids)
    done = Imported(len(file.customers), made, new, changed)
    why = f"{done.customers} customers, {new} new assignments, {changed} changed"
    await events.add(connection, [Event(now, who, "customers imported", why)])
    return done


async def keys(connection: AsyncConnection) -> set[str]:
    """The keys of all customers."""
    return set((await connection.execute(select(customers.c.key))).scalars())


async def names(connection: AsyncConnection, account_ids: Sequence[int]) -> dict[int, str]:
    """`customer` or `customer/account` for each account, for people."""
    rows = await connection.execute(
        select(accounts.c.id, accounts.c.name, customers.c.key)
        .join(customers, customers.c.id == accounts.c.customer_id)
        .where(accounts.c.id.in_(list(account_ids)))
    )
    return {row.id: row.key if row.name == "main" else f"{row.key}/{row.name}" for row in rows}


async def deliver(connection: AsyncConnection, key: str, how: str, *, who: str, now: datetime) -> None:
    """How this customer wants to be told from now on. Raises LookupError."""
    done = await connection.execute(update(customers).where(customers.c.key == key).values(delivery=how))
    if not done.rowcount:
        raise LookupError(f"there is no customer {key}; 'arfgate customer list' shows them")
    await events.add(connection, [Event(now, who, "customer delivery", f"{key}: {how}")])


async def channels(connection: AsyncConnection) -> dict[str, str]:
    """{customer: channel} of those who are told by one."""
    mark = parties.CHANNEL
    rows = await connection.execute(
        select(customers.c.key, customers.c.delivery).where(customers.c.delivery.startswith(mark))
    )
    return {row.key: row.delivery.removeprefix(mark) for row in rows}


async def customer_named(connection: AsyncConnection, key: str) -> int | None:
    """The id of the customer with this key, None if there is none."""
    return (await connection.execute(select(customers.c.id).where(customers.c.key == key))).scalar_one_or_none()


async def account_named(connection: AsyncConnection, name: str) -> int | None:
    """The account of `customer` or `customer/account`, None if there is none."""
    key, _, account = name.partition("/")
    found = await connection.execute(
        select(accounts.c.id)
        .join(customers, customers.c.id == accounts.c.customer_id)
        .where(customers.c.key == key, accounts.c.name == (account or "main"))
    )
    return found.scalar_one_or_none()


async def accounts_of(connection: AsyncConnection, name: str) -> set[int]:
    """Every account of a customer, or the one of `customer/account`."""
    key, _, account = name.partition("/")
    chosen = [customers.c.key == key, *([accounts.c.name == account] if account else [])]
    rows = await connection.execute(
        select(accounts.c.id).join(customers, customers.c.id == accounts.c.customer_id).where(*chosen)
    )
    return set(rows.scalars())


async def tree(connection: AsyncConnection) -> list[dict[str, Any]]:
    """Every customer with its parent's key, accounts, contacts in order of trial with their roles, and terms."""
    parents = customers.alias("parents")
    rows = await connection.execute(
        select(customers, parents.c.key.label("parent"))
        .outerjoin(parents, parents.c.id == customers.c.parent_id)
        .order_by(customers.c.key)
    )
    found = {row["id"]: dict(row) | {"accounts": [], "contacts": []} for row in rows.mappings()}
    for row in await connection.execute(select(accounts).order_by(accounts.c.name)):
        found[row.customer_id]["accounts"].append(row.name)
    for row in await connection.execute(select(contacts).order_by(contacts.c.position)):
        found[row.customer_id]["contacts"].append(row.address if row.role == "abuse" else f"{row.address} ({row.role})")
    return list(found.values())


async def overview(connection: AsyncConnection) -> list[dict[str, Any]]:
    """A row per account: customer, name, first contact, how many assignments."""
    held = (
        select(assignment_rows.c.account_id, func.count().label("held"))
        .group_by(assignment_rows.c.account_id)
        .subquery()
    )
    first = select(contacts).where(contacts.c.position == 0).subquery()
    rows = await connection.execute(
        select(
            customers.c.key, customers.c.name, accounts.c.name.label("account"), customers.c.language,
            first.c.address, func.coalesce(held.c.held, 0).label("assignments"),
        )
        .join(accounts, accounts.c.customer_id == customers.c.id)
        .outerjoin(first, first.c.customer_id == customers.c.id)
        .outerjoin(held, held.c.account_id == accounts.c.id)
        .order_by(customers.c.key, accounts.c.name)
    )  # fmt: skip
    return [dict(row) for row in rows.mappings()]


async def _customers(connection: AsyncConnection, file: CustomerFile) -> dict[str, int]:
    known = {row.key: row.id for row in await connection.execute(select(customers.c.key, customers.c.id))}
    said = ("name", "language", "vetted", "delivery")
    plain = {row.key: {name: getattr(row, name) for name in said} for row in file.customers}
    fresh = [{"key": key} | values for key, values in plain.items() if key not in known]
    if fresh:
        rows = await connection.execute(insert(customers).returning(customers.c.key, customers.c.id), fresh)
        known |= {row.key: row.id for row in rows}
    for row in file.customers:
        own = {"policy": row.policy} if row.policy else {}
        parent = known.get(row.parent) if row.parent else None
        await connection.execute(
            update(customers).where(customers.c.key == row.key).values(**plain[row.key], **own, parent_id=parent)
        )
    return known


async def _contacts(connection: AsyncConnection, file: CustomerFile, ids: dict[str, int]) -> None:
    told = [ids[key] for key in {**file.contacts, **file.other_contacts}]
    for start in range(0, len(told), _CHUNK):
        await connection.execute(delete(contacts).where(contacts.c.customer_id.in_(told[start : start + _CHUNK])))
    rows = []
    for key in {**file.contacts, **file.other_contacts}:
        named = [("abuse", address, None) for address in file.contacts.get(key, ())] + list(
            file.other_contacts.get(key, ())
        )
        first_of = {address: (role, language) for role, address, language in reversed(named)}
        rows += [
            {"customer_id": ids[key], "address": address, "position": position, "role": role, "language": language}
            for position, (address, (role, language)) in enumerate(reversed(first_of.items()))
        ]
    if rows:
        await connection.execute(insert(contacts), rows)


async def _accounts(
    connection: AsyncConnection, file: CustomerFile, ids: dict[str, int]
) -> tuple[dict[tuple[str, str], int], int]:
    wanted = {(row.customer, row.account) for row in file.assignments} | {(row.key, "main") for row in file.customers}
    rows = await connection.execute(
        select(customers.c.key, accounts.c.name, accounts.c.id).join(
            customers, customers.c.id == accounts.c.customer_id
        )
    )
    known = {(row.key, row.name): row.id for row in rows}
    fresh = sorted(wanted - set(known))
    if fresh:
        made = await connection.execute(
            insert(accounts).returning(accounts.c.id, sort_by_parameter_order=True),
            [{"customer_id": ids[key], "name": name} for key, name in fresh],
        )
        known |= dict(zip(fresh, made.scalars(), strict=True))
    return known, len(fresh)


async def by_name(connection: AsyncConnection, limit: int) -> list[str]:
    """`customer` or `customer/account`, in alphabetical order, to choose from."""
    rows = await connection.execute(
        select(customers.c.key, accounts.c.name)
        .join(customers, customers.c.id == accounts.c.customer_id)
        .order_by(customers.c.key, accounts.c.name)
        .limit(limit)
    )
    return [row.key if row.name == "main" else f"{row.key}/{row.name}" for row in rows]

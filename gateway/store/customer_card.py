"""One customer whole, as people look at it: terms, contacts, accounts, who is above and below, what it held when.

Must never change anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store import assignments
from gateway.store.tables import accounts, contacts, customers, identifiers
from gateway.store.tables import assignments as assignment_rows


@dataclass(frozen=True, slots=True)
class Contact:
    """`language`: its own, else the customer's. In order of trial; `billing` is never told of complaints."""

    address: str
    role: str
    language: str


@dataclass(frozen=True, slots=True)
class Holding:
    """A resource that an account held in [valid_from, valid_to), None: still. `ports` empty: the whole address.
    `origin`: import, manual, rule, or the name of a source."""

    id: int
    account: str
    resource: str
    ports: str
    valid_from: datetime
    valid_to: datetime | None
    use: str
    origin: str


@dataclass(frozen=True, slots=True)
class Named:
    """An identifier that names an account for a time."""

    account: str
    kind: str
    value: str
    valid_from: datetime
    valid_to: datetime | None
    origin: str


@dataclass(frozen=True, slots=True)
class Card:
    """`above` nearest first, `below` in alphabetical order: keys. `policy` None: the default. `held`: how many
    assignments there are in all; `holdings` and `identifiers` are the latest of them."""

    key: str
    name: str
    language: str
    vetted: bool
    policy: str | None
    delivery: str
    above: tuple[str, ...]
    below: tuple[str, ...]
    accounts: tuple[str, ...]
    contacts: tuple[Contact, ...]
    held: int
    holdings: tuple[Holding, ...]
    identifiers: tuple[Named, ...]


async def card(connection: AsyncConnection, key: str, limit: int = 100) -> Card:
    """Raises LookupError where there is no such customer. Eight statements at most, one more for each level above."""
    row = (await connection.execute(select(customers).where(customers.c.key == key))).one_or_none()
    if row is None:
        raise LookupError(f"there is no customer {key!r}; `arfgate customer list` shows them")
    below = await connection.execute(select(customers.c.key).where(customers.c.parent_id == row.id))
    told = await connection.execute(
        select(contacts).where(contacts.c.customer_id == row.id).order_by(contacts.c.position)
    )
    names = await _accounts(connection, row.id)
    held = select(func.count()).select_from(assignment_rows).where(assignment_rows.c.account_id.in_(list(names)))
    return Card(
        row.key, row.name, row.language, row.vetted, row.policy, row.delivery,
        above=await _above(connection, row.parent_id),
        below=tuple(sorted(below.scalars())),
        accounts=tuple(sorted(names.values())),
        contacts=tuple(Contact(one.address, one.role, one.language or row.language) for one in told),
        held=int((await connection.execute(held)).scalar_one()),
        holdings=tuple(await holdings(connection, names, limit)),
        identifiers=tuple(await _identifiers(connection, names, limit)),
    )  # fmt: skip


async def holdings(connection: AsyncConnection, names: dict[int, str], limit: int) -> list[Holding]:
    """What these accounts (id -> name) hold and held, the latest first."""
    return [
        Holding(
            row.id, names[row.account_id], row.resource,
            "" if (row.port_first, row.port_last) == assignments.WHOLE else f"{row.port_first}-{row.port_last}",
            row.valid_from, row.valid_to, row.use, row.origin,
        )
        for row in await assignments.of_account(connection, names, limit)
    ]  # fmt: skip


async def _accounts(connection: AsyncConnection, customer_id: int) -> dict[int, str]:
    rows = await connection.execute(select(accounts.c.id, accounts.c.name).where(accounts.c.customer_id == customer_id))
    return {row.id: row.name for row in rows}


async def _above(connection: AsyncConnection, parent_id: int | None) -> tuple[str, ...]:
    line: list[str] = []
    while parent_id is not None:
        row = (await connection.execute(select(customers).where(customers.c.id == parent_id))).one()
        if row.key in line:
            break
        line.append(row.key)
        parent_id = row.parent_id
    return tuple(line)


async def _identifiers(connection: AsyncConnection, names: dict[int, str], limit: int) -> list[Named]:
    rows = await connection.execute(
        select(identifiers)
        .where(identifiers.c.account_id.in_(list(names)))
        .order_by(identifiers.c.valid_from.desc(), identifiers.c.id.desc())
        .limit(limit)
    )
    return [Named(names[row.account_id], row.kind, row.value, row.valid_from, row.valid_to, row.origin) for row in rows]

"""The customers as people look them up: branch by branch, by a word or an address, and one with what it has.

Every list is bounded and goes on after a key. Must never change anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.attribution.holders import Nobody
from gateway.model import Case, CaseState
from gateway.store import assignments
from gateway.store.assignments import Question
from gateway.store.tables import accounts, cases, contacts, customers
from gateway.store.text import storable

_OPEN: ColumnElement[str] = literal_column(
    f"'{CaseState.OPEN.value}'"
)  # no parameter: a database has to see that its index is meant
_DEEPEST = 8  # levels of resellers
_MOST_BELOW = 1000  # customers below those of a page that are shown with them


@dataclass
class Branch:
    """A customer with its accounts and whoever it resells to. `contact`: who is told first."""

    id: int
    key: str
    name: str
    parent_id: int | None
    policy: str | None
    accounts: list[str] = field(default_factory=list)
    contact: str | None = None
    open_cases: int = 0
    below: list[Branch] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CaseOf:
    """A case in a customer's list."""

    number: str
    account: str
    cls: str
    state: str
    opened_at: datetime
    cause: str | None


async def top(connection: AsyncConnection, after: str, limit: int) -> tuple[list[Branch], bool]:
    """Customers of our own behind this key, with all below them; and whether more follow."""
    first = customers.c.parent_id.is_(None)
    return await _branches(connection, [first, customers.c.key > storable(after)], limit, below=True)


async def search(
    connection: AsyncConnection, words: str, after: str, limit: int, now: datetime
) -> tuple[list[Branch], bool]:
    """Customers whose key, name or contact has the words in it, or who hold the address or host now."""
    said = storable(words).lower()
    of_contact = select(contacts.c.customer_id).where(func.lower(contacts.c.address).contains(said, autoescape=True))
    wanted = [
        func.lower(customers.c.key).contains(said, autoescape=True),
        func.lower(customers.c.name).contains(said, autoescape=True),
        customers.c.id.in_(of_contact),
    ]
    holding = await _holders(connection, said, now)
    if holding:
        wanted.append(customers.c.id.in_(select(accounts.c.customer_id).where(accounts.c.id.in_(holding))))
    return await _branches(connection, [or_(*wanted), customers.c.key > storable(after)], limit, below=False)


async def one(connection: AsyncConnection, key: str) -> dict[str, Any] | None:
    """A customer's row with `parent` (key and name), `accounts` (id and name), `contacts` in order of trial and
    `below` (key and name of each that it resells to)."""
    row = (await connection.execute(select(customers).where(customers.c.key == storable(key)))).mappings().one_or_none()
    if row is None:
        return None
    found = dict(row)
    short = select(customers.c.key, customers.c.name)
    found["parent"] = (await connection.execute(short.where(customers.c.id == row["parent_id"]))).one_or_none()
    below = short.where(customers.c.parent_id == row["id"]).order_by(customers.c.key).limit(_MOST_BELOW)
    found["below"] = list(await connection.execute(below))
    found["accounts"] = list(
        await connection.execute(
            select(accounts.c.id, accounts.c.name).where(accounts.c.customer_id == row["id"]).order_by(accounts.c.name)
        )
    )
    found["contacts"] = list(
        await connection.execute(
            select(contacts).where(contacts.c.customer_id == row["id"]).order_by(contacts.c.position)
        )
    )
    return found


async def cases_of(connection: AsyncConnection, account_ids: Sequence[int], limit: int) -> list[CaseOf]:
    """The cases of these accounts, newest first."""
    newest = (  # of an index alone: a large customer has a hundred thousand
        select(cases.c.id).where(cases.c.account_id.in_(list(account_ids))).order_by(cases.c.id.desc()).limit(limit)
    )
    ids = list((await connection.execute(newest)).scalars())
    rows = await connection.execute(
        select(cases, accounts.c.name.label("account"))
        .join(accounts, accounts.c.id == cases.c.account_id)
        .where(cases.c.id.in_(ids))
        .order_by(cases.c.id.desc())
    )
    return [
        CaseOf(
            Case(row.account_id, row.cls, CaseState(row.state), row.opened_at, id=row.id).number,
            row.account, row.cls, row.state, row.opened_at, row.cause,
        )
        for row in rows
    ]  # fmt: skip


async def _holders(connection: AsyncConnection, words: str, now: datetime) -> list[int]:
    """Accounts that hold the address or name, or that may have been meant by it."""
    found = (await assignments.look_up(connection, [Question(words, now)]))[0]
    named = {one.account_id for one in await assignments.of_name(connection, words)}
    if isinstance(found, Nobody):
        return sorted(named | {one.account_id for one in found.candidates})
    return sorted(named | {found.account_id})


async def _branches(
    connection: AsyncConnection, wanted: list[ColumnElement[bool]], limit: int, *, below: bool
) -> tuple[list[Branch], bool]:
    columns = [customers.c[name] for name in ("id", "key", "name", "parent_id", "policy")]
    rows = list(await connection.execute(select(*columns).where(*wanted).order_by(customers.c.key).limit(limit + 1)))
    found = {row.id: Branch(*row) for row in rows[:limit]}
    roots, level = list(found.values()), list(found)
    for _ in range(_DEEPEST if below else 0):
        if not level or len(found) > _MOST_BELOW:
            break
        next_ones = await connection.execute(
            select(*columns).where(customers.c.parent_id.in_(level)).order_by(customers.c.key).limit(_MOST_BELOW)
        )
        fresh = [Branch(*row) for row in next_ones if row.id not in found]
        for branch in fresh:
            found[branch.id] = branch
            found[branch.parent_id or 0].below.append(branch)
        level = [branch.id for branch in fresh]
    await _details(connection, found)
    return roots, len(rows) > limit


async def _details(connection: AsyncConnection, found: dict[int, Branch]) -> None:
    """Accounts, first contacts and open cases of these. Three statements."""
    ids = list(found)
    for row in await connection.execute(
        select(accounts).where(accounts.c.customer_id.in_(ids)).order_by(accounts.c.name)
    ):
        found[row.customer_id].accounts.append(row.name)
    for row in await connection.execute(
        select(contacts.c.customer_id, contacts.c.address)
        .where(contacts.c.customer_id.in_(ids), contacts.c.role != "billing")
        .order_by(contacts.c.position.desc())
    ):
        found[row.customer_id].contact = row.address
    for customer_id, count in await connection.execute(
        select(accounts.c.customer_id, func.count())
        .join(cases, cases.c.account_id == accounts.c.id)
        .where(accounts.c.customer_id.in_(ids), cases.c.state == _OPEN)
        .group_by(accounts.c.customer_id)
    ):
        found[customer_id].open_cases = count

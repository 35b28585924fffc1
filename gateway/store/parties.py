"""Whom the notices about an account go to: its customer's contacts, then those of its resellers (SES-2).

Must never decide which of them is told: the clock says whose turn it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casework.desk import Party
from gateway.store.tables import accounts, contacts, customers

CHANNEL = "channel:"
_DEEPEST = 8
_LANGUAGE = func.coalesce(contacts.c.language, customers.c.language)  # a contact's own, else its customer's


@dataclass(frozen=True, slots=True)
class Above:
    """A customer above another in the tree, and its contact."""

    customer: str
    name: str
    address: str
    language: str


async def of_accounts(connection: AsyncConnection, account_ids: Sequence[int]) -> dict[int, Party]:
    """The party behind each account. Two statements."""
    rows = (
        await connection.execute(
            select(
                accounts.c.id,
                accounts.c.name,
                customers.c.id,
                customers.c.key,
                customers.c.name,
                customers.c.language,
                customers.c.policy,
                customers.c.delivery,
                customers.c.vetted,
            )
            .join(customers, customers.c.id == accounts.c.customer_id)
            .where(accounts.c.id.in_(account_ids))
        )
    ).all()
    told = await _contacts(connection, sorted({row[2] for row in rows}))
    return {
        row[0]: Party(
            row[0],
            row[1],
            customer=row[3],
            name=row[4],
            language=row[5],
            contacts=_ways(row[7], told.get(row[2], {})),
            policy=row[6],
            delivery=row[7],
            vetted=row[8],
            languages={one: language for one, language in told.get(row[2], {}).items() if language != row[5]},
        )
        for row in rows
    }


def _ways(delivery: str, addresses: Iterable[str]) -> tuple[str, ...]:
    """A customer with a channel is told by it first; its addresses are tried after that."""
    return (delivery, *addresses) if delivery.startswith(CHANNEL) else tuple(addresses)


async def above(connection: AsyncConnection, account_ids: Sequence[int]) -> dict[int, list[Above]]:
    """Who stands above each account's customer, the nearest first, with the contact that is told. One statement."""
    tree = _tree(select(accounts.c.customer_id).where(accounts.c.id.in_(list(account_ids))))
    rows = await connection.execute(
        select(accounts.c.id, customers.c.key, customers.c.name, contacts.c.address, _LANGUAGE)
        .select_from(accounts)
        .join(tree, tree.c.root == accounts.c.customer_id)
        .join(customers, customers.c.id == tree.c.node)
        .join(contacts, contacts.c.customer_id == tree.c.node)
        .where(accounts.c.id.in_(list(account_ids)), tree.c.depth > 0, contacts.c.role != "billing")
        .order_by(accounts.c.id, tree.c.depth, contacts.c.position)
    )
    found: dict[int, list[Above]] = {}
    for account_id, key, name, address, language in rows:
        so_far = found.setdefault(account_id, [])
        if key not in {one.customer for one in so_far}:
            so_far.append(Above(key, name, address, language))
    return found


async def _contacts(connection: AsyncConnection, customer_ids: list[int]) -> dict[int, dict[str, str]]:
    """Each customer's contacts in order of trial with their languages: its own, then those of its resellers (SES-2)."""
    tree = _tree(customer_ids)
    rows = await connection.execute(
        select(tree.c.root, contacts.c.address, _LANGUAGE)
        .select_from(tree)
        .join(customers, customers.c.id == tree.c.node)
        .join(contacts, contacts.c.customer_id == tree.c.node)
        .where(contacts.c.role != "billing")
        .order_by(tree.c.root, tree.c.depth, contacts.c.position)
    )
    told: dict[int, dict[str, str]] = {}
    for root, address, language in rows:
        told.setdefault(root, {}).setdefault(address, language)
    return told


def _tree(of: Any) -> CTE:
    """Customers (ids, or a statement that selects them) with those above them: root, node, depth."""
    tree = (
        select(
            customers.c.id.label("root"), customers.c.id.label("node"), customers.c.parent_id, literal(0).label("depth")
        )
        .where(customers.c.id.in_(of))
        .cte("tree", recursive=True)
    )
    up = select(tree.c.root, customers.c.id, customers.c.parent_id, tree.c.depth + 1).join(
        tree, customers.c.id == tree.c.parent_id
    )
    return tree.union_all(up.where(tree.c.depth < _DEEPEST))

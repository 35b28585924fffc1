"""Whom the notices about an account go to: its customer's contacts, then those of its resellers (SES-2).

Must never decide which of them is told: the clock says whose turn it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casework.desk import Party
from gateway.store.tables import accounts, contacts, customers


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
            contacts=tuple(told.get(row[2], ())),
            policy=row[6],
        )
        for row in rows
    }


async def _contacts(connection: AsyncConnection, customer_ids: list[int]) -> dict[int, list[str]]:
    """Each customer's contacts in order of trial: its own, then those of its resellers (SES-2)."""
    tree = (
        select(
            customers.c.id.label("root"), customers.c.id.label("node"), customers.c.parent_id, literal(0).label("depth")
        )
        .where(customers.c.id.in_(customer_ids))
        .cte("tree", recursive=True)
    )
    up = select(tree.c.root, customers.c.id, customers.c.parent_id, tree.c.depth + 1).join(
        tree, customers.c.id == tree.c.parent_id
    )
    tree = tree.union_all(up.where(tree.c.depth < 8))
    rows = await connection.execute(
        select(tree.c.root, contacts.c.address)
        .join(contacts, contacts.c.customer_id == tree.c.node)
        .where(contacts.c.role != "billing")
        .order_by(tree.c.root, tree.c.depth, contacts.c.position)
    )
    told: dict[int, list[str]] = {}
    for root, address in rows:
        if address not in told.setdefault(root, []):
            told[root].append(address)
    return told

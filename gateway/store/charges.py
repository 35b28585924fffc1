"""The ledger as rows: written once under their keys, never changed. Must never decide what is charged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casework.ledger import Counted, Entry, Planned
from gateway.model import Verdict
from gateway.store import events
from gateway.store.events import Event
from gateway.store.inserts import add_new
from gateway.store.tables import accounts, attributions, charges, clocks, customers, reports


async def complaints(connection: AsyncConnection, case_id: int) -> list[Counted]:
    """The accepted reports behind a case's clocks, oldest first."""
    rows = await connection.execute(
        select(reports.c.id, attributions.c.account_id, reports.c.complainant, reports.c.fingerprint)
        .join(attributions, attributions.c.report_id == reports.c.id)
        .join(clocks, clocks.c.id == attributions.c.clock_id)
        .where(clocks.c.case_id == case_id, reports.c.verdict == Verdict.ACCEPTED.value)
        .order_by(reports.c.id)
    )
    return [Counted(*row) for row in rows]


async def add(  # noqa: PLR0913  (what, for which case, how much, and who says why and when)
    connection: AsyncConnection,
    planned: Sequence[Planned],
    case_id: int | None,
    amount: Decimal,
    currency: str,
    *,
    who: str,
    why: str,
    now: datetime,
) -> int:
    """Charge what was not charged before. Returns how many lines were written."""
    rows = [
        {
            "key": one.key, "account_id": one.account_id, "case_id": case_id, "report_id": one.report_id,
            "amount": str(amount), "currency": currency, "why": why, "at": now, "who": who, "reverses": None,
        }
        for one in planned
    ]  # fmt: skip
    made = await add_new(connection, charges, "key", rows)
    if made:
        said = f"{len(made)} x {amount} {currency}: {why}"
        await events.add(connection, [Event(now, who, "charged", said, case_id=case_id)])
    return len(made)


async def hold(connection: AsyncConnection, *, ids: Sequence[int] = (), case_id: int | None = None) -> None:
    """Whoever takes one of these, or one of the case, back waits until another has."""
    chosen = charges.c.id.in_(list(ids)) if case_id is None else charges.c.case_id == case_id
    held = select(charges.c.id).where(chosen).order_by(charges.c.id)
    await connection.execute(held.with_for_update(key_share=True))


async def reverse(connection: AsyncConnection, lines: Sequence[Entry], *, who: str, why: str, now: datetime) -> None:
    """Take charges back, which the caller holds: for each a line with the negative amount."""
    ids = [line.id for line in lines]
    kept = {r.id: r for r in await connection.execute(select(charges).where(charges.c.id.in_(ids)))}
    rows = [
        {
            "key": f"reversal:{line.id}", "account_id": kept[line.id].account_id, "case_id": line.case_id,
            "report_id": line.report_id, "amount": str(-line.amount), "currency": line.currency, "why": why,
            "at": now, "who": who, "reverses": line.id,
        }
        for line in lines
    ]  # fmt: skip
    if rows:
        await connection.execute(insert(charges), rows)
        told = [
            Event(now, who, "charge reversed", f"{r['amount']} {r['currency']}: {why}", case_id=r["case_id"])
            for r in rows
        ]
        await events.add(connection, told)


async def listed(
    connection: AsyncConnection,
    *,
    customer: str | None = None,
    case_id: int | None = None,
    ids: Sequence[int] | None = None,
) -> list[Entry]:
    """Lines of the ledger, oldest first; with the reversals of those asked for by `ids`."""
    query = _lines()
    if customer is not None:
        query = query.where(customers.c.key == customer)
    if case_id is not None:
        query = query.where(charges.c.case_id == case_id)
    if ids is not None:
        query = query.where(charges.c.id.in_(ids) | charges.c.reverses.in_(ids))
    return [_entry(row) for row in await connection.execute(query)]


async def owed(connection: AsyncConnection, account_ids: Sequence[int]) -> tuple[dict[str, Decimal], int]:
    """(currency -> what is owed, how many lines there are). Few amounts come often: each is added up exactly."""
    rows = await connection.execute(
        select(charges.c.currency, charges.c.amount, func.count())
        .where(charges.c.account_id.in_(list(account_ids)))
        .group_by(charges.c.currency, charges.c.amount)
    )
    sums: dict[str, Decimal] = {}
    lines = 0
    for currency, amount, many in rows:
        sums[currency] = sums.get(currency, Decimal(0)) + Decimal(amount) * many
        lines += many
    return dict(sorted(sums.items())), lines


async def latest(connection: AsyncConnection, account_ids: Sequence[int], limit: int) -> list[Entry]:
    """The latest lines of these accounts, oldest first."""
    newest = (
        select(charges.c.id)
        .where(charges.c.account_id.in_(list(account_ids)))
        .order_by(charges.c.id.desc())
        .limit(limit)
    )
    ids = list((await connection.execute(newest)).scalars())
    found = await connection.execute(_lines().where(charges.c.id.in_(ids)))
    return [_entry(row) for row in found]


def _lines() -> Select[Any]:
    return (
        select(charges, customers.c.key.label("customer"))
        .join(accounts, accounts.c.id == charges.c.account_id)
        .join(customers, customers.c.id == accounts.c.customer_id)
        .order_by(charges.c.id)
    )


def _entry(row: Any) -> Entry:
    return Entry(
        row.id, row.at, row.customer, row.case_id, row.report_id, Decimal(row.amount), row.currency, row.why, row.who,
        row.reverses,
    )  # fmt: skip

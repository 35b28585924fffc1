"""What was counted about customers who want a digest. Must never decide what is said of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import Verdict
from gateway.store.tables import accounts, attributions, cases, clocks, customers, reports

DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Counted:
    """Accepted reports of one category about one resource in a case."""

    account_id: int
    customer: str
    case_id: int
    opened_at: datetime
    resource: str
    category: str
    count: int
    last_at: datetime


async def counted(connection: AsyncConnection, since: datetime, until: datetime) -> list[Counted]:
    """What was received from `since` until before `until`, the most frequent first. One statement."""
    rows = await connection.execute(
        select(
            accounts.c.id, customers.c.key, cases.c.id, cases.c.opened_at, attributions.c.value, reports.c.category,
            func.count(), func.max(reports.c.received_at, type_=reports.c.received_at.type),
        )
        .select_from(customers)
        .join(accounts, accounts.c.customer_id == customers.c.id)
        .join(attributions, attributions.c.account_id == accounts.c.id)
        .join(clocks, clocks.c.id == attributions.c.clock_id)
        .join(cases, cases.c.id == clocks.c.case_id)
        .join(reports, reports.c.id == attributions.c.report_id)
        .where(
            customers.c.delivery == DIGEST, reports.c.verdict == Verdict.ACCEPTED.value,
            reports.c.received_at >= since, reports.c.received_at < until,
        )
        .group_by(
            accounts.c.id, customers.c.key, cases.c.id, cases.c.opened_at, attributions.c.value, reports.c.category
        )
        .order_by(func.count().desc(), attributions.c.value)
    )  # fmt: skip
    return [Counted(*row) for row in rows]

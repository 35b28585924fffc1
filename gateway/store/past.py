"""The stored past as a replay takes it. Reads only."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import ScreeningReason, Verdict
from gateway.store.tables import accounts, actions, attributions, cases, clocks, customers, reporters, reports, strikes

_CHUNK = 2000


async def reported(connection: AsyncConnection, since: datetime) -> AsyncIterator[Any]:
    """Accepted reports (and clicks that were only counted) about customers' resources since then, a row for each
    resource, with how its clock went."""
    wanted = or_(reports.c.verdict == Verdict.ACCEPTED.value, reports.c.reason == ScreeningReason.COUNT_ONLY.value)
    query = (
        select(
            reports.c.id, reports.c.received_at, reports.c.arrival_date, reports.c.category, reports.c.feedback_type,
            reports.c.identity, reports.c.complainant, reports.c.fingerprint,
            attributions.c.role, attributions.c.value, attributions.c.account_id,
            customers.c.key.label("customer"), accounts.c.name.label("account"),
            reporters.c.kind, reporters.c.name, reporters.c.domain,
            clocks.c.notified_at, clocks.c.answered_at, clocks.c.resolved_at,
        )
        .join(attributions, attributions.c.report_id == reports.c.id)
        .join(accounts, accounts.c.id == attributions.c.account_id)
        .join(customers, customers.c.id == accounts.c.customer_id)
        .outerjoin(reporters, reporters.c.id == reports.c.reporter_id)
        .outerjoin(clocks, clocks.c.id == attributions.c.clock_id)
        .where(reports.c.received_at > since, wanted)
        .order_by(reports.c.id)
    )  # fmt: skip
    last = 0
    while True:
        rows = (await connection.execute(query.where(reports.c.id > last).limit(_CHUNK))).all()
        # a report's rows may be cut in two by the limit: the last one is read again whole
        whole = [row for row in rows if len(rows) < _CHUNK or row.id != rows[-1].id]
        for row in whole:
            yield row
        if len(rows) < _CHUNK or not whole:
            return
        last = whole[-1].id


async def happened(connection: AsyncConnection, since: datetime) -> dict[str, int]:
    """What really came of it since then: cases, strikes, actions, to compare with."""
    counts = {}
    for name, table, column in (
        ("cases", cases, cases.c.opened_at), ("strikes", strikes, strikes.c.created_at),
        ("actions", actions, actions.c.created_at),
    ):  # fmt: skip
        found = await connection.execute(select(func.count()).select_from(table).where(column > since))
        counts[name] = int(found.scalar_one())
    return counts


def key(complainant: str | None, fingerprint: str) -> str:
    """The same complaint of the same complainant."""
    return hashlib.sha256(f"{complainant}\0{fingerprint}".encode("utf-8", "surrogateescape")).hexdigest()

"""Attributions of recorded reports that wait for a reading of leases, to be counted: in the queue's column, and never
in the queue. Must never touch an entry that somebody is asked about.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import Attribution
from gateway.store.tables import attributions, reports
from gateway.store.text import storable

COUNTED = "counted"  # beside the states of `store.queue`


async def reports_after(connection: AsyncConnection, report_id: int, limit: int) -> list[int]:
    """The next reports, by id, with something to be counted later."""
    rows = await connection.execute(
        select(attributions.c.report_id)
        .where(attributions.c.queue == COUNTED, attributions.c.report_id > report_id)
        .distinct()
        .order_by(attributions.c.report_id)
        .limit(limit)
    )
    return list(rows.scalars())


async def settle(connection: AsyncConnection, found: Sequence[tuple[int, Attribution]]) -> int:
    """(entry, what it is now). Returns how many have an account. One statement."""
    if not found:
        return 0
    rows = [
        {
            "kind": a.kind.value,
            "role": a.role.value,
            "value": a.value,
            "reason": a.reason.value,
            "account_id": a.account_id,
            "how": a.how,
            "confidence": a.confidence,
            "candidates": [{"account_id": c.account_id, "why": c.why} for c in a.candidates],
        }
        for _, a in found
    ]
    new: dict[str, Any] = {name: bindparam(f"new_{name}") for name in rows[0]}
    statement = update(attributions).where(attributions.c.id == bindparam("entry"), attributions.c.queue == COUNTED)
    values = [
        {"entry": entry} | {f"new_{name}": value for name, value in row.items()}
        for (entry, _), row in zip(found, rows, strict=True)
    ]
    await connection.execute(statement.values(new | {"queue": None}), storable(values))
    return sum(a.account_id is not None for _, a in found)


async def forget(connection: AsyncConnection, since: datetime) -> None:
    """Those that came before are waited for no longer."""
    old = select(attributions.c.id).join(reports, reports.c.id == attributions.c.report_id)
    old = old.where(attributions.c.queue == COUNTED, reports.c.received_at < since)
    await connection.execute(update(attributions).where(attributions.c.id.in_(old)).values(queue=None))

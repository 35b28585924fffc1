"""What another policy would have done to the stored past. Reads only; nothing is stored, sent or carried out."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from gateway.casework.replay import Past, Would, replay
from gateway.guarding import reporter_from
from gateway.house import House
from gateway.policies.policy import Policy
from gateway.screening.reporters import Reporter as Known
from gateway.screening.reporters import ReporterKind
from gateway.store import past as store
from parsers.report import Category, Role


async def simulate(house: House, policy: Policy, days: float) -> tuple[Would, dict[str, int]]:
    """(what the policy would have done, what really happened) in the last `days`."""
    now = house.clock()
    since = now - timedelta(days=days)
    async with house.database.reading() as connection:
        found = [_past(house, row) async for row in store.reported(connection, since)]
        happened = await store.happened(connection, since)
    return await asyncio.to_thread(replay, found, policy, now), happened


def _past(house: House, row: Any) -> Past:
    feed = row.identity.get("feed")
    stopped = [at for at in (row.answered_at, row.resolved_at) if at is not None]
    return Past(
        row.received_at,
        row.arrival_date,
        Category(row.category),
        Role(row.role),
        row.value,
        row.account_id,
        row.customer,
        row.customer if row.account == "main" else f"{row.customer}/{row.account}",
        reporter_from(_known(row), house.standings),
        store.key(row.complainant, row.fingerprint),
        is_click=feed is not None and (row.feedback_type or "").lower() == "abuse",
        started_at=row.notified_at,
        stopped_at=min(stopped, default=None),
    )


def _known(row: Any) -> Known | None:
    return Known(ReporterKind(row.kind), row.name, row.domain) if row.kind else None

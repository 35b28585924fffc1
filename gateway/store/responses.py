"""Bounces and opt-outs of customers' mail, counted by account, campaign and day. Must never keep an address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.tables import responses
from gateway.store.text import storable

BOUNCE, OPT_OUT = "bounce", "opt-out"
NO_SUCH_MAILBOX = "5.1.1"


@dataclass(frozen=True, slots=True)
class Counted:
    """How many of a cause and status on a day."""

    account_id: int
    campaign: str
    day: str
    cause: str
    status: str
    count: int


async def add(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Count (message_id, account_id, campaign, day, cause, status, count); a message counts once. One statement."""
    if rows:
        inserting = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        await connection.execute(inserting(responses).on_conflict_do_nothing(), storable(list(rows)))


async def counted(connection: AsyncConnection, account_ids: Iterable[int], since: date) -> list[Counted]:
    """What came back from that day on. One statement."""
    by = [responses.c[name] for name in ("account_id", "campaign", "day", "cause", "status")]
    rows = await connection.execute(
        select(*by, func.sum(responses.c.count))
        .where(responses.c.account_id.in_(sorted(set(account_ids))), responses.c.day >= since.isoformat())
        .group_by(*by)
    )
    return [Counted(*row[:5], int(row[5])) for row in rows]

"""Which reported mails the content filters are to see, and what they said. Must never ask a filter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.tables import content_checks, messages, reports
from gateway.store.text import storable


@dataclass(frozen=True, slots=True)
class Wanted:
    """A report whose mail is to be judged: number `position` of the message `raw`."""

    id: int
    report_id: int
    position: int
    tries: int
    raw: bytes


async def want(connection: AsyncConnection, report_ids: Sequence[int], now: datetime) -> None:
    """These are to be judged, once they are filed. One statement."""
    if report_ids:
        await connection.execute(insert(content_checks), [{"report_id": one, "next_at": now} for one in report_ids])


async def take(connection: AsyncConnection, now: datetime, until: datetime, limit: int) -> list[Wanted]:
    """Reports whose turn it is, for this node alone until then."""
    due = (
        select(content_checks.c.id)
        .where(content_checks.c.state == "wanted", content_checks.c.next_at <= now)
        .order_by(content_checks.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = list((await connection.execute(due)).scalars())
    if not ids:
        return []
    await connection.execute(update(content_checks).where(content_checks.c.id.in_(ids)).values(next_at=until))
    rows = await connection.execute(
        select(
            content_checks.c.id, content_checks.c.report_id, reports.c.position, content_checks.c.tries, messages.c.raw
        )
        .join(reports, reports.c.id == content_checks.c.report_id)
        .join(messages, messages.c.id == reports.c.message_id)
        .where(content_checks.c.id.in_(ids))
        .order_by(content_checks.c.id)
    )
    return [Wanted(row.id, row.report_id, row.position, row.tries, bytes(row.raw)) for row in rows]


async def judged(
    connection: AsyncConnection, one: Wanted, findings: list[dict[str, str]], why: str, next_at: datetime | None
) -> None:
    """What was said. `why` is empty where every filter answered; else they are asked again at `next_at` (None: no
    more)."""
    state = "done" if not why else "wanted" if next_at else "failed"
    values: dict[str, Any] = {"state": state, "next_at": next_at, "tries": one.tries + 1, "why": why[:500]}
    await connection.execute(
        update(content_checks).where(content_checks.c.id == one.id).values(**storable(values | {"findings": findings}))
    )


async def of_reports(connection: AsyncConnection, report_ids: Sequence[int]) -> dict[int, list[dict[str, str]]]:
    """{report: findings of the filters}."""
    rows = await connection.execute(
        select(content_checks.c.report_id, content_checks.c.findings).where(
            content_checks.c.report_id.in_(list(report_ids))
        )
    )
    return {row.report_id: row.findings or [] for row in rows}

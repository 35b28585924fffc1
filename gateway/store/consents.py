"""Proof of permission as rows: asked for, received, absent. Must never hold an address of anybody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import NoticeState, Verdict
from gateway.store.tables import attributions, cases, clocks, consents, notices, reports
from gateway.store.text import storable


async def of_case(connection: AsyncConnection, case_id: int) -> list[dict[str, Any]]:
    """What was asked for in a case, oldest first."""
    rows = await connection.execute(select(consents).where(consents.c.case_id == case_id).order_by(consents.c.id))
    return [dict(row) for row in rows.mappings()]


async def asked_before(connection: AsyncConnection, case_ids: Sequence[int]) -> set[tuple[int, str]]:
    """(case, campaign) of what was asked for in these cases."""
    rows = await connection.execute(
        select(consents.c.case_id, consents.c.campaign).where(consents.c.case_id.in_(case_ids))
    )
    return {(row.case_id, row.campaign) for row in rows}


async def add(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Write that these were asked for: case_id, campaign, notice_id, asked_at, asked_by, due_at."""
    if rows:
        plain = {"state": "asked", "source": "", "sha256": "", "rows": 0, "results": []}
        await connection.execute(insert(consents), storable([plain | row for row in rows]))


async def by_notice(connection: AsyncConnection, notice_id: int) -> dict[str, Any] | None:
    """What this notice asked for."""
    found = await connection.execute(select(consents).where(consents.c.notice_id == notice_id).with_for_update())
    row = found.mappings().one_or_none()
    return dict(row) if row else None


async def received(connection: AsyncConnection, consent_id: int, values: dict[str, Any]) -> None:
    """Records came and were compared; later ones replace what the earlier ones showed."""
    done = update(consents).where(consents.c.id == consent_id)
    await connection.execute(done.values(**storable([values | {"state": "received", "due_at": None}])[0]))


async def lapsed(connection: AsyncConnection, now: datetime, limit: int = 100) -> list[dict[str, Any]]:
    """What did not come in time, of what was asked for by a notice that went out: absent from now on. With the
    `policy` of its case."""
    rows = await connection.execute(
        select(consents, cases.c.policy)
        .join(notices, notices.c.id == consents.c.notice_id)
        .join(cases, cases.c.id == consents.c.case_id)
        .where(consents.c.due_at <= now, consents.c.state == "asked", notices.c.state == NoticeState.SENT.value)
        .order_by(consents.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True, of=consents)
    )
    found = [dict(row) for row in rows.mappings()]
    if found:
        ids = [row["id"] for row in found]
        await connection.execute(update(consents).where(consents.c.id.in_(ids)).values(state="absent", due_at=None))
    return found


async def recipients(connection: AsyncConnection, case_id: int) -> list[Any]:
    """(report id, contract JSON, identity, complainant) of the accepted reports of a case."""
    rows = await connection.execute(
        select(reports.c.id, reports.c.parsed, reports.c.identity, reports.c.complainant)
        .join(attributions, attributions.c.report_id == reports.c.id)
        .join(clocks, clocks.c.id == attributions.c.clock_id)
        .where(clocks.c.case_id == case_id, reports.c.verdict == Verdict.ACCEPTED.value)
        .order_by(reports.c.id)
    )
    return list({row.id: row for row in rows}.values())

"""Reports with their screening and attributions: written in batches, read for people.

Must never decide: what comes in was screened and attributed, what goes out is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import delete, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import Verdict
from gateway.store.legal import restricted
from gateway.store.tables import accounts, attributions, customers, messages, reports
from gateway.store.text import storable


async def twins(connection: AsyncConnection, fingerprints: Iterable[str]) -> set[tuple[str, str]]:
    """(fingerprint, outer Message-ID) of reports that are stored already, of those asked for."""
    wanted = sorted(set(fingerprints))
    if not wanted:
        return set()
    rows = await connection.execute(
        select(reports.c.fingerprint, reports.c.outer_id).where(
            reports.c.fingerprint.in_(wanted), reports.c.outer_id.is_not(None)
        )
    )
    return {(row.fingerprint, row.outer_id) for row in rows}


async def repeated(connection: AsyncConnection, fingerprints: Iterable[str]) -> set[tuple[str, str]]:
    """(fingerprint, complainant) of what was filed already, of the evidence asked for. One statement."""
    wanted = sorted(set(fingerprints))
    if not wanted:
        return set()
    rows = await connection.execute(
        select(reports.c.fingerprint, reports.c.complainant).where(
            reports.c.fingerprint.in_(wanted),
            reports.c.complainant.is_not(None),
            reports.c.outer_id.is_not(None),
            reports.c.verdict == Verdict.ACCEPTED.value,
        )
    )
    return {(row.fingerprint, row.complainant) for row in rows}


async def parsed_of(connection: AsyncConnection, report_id: int) -> dict[str, Any]:
    """The JSON that the parsers left of a report."""
    rows = await connection.execute(select(reports.c.parsed).where(reports.c.id == report_id))
    return dict(rows.scalar_one())


async def replace(connection: AsyncConnection, message_ids: Sequence[int]) -> None:
    """Forget what was made of these messages while they were only observed. Two statements: what is only observed
    was shown to no content filter."""
    old = select(reports.c.id).where(reports.c.message_id.in_(message_ids))
    await connection.execute(delete(attributions).where(attributions.c.report_id.in_(old)))
    await connection.execute(delete(reports).where(reports.c.message_id.in_(message_ids)))


async def add(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Insert reports (columns of the table), return their ids in order. One statement."""
    if not rows:
        return []
    statement = insert(reports).returning(reports.c.message_id, reports.c.position, reports.c.id)
    found = await connection.execute(statement, storable(list(rows)))
    ids = {(message_id, position): report_id for message_id, position, report_id in found}
    return [ids[row["message_id"], row["position"]] for row in rows]


async def attribute(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert attributions (columns of the table). One statement."""
    if rows:
        await connection.execute(insert(attributions), storable(list(rows)))


async def overview(connection: AsyncConnection, limit: int = 500, verdict: str | None = None) -> list[dict[str, Any]]:
    """One row per message, report and attribution, newest last, for tables: what came, what became of it.
    `verdict` keeps those that have it. The legal lane is not among them."""
    newest = select(messages.c.id).where(~restricted()).order_by(messages.c.id.desc()).limit(limit)
    if verdict is not None:
        with_it = select(reports.c.message_id).where(reports.c.verdict == verdict)
        newest = newest.where(or_(messages.c.verdict == verdict, messages.c.id.in_(with_it)))
    rows = await connection.execute(
        select(
            messages.c.id.label("message_id"), messages.c.mailbox, messages.c.kind, messages.c.format,
            messages.c.sender,
            messages.c.subject, messages.c.state, messages.c.error, messages.c.received_at,
            messages.c.verdict.label("message_verdict"), messages.c.reason.label("message_reason"),
            messages.c.detail.label("message_detail"),
            reports.c.id.label("report_id"), reports.c.feedback_type, reports.c.category, reports.c.source_ip,
            reports.c.arrival_date, reports.c.verdict, reports.c.reason, reports.c.detail, reports.c.would_send,
            reports.c.identity,
            attributions.c.value, attributions.c.role, attributions.c.how, attributions.c.reason.label("attribution"),
            attributions.c.queue, attributions.c.clock_id, customers.c.key.label("customer"),
        )
        .outerjoin(reports, reports.c.message_id == messages.c.id)
        .outerjoin(attributions, attributions.c.report_id == reports.c.id)
        .outerjoin(accounts, accounts.c.id == attributions.c.account_id)
        .outerjoin(customers, customers.c.id == accounts.c.customer_id)
        .where(messages.c.id.in_(newest))
        .order_by(messages.c.id, reports.c.position, attributions.c.id)
    )  # fmt: skip
    return [dict(row) for row in rows.mappings()]

"""Contacts outside the house: which reports still need a look-up, what was found, who wants no mail.

Must never look anything up or decide who is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store import events
from gateway.store.events import Event
from gateway.store.tables import attributions, cases, clocks, opt_outs, reports, third_parties
from gateway.store.text import storable


@dataclass(frozen=True, slots=True)
class Wanted:
    """A report whose network and sites are to be looked up. `case_id` None: it is in no case."""

    report_id: int
    message_id: int
    position: int
    source_ip: str | None
    received_at: datetime
    resources: list[dict[str, str]]  # of the contract's JSON: {kind, role, value}
    feed: str | None
    case_id: int | None
    case_opened_at: datetime | None
    tries: int


async def wanted(connection: AsyncConnection, now: datetime, limit: int) -> list[Wanted]:
    """Reports that wait for a look-up, oldest first."""
    case = (
        select(attributions.c.report_id, func.min(clocks.c.case_id).label("case_id"))
        .join(clocks, clocks.c.id == attributions.c.clock_id)
        .group_by(attributions.c.report_id)
        .subquery()
    )
    rows = await connection.execute(
        select(
            reports.c.id, reports.c.message_id, reports.c.position, reports.c.source_ip, reports.c.received_at,
            reports.c.parsed, reports.c.identity, case.c.case_id, cases.c.opened_at, reports.c.contacts_tries,
        )
        .outerjoin(case, case.c.report_id == reports.c.id)
        .outerjoin(cases, cases.c.id == case.c.case_id)
        .where(and_(reports.c.contacts_state == "wanted", reports.c.contacts_next_at <= now))
        .order_by(reports.c.id)
        .limit(limit)
    )  # fmt: skip
    return [
        Wanted(
            row.id, row.message_id, row.position, row.source_ip, row.received_at, row.parsed.get("resources", []),
            row.identity.get("feed"), row.case_id, row.opened_at, row.contacts_tries,
        )
        for row in rows
    ]  # fmt: skip


async def take(connection: AsyncConnection, report_ids: Sequence[int], until: datetime) -> None:
    """Keep other nodes away from these reports until then."""
    await connection.execute(update(reports).where(reports.c.id.in_(list(report_ids))).values(contacts_next_at=until))


async def still_held(connection: AsyncConnection, report_id: int, until: datetime) -> bool:
    """Whether the look-up that `take` began is still wanted: a decision of staff in between asks for another."""
    row = await connection.execute(
        select(reports.c.id).where(reports.c.id == report_id, reports.c.contacts_next_at == until).with_for_update()
    )
    return row.scalar_one_or_none() is not None


async def found(connection: AsyncConnection, report_id: int, rows: Sequence[dict[str, Any]]) -> None:
    """Keep what was found for a report, and that it was looked up."""
    if rows:
        await connection.execute(insert(third_parties), storable([row | {"report_id": report_id} for row in rows]))
    await connection.execute(update(reports).where(reports.c.id == report_id).values(contacts_state="found"))


async def later(connection: AsyncConnection, report_id: int, next_at: datetime | None) -> None:
    """A registry gave no answer: ask again at `next_at`, or (None) never."""
    state = "wanted" if next_at else "failed"
    await connection.execute(
        update(reports)
        .where(reports.c.id == report_id)
        .values(contacts_state=state, contacts_next_at=next_at, contacts_tries=reports.c.contacts_tries + 1)
    )


async def of_report(connection: AsyncConnection, report_id: int) -> list[dict[str, Any]]:
    """The contacts found for a report, with where each came from and what became of it."""
    rows = await connection.execute(
        select(third_parties).where(third_parties.c.report_id == report_id).order_by(third_parties.c.id)
    )
    return [dict(row) for row in rows.mappings()]


async def of_case(connection: AsyncConnection, case_id: int) -> list[dict[str, Any]]:
    """The contacts found for the reports of a case, oldest first."""
    in_case = (
        select(attributions.c.report_id)
        .join(clocks, clocks.c.id == attributions.c.clock_id)
        .where(clocks.c.case_id == case_id)
    )
    rows = await connection.execute(
        select(third_parties).where(third_parties.c.report_id.in_(in_case)).order_by(third_parties.c.id)
    )
    return [dict(row) for row in rows.mappings()]


async def opted_out(connection: AsyncConnection) -> set[str]:
    return set((await connection.execute(select(opt_outs.c.address))).scalars())


async def opt_out(connection: AsyncConnection, addresses: Mapping[str, int], now: datetime) -> None:
    """These contacts want no more mail (OUT-3): {address: the notice that they answered}."""
    known = await opted_out(connection) if addresses else set()
    fresh = {address: notice for address, notice in addresses.items() if address not in known}
    if fresh:
        await connection.execute(
            insert(opt_outs), [{"address": a, "at": now, "notice_id": n} for a, n in fresh.items()]
        )
        said = [Event(now, a, "opted out", "wants no more reports", notice_id=n) for a, n in fresh.items()]
        await events.add(connection, said)

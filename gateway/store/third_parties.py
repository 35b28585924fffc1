"""Contacts outside the house: which reports still need a look-up, what was found, who wants no mail.

Must never look anything up or decide who is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import NoticeState
from gateway.store import events
from gateway.store.events import Event
from gateway.store.inserts import add_new
from gateway.store.tables import attributions, cases, clocks, notices, opt_outs, reports, third_parties
from gateway.store.text import storable
from notifier.notice import TO_OTHERS

TOLD = "told"
WAITS = "waits for approval"
DIGEST = "digest"  # the decision that waits for tomorrow's digest
IN_DIGEST = "told in a digest"
EARLIER = "waits with what came earlier today about this case"
BOUNCED = "bounced"
REACHED = frozenset({TOLD, WAITS, DIGEST, IN_DIGEST, EARLIER})  # as far as is known
OPTED_OUT = "opted-out"


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
    domain: str | None = None  # the reporter's own
    policy: str | None = None  # that the case runs under
    trace: list[dict[str, Any]] = field(default_factory=list)  # hops of the reported mail, latest first


async def wanted(connection: AsyncConnection, now: datetime, limit: int) -> list[Wanted]:
    """Reports that wait for a look-up, oldest first, for this transaction alone."""
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
            cases.c.policy,
        )
        .outerjoin(case, case.c.report_id == reports.c.id)
        .outerjoin(cases, cases.c.id == case.c.case_id)
        .where(and_(reports.c.contacts_state == "wanted", reports.c.contacts_next_at <= now))
        .order_by(reports.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True, of=reports)
    )  # fmt: skip
    return [
        Wanted(
            row.id, row.message_id, row.position, row.source_ip, row.received_at, row.parsed.get("resources", []),
            row.identity.get("feed"), row.case_id, row.opened_at, row.contacts_tries, row.identity.get("domain"),
            row.policy, row.parsed.get("trace", []),
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
    """The contacts found for the reports of a case, each once for what it is about, oldest first. `reports`: how many
    there were; the rest is of the last one that it was told of, else of the last one."""
    in_case = (
        select(attributions.c.report_id)
        .join(clocks, clocks.c.id == attributions.c.clock_id)
        .where(clocks.c.case_id == case_id)
    )
    rows = await connection.execute(
        select(third_parties).where(third_parties.c.report_id.in_(in_case)).order_by(third_parties.c.id)
    )
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows.mappings():
        before = found.get((row["subject"], row["address"]))
        told = before is not None and before["notice_id"] is not None and row["notice_id"] is None
        count = before["reports"] + 1 if before else 1
        found[row["subject"], row["address"]] = (before if told and before else dict(row)) | {"reports": count}
    return list(found.values())


async def opted_out(connection: AsyncConnection) -> set[str]:
    return set((await connection.execute(select(opt_outs.c.address))).scalars())


async def opt_out(connection: AsyncConnection, addresses: Mapping[str, int], now: datetime) -> None:
    """These contacts want no more mail (OUT-3): {address: the notice that they answered}."""
    by = {address.lower(): notice for address, notice in addresses.items()}
    fresh = await _refuse(connection, by, now)
    if fresh:
        said = [Event(now, a, "opted out", "wants no more reports", notice_id=by.get(a)) for a in fresh]
        await events.add(connection, said)
        await _withdraw(connection, fresh)


async def _refuse(connection: AsyncConnection, by: Mapping[str, int | None], now: datetime) -> list[str]:
    """Put addresses on the list, {address: notice}. Returns those that were not on it."""
    rows = [{"address": address, "at": now, "notice_id": notice} for address, notice in by.items()]
    return list(await add_new(connection, opt_outs, "address", rows))


async def _withdraw(connection: AsyncConnection, refused: Sequence[str]) -> None:
    """What has not gone out yet to these (addresses or `@domain`) does not go out."""
    to = func.lower(notices.c.to)
    theirs = or_(*(to.endswith(one, autoescape=True) if one[0] == "@" else to == one for one in refused))
    waiting = notices.c.state.in_([NoticeState.PENDING.value, NoticeState.PROPOSED.value])
    outside = notices.c.kind.in_(sorted(kind.value for kind in TO_OTHERS))
    withdrawn = await connection.execute(
        update(notices)
        .where(outside, waiting, theirs)
        .values(state=NoticeState.CANCELLED.value, next_at=None)
        .returning(notices.c.id)
    )
    if ids := list(withdrawn.scalars()):
        await connection.execute(
            update(third_parties).where(third_parties.c.notice_id.in_(ids)).values(decision=OPTED_OUT)
        )


async def bounced(connection: AsyncConnection, notice_ids: Sequence[int], now: datetime) -> None:
    """These notices did not arrive: the next contact of each subject is looked for, in the latest report about it."""
    lost = await connection.execute(
        update(third_parties)
        .where(third_parties.c.notice_id.in_(list(notice_ids)), third_parties.c.decision.in_([TOLD, IN_DIGEST]))
        .values(decision=BOUNCED)
        .returning(third_parties.c.subject, third_parties.c.report_id)
    )
    latest: dict[str, int] = {}
    for row in lost:
        latest[row.subject] = max(row.report_id, latest.get(row.subject, 0))
    if latest:
        again = {"contacts_state": "wanted", "contacts_next_at": now, "contacts_tries": 0}
        await connection.execute(update(reports).where(reports.c.id.in_(sorted(set(latest.values())))).values(**again))


async def told_since(connection: AsyncConnection, addresses: Sequence[str], since: datetime) -> dict[str, int]:
    """How many notices each contact got since then, by all cases together."""
    who = func.lower(third_parties.c.address)
    rows = await connection.execute(
        select(who, func.count(third_parties.c.notice_id.distinct()))
        .where(who.in_(sorted({address.lower() for address in addresses})), third_parties.c.at >= since)
        .group_by(who)
    )
    found = {row[0]: row[1] for row in rows}
    return {address: found[address.lower()] for address in addresses if address.lower() in found}


async def for_digest(
    connection: AsyncConnection, before: datetime, limit: int = 5000, *, hold: bool = False
) -> list[dict[str, Any]]:
    """What waits for a digest since before that time: contact, what it is about, when. `hold`: another node waits until
    the transaction ends, and finds what is left then."""
    waiting = (
        select(
            third_parties.c.id, third_parties.c.address, third_parties.c.subject, third_parties.c.at,
            reports.c.category,
        )
        .join(reports, reports.c.id == third_parties.c.report_id)
        .where(third_parties.c.decision == DIGEST, third_parties.c.at < before)
        .order_by(third_parties.c.id)
        .limit(limit)
    )  # fmt: skip
    if hold:
        waiting = waiting.with_for_update(of=third_parties)
    return [dict(row) for row in (await connection.execute(waiting)).mappings()]


async def in_digest(connection: AsyncConnection, ids: Sequence[int], decision: str, notice_id: int | None) -> None:
    """They are told with this notice (or, None, no more)."""
    await connection.execute(
        update(third_parties).where(third_parties.c.id.in_(list(ids))).values(decision=decision, notice_id=notice_id)
    )


async def refuse(connection: AsyncConnection, address: str, who: str, now: datetime) -> bool:
    """Staff put a contact (or `@domain`) on the opt-out list. False: it was there."""
    if not await _refuse(connection, {address: None}, now):
        return False
    await _withdraw(connection, [address])
    await events.add(connection, [Event(now, who, "opted out", f"{address}: by staff")])
    return True


async def opt_in(connection: AsyncConnection, address: str, who: str, now: datetime) -> bool:
    """It may be written to again. False: it was not on the list."""
    gone = await connection.execute(delete(opt_outs).where(opt_outs.c.address == address))
    if gone.rowcount:
        await events.add(connection, [Event(now, who, "opted in", f"{address}: by staff")])
    return bool(gone.rowcount)

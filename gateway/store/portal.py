"""What the pages without an account look up: where a case went, who looked lately, what became of a report.

Must never hold a link, nor say what a page shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import CaseState, ScreeningReason, Verdict
from gateway.store import outcomes
from gateway.store.tables import cases, events, held, messages, notices, reports

_MOST_MERGES = 5  # that a link follows


async def now_at(connection: AsyncConnection, case_id: int) -> int:
    """The case in which this one goes on: itself, or what it was merged into. One statement a merge."""
    for _ in range(_MOST_MERGES):
        found = await connection.execute(select(cases.c.state, cases.c.merged_into).where(cases.c.id == case_id))
        row = found.one_or_none()
        if row is None or row.state != CaseState.MERGED.value or row.merged_into is None:
            break
        case_id = row.merged_into
    return case_id


async def did_since(connection: AsyncConnection, case_id: int, who: str, what: str, since: datetime) -> bool:
    """Did they do this in the case since then? One statement."""
    done = (events.c.case_id == case_id) & (events.c.who == who) & (events.c.what == what) & (events.c.at > since)
    return (await connection.execute(select(events.c.id).where(done).limit(1))).first() is not None


async def told(connection: AsyncConnection, case_id: int, addresses: Sequence[str]) -> list[str]:
    """Those of these addresses that had a notice of the case. One statement."""
    had = (notices.c.case_id == case_id) & notices.c.to.in_(list(addresses)) & notices.c.sent_at.is_not(None)
    found = set((await connection.execute(select(notices.c.to).where(had).distinct())).scalars())
    return [address for address in addresses if address in found]


# --- reporters -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was sent on a page. `in_hand`: somebody is working on it at this moment."""

    written_by: str
    confirmed_at: datetime | None
    received_at: datetime
    in_hand: bool


async def sent(connection: AsyncConnection, message_id: int, now: datetime) -> Sent | None:
    """The message, locked until the transaction ends; None where it is none of a page. One statement."""
    columns = (messages.c.written_by, messages.c.confirmed_at, messages.c.received_at, messages.c.state)
    chosen = select(*columns, messages.c.claimed_until).where(messages.c.id == message_id).with_for_update()
    row = (await connection.execute(chosen)).one_or_none()
    if row is None or row.written_by is None:
        return None
    in_hand = row.state == "stored" and row.claimed_until is not None and row.claimed_until > now
    return Sent(row.written_by, row.confirmed_at, row.received_at, in_hand)


async def confirm(connection: AsyncConnection, message_id: int, now: datetime) -> None:
    """Its sender is proven. One statement."""
    await connection.execute(update(messages).where(messages.c.id == message_id).values(confirmed_at=now))


async def outcome(connection: AsyncConnection, message_id: int) -> str | None:
    """What became of a report, in one general word; None: there is no such message. Four statements at most."""
    state = (await connection.execute(select(messages.c.state).where(messages.c.id == message_id))).scalar_one_or_none()
    if state is None:
        return None
    waits = select(held.c.state, held.c.reason, held.c.completed_by).where(held.c.message_id == message_id)
    kept = (await connection.execute(waits)).one_or_none()
    if kept is not None and kept.completed_by not in (None, message_id):
        return await outcome(connection, kept.completed_by)
    if state == "stored":
        return "reading"
    if kept is not None and kept.state == "waiting":
        by = {ScreeningReason.UNCONFIRMED: "unconfirmed", ScreeningReason.EVIDENCE_MISSING: "incomplete"}
        return by.get(ScreeningReason(kept.reason), "waiting")
    if kept is not None and kept.state == "expired":
        return "expired"
    found = await connection.execute(select(reports.c.verdict).where(reports.c.message_id == message_id))
    verdicts = set(found.scalars())
    if Verdict.ACCEPTED.value in verdicts:
        return await _of_cases(connection, message_id)
    if Verdict.RECORDED.value in verdicts:
        return "counted"
    return "refused" if verdicts == {Verdict.REJECTED.value} else "waiting"


async def _of_cases(connection: AsyncConnection, message_id: int) -> str:
    """In work until staff, or the policy, let complainants hear how its cases ended."""
    released = (await outcomes.results(connection, [message_id])).get(message_id, set())
    return next((word for word in ("solved", "closed", "unfounded") if word in released), "working")


async def received_at(connection: AsyncConnection, message_id: int) -> datetime | None:
    """When a message came. One statement."""
    found = await connection.execute(select(messages.c.received_at).where(messages.c.id == message_id))
    came: datetime | None = found.scalar_one_or_none()
    return came

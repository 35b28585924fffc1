"""What else happens to entries of the unmatched queue: put off, given to another network, and taken back.

Each is a conditional update with its event, like those of `store.queue`. Must never take back what somebody outside
was already told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import String, cast, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import CaseState, NoticeState
from gateway.store import events
from gateway.store.events import Event
from gateway.store.queue import OPEN, SNOOZED, WAITING, Entry
from gateway.store.tables import actions, assignments, attributions, cases, clocks, notices, reports
from gateway.store.text import storable

_BEFORE = ("kind", "role", "value", "reason", "how")


@dataclass(frozen=True, slots=True)
class Earlier:
    """A report before this one, about the same address or of the same mailing."""

    report_id: int
    message_id: int
    received_at: datetime
    category: str
    account_id: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of an entry: a state of the queue, and why. `until` (aware UTC): only put off."""

    state: str
    why: str
    until: datetime | None = None


def before(entry: Entry) -> dict[str, Any]:
    """What a decision replaces, to take it back."""
    return {name: getattr(entry, name) for name in _BEFORE}


async def decide(connection: AsyncConnection, entry: Entry, said: Decision, *, who: str, now: datetime) -> bool:
    """Reject it, give it to another network, or put it off. False: somebody decided it before."""
    values: dict[str, Any] = {"queue": said.state, "decided_by": who, "decided_at": now, "before": before(entry)}
    values |= {"snoozed_until": said.until} if said.until else {"how": f"{entry.how}; {said.why}"}
    done = await connection.execute(
        update(attributions)
        .where(attributions.c.id == entry.id, attributions.c.queue.in_(OPEN))
        .values(storable(values))
    )
    if done.rowcount != 1:
        return False
    await events.add(connection, [_event(entry, now, who, f"entry {said.state}", said.why)])
    return True


async def wake(connection: AsyncConnection, now: datetime) -> int:
    """Entries that were put off until now wait again; what somebody decides at this moment is left to them."""
    due = (
        select(attributions.c.id)
        .where(attributions.c.queue == SNOOZED, attributions.c.snoozed_until <= now)
        .order_by(attributions.c.id)
        .with_for_update(skip_locked=True)
    )
    done = await connection.execute(
        update(attributions)
        .where(attributions.c.id.in_(list((await connection.execute(due)).scalars())))
        .values(queue=WAITING, snoozed_until=None, decided_by=None, decided_at=None)
    )
    return int(done.rowcount)


async def sleeping(connection: AsyncConnection, now: datetime) -> int:
    """How many entries are to wait again by now."""
    due = (attributions.c.queue == SNOOZED, attributions.c.snoozed_until <= now)
    return int((await connection.execute(select(func.count()).select_from(attributions).where(*due))).scalar_one())


async def hold(connection: AsyncConnection, ids: Sequence[int]) -> None:
    """Whoever decides about these entries, or files something in their cases, waits until the transaction ends: an
    entry before its case, a case before its clocks, as everywhere."""
    its = select(attributions.c.clock_id).where(attributions.c.id.in_(list(ids))).order_by(attributions.c.id)
    started = list((await connection.execute(its.with_for_update(key_share=True))).scalars())
    of_these = select(clocks.c.case_id).where(clocks.c.id.in_([one for one in started if one is not None]))
    held = select(cases.c.id).where(cases.c.id.in_(of_these)).order_by(cases.c.id)
    await connection.execute(held.with_for_update(key_share=True))


async def told(connection: AsyncConnection, entry: Entry, together: Sequence[int]) -> bool:
    """Was anybody told of the entry's clock, or is anything being sent, or does anything else than these entries that
    are taken back `together` stand in it?"""
    if entry.clock_id is None:
        return False
    out = (NoticeState.PENDING.value, NoticeState.CANCELLED.value)
    rows = await connection.execute(
        select(func.count())
        .select_from(notices)
        .where(
            notices.c.clock_id == entry.clock_id,
            (notices.c.state.not_in(out)) | (notices.c.claimed_by.is_not(None)) | (notices.c.attempts > 0),
        )
    )
    others = await connection.execute(
        select(func.count())
        .select_from(attributions)
        .where(attributions.c.clock_id == entry.clock_id, attributions.c.id.not_in([entry.id, *together]))
    )
    return bool(rows.scalar_one()) or bool(others.scalar_one())


async def take_back(connection: AsyncConnection, entry: Entry, *, who: str, now: datetime) -> bool:
    """The entry waits again as it did, for a person: `decided_by` says so, and nothing places it by itself. What it had
    started is cancelled; what was no entry before goes. False: there is nothing to take back."""
    found = (
        await connection.execute(
            select(attributions.c.before, attributions.c.queue).where(attributions.c.id == entry.id).with_for_update()
        )
    ).one_or_none()
    if found is None or found.queue in {None, WAITING} or not found.before:
        return False
    if "kind" not in found.before:  # only the decision brought it to light
        await connection.execute(delete(attributions).where(attributions.c.id == entry.id))
        if entry.clock_id is not None:
            await _cancel(connection, entry.clock_id, now)
        return True
    values = {name: found.before[name] for name in _BEFORE} | {
        "queue": WAITING, "account_id": None, "clock_id": None, "snoozed_until": None, "decided_by": who,
        "decided_at": now, "before": None, "confidence": None,
    }  # fmt: skip
    await connection.execute(update(attributions).where(attributions.c.id == entry.id).values(storable(values)))
    if entry.clock_id is not None:
        await _cancel(connection, entry.clock_id, now)
    await events.add(connection, [_event(entry, now, who, "decision taken back", f"it was {found.queue}")])
    return True


async def placed_by(connection: AsyncConnection, assignment_id: int) -> list[int]:
    """The entries that a rule placed, by id."""
    rows = await connection.execute(
        select(attributions.c.id, attributions.c.before).where(
            attributions.c.queue == "assigned", attributions.c.before.is_not(None)
        )
    )
    return [row.id for row in rows if (row.before or {}).get("assignment_id") == assignment_id]


async def rule_of(connection: AsyncConnection, entry_id: int) -> int | None:
    """The assignment made by staff under which an entry was placed."""
    said = (
        await connection.execute(select(attributions.c.before).where(attributions.c.id == entry_id))
    ).scalar_one_or_none() or {}
    found = await connection.execute(
        select(assignments.c.id).where(assignments.c.id == said.get("assignment_id"), assignments.c.origin == "rule")
    )
    return found.scalar_one_or_none()


async def earlier(
    connection: AsyncConnection, entry: Entry, campaign: str | None, limit: int = 10
) -> tuple[list[Earlier], list[Earlier]]:
    """Reports before this one (about the same resource, of the same mailing), the latest first."""
    columns = (
        reports.c.id, reports.c.message_id, reports.c.received_at, reports.c.category, attributions.c.account_id,
        attributions.c.reason,
    )  # fmt: skip
    asked = (
        select(*columns)
        .join(attributions, attributions.c.report_id == reports.c.id)
        .where(reports.c.id != entry.report_id)
        .limit(limit)
    )
    # each in the order of the index that finds it: of a million reports only these are looked at
    alike = asked.where(attributions.c.value == entry.value).order_by(attributions.c.report_id.desc())
    same = asked.where(reports.c.campaign == campaign).order_by(reports.c.id.desc())
    return (
        [Earlier(*row) for row in await connection.execute(alike)] if entry.value else [],
        [Earlier(*row) for row in await connection.execute(same)] if campaign else [],
    )


async def campaign_of(connection: AsyncConnection, report_id: int) -> str | None:
    found = await connection.execute(select(reports.c.campaign).where(reports.c.id == report_id))
    return found.scalar_one_or_none()


async def _cancel(connection: AsyncConnection, clock_id: int, now: datetime) -> None:
    """A clock that only this entry had started, of which nobody was told: it is gone, since a clock that was settled
    would hold that the next report is in hand. Its case is dismissed if it had no other."""
    case_id = (await connection.execute(select(clocks.c.case_id).where(clocks.c.id == clock_id))).scalar_one()
    await connection.execute(
        update(notices)
        .where(
            notices.c.clock_id == clock_id,
            notices.c.state == NoticeState.PENDING.value,
            notices.c.claimed_by.is_(None),  # else it is being sent
        )
        .values(state=NoticeState.CANCELLED.value, next_at=None)
    )
    gone = notices.c.state == NoticeState.CANCELLED.value
    freed = {"clock_id": None, "key": notices.c.key + " taken back " + cast(notices.c.id, String)}  # for who comes next
    await connection.execute(update(notices).where(notices.c.clock_id == clock_id, gone).values(**freed))
    for table in (attributions, notices, actions):
        if (await connection.execute(select(table.c.id).where(table.c.clock_id == clock_id).limit(1))).first():
            return  # another entry that is taken back with it does it; or the caller finds that it was too late
    await connection.execute(delete(clocks).where(clocks.c.id == clock_id))
    if (await connection.execute(select(clocks.c.id).where(clocks.c.case_id == case_id).limit(1))).first() is None:
        await connection.execute(
            update(cases).where(cases.c.id == case_id).values(state=CaseState.DISMISSED.value, current=None)
        )
        said = Event(now, events.SYSTEM, "case dismissed", "its report was taken back", case_id=case_id)
        await events.add(connection, [said])


def _event(entry: Entry, now: datetime, who: str, what: str, why: str) -> Event:
    data = {"entry": entry.id, "resource": entry.value}
    return Event(now, who, what, why, message_id=entry.message_id, report_id=entry.report_id, data=data)

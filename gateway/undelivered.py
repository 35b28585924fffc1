"""Mail of ours that did not arrive: the address is marked, staff are alarmed where a customer knows nothing of what
was said, and outside the house the next contact is looked for.

A customer's next contact is its clock's business, and so is the alarm about what starts one. Must never mark anybody
for a fault of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.house import House
from gateway.model import NoticeState
from gateway.screening import suppression
from gateway.store import dead_addresses, events, third_parties
from gateway.store.events import Event
from gateway.store.notices import StoredNotice
from notifier.notice import OUR_FAULT, REPLIES, STARTS, TO_OTHERS, TO_STAFF, NoticeKind, Why
from parsers.report import Bounce

_GONE = frozenset({Why.RECIPIENT, Why.NO_MAIL_SERVER, Why.ADDRESS})
_NOBODY_ANSWERS = frozenset({Why.CONNECTION, Why.TIMEOUT})  # of the recipient's servers, where we speak to them
# Nobody at a customer's waits for these, or somebody looks after them anyway.
_SILENT = TO_OTHERS | TO_STAFF | REPLIES | STARTS | {NoticeKind.POSTMASTER_CHECK, NoticeKind.SELF_TEST}


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A notice that its recipient did not get. `gone`: it says that nobody reads mail there."""

    notice: StoredNotice
    why: str
    gone: bool


def by_report(notice: StoredNotice, bounces: Sequence[Bounce]) -> Undelivered:
    """By a delivery report: a mailbox that is not there is gone, a refusal of this mail is not."""
    status = next((one.status for one in bounces if one.action == "failed" and one.status), None)
    return Undelivered(notice, f"bounced, status {status or 'unknown'}", bool(suppression.gone(bounces)))


def refused(house: House, notices: Sequence[StoredNotice]) -> list[Undelivered]:
    """By the outcomes of sending: those that no server took, for good or for as long as was tried."""
    gone = _GONE if house.settings.smtp.mode == "relay" else _GONE | _NOBODY_ANSWERS
    return [
        Undelivered(notice, notice.answer or notice.why or "", notice.why in gone)
        for notice in notices
        if notice.state == NoticeState.FAILED.value and notice.why not in OUR_FAULT
    ]


async def note(connection: AsyncConnection, lost: Sequence[Undelivered], now: datetime) -> None:
    """Mark the addresses, alarm staff, and have the next contacts outside looked for. A fixed number of statements."""
    await events.add(connection, [_alarm(one, now) for one in lost if one.notice.kind not in _SILENT])
    found = [one for one in lost if one.notice.kind not in TO_STAFF]
    await dead_addresses.mark(connection, {one.notice.to: (one.why, one.notice.id) for one in found if one.gone}, now)
    outside = [one.notice.id for one in found if one.notice.kind in TO_OTHERS]
    if outside:
        await third_parties.bounced(connection, outside, now)


def _alarm(one: Undelivered, now: datetime) -> Event:
    """AR-5: a clock that runs on what its customer never read would end unseen."""
    notice = one.notice
    why = f"our {notice.kind} to {notice.to} did not arrive: {one.why}"
    about: dict[str, Any] = {"case_id": notice.case_id, "clock_id": notice.clock_id, "notice_id": notice.id}
    return Event(now, events.SYSTEM, events.ALARM, why, **about)

"""Copies up the tree (SES-2): once the nearest contact was told, those above it hear of it, where the policy says so.

A customer answers for its customers. Nobody gets a copy of what it was told itself. Must never start, stop or void
a clock: a copy is for information.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import originals
from gateway.casework.desk import Desk
from gateway.house import House
from gateway.model import Clock
from gateway.store import notices, parties
from gateway.store.notices import StoredNotice
from gateway.store.parties import Above
from notifier.notice import NoticeKind

_COPIED = frozenset({NoticeKind.COMPLAINT.value, NoticeKind.REOPENED.value, NoticeKind.OVERDUE.value})


async def plan(house: House, connection: AsyncConnection, desk: Desk, sent: Sequence[StoredNotice]) -> None:
    """Plan the copies of what has just gone out. Three statements; none where no policy wants copies."""
    by_id = {clock.id: clock for clock in desk.clocks.values()}
    told = [
        (notice, by_id[notice.clock_id], house.policy_of(by_id[notice.clock_id]).copies.up_the_tree)
        for notice in sent
        if notice.kind in _COPIED and notice.sent_at is not None and notice.clock_id in by_id
    ]
    told = [one for one in told if one[2] != "none"]
    if not told:
        return
    over = await parties.above(connection, sorted({clock.case_key[0] for _, clock, _ in told}))
    rows = []
    for notice, clock, how in told:
        line = over.get(clock.case_key[0], [])
        rows += [
            _row(house, desk, notice, clock, one)
            for one in (line[:1] if how == "next" else line)
            if one.address != notice.to
        ]
    await notices.plan(connection, rows)


def _row(house: House, desk: Desk, notice: StoredNotice, clock: Clock, to: Above) -> dict[str, Any]:
    facts = dict(notice.facts) | {
        "customer": to.name,
        "below": desk.parties[clock.case_key[0]].name,
        "told": notice.kind,
        "due_at": clock.due_at.isoformat() if clock.due_at else None,
    }
    key = f"{notice.key}/copy/{to.address}"
    row = notices.planned(NoticeKind.CUSTOMER_COPY, key, to.address, facts, house.clock(), to.language)
    about = {"case_id": notice.case_id, "clock_id": notice.clock_id, "round": notice.round}
    evidence = {name: said for name, said in (notice.evidence or {}).items() if name != originals.BODY_OF}
    return row | about | {"evidence": evidence or None}  # a body is for the customer who is vetted, nobody else

"""Notices about a case as a whole, one a decision however many resources it has: answer received, resolved.

What is said of one clock is planned with that clock (`store.desk`). Must never send, nor decide that something is said.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casework.desk import ClockKey, Desk
from gateway.house import House
from gateway.model import CaseKey, Clock, ClockState
from gateway.store import notices
from notifier.notice import NoticeKind
from parsers.contract import iso

_MOST_NAMED = 10  # resources in one notice


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be said. `key`: once; the contact's address is added to it. `facts` beside those of the case."""

    kind: NoticeKind
    key: str
    facts: dict[str, Any] = field(default_factory=dict)


def row(desk: Desk, key: CaseKey, about: Sequence[Clock], wanted: Wanted, now: datetime) -> dict[str, Any] | None:
    """The notice to the contact that was told of these clocks last; None: the customer has no contact."""
    party, case = desk.parties[key[0]], desk.cases[key]
    if not party.contacts or not about:
        return None
    to = party.contacts[min(max(clock.contact for clock in about), len(party.contacts) - 1)]
    named = sorted({clock.value for clock in about})
    facts = {
        "case": case.number,
        "customer": party.name,
        "account": party.account,
        "cls": case.cls,
        "resource": ", ".join(named[:_MOST_NAMED]) + (" ..." if len(named) > _MOST_NAMED else ""),
        "policy": case.policy,
    }
    planned = notices.planned(wanted.kind, f"{wanted.key}/{to}", to, facts | wanted.facts, now, party.language_of(to))
    return planned | {"case_id": case.id}


async def resolved(
    house: House, connection: AsyncConnection, desk: Desk, key: CaseKey, before: Mapping[ClockKey, Clock], *,
    dismissed: bool,
) -> None:  # fmt: skip
    """Tell the customer what a decision resolved of what it was told of before; `dismissed`: that it has nothing to do
    with it. `before`: the clocks as they were. Staff's reasons stay in the house."""
    told = [clock for clock in desk.of_case(key) if _was_told(before.get(clock.key))]
    if not dismissed:
        told = [clock for clock in told if before[clock.key].state is not ClockState.RESOLVED]
    case = desk.cases[key]
    facts: dict[str, Any] = {"dismissed": dismissed}
    if not dismissed:
        times = [clock.resolved_at for clock in told if clock.resolved_at]
        facts |= {"resolved_at": iso(min(times, default=None)), "days": house.policy_of(case).reopen_days}
    which = hashlib.sha256(",".join(sorted(f"{clock.id}.{clock.round}" for clock in told)).encode()).hexdigest()[:16]
    wanted = Wanted(NoticeKind.RESOLVED, f"case:{case.id}/{'dismissed' if dismissed else f'resolved/{which}'}", facts)
    planned = row(desk, key, told, wanted, house.clock())
    await notices.plan(connection, [planned] if planned else [])


def _was_told(clock: Clock | None) -> bool:
    return clock is not None and (clock.notified_at is not None or clock.starts_at is not None)

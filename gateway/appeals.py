"""A customer asks for a review of what we did (NET-4): kept in the case, decided by staff, once, and told.

A reply to a notice of a case in which an Action was carried out asks for one by itself;
staff enter what came by telephone. Must never lift anything before staff said so.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import measures
from gateway.casework.desk import Desk
from gateway.casework.states import NotAllowedError
from gateway.house import House
from gateway.model import Case, CaseKey
from gateway.policies.policy import Policy
from gateway.store import appeals as store
from gateway.store import cases as case_store
from gateway.store import desk as desk_store
from gateway.store import events, notices
from gateway.store.events import Event
from notifier.notice import NoticeKind

_LONGEST = 4000

log = structlog.get_logger()


async def ask(house: House, number: str, said: str, *, who: str) -> bool:
    """The customer asked for a review by other means. True: a new one; False: one waits already."""
    async with house.database.writing() as connection:
        _, case = await _case(connection, number)
        return await by_page(house, connection, case, said, who)


async def by_page(house: House, connection: AsyncConnection, case: Case, said: str, who: str) -> bool:
    """The customer asks for a review on the page of the case. As `ask`. Raises NotAllowedError."""
    now = house.clock()
    times = (await store.enforced(connection, [case.id or 0])).get(case.id or 0)
    if not times:
        raise NotAllowedError(f"case {case.number}: nothing was carried out that could be reviewed")
    if not _in_time(house.policy_of(case), times, now):
        days = house.policy_of(case).actions.appeal_days
        raise NotAllowedError(f"case {case.number}: a review could be asked for within {days} days")
    return await store.open_(connection, case.id or 0, said[:_LONGEST], who=who, now=now)


async def by_mail(house: House, connection: AsyncConnection, said: Mapping[int, str]) -> None:
    """What customers replied to cases, {case: text}: where something was carried out, it asks for a review."""
    now = house.clock()
    for case_id, times in (await store.enforced(connection, said.keys())).items():
        if not _in_time(house.policy, times, now):
            continue
        if await store.open_(connection, case_id, said[case_id][:_LONGEST], who="customer", now=now):
            why = "a customer asks for a review"
            await events.add(connection, [Event(now, events.SYSTEM, events.ALARM, why, case_id=case_id)])
            log.warning("alarm", why=why, case_id=case_id)


async def decide(house: House, number: str, *, granted: bool, who: str, why: str) -> list[int]:
    """Staff decide; the customer is told with the reason. Returns the actions that are lifted."""
    now = house.clock()
    async with house.database.writing() as connection:
        desk, case = await _case(connection, number)
        row = await store.decide(connection, case.id or 0, granted=granted, who=who, why=why, now=now)
        if row is None:
            raise NotAllowedError(f"case {case.number} has no review that waits")
        if notice := _notice(desk, case, row["id"], granted, why, now):
            await notices.plan(connection, [notice])
        lifted = await store.to_lift(connection, case.id or 0) if granted else []
    for number_of in lifted:
        await measures.undo(house, number_of, who=who, why=f"review granted: {why}")
    return lifted


def _notice(desk: Desk, case: Case, appeal: int, granted: bool, why: str, now: datetime) -> dict[str, Any] | None:
    key: CaseKey = next(iter(desk.cases))
    party = desk.parties[key[0]]
    if not party.contacts:
        return None
    to = party.contacts[0]
    facts = {
        "case": case.number, "customer": party.name, "granted": granted, "reason": why,
        "resource": ", ".join(sorted(clock.value for clock in desk.of_case(key))[:5]),
    }  # fmt: skip
    row = notices.planned(NoticeKind.APPEAL_DECIDED, f"appeal:{appeal}/{to}", to, facts, now, party.language_of(to))
    return row | {"case_id": case.id}


def _in_time(policy: Policy, times: list[datetime], now: datetime) -> bool:
    days = policy.actions.appeal_days
    return days is None or any(now - at <= timedelta(days=days) for at in times)


async def _case(connection: AsyncConnection, number: str) -> tuple[Desk, Case]:
    desk = await desk_store.load_cases(connection, [case_store.case_id_of(number)])
    if not desk.cases:
        raise NotAllowedError(f"there is no case {number}; 'arfgate case list --all' shows them")
    return desk, next(iter(desk.cases.values()))

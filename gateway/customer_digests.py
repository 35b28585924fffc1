"""A daily mail to customers whose delivery is "digest": what was counted about their resources on the day before (UTC).

Complaints that start a clock reach them one by one all the same. Must never start or stop a clock, and never name who
complained.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from gateway.casework.desk import Party
from gateway.house import House
from gateway.model import Case, CaseState
from gateway.store import customer_digests as store
from gateway.store import notices, parties, switches
from gateway.store.customer_digests import Counted
from notifier.notice import NoticeKind

_MOST_ITEMS = 50  # lines of a digest
_DAY = "customer_digests"  # the day of which everybody was told


async def send(house: House) -> int:
    """Plan the mails of yesterday, once. Returns how many."""
    today = house.clock().replace(hour=0, minute=0, second=0, microsecond=0)
    day = f"{today - timedelta(days=1):%Y-%m-%d}"
    async with house.database.reading() as connection:
        before = await switches.read(connection, _DAY)
    if before == day:
        return 0
    async with house.database.writing() as connection:
        if await switches.is_paused(connection) or not await switches.claim(connection, _DAY, before, day):
            return 0
        by_customer: dict[str, list[Counted]] = {}
        for one in await store.counted(connection, today - timedelta(days=1), today):
            by_customer.setdefault(one.customer, []).append(one)
        first = {customer: rows[0].account_id for customer, rows in by_customer.items()}
        whom = await parties.of_accounts(connection, sorted(first.values()))
        rows = [
            _row(whom[first[customer]], counted, day, house.clock())
            for customer, counted in by_customer.items()
            if whom[first[customer]].contacts
        ]
        return len(await notices.plan(connection, rows))


def _row(party: Party, counted: Sequence[Counted], day: str, now: datetime) -> dict[str, Any]:
    items = [
        {
            "resource": one.resource,
            "category": one.category,
            "count": one.count,
            "last_at": f"{one.last_at:%Y-%m-%d %H:%MZ}",
            "case": Case(0, "", CaseState.OPEN, one.opened_at, id=one.case_id).number,
        }
        for one in counted[:_MOST_ITEMS]
    ]
    to = party.contacts[0]
    facts = {"customer": party.name, "day": day, "items": items, "more": max(0, len(counted) - _MOST_ITEMS)}
    key = f"customer-digest:{day}/{party.customer}/{to}"
    return notices.planned(NoticeKind.CUSTOMER_DIGEST, key, to, facts, now, party.language_of(to))

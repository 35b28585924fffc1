"""Tells customers what was carried out against them, once it was: nothing says done before it is (PAG-6, MED-4).

One notice an action, to the first contact that is known. Must never carry anything out, nor tell of what is only
proposed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gateway.casework.desk import Party
from gateway.house import House
from gateway.store import desk as desk_store
from gateway.store import enforced as store
from gateway.store import notices, parties, switches
from gateway.store.enforced import Done
from notifier.notice import NoticeKind

_BATCH = 100


async def tell(house: House) -> int:
    """Plan the notices of what was done. Returns how many actions were looked at."""
    async with house.database.reading() as connection:
        if not await store.any_untold(connection):
            return 0
    async with house.database.writing() as connection:
        if await switches.is_paused(connection):
            return 0
        now = house.clock()
        done = await store.untold(connection, _BATCH)
        told = await parties.of_accounts(connection, sorted({one.account_id for one in done}))
        desk = await desk_store.load_cases(connection, [one.case_id for one in done if one.case_id is not None])
        numbers = {case.id: (case.number, case.policy) for case in desk.cases.values()}
        rows = [
            _row(house, one, told[one.account_id], numbers.get(one.case_id, (None, "")), now)
            for one in done
            if told[one.account_id].contacts
        ]
        await notices.plan(connection, rows)
        await store.mark_told(connection, [one.id for one in done])
    return len(done)


def _row(house: House, one: Done, party: Party, case: tuple[str | None, str], now: datetime) -> dict[str, Any]:
    number, label = case
    policy = house.book.of_label(one.policy or label)
    to = party.contacts[0]
    facts: dict[str, Any] = {
        "case": number,
        "customer": party.name,
        "account": party.target,
        "resource": one.target,
        "action": one.kind,
        "done_at": (one.done_at or now).isoformat(),
        "policy": policy.label,
    }
    if one.complaints:
        facts |= {"complaints": one.complaints, "first_at": one.first_at, "last_at": one.last_at}
    key = f"action:{one.id}/1/done/{NoticeKind.ENFORCED.value}/{to}"
    row = notices.planned(NoticeKind.ENFORCED, key, to, facts, now, policy.language_for(party.language_of(to)))
    return row | {"case_id": one.case_id}

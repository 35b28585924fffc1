"""Tells customers how far an action against them is: planned, carried out, lifted (PAG-6, MED-4).

One notice for each, to the first contact that is known. Nothing says done before it is, and what an overdue notice
announced is not announced again. Staff's reasons stay in the house. Must never carry anything out.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gateway.casework.desk import Party
from gateway.house import House
from gateway.model import ActionState
from gateway.policies.policy import Policy
from gateway.store import enforced as store
from gateway.store import notices, parties, switches
from gateway.store.enforced import Step
from notifier.notice import NoticeKind

_BATCH = 100
# State of an action -> what is said of it, and what its customer knows then.
_SAYS = {
    ActionState.PROPOSED.value: (NoticeKind.ACTION_PLANNED, store.PLANNED),
    ActionState.ASKED.value: (NoticeKind.ACTION_PLANNED, store.PLANNED),
    ActionState.DONE.value: (NoticeKind.ENFORCED, store.DONE),
    ActionState.UNDONE.value: (NoticeKind.LIFTED, store.LIFTED),
    ActionState.CANCELLED.value: (NoticeKind.LIFTED, store.LIFTED),
}


async def tell(house: House) -> int:
    """Plan the notices of what came further. Returns how many actions were looked at."""
    async with house.database.reading() as connection:
        if not await store.any_untold(connection):
            return 0
    async with house.database.writing() as connection:
        if await switches.is_paused(connection):
            return 0
        now = house.clock()
        steps = await store.untold(connection, _BATCH)
        told = await parties.of_accounts(connection, sorted({one.account_id for one in steps}))
        numbers = await store.cases_of(connection, [one.case_id for one in steps if one.case_id is not None])
        rows, known = [], []
        for one in steps:
            number, label = numbers.get(one.case_id, (None, ""))
            policy = house.book.of_label(one.policy or label)
            silent = _SAYS[one.state][1] == store.PLANNED and not policy.actions.announce
            known.append((one.id, store.SILENT if silent else _SAYS[one.state][1]))
            if told[one.account_id].contacts and not silent:
                rows.append(_row(policy, one, told[one.account_id], number, now))
        await notices.plan(connection, rows)
        await store.mark_told(connection, known)
    return len(steps)


def _row(policy: Policy, one: Step, party: Party, number: str | None, now: datetime) -> dict[str, Any]:
    kind, stage = _SAYS[one.state]
    to = party.contacts[0]
    facts: dict[str, Any] = {
        "case": number,
        "customer": party.name,
        "account": party.target,
        "resource": one.target,
        "action": one.kind,
        "policy": policy.label,
    }
    if kind is NoticeKind.ENFORCED:
        facts["done_at"] = (one.done_at or now).isoformat()
    elif kind is NoticeKind.ACTION_PLANNED:
        facts["action_approval"] = one.state == ActionState.PROPOSED.value
    elif one.state == ActionState.UNDONE.value:
        facts["done_at"] = now.isoformat()
    else:
        facts["cancelled"] = True
    if one.complaints:
        facts |= {"complaints": one.complaints, "first_at": one.first_at, "last_at": one.last_at}
    key = f"action:{one.id}/1/{stage}/{kind.value}/{to}"
    row = notices.planned(kind, key, to, facts, now, policy.language_for(party.language_of(to)))
    return row | {"case_id": one.case_id}

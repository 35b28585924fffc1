"""What staff do with entries besides placing them: put off, not ours, reject, several at once, and take back.

Must never take back what a customer was already told: that is a case's business, with its cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import queue
from gateway.attribution.holders import Found
from gateway.house import House
from gateway.model import AttributionReason
from gateway.queue import QueueError, entry, reason_given, waiting_entry
from gateway.queue_rules import run_again
from gateway.store import assignments, customers, identifiers, third_parties
from gateway.store import queue as store
from gateway.store import queue_acts as acts
from gateway.store.queue import Entry
from gateway.store.queue_acts import Decision
from notifier.registration import RdapAnswer
from parsers.fields import ip, registrable

_LONGEST = timedelta(days=90)
_MOST = 500


@dataclass(frozen=True, slots=True)
class Passed:
    """Entries that are another network's; `contacts`: whom one could tell, with where that is from."""

    ids: list[int]
    contacts: list[str]


async def reject(house: House, ids: Sequence[int], reason: str, who: str) -> list[int]:
    """Take entries out of the queue for good. Returns those that were. Raises QueueError."""
    why = f"rejected: {reason_given(reason)}"
    return await _decide(house, ids, Decision(store.REJECTED, why), who)


async def assign(house: House, ids: Sequence[int], account_name: str, who: str) -> tuple[list[int], list[str]]:
    """Place several reports with one account, each about its own resource. Returns the ids of what was placed, and for
    the others a line with the reason. Raises QueueError where none was."""
    done: list[int] = []
    refused: list[str] = []
    for number in list(dict.fromkeys(ids))[:_MOST]:
        try:
            waiting = await waiting_entry(house, number)
            await queue.assign(house, number, account_name, who)
            await confirm(house, waiting, account_name, who)
            done.append(number)
        except QueueError as error:
            refused.append(str(error))
    if not done:
        raise QueueError("\n".join(refused))
    return done, refused


async def alike(house: House, entry_id: int) -> list[int]:
    """The entries that wait for the same reason about the same resource, this one among them. Raises QueueError."""
    waiting = await waiting_entry(house, entry_id)
    async with house.database.reading() as connection:
        return await store.alike(connection, waiting)


async def not_ours(house: House, entry_id: int, who: str, *, alike: bool = False) -> Passed:
    """Another network's: out of the queue, with the contacts of that network proposed. Raises QueueError."""
    first = await waiting_entry(house, entry_id)
    async with house.database.reading() as connection:
        ids = await store.alike(connection, first) if alike else [entry_id]
        found = await third_parties.of_report(connection, first.report_id)
    contacts = [f"{row['address']} ({row['role']}, {row['source']}): {row['decision']}" for row in found]
    if not contacts:
        contacts = await _asked(house, first.value)
    done = await _decide(house, ids, Decision(store.NOT_OURS, f"not ours, says {who}"), who)
    return Passed(done, contacts)


async def snooze(house: House, ids: Sequence[int], until: datetime, who: str) -> list[int]:
    """Put off until then (aware UTC). A rule that places them meanwhile still does. Raises QueueError."""
    now = house.clock()
    if not now < until <= now + _LONGEST:
        raise QueueError(f"{until:%Y-%m-%d %H:%M}Z is not within the next {_LONGEST.days} days")
    return await _decide(house, ids, Decision(store.SNOOZED, f"until {until:%Y-%m-%d %H:%M}Z", until), who)


async def wake(house: House) -> int:
    """What was put off until now waits again. Returns how many."""
    now = house.clock()
    async with house.database.reading() as connection:
        due = await acts.sleeping(connection, now)
    if not due:
        return 0
    async with house.database.writing() as connection:
        return await acts.wake(connection, now)


async def undo(house: House, entry_id: int, who: str, *, whole_rule: bool = False) -> list[int]:
    """Take a decision back; with `whole_rule` the rule too, and all that it placed. Nothing is taken back of which
    a customer was told. Returns the ids that wait again. Raises QueueError."""
    first = await entry(house, entry_id)
    async with house.database.writing() as connection:
        rule = await acts.rule_of(connection, entry_id)
        if whole_rule and rule is None:
            raise QueueError(f"entry {entry_id} was placed by no rule of staff")
        ids = await acts.placed_by(connection, rule) if whole_rule and rule is not None else [entry_id]
        await acts.hold(connection, ids)
        chosen = await store.entries(connection, ids)
        for one in chosen:
            await _untold(connection, one, ids)
        if whole_rule and rule is not None:
            await assignments.end(connection, [rule], None, who=who, now=house.clock())
        for one in chosen:  # who placed the first of its kind confirmed it with that
            if one.reason == AttributionReason.BY_STAFF.value and one.account:
                found = await _confirmed_as(house, connection, one, one.account)
                await identifiers.unconfirm(connection, found, who=who, now=house.clock())
        done = [one.id for one in chosen if await acts.take_back(connection, one, who=who, now=house.clock())]
        for one in chosen:  # nor did a notice go on its way meanwhile
            await _untold(connection, one, ids)
    if not done:
        raise QueueError(f"entry {first.id} is {first.queue}: there is nothing to take back")
    return done


async def _untold(connection: AsyncConnection, one: Entry, together: Sequence[int]) -> None:
    """Raises QueueError where somebody knows of it."""
    if await acts.told(connection, one, together):
        raise QueueError(
            f"entry {one.id}: somebody was told already, or other reports are in the same clock; close case "
            f"{one.case} with its cause instead"
        )


async def confirm(house: House, waiting: Entry, account_name: str, who: str) -> int:
    """Staff placed the first report about something advertised with the customer who holds it: from now on its
    reports find that customer by themselves, and those that wait do so at once. Returns how many."""
    if waiting.reason != AttributionReason.FIRST_OF_KIND.value:
        return 0
    async with house.database.writing() as connection:
        found = await _confirmed_as(house, connection, waiting, account_name.strip())
        if found is None:
            return 0
        await identifiers.confirm(connection, [found], who=who, now=house.clock())
    return len(await run_again(house, who, f"confirmed: {found[1]}"))


async def _confirmed_as(
    house: House, connection: AsyncConnection, one: Entry, account_name: str
) -> tuple[str, str, int] | None:
    """(kind, name, account) of what staff confirm who place an entry with the account that holds its resource."""
    network = await house.network(connection)
    account_id = await customers.account_named(connection, account_name)
    at, is_ip = one.arrival_date or one.received_at, one.kind == "ip"
    name = f"tel:+{one.value.lstrip('+')}" if one.kind == "phone" else one.value
    held = network.prefixes.lookup(name, at, None) if is_ip else network.hosts.lookup(name, at)
    if not isinstance(held, Found) or held.account_id != account_id or account_id is None:
        return None
    return one.kind, name if is_ip else held.assignment.resource, account_id


async def _decide(house: House, ids: Sequence[int], said: Decision, who: str) -> list[int]:
    wanted = list(dict.fromkeys(ids))[:_MOST]
    async with house.database.writing() as connection:
        chosen = await store.entries(connection, wanted)
        done = [
            one.id
            for one in chosen
            if one.queue in store.OPEN and await acts.decide(connection, one, said, who=who, now=house.clock())
        ]
    if not done:
        await waiting_entry(house, wanted[0])  # says who was faster, or that there is none
    return done


async def _asked(house: House, value: str) -> list[str]:
    """The registry's contacts for an address or name, asked now."""
    if house.rdap is None or not value:
        return []
    name = registrable(value.rpartition("@")[2]) if ip(value) is None else None
    if ip(value) is None and name is None:
        return []
    answer = await (house.rdap.domain(name) if name else house.rdap.ip(value))
    if not isinstance(answer, RdapAnswer):
        return []
    return [f"{one.address} ({'/'.join(sorted(one.roles))}, {one.source}): proposed" for one in answer.found(value)]

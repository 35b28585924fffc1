"""Asks DNS block lists whether they list our addresses, and says so when that changes (NET-3).

What is asked about: our relays, addresses that the operator names, those of open cases, those that are listed, and a
sample of our prefixes that moves on with every round. A list is asked by one node at a time, at a bounded rate. A
listing and its end are alarms, and events of the open cases about that address. Must never take silence, a refusal or
a dead list for an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import ladder
from gateway.house import House
from gateway.ladder import Activity
from gateway.store import desk, parties
from gateway.store import watch as store
from gateway.store.watch import LISTED, Told, Zone
from gateway.watch import listings
from gateway.watch.listings import ALWAYS_LISTED, NEVER_LISTED, Answer, Said
from notifier.dns import LookupFailed, Resolver
from notifier.headers import clean

_AT_ONCE = 10
_MOST_NAMED = 4096  # addresses of one prefix that the operator names
_REASON_CHARS = 200

log = structlog.get_logger(module=__name__)


async def run(house: House, *, at_once: bool = False) -> int:
    """Ask the lists that are due (`at_once`: all). Returns how many were asked."""
    section = house.settings.blocklists
    if not section.zones:
        return 0
    now = house.clock()
    async with house.database.writing() as connection:
        again = now + timedelta(minutes=section.minutes)
        zones = await store.claim(connection, section.zones, now, again, at_once=at_once)
    for zone in zones:
        try:
            await _round(house, zone)
        except Exception:  # a bug with one list must not keep the others from being asked
            log.exception("block list not asked", zone=zone.name)
    return len(zones)


async def _round(house: House, zone: Zone) -> None:
    asker = _Asker(house.list_resolver or house.resolver, zone.name, house.settings.blocklists.per_second)
    tests = await asker.all_of([NEVER_LISTED, ALWAYS_LISTED])
    wrong = listings.trouble(tests[NEVER_LISTED], tests[ALWAYS_LISTED])
    if wrong is not None:
        async with house.database.writing() as connection:
            await store.in_trouble(connection, zone, wrong, house.clock())
        if zone.trouble is None:  # once, however its words change
            log.warning("alarm", zone=zone.name, why=f"block list {zone.name} is not asked: {wrong}")
        return
    async with house.database.reading() as connection:
        known = await store.listed_in(connection, zone.name)
        in_cases = await store.in_open_cases(connection)
    answers = await asker.all_of(_addresses(house, zone, [*known, *in_cases]))
    found = listings.changes(known, answers)
    reasons = {address: await asker.reason(address) for address in found.listed}
    failed = sum(answer.said is Said.NOTHING for answer in answers.values())
    async with house.database.writing() as connection:
        told = await store.save(connection, zone, found, reasons, house.clock())
        await store.checked(connection, zone, len(answers), failed, house.clock())
        await _count(house, connection, zone, told)
    for change in told:
        why = f"{change.address} is {change.what} {zone.name}"
        log.warning(
            "alarm", address=change.address, zone=zone.name, account=change.account, cases=change.cases, why=why
        )


async def _count(house: House, connection: AsyncConnection, zone: Zone, told: Sequence[Told]) -> None:
    """A listing of an address that an open case is about is a notice of activity of its customer (PAG-5)."""
    now = house.clock()
    noticed = [
        Activity(account_id, f"list:{zone.name}", f"{one.address} {now.isoformat()}", now, f"{one.address} {one.what}")
        for one in told
        if one.what == LISTED
        for account_id in dict.fromkeys(one.account_ids)
    ]
    if noticed:
        ids = sorted({one.account_id for one in noticed})
        await desk.hold(connection, ids)
        await ladder.notice(house, connection, await parties.of_accounts(connection, ids), noticed)


def _addresses(house: House, zone: Zone, more: Iterable[str]) -> list[str]:
    """What is asked about in this round, each once."""
    operator, section = house.settings.operator, house.settings.blocklists
    found = list(more)
    for network in (*operator.relays, *section.addresses):
        found += listings.sample(network, _MOST_NAMED, zone.round)
    for network in operator.networks:
        found += listings.sample(network, section.samples, zone.round)
    return list(dict.fromkeys(found))


class _Asker:
    """Asks one list, a few questions at a time and no more than so many in a second."""

    def __init__(self, resolver: Resolver, zone: str, per_second: int) -> None:
        self._resolver = resolver
        self._zone = zone
        self._pause = 1 / per_second
        self._next = 0.0  # loop time
        self._few = asyncio.Semaphore(_AT_ONCE)

    async def all_of(self, addresses: Sequence[str]) -> dict[str, Answer]:
        answers = await asyncio.gather(*(self._ask(address) for address in addresses))
        return dict(zip(addresses, answers, strict=True))

    async def reason(self, address: str) -> str:
        """The list's own words, one line."""
        async with self._few:
            await self._turn()
            records = await self._resolver.records(listings.question(address, self._zone), "TXT", self._zone)
        if isinstance(records, LookupFailed) or not records:
            return ""
        return clean(b"".join(records[0]).decode("utf-8", "replace"), _REASON_CHARS)

    async def _ask(self, address: str) -> Answer:
        async with self._few:
            await self._turn()
            records = await self._resolver.records(listings.question(address, self._zone), "A", self._zone)
        if isinstance(records, LookupFailed):
            return Answer(Said.NOTHING, detail=records.reason)
        return listings.judge(records)

    async def _turn(self) -> None:
        """Wait for the next place in the rate."""
        now = asyncio.get_running_loop().time()
        mine = self._next = max(self._next + self._pause, now)
        await asyncio.sleep(mine - now)

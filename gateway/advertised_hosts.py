"""Asks the DNS what addresses advertised hosts have, where no assignment says whose they are.

A step of its own after filing: a silent name server delays nothing. An answer is kept with its time; where it is an
address of ours, the host waits in the queue with its holder as a candidate. Must never attribute, open a case, or ask
about a name that looks made for one recipient (`attribution.names`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.attribution.names import Answer, askable, pointing_here
from gateway.attribution.network import Network
from gateway.dossier import Dossier
from gateway.house import House
from gateway.model import Attribution
from gateway.store import names as store
from gateway.store.names import Wanted
from notifier.dns import LookupFailed
from parsers.fields import registrable
from parsers.report import Role

_BATCH = 50
_AT_ONCE = 10
_SECONDS = 3.0  # for one question
_HELD = timedelta(minutes=10)
_FRESH = timedelta(hours=1)
_MOST_ADDRESSES = 10
_PAUSES = (timedelta(minutes=5), timedelta(hours=1))

log = structlog.get_logger(module=__name__)


async def want(
    house: House, connection: AsyncConnection, dossiers: Sequence[Dossier], ids: list[int], now: datetime
) -> None:
    """Note which of the filed reports advertise something that nobody is known to hold. `ids`: the rows of all
    reports, in order."""
    if not house.settings.attribution.ask_dns:
        return
    items = [(dossier, item) for dossier in dossiers for item in dossier.reports]
    chosen = [
        row
        for row, (dossier, item) in zip(ids, items, strict=True)
        if dossier.live
        and item in dossier.accepted
        and any(resource.role is Role.ADVERTISED for resource in item.report.resources)
    ]
    await store.want(connection, chosen, now)


async def run(house: House) -> int:
    """Ask about what waits. Returns how many reports were looked at."""
    if not house.settings.attribution.ask_dns:
        return 0
    now = house.clock()
    async with house.database.writing() as connection:
        waiting = await store.take(connection, now, now + _HELD, _BATCH)
    if not waiting:
        return 0
    async with house.database.reading() as connection:
        network = await house.network(connection)
        hosts = {one.id: askable(one.resources, network, [value for value, _ in one.known]) for one in waiting}
        wanted = sorted({host for some in hosts.values() for host in some})
        known = await store.answers(connection, wanted, now - _FRESH)
    fresh = await _ask(house, [host for host in wanted if host not in known])
    async with house.database.writing() as connection:
        await store.keep(connection, fresh)
        said = known | fresh
        for one in waiting:
            await _finish(house, connection, one, hosts[one.id], said, network)
    return len(waiting)


async def _finish(
    house: House,
    connection: AsyncConnection,
    one: Wanted,
    hosts: Sequence[str],
    said: dict[str, Answer],
    network: Network,
) -> None:
    placed = [account for _, account in one.known if account is not None]
    entries = [pointing_here(host, said[host], network) for host in hosts if host in said]
    found = [entry for entry in entries if entry is not None and not _settled(entry, placed, network)]
    silent = [host for host in hosts if host not in said]
    next_at = house.clock() + _PAUSES[one.tries] if silent and one.tries < len(_PAUSES) else None
    if silent:
        log.info("name servers silent", report_id=one.report_id, hosts=silent, again=next_at)
    await store.finish(connection, one, found, house.clock(), next_at, failed=bool(silent))


def _settled(found: Attribution, placed: Sequence[int], network: Network) -> bool:
    """Everybody who may be meant is told of this report already."""
    return bool(found.candidates) and all(
        any(network.owners.related(candidate.account_id, account) for account in placed)
        for candidate in found.candidates
    )


async def _ask(house: House, hosts: Sequence[str]) -> dict[str, Answer]:
    """What the DNS says of each; those that nobody answered for are not among them."""
    few = asyncio.Semaphore(_AT_ONCE)

    async def one(host: str) -> Answer | None:
        domain = registrable(host) or host
        addresses: list[str] = []
        async with few:
            for kind in ("A", "AAAA"):
                found = await house.resolver.records(host, kind, domain, _SECONDS)
                if isinstance(found, LookupFailed):
                    return None
                addresses += found
        return Answer(tuple(sorted(addresses)[:_MOST_ADDRESSES]), house.clock())

    answers = await asyncio.gather(*(one(host) for host in hosts))
    return {host: answer for host, answer in zip(hosts, answers, strict=True) if answer is not None}

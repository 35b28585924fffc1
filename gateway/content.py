"""Shows reported mails to the operator's content filters and keeps what they say as evidence (MED-3).

A step of its own after filing, beside everything else: a slow filter, or a dead one, delays nothing and decides
nothing. Only the reported mail is shown, never who complained.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.connectors.checks.clamd import Clamd
from gateway.connectors.checks.contract import Check, NoVerdict
from gateway.connectors.checks.rspamd import Rspamd
from gateway.connectors.checks.spamd import Spamd
from gateway.dossier import Dossier
from gateway.house import House
from gateway.settings import Settings
from gateway.store import content as store
from gateway.store.content import Wanted
from notifier.dns import Resolver
from notifier.http import HttpClient

_BATCH = 20
_PAUSES = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=3))

log = structlog.get_logger(module=__name__)


def filters(
    settings: Settings, resolver: Resolver, clock: Callable[[], datetime], doors: AsyncExitStack
) -> tuple[Check, ...]:
    """The filters that the settings name."""
    section = settings.content_filter
    seconds = float(section.timeout_seconds)
    found: list[Check] = [Spamd(*_place(place), seconds) for place in section.spamd]
    if section.rspamd:
        http = HttpClient(resolver, clock)
        doors.push_async_callback(http.aclose)
        found += [Rspamd(http, place, seconds) for place in section.rspamd]
    return (*found, *(Clamd(*_place(place), seconds) for place in section.clamd))


async def want(
    house: House, connection: AsyncConnection, dossiers: Sequence[Dossier], ids: list[int], now: datetime
) -> None:
    """Note which of the filed reports the filters are to see: the accepted ones that hold the mail. `ids`: the rows of
    all reports, in order."""
    if not house.filters:
        return
    items = [(dossier, item) for dossier in dossiers for item in dossier.reports]
    chosen = [
        row
        for row, (dossier, item) in zip(ids, items, strict=True)
        if dossier.live and item in dossier.accepted and item.report.original and not item.report.original.headers_only
    ]
    await store.want(connection, chosen, now)


async def run(house: House) -> int:
    """Show the filters what waits. Returns how many mails were shown."""
    section = house.settings.content_filter
    if not house.filters:
        return 0
    now = house.clock()
    # a batch ends within this: each of its mails waits for its place, then for the slowest filter
    held = timedelta(seconds=section.timeout_seconds * (_BATCH + 1))
    async with house.database.writing() as connection:
        waiting = await store.take(connection, now, now + held, _BATCH)
    if not waiting:
        return 0
    mails = await house.workers.reported_mails([one.raw for one in waiting])
    places = asyncio.Semaphore(section.at_once)
    shown = zip(waiting, mails, strict=True)
    await asyncio.gather(*(_judge(house, places, one, _of(one, found)) for one, found in shown))
    return len(waiting)


def _of(one: Wanted, mails: list[bytes | None]) -> bytes | None:
    return mails[one.position] if one.position < len(mails) else None


async def _judge(house: House, places: asyncio.Semaphore, one: Wanted, mail: bytes | None) -> None:
    if mail is None or len(mail) > house.settings.content_filter.message_bytes:
        findings, silent = [], []
    else:
        async with places:
            answers = await asyncio.gather(*(check.judge(mail) for check in house.filters))
        said = list(zip(house.filters, answers, strict=True))
        findings = [{"code": c.code, "evidence": a.evidence} for c, a in said if not isinstance(a, NoVerdict)]
        silent = [answer.why for _, answer in said if isinstance(answer, NoVerdict)]
    next_at = house.clock() + _PAUSES[one.tries] if silent and one.tries < len(_PAUSES) else None
    if silent:
        log.warning("content filter does not answer", report_id=one.report_id, why=silent, again=next_at)
    async with house.database.writing() as connection:
        await store.judged(connection, one, findings, "; ".join(silent), next_at)


def _place(place: str) -> tuple[str, int]:
    host, _, port = place.rpartition(":")
    return host.strip("[]"), int(port)

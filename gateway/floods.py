"""Floods and repetitions among the accepted reports of a batch, before they are filed.

The same mail in two mailboxes and the same evidence from one person are recorded, not filed again; what comes from one
place in numbers that nobody can mean is held, with an alarm. Must never hold what a registered feed sends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import staff_mail
from gateway.dossier import Dossier, ReportInHand
from gateway.house import House
from gateway.model import IdentityKind, ScreeningReason, Verdict
from gateway.screening.border_line import client
from gateway.screening.flood import Bucket, keys, take
from gateway.senders import rules
from gateway.staff_mail import Alarm
from gateway.store import flood, reports
from parsers.fields import registrable


async def repetitions(connection: AsyncConnection, dossiers: Sequence[Dossier]) -> None:
    """A person's second report of the same evidence is recorded. One statement, where persons wrote."""
    theirs = [(d, item) for d in dossiers for item in d.accepted if item.screening.identity.kind is IdentityKind.DOMAIN]
    seen = await reports.repeated(connection, [item.fingerprint for _, item in theirs])
    for dossier, item in theirs:
        key = (item.fingerprint, item.complainant or "")
        if key in seen:
            why = "the same evidence from the same sender was reported before: it is counted once"
            _turn(item, Verdict.RECORDED, ScreeningReason.DUPLICATE, why)
        elif dossier.live:
            seen.add(key)


async def guard(house: House, connection: AsyncConnection, dossiers: Sequence[Dossier], now: datetime) -> None:
    """Hold what is too much. Three statements, where persons wrote."""
    counted = [
        (item, _keys(house, dossier, item))
        for dossier in dossiers
        if dossier.live and dossier.message.cleared is None
        for item in dossier.accepted
        if item.screening.identity.kind is IdentityKind.DOMAIN
    ]
    if not counted:
        return
    buckets = await flood.buckets(connection, [key for _, each in counted for key in each])
    alarms = [alarm for item, each in counted for alarm in _take(house, buckets, item, each, now)]
    await flood.write(connection, buckets.values(), now)
    await staff_mail.tell(house, connection, alarms, now)


def _keys(house: House, dossier: Dossier, item: ReportInHand) -> tuple[str, ...]:
    border = rules(house)
    came_from = client(dossier.parsed.envelope.received, border.hosts, border.inside)
    domain = item.screening.identity.domain or ""
    accounts = (a.account_id for a in item.attributions if a.account_id is not None)
    return keys(registrable(domain) or domain, came_from.ip if came_from else None, accounts)


def _take(
    house: House, buckets: dict[str, Bucket], item: ReportInHand, each: tuple[str, ...], now: datetime
) -> list[Alarm]:
    """One report against all its buckets; where one is empty the report is held."""
    alarms = []
    for key in each:
        taken = take(buckets.get(key), key, house.settings.flood.of(key), now)
        buckets[key] = taken.bucket
        if taken.trips:
            why = f"more than {house.settings.flood.of(key)} reports an hour ({key}): further ones are held"
            alarms.append(Alarm(f"flood/{key}", "Flood of reports", why, "arfgate held list"))
        if not taken.passes:
            _turn(item, Verdict.HELD, ScreeningReason.FLOOD, f"too many reports at once: {key}")
            item.attributions = ()
            break
    return alarms


def _turn(item: ReportInHand, verdict: Verdict, reason: ScreeningReason, detail: str) -> None:
    item.screening = replace(item.screening, verdict=verdict, reason=reason, detail=detail)

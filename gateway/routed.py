"""Mail that is no complaint and has a way of its own: opt-outs and bounces to the customers' suppression lists, what
feeds ask of us to staff at once.

Must never follow a link, and never tell a customer of a complainant whom the terms protect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import staff_mail
from gateway.attribution.identifiers import campaign_of
from gateway.dossier import Dossier, ReportInHand
from gateway.house import House
from gateway.model import Attribution, IdentityKind, ScreeningReason, Verdict
from gateway.screening import suppression
from gateway.screening.reporters import standing
from gateway.screening.suppression import Cause, Terms
from gateway.staff_mail import Alarm
from gateway.store import responses, suppressions
from notifier.notice import NoticeKind
from parsers.contract import iso
from parsers.report import Kind, Report

_LINES = 60
_KNOWN = frozenset({IdentityKind.FEED, IdentityKind.DOMAIN})


def about(dossier: Dossier) -> tuple[Report, ...]:
    """The mail of a customer that an opt-out or a bounce is about, to be attributed."""
    if dossier.parsed.kind is Kind.OPT_OUT:
        return dossier.parsed.reports
    if dossier.parsed.kind is Kind.BOUNCE and dossier.parsed.returned is not None:
        return (dossier.parsed.returned,)
    return ()


async def route(house: House, connection: AsyncConnection, dossiers: Sequence[Dossier], now: datetime) -> None:
    """Feed the lists and tell staff. Nothing where neither is in the batch."""
    rows = [row for dossier in dossiers for row in _rows(house, dossier, now)]
    await suppressions.add(connection, rows)
    await responses.add(connection, [row for dossier in dossiers for row in _counted(dossier, now)])
    await staff_mail.tell(house, connection, [_asked(d) for d in dossiers if _is_admin(d)], now)


def _rows(house: House, dossier: Dossier, now: datetime) -> Iterator[dict[str, Any]]:
    """What a message adds to the lists of the accounts that it is about."""
    shared = {
        "message_id": dossier.message.id,
        "authenticated": dossier.identity.kind in _KNOWN,
        "at": now,
    }
    for report, attributions in dossier.routed:
        bounced = dossier.parsed.kind is Kind.BOUNCE
        cause = Cause.BOUNCE if bounced else Cause.OPT_OUT
        if not bounced and not shared["authenticated"]:
            continue  # anybody could take anybody off a list
        found = suppression.gone(dossier.parsed.bounces) if bounced else suppression.opted_out(report)
        for account, address in _each(attributions, found):
            yield shared | {"account_id": account, "address": address, "cause": cause.value}
    for item in dossier.reports:
        for account, address in _each(item.attributions, _complainants(house, dossier, item)):
            yield shared | {"account_id": account, "address": address, "cause": Cause.COMPLAINT.value}


def _counted(dossier: Dossier, now: datetime) -> Iterator[dict[str, Any]]:
    """What a message adds to the rates of the accounts that it is about (CON-3)."""
    bounced = dossier.parsed.kind is Kind.BOUNCE
    for report, attributions in dossier.routed:
        if not bounced and dossier.identity.kind not in _KNOWN:
            continue
        failed = [one.status or "" for one in dossier.parsed.bounces if one.action == "failed"]
        counts = Counter(failed) if bounced else Counter({"": max(1, len(report.original_rcpt_to))})
        for account in dict.fromkeys(a.account_id for a in attributions if a.account_id is not None):
            for status, count in counts.items():
                yield {
                    "message_id": dossier.message.id, "account_id": account, "campaign": campaign_of(report) or "",
                    "day": f"{now:%Y-%m-%d}", "cause": responses.BOUNCE if bounced else responses.OPT_OUT,
                    "status": status[:20], "count": count,
                }  # fmt: skip


def _each(attributions: Sequence[Attribution], addresses: list[str]) -> Iterator[tuple[int, str]]:
    accounts = dict.fromkeys(a.account_id for a in attributions if a.account_id is not None) if addresses else {}
    for account in accounts:
        for address in addresses:
            yield account, address


def _complainants(house: House, dossier: Dossier, item: ReportInHand) -> list[str]:
    said = item.screening
    if said.verdict is not Verdict.ACCEPTED and said.reason is not ScreeningReason.COUNT_ONLY:
        return []
    terms = Terms(house.settings.suppression.complainants_of)
    identity = said.identity
    if identity.feed is not None:
        if identity.feed not in terms.feeds:
            return []
        weight = next((feed.weight for feed in house.border().feeds if feed.name == identity.feed), 0.0)
        return suppression.complained(item.report, identity.feed, weight, None, terms, consents=False)
    if not house.standings:
        return []
    found = standing(dossier.reporter, house.standings)
    consents = bool(found and found.raw_forwarding)
    return suppression.complained(item.report, None, 1.0, identity.address, terms, consents=consents)


def _is_admin(dossier: Dossier) -> bool:
    screening = dossier.screening
    return screening is not None and screening.reason is ScreeningReason.ADMINISTRATION


def _asked(dossier: Dossier) -> Alarm:
    """What a feed wants, in words; its links are text."""
    envelope, identity = dossier.parsed.envelope, dossier.identity
    known = f"{identity.domain} by {identity.method}" if identity.kind in _KNOWN else "no"
    lines = [line.strip() for line in dossier.parsed.text.splitlines() if line.strip()]
    facts = {
        "subject": envelope.subject,
        "from_address": envelope.from_,
        "authenticated": known,
        "received_at": iso(dossier.message.received_at),
        "message": dossier.message.id,
        "lines": lines[:_LINES],
    }
    number = dossier.message.id
    why = f"message {number}; such mail asks for something, and its links expire"
    command = f"arfgate message raw {number}"
    return Alarm(f"admin/{number}", "Mail from a feed", why, command, NoticeKind.FEED_ADMIN, number, facts)

"""Counts complaints and notices of activity against accounts, and makes strikes of them (PAG-5 to PAG-7).

Part of filing a batch: the same transaction, a fixed number of statements. What follows from a strike is planned
afterwards, by `ladder_steps`. Must never say or do anything to a customer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casework.defence import Reporter
from gateway.casework.desk import ClockKey, Desk, Party
from gateway.casework.strikes import Mark, MarkKind
from gateway.dossier import Dossier, ReportInHand
from gateway.guarding import known, reporter_from
from gateway.house import House
from gateway.model import Attribution, Identity, IdentityKind, Verdict
from gateway.policies.policy import Policy
from gateway.store import history
from gateway.store import strikes as store
from parsers.report import Category, Report

Items = Sequence[tuple[Dossier, ReportInHand]]


@dataclass(frozen=True, slots=True)
class Activity:
    """A notice of activity from staff, a block list or an alert: `key` tells it from others of its `source`."""

    account_id: int
    source: str  # who noticed: a person, `list:NAME`, `alert:NAME`
    key: str
    at: datetime
    why: str


def is_click(report: Report, identity: Identity) -> bool:
    """Whether a report is a feedback loop's: a registered feed hands on that somebody pressed a button."""
    return identity.kind is IdentityKind.FEED and (report.feedback_type or "").lower() == "abuse"


def counted_only(policy: Policy, item: ReportInHand) -> bool:
    """Whether the customer's policy wants this report in its rates only (CON-3)."""
    return policy.feed_clicks == "rates" and is_click(item.report, item.screening.identity)


async def count(
    house: House,
    connection: AsyncConnection,
    desk: Desk,
    items: Items,
    placed: dict[tuple[int, Attribution], ClockKey],
    report_ids: list[int],
) -> int:
    """Count what a batch filed. Returns how many strikes are new."""
    found: list[tuple[Party, Mark]] = []
    for position, (dossier, item) in enumerate(items):
        if not dossier.live or item.screening.verdict != Verdict.ACCEPTED:
            continue
        for attribution in item.attributions:
            clock = placed.get((position, attribution))
            mark = _mark(house, desk, (dossier, item), attribution, clock)
            if mark is not None and attribution.account_id is not None:
                found.append((desk.parties[attribution.account_id], replace(mark, report=position)))
    before = min(report_ids, default=0)
    return await _add(house, connection, await _with_history(house, connection, found, before), report_ids)


async def notice(
    house: House, connection: AsyncConnection, parties: dict[int, Party], activities: Iterable[Activity]
) -> int:
    """Count notices of activity (PAG-5), each once. The caller holds the accounts. Returns how many strikes are new."""
    found = []
    for one in activities:
        party = parties[one.account_id]
        policy = house.policy_for(party)
        if policy.ladder.count_activity and _counts(policy, party):
            reporter = Reporter(one.source, one.source, known=True)
            key = _key(one.source, one.key)
            mark = Mark(key, one.at, reporter, None, MarkKind.ACTIVITY, policy=policy.label, why=one.why)
            found.append((party, mark))
    return await _add(house, connection, found, [])


def _mark(
    house: House, desk: Desk, one: tuple[Dossier, ReportInHand], attribution: Attribution, clock: ClockKey | None
) -> Mark | None:
    """What this report is to the account's ladder, or None."""
    dossier, item = one
    if attribution.account_id is None:
        return None
    party = desk.parties[attribution.account_id]
    policy = house.policy_for(party)
    ladder = policy.ladder
    if not _counts(policy, party):
        return None
    key = _key(item.complainant or "", item.fingerprint)
    who = reporter_from(dossier.reporter, house.standings)
    mark = Mark(key, dossier.message.received_at, who, item.report.arrival_date, policy=policy.label)
    if item.report.category is Category.LISTING:  # a block list's notice (PAG-5, NET-3)
        return replace(mark, kind=MarkKind.ACTIVITY) if ladder.count_activity else None
    if clock is None or (ladder.classes and clock[0][1] not in ladder.classes):
        return None
    if policy.feed_clicks != "complaint" and is_click(item.report, item.screening.identity):
        return None
    return replace(mark, cls=clock[0][1], case_id=desk.cases[clock[0]].id)


def _counts(policy: Policy, party: Party) -> bool:
    return policy.ladder.counts and party.customer not in policy.defence.exempt_customers


async def _with_history(
    house: House, connection: AsyncConnection, found: list[tuple[Party, Mark]], before: int
) -> list[tuple[Party, Mark]]:
    """The marks with whether their reporter is a known one. One statement."""
    strangers = {mark.reporter.complainant for _, mark in found if not mark.reporter.known}
    past = await history.history(connection, strangers, before)
    return [
        (party, replace(mark, reporter=known(mark.reporter, past, house.policy_for(party).defence)))
        for party, mark in found
    ]


async def _add(
    house: House, connection: AsyncConnection, found: list[tuple[Party, Mark]], report_ids: list[int]
) -> int:
    if not found:
        return 0
    found.sort(key=lambda one: one[1].at)
    longest = max((house.policy_for(party).ladder.reach for party, _ in found), default=timedelta(0))
    around = store.reach([mark.at for _, mark in found], longest)
    accounts = {party.account_id for party, _ in found}
    standings = await store.load(connection, accounts, around, [mark.key for _, mark in found])
    for party, mark in found:
        standings[party.account_id].add(mark, house.policy_for(party).ladder)
    return await store.save(connection, standings.values(), report_ids, house.clock())


def _key(who: str, what: str) -> str:
    """Distinct by complainant and evidence."""
    return hashlib.sha256(f"{who}\0{what}".encode("utf-8", "surrogateescape")).hexdigest()

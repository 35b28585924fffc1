"""The arrow from attributed reports to cases: one transaction, a fixed number of statements.

Everything a batch of up to 100 messages changes is decided on a Desk in memory and written
together: reports, attributions, cases, clocks, notices, events, and the messages' state. If
this transaction does not commit, nothing of it happened and the batch is done again. Must
never send, and never look at a mailbox.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import (
    advertised_hosts,
    answering,
    consents,
    content,
    correspondence,
    floods,
    guarding,
    identities,
    ladder,
    legal,
    originals,
    routed,
    telling,
)
from gateway.attribution.identifiers import campaign_of
from gateway.casework.cases import Complaint, takes_evidence
from gateway.casework.clocks import Change
from gateway.casework.defence import Reporter
from gateway.casework.desk import ClockKey, Desk, Origin
from gateway.casework.mutes import muting
from gateway.dossier import Dossier, ReportInHand
from gateway.house import House
from gateway.model import Attribution, AttributionReason, ScreeningReason, Verdict
from gateway.store import desk as desk_store
from gateway.store import events, messages, reporters, reports
from gateway.store.counted_later import COUNTED
from gateway.store.events import Event
from gateway.store.queue import SNOOZED, WAITING
from parsers.contract import to_json

LEASES_ARE_READ = timedelta(hours=1)  # by then the reading that a report waits for is late, and staff are asked

Placed = dict[tuple[int, Attribution], ClockKey]  # (position of the report in the batch, attribution) -> its clock


async def file(house: House, connection: AsyncConnection, dossiers: Sequence[Dossier], now: datetime) -> None:
    """Write all that a batch of messages means. The caller's transaction makes it all or nothing."""
    items = [(dossier, item) for dossier in dossiers for item in dossier.reports]
    await desk_store.hold(connection, _accounts(items))
    await _mark_twins(connection, dossiers)
    await floods.repetitions(connection, dossiers)
    await floods.guard(house, connection, dossiers, now)
    await correspondence.route(house, connection, [d for d in dossiers if d.live], now)
    desk = await desk_store.load(connection, _accounts(items))
    _count_only(house, desk, items)
    placed = _decide(house, desk, items, now)
    _would_answer(house, dossiers, now)
    _tell(house, desk, items)
    await guarding.weigh_actions(house, connection, desk, _complaining(house, items, placed))
    await reports.replace(connection, [d.message.id for d in dossiers])
    known = await reporters.ensure(connection, [d.reporter for d in dossiers if d.reporter and d.reports], now)
    ids = await reports.add(connection, [row for d in dossiers for row in _report_rows(house, d, known)])
    clock_ids = await desk_store.save(connection, desk, now, ids)
    await consents.ask_new(house, connection, desk, _filed(desk, items, placed), now)
    await reports.attribute(connection, _attribution_rows(items, ids, placed, clock_ids, now))
    await ladder.count(house, connection, desk, items, placed, ids)
    await content.want(house, connection, dossiers, ids, now)
    await advertised_hosts.want(house, connection, dossiers, ids, now)
    await events.add(connection, [_report_event(d, r, i, now) for i, (d, r) in zip(ids, items, strict=True)])
    await messages.finish(connection, [_message_row(dossier) for dossier in dossiers])
    live = [d for d in dossiers if d.live]
    await legal.open_matters(house, connection, dossiers, now)
    await routed.route(house, connection, live, now)
    await answering.answer(house, connection, live, now)


async def place(
    house: House, connection: AsyncConnection, dossiers: Sequence[Dossier], report_ids: list[int], who: str
) -> dict[tuple[int, Attribution], int]:
    """File stored reports whose attributions somebody decided, as if they had been found at once. `report_ids`:
    the rows of the dossiers' reports, in order. Returns clock ids; what the policy opens no case for has none."""
    now = house.clock()
    items = [(dossier, item) for dossier in dossiers for item in dossier.reports]
    await desk_store.hold(connection, _accounts(items))
    desk = await desk_store.load(connection, _accounts(items))
    placed = _decide(house, desk, items, now, who)
    _tell(house, desk, items)
    await guarding.weigh_actions(
        house, connection, desk, _complaining(house, items, placed), min(report_ids, default=None)
    )
    clock_ids = await desk_store.save(connection, desk, now, report_ids)
    await ladder.count(house, connection, desk, items, placed, report_ids)
    return {key: clock_ids[clock] for key, clock in placed.items()}


async def _mark_twins(connection: AsyncConnection, dossiers: Sequence[Dossier]) -> None:
    """The same mail in two mailboxes is one report: the later one is recorded as its duplicate. Twins
    share the evidence and the outer Message-ID (design "Strikes")."""
    seen = await reports.twins(connection, [item.fingerprint for d in dossiers for item in d.accepted])
    for dossier in dossiers:
        outer = dossier.parsed.envelope.message_id
        for item in dossier.accepted if outer else []:
            if (item.fingerprint, outer) in seen:
                item.screening = replace(
                    item.screening,
                    verdict=Verdict.RECORDED,
                    reason=ScreeningReason.DUPLICATE,
                    detail="the same mail reached us before, in another mailbox",
                )
            elif dossier.live:
                seen.add((item.fingerprint, outer or ""))


def _accounts(items: list[tuple[Dossier, ReportInHand]]) -> set[int]:
    return {a.account_id for _, item in items for a in item.attributions if a.account_id is not None}


def _complaining(
    house: House, items: list[tuple[Dossier, ReportInHand]], placed: Placed
) -> dict[ClockKey, list[Reporter]]:
    """Who complains in this batch, by clock."""
    found: dict[ClockKey, list[Reporter]] = {}
    for (position, _), clock in placed.items():
        found.setdefault(clock, []).append(guarding.reporter_from(items[position][0].reporter, house.standings))
    return found


def _decide(
    house: House, desk: Desk, items: list[tuple[Dossier, ReportInHand]], now: datetime, who: str = events.SYSTEM
) -> Placed:
    placed: Placed = {}
    scratch = desk.copy()
    for position, (dossier, item) in enumerate(items):
        if not dossier.live:
            item.would_send = would_send(house, scratch, item, now)
            continue
        for attribution, complaint in complaints(house, desk, item):
            change = _on(house, desk, complaint, Origin(report=position, who=who), now)
            placed[(position, attribution)] = change.clock.key
    return placed


def _would_answer(house: House, dossiers: Sequence[Dossier], now: datetime) -> None:
    """While only observing, also the reply to the sender is listed among what would go out."""
    for dossier in dossiers:
        said = answering.would_reply(house, dossier, now) if dossier.reports and not dossier.live else None
        if said is not None and said.reply is not None and said.to is not None:
            dossier.reports[0].would_send.append({"kind": said.reply.value, "to": said.to})


def _on(house: House, desk: Desk, complaint: Complaint, origin: Origin, now: datetime) -> Change:
    """A case goes on under the version with which it was opened; a new one takes what holds for the customer now."""
    policy = house.policy_for(desk.parties[complaint.account_id])
    case = desk.cases.get((complaint.account_id, complaint.cls))
    if case is not None and takes_evidence(case, now, house.policy_of(case).reopen_limit):
        policy = house.policy_of(case)
    return desk.file(complaint, house.terms(policy, complaint.cls), origin, now=now)


def complaints(house: House, desk: Desk, item: ReportInHand) -> Iterator[tuple[Attribution, Complaint]]:
    """What an accepted report is to the accounts it was attributed to, where their policy makes it a case."""
    if item.screening.verdict != Verdict.ACCEPTED:
        return
    for a in item.attributions:
        if a.account_id is None:
            continue
        policy = house.policy_for(desk.parties[a.account_id])
        rule = policy.class_for(item.report.category, a.role)
        if (
            rule is not None
            and not ladder.counted_only(policy, item)
            and not _is_muted(house, desk, item, a, rule.name)
        ):
            yield a, Complaint(a.account_id, rule.name, a.kind, a.role, a.value, item.report.arrival_date)


def _is_muted(house: House, desk: Desk, item: ReportInHand, found: Attribution, cls: str) -> bool:
    """Counted and not forwarded, under a rule of staff."""
    customer = desk.parties[found.account_id or 0].customer
    mute = muting(house.mutes, found, customer, cls, item.screening.identity.feed, house.clock())
    if mute is not None:
        item.muted[found] = mute.id
    return mute is not None


def _count_only(house: House, desk: Desk, items: list[tuple[Dossier, ReportInHand]]) -> None:
    """Clicks that the customers' policies want in their rates alone are recorded (CON-3)."""
    for _, item in items:
        held = [desk.parties[a.account_id] for a in item.attributions if a.account_id is not None]
        policies = [house.policy_for(party) for party in held]
        everywhere = bool(policies) and len(held) == len(item.attributions)
        if item.screening.verdict != Verdict.ACCEPTED or not everywhere:
            continue
        if all(ladder.counted_only(policy, item) for policy in policies):
            detail = f"policy {policies[0].name} counts feedback loops' reports in rates only"
            recorded = {"verdict": Verdict.RECORDED, "reason": ScreeningReason.COUNT_ONLY, "detail": detail}
            item.screening = replace(item.screening, **recorded)  # type: ignore[arg-type]  # fields by name


def would_send(house: House, scratch: Desk, item: ReportInHand, now: datetime) -> list[dict[str, str]]:
    """The notices to customers that filing the report would bring, [{kind, to}]: for observing and `explain`.
    It is filed as ever, but on a desk that is thrown away."""
    changes = [_on(house, scratch, complaint, Origin(), now) for _, complaint in complaints(house, scratch, item)]
    return [
        {"kind": planned.kind.value, "to": scratch.parties[change.clock.case_key[0]].contacts[planned.contact]}
        for change in changes
        for planned in change.notices
    ]


def _tell(house: House, desk: Desk, items: list[tuple[Dossier, ReportInHand]]) -> None:
    """Redacted evidence is made for the notices that go out, not for what is merely counted."""
    redactor = house.redactor()
    for index, applied in enumerate(desk.applied):
        position = applied.origin.report
        if applied.change.notices and position is not None:
            dossier, item = items[position]
            feed = item.screening.identity.feed
            about = telling.facts(item.report, dossier.message.received_at, feed) | house.consequence(
                applied.change.clock
            )
            evidence = telling.evidence(dossier.parsed, item.report, redactor, feed, house.public_domains)
            party = desk.parties[applied.change.clock.case_key[0]]
            xarf = party.delivery == "xarf" or party.customer in house.settings.notices.xarf_customers
            about |= {"xarf": True} if xarf else {}
            evidence |= originals.mark(house, party, dossier, item)
            desk.applied[index] = replace(applied, origin=replace(applied.origin, about=about, evidence=evidence))


def _filed(
    desk: Desk, items: list[tuple[Dossier, ReportInHand]], placed: Placed
) -> Iterator[tuple[ClockKey, Dossier, ReportInHand, dict[str, Any] | None]]:
    """What was placed in a case, with what may be told of it."""
    told = {a.origin.report: a.origin.evidence for a in desk.applied if a.origin.evidence is not None}
    for (position, _), key in placed.items():
        yield key, *items[position], told.get(position)


def _report_rows(house: House, dossier: Dossier, known: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    if dossier.reports:
        told = to_json(dossier.parsed, "", 0)["reports"]
        who = known[dossier.reporter.key] if dossier.reporter else None
        for position, item in enumerate(dossier.reports):
            here = {"position": position, "parsed": told[position], "reporter_id": who}
            yield _report_row(house, dossier, item) | here


def _report_row(house: House, dossier: Dossier, item: ReportInHand) -> dict[str, Any]:
    report, identity = item.report, item.screening.identity
    wants_contacts = dossier.live and item.screening.verdict == Verdict.ACCEPTED and house.rdap is not None
    return {
        "message_id": dossier.message.id,
        "feedback_type": report.feedback_type,
        "category": report.category.value,
        "source_ip": report.source_ip,
        "source_port": report.source_port,
        "arrival_date": report.arrival_date,
        "received_at": dossier.message.received_at,
        "verdict": item.screening.verdict.value,
        "reason": item.screening.reason.value,
        "detail": item.screening.detail,
        "identity": identities.as_json(identity),
        "complainant": item.complainant,
        "fingerprint": item.fingerprint,
        "campaign": campaign_of(report),
        "outer_id": dossier.parsed.envelope.message_id if dossier.live else None,
        "would_send": item.would_send,
        "contacts_state": "wanted" if wants_contacts else None,
        "contacts_next_at": dossier.message.received_at if wants_contacts else None,
        "contacts_tries": 0,
    }


def _attribution_rows(
    items: list[tuple[Dossier, ReportInHand]],
    ids: list[int],
    placed: Placed,
    clock_ids: dict[ClockKey, int],
    now: datetime,
) -> list[dict[str, Any]]:
    rows = []
    for position, (dossier, item) in enumerate(items):
        verdict = item.screening.verdict if dossier.live else None
        for attribution in item.attributions:
            clock = placed.get((position, attribution))
            queue, until = _queue(verdict, attribution, now)
            rows.append(
                {
                    "report_id": ids[position],
                    "kind": attribution.kind.value,
                    "role": attribution.role.value,
                    "value": attribution.value,
                    "reason": attribution.reason.value,
                    "account_id": attribution.account_id,
                    "how": attribution.how,
                    "confidence": attribution.confidence,
                    "muted_by": item.muted.get(attribution),
                    "candidates": [{"account_id": c.account_id, "why": c.why} for c in attribution.candidates],
                    "queue": queue,
                    "snoozed_until": until,
                    "clock_id": clock_ids[clock] if clock else None,
                }
            )
    return rows


def _queue(verdict: Verdict | None, found: Attribution, now: datetime) -> tuple[str | None, datetime | None]:
    """Where what nobody was found for waits, and until when nobody is troubled with it: the next reading of the leases
    places it."""
    unread = found.reason is AttributionReason.LEASES_UNREAD
    if verdict == Verdict.RECORDED and unread:
        return COUNTED, None
    if verdict != Verdict.ACCEPTED or found.account_id is not None:
        return None, None
    return (SNOOZED, now + LEASES_ARE_READ) if unread else (WAITING, None)


def _report_event(dossier: Dossier, item: ReportInHand, report_id: int, now: datetime) -> Event:
    what = f"report {item.screening.verdict.value}" + ("" if dossier.live else " (observed)")
    why = f"{item.screening.reason.value}: {item.screening.detail}"
    return Event(now, events.SYSTEM, what, why, message_id=dossier.message.id, report_id=report_id)


def _message_row(dossier: Dossier) -> dict[str, Any]:
    envelope, screening = dossier.parsed.envelope, dossier.screening
    return {
        "id": dossier.message.id,
        "state": "filed" if dossier.live else "observed",
        "kind": dossier.parsed.kind.value,
        "format": dossier.parsed.format,
        "message_id": envelope.message_id,
        "sender": envelope.from_,
        "subject": envelope.subject,
        "verdict": screening.verdict.value if screening else None,
        "reason": screening.reason.value if screening else None,
        "detail": screening.detail if screening else "",
        "error": dossier.parsed.error,
    }

"""Proof of permission (SES-1): asked for once a campaign, compared when it comes, noted as absent when it does not.

What is found stays in the house: the customer is never told which rows were looked at. A
reply without a table is an answer like any other. Must never keep the table or an address
of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casework import consent
from gateway.casework.business_time import after
from gateway.casework.consent import Asked, Compared, ConsentFileError
from gateway.casework.desk import ClockKey, Desk, Party
from gateway.casework.states import NotAllowedError
from gateway.dossier import Dossier, ReportInHand
from gateway.house import House
from gateway.model import Case, CaseKey
from gateway.recipients import private_strings
from gateway.store import cases as case_store
from gateway.store import consents as store
from gateway.store import desk as desk_store
from gateway.store import events, notices
from gateway.store.events import Event
from gateway.store.notices import StoredNotice
from notifier.notice import NoticeKind
from parsers import archive
from parsers.envelope import structure
from parsers.errors import ParserError

_MOST_CAMPAIGNS = 20  # of one case that are asked for by themselves
_LONGEST = 120

log = structlog.get_logger()


def campaign_of(house: House, dossier: Dossier, item: ReportInHand, evidence: dict[str, Any] | None) -> str:
    """What a customer knows a mailing by: its list, else its subject, as far as they may be told. A Feedback-ID may be
    of one mail, so that it is none."""
    if item.report.identifiers.list_id:
        feed = item.screening.identity.feed
        private = private_strings(dossier.parsed, item.report, feed, house.public_domains)
        return house.redactor().line(item.report.identifiers.list_id, private)[:_LONGEST]
    subject = next((v for n, v in (evidence or {}).get("headers", ()) if n.lower() == "subject"), "")
    return str(subject).strip()[:_LONGEST]


async def ask_new(
    house: House,
    connection: AsyncConnection,
    desk: Desk,
    filed: Iterable[tuple[ClockKey, Dossier, ReportInHand, dict[str, Any] | None]],
    now: datetime,
) -> None:
    """With the cases of a batch, where the policy asks for records: once for each campaign of a case."""
    wanted: dict[tuple[CaseKey, str], dict[str, Any]] = {}
    for (key, _, _), dossier, item, evidence in filed:
        rules = house.policy_of(desk.cases[key]).consent_records
        if rules.ask and desk.cases[key].cls in rules.classes and desk.parties[key[0]].contacts:
            sent = item.report.original.date if item.report.original else None
            campaign = campaign_of(house, dossier, item, evidence)
            if evidence is None and not campaign:
                continue  # merely counted, and nothing that may be told names another mailing
            facts = {"sent_on": (sent or dossier.message.received_at).isoformat()}
            wanted.setdefault((key, campaign), facts)
    if not wanted:
        return
    asked = await store.asked_before(connection, sorted({desk.cases[key].id or 0 for key, _ in wanted}))
    for (key, campaign), facts in wanted.items():
        case = desk.cases[key]
        if (case.id, campaign) not in asked and sum(c == case.id for c, _ in asked) < _MOST_CAMPAIGNS:
            asked.add((case.id or 0, campaign))
            await _ask(
                house,
                connection,
                case,
                desk.parties[key[0]],
                campaign=campaign,
                facts=facts,
                who=events.SYSTEM,
                now=now,
            )


async def ask(house: House, number: str, campaign: str, *, who: str) -> None:
    """Staff ask for a campaign's records. Raises NotAllowedError."""
    async with house.database.writing() as connection:
        case, party = await _case(connection, number)
        if not party.contacts:
            raise NotAllowedError(f"{party.customer} has no contact that could be asked")
        if (case.id, campaign) in await store.asked_before(connection, [case.id or 0]):
            raise NotAllowedError(f"case {case.number} asked for {campaign or 'these records'} before")
        await _ask(house, connection, case, party, campaign=campaign, facts={}, who=who, now=house.clock())


async def upload(house: House, number: str, table: bytes, name: str, *, who: str) -> Compared:
    """Records that reached staff by another way are compared. Raises NotAllowedError, ConsentFileError."""
    async with house.database.writing() as connection:
        case, _ = await _case(connection, number)
        kept = await store.of_case(connection, case.id or 0)
        if not kept:
            row = _row(case, "", None, house.clock(), who, None)
            await store.add(connection, [row])
            kept = await store.of_case(connection, case.id or 0)
        return await _compare(house, connection, kept[-1], table, f"file {name}", who)


async def by_page(
    house: House, connection: AsyncConnection, case: Case, which: int | None, table: tuple[str, bytes], who: str
) -> Compared:
    """Records that the customer uploads on the page of the case, for the request with the id `which`. Raises
    NotAllowedError, ConsentFileError."""
    kept = next((row for row in await store.of_case(connection, case.id or 0) if row["id"] == which), None)
    if kept is None:
        raise NotAllowedError("These records were not asked for.")
    return await _compare(house, connection, kept, table[1], "the page of the case", who)


async def receive(house: House, connection: AsyncConnection, notice: StoredNotice, dossier: Dossier) -> bool:
    """A reply to the request: compare the tables that are attached. False: there is none, so that it is an answer."""
    if notice.kind != NoticeKind.CONSENT_ASKED.value:
        return False
    kept = await store.by_notice(connection, notice.id)
    tables = _tables(house, dossier.message.raw) if kept is not None else []
    if kept is None or not tables:
        return False
    for table in tables:
        try:
            await _compare(house, connection, kept, table, f"message {dossier.message.id}", "customer")
        except ConsentFileError as error:
            said = Event(
                house.clock(), "customer", "consent records cannot be read", str(error), case_id=kept["case_id"]
            )
            why = f"consent records cannot be read: {error}"
            alarm = Event(house.clock(), events.SYSTEM, events.ALARM, why, case_id=kept["case_id"])
            await events.add(connection, [said, alarm])
            log.warning("alarm", why=why, message_id=dossier.message.id)
    return True


async def lapse(house: House, connection: AsyncConnection, until: datetime) -> int:
    """What was to come before `until` and did not is noted as absent. Returns how many."""
    gone = await store.lapsed(connection, until)
    said = []
    for row in gone:
        counts = house.book.of_label(row["policy"]).consent_records.absent_is_no_permission
        what = "no records came in time: this counts as no permission" if counts else "no records came in time"
        said.append(Event(house.clock(), events.SYSTEM, "consent absent", what, case_id=row["case_id"]))
    await events.add(connection, said)
    return len(gone)


def _tables(house: House, raw: bytes) -> list[bytes]:
    try:
        parts = list(structure(raw, house.settings.limits.for_parsing()).walk())
        return [sheet.data for sheet in archive.sheets(parts).found]
    except ParserError:
        return []


async def _compare(
    house: House, connection: AsyncConnection, kept: dict[str, Any], table: bytes, source: str, who: str
) -> Compared:
    reports = [_asked(row) for row in await store.recipients(connection, kept["case_id"])]
    done = consent.compare(reports, table, house.key("consent"))
    digest, now = hashlib.sha256(table).hexdigest(), house.clock()
    results = [
        {"report": m.report_id, "result": m.result.value, "time": m.time, "source": m.source} for m in done.matches
    ]
    values = {"received_at": now, "source": source, "sha256": digest, "rows": done.rows, "results": results}
    await store.received(connection, kept["id"], values)
    said = f"{source}: {done.rows} permissions, {done.result.value} for {len(results)} reports; sha256 {digest}"
    await events.add(connection, [Event(now, who, "consent compared", said, case_id=kept["case_id"])])
    return done


def _asked(row: Any) -> Asked:
    named = [a for a in row.parsed.get("original_rcpt_to") or () if "@" in a]
    if row.complainant and not row.complainant.startswith("feed:"):
        named.append(row.complainant)
    return Asked(row.id, tuple(dict.fromkeys(named)), hidden=row.identity.get("feed") is not None)


async def _ask(  # noqa: PLR0913  (whom, for what, and who wants it)
    house: House,
    connection: AsyncConnection,
    case: Case,
    party: Party,
    *,
    campaign: str,
    facts: dict[str, Any],
    who: str,
    now: datetime,
) -> None:
    rule = house.policy_of(case).rule(case.cls)
    due_at = after(rule.working, now, rule.time)
    told = facts | {
        "case": case.number, "customer": party.name, "campaign": campaign, "records_due_at": due_at.isoformat(),
        "no_permission": house.policy_of(case).consent_records.absent_is_no_permission,
    }  # fmt: skip
    named = hashlib.sha256(campaign.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    key = f"consent:{case.id}/{named}/{party.contacts[0]}"
    planned = await notices.plan(connection, [_notice(key, case, party, told, now)])
    await store.add(connection, [_row(case, campaign, planned.get(key), now, who, due_at)])
    await events.add(connection, [Event(now, who, "consent asked for", campaign, case_id=case.id)])


def _row(
    case: Case, campaign: str, notice_id: int | None, now: datetime, who: str, due_at: datetime | None
) -> dict[str, Any]:
    return {
        "case_id": case.id, "campaign": campaign, "notice_id": notice_id, "asked_at": now, "asked_by": who,
        "due_at": due_at,
    }  # fmt: skip


def _notice(key: str, case: Case, party: Party, facts: dict[str, Any], now: datetime) -> dict[str, Any]:
    to = party.contacts[0]
    row = notices.planned(NoticeKind.CONSENT_ASKED, key, to, facts, now, party.language_of(to))
    return row | {"case_id": case.id}


async def _case(connection: AsyncConnection, number: str) -> tuple[Case, Party]:
    desk = await desk_store.load_cases(connection, [case_store.case_id_of(number)])
    if not desk.cases:
        raise NotAllowedError(f"there is no case {number}; 'arfgate case list --all' shows them")
    key, case = next(iter(desk.cases.items()))
    return case, desk.parties[key[0]]

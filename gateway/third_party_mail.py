"""Decides which of the contacts that were found are told, and plans their mails: once, damped, with a way out.

By the policy's mode for each role: "auto" goes out, "approve" waits for a person, "off" does not. The roles that
RFC 6650 section 5.3 advises against need the operator's acknowledgement besides. One mail per contact, case and day,
and not more than so many a day; the rest in a digest on the next; damped while incidents go on (OUT-6). Must never
tell ourselves, a bystander, who opted out, or anybody about a report that is in no case.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import staff_mail, telling
from gateway.attribution.attribute import Network
from gateway.house import House
from gateway.model import Case, CaseState, NoticeState
from gateway.policies.policy import Policy
from gateway.staff_mail import Alarm
from gateway.store import dead_addresses, messages, notices, outside_contacts, third_parties
from gateway.store.outside_contacts import Count
from gateway.store.third_parties import BOUNCED, DIGEST, EARLIER, REACHED, TOLD, WAITS, Wanted
from notifier import damping, languages
from notifier.contacts import Contact, NotTold, Rules, WhyNot, judge
from notifier.notice import NoticeKind
from notifier.registration import ABUSE, Found
from parsers.fields import ip, registrable

# Role of a contact, as registries or we name it -> the policy's word for it.
MODES = {
    ABUSE: "abuse",
    "technical": "technical",
    "administrative": "administrative",
    "billing": "billing",
    "postmaster": "postmaster",
    "upstream": "upstream",
    "relay": "relay",
}
_OF_SITES = frozenset({"technical", "administrative", "billing"})  # SES-10: of offending sites, not of networks
_KINDS = {
    "postmaster": NoticeKind.RELAY_POSTMASTER,
    "relay": NoticeKind.RELAY_POSTMASTER,
    "upstream": NoticeKind.UPSTREAM,
}


def mode_of(house: House, role: str, policy: Policy) -> str:
    """What the policy says of contacts of this role, as things stand: auto, approve or off."""
    if role != ABUSE and not house.settings.contacts.acknowledge_rfc6650:
        return "off"
    mode: str = getattr(policy.third_parties, MODES[role])
    return mode


async def rules(house: House, connection: AsyncConnection, policy: Policy) -> Rules:
    """Who is never told, and which roles are told at all."""
    operator = house.settings.operator
    return Rules(
        own_domains=frozenset(operator.own_domains),
        own_networks=tuple(str(network) for network in operator.networks),
        bystanders=(await house.network(connection)).bystanders,
        opted_out=await third_parties.opted_out(connection),
        dead=await dead_addresses.current(connection, house.clock()),
        roles=[role for role in MODES if mode_of(house, role, policy) != "off"] or [ABUSE],
    )


async def tell(house: House, one: Wanted, found: Sequence[Found], now: datetime, held_until: datetime) -> None:
    """Keep what was found with what becomes of it, and plan the mails; one transaction. What was kept for the report
    before stays as it is: the rest was found because that did not arrive."""
    told = await _told(house, one) if found and one.case_id is not None else None
    async with house.database.writing() as connection:
        if not await third_parties.still_held(connection, one.report_id, held_until):
            return
        before = await third_parties.of_report(connection, one.report_id)
        known = {(row["subject"], row["address"]) for row in before}
        fresh = [f for f in found if (f.subject, f.address) not in known]
        decisions = await _judged(house, connection, one, fresh)
        kept, mails = await _decided(house, connection, one, decisions, now)
        rows = {c.address: _notice_row(house, one, c, told, untold, now) for c, untold in mails} if told else {}
        planned = await notices.plan(connection, list(rows.values()))
        for row in kept:
            if row["decision"] in (TOLD, WAITS):
                notice = rows.get(row["address"])
                row["notice_id"] = planned.get(notice["key"]) if notice else None
                if not row["notice_id"]:  # of today and this case it has its mail
                    row["decision"] = DIGEST if row["decision"] == TOLD else EARLIER
        heard = [row["address"] for row in kept if row["notice_id"] or row["decision"] == DIGEST]
        await outside_contacts.told(connection, heard)
        await third_parties.found(connection, one.report_id, kept)
        await staff_mail.tell(house, connection, _left_alone(one, [*before, *kept]), now)


async def _decided(
    house: House, connection: AsyncConnection, one: Wanted, decisions: Sequence[Contact | NotTold], now: datetime
) -> tuple[list[dict[str, Any]], list[tuple[Contact, int]]]:
    """The rows to keep, and who gets a mail of his own with the number of incidents that it tells of."""
    policy = _policy(house, one)
    contacts = [d for d in decisions if isinstance(d, Contact)]
    addresses = [c.address for c in contacts if one.case_id is not None and mode_of(house, c.role, policy) != "off"]
    counts = await outside_contacts.count(connection, addresses, now, damping.QUIET)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    so_far = await third_parties.told_since(connection, addresses, today)
    kept: dict[tuple[str, str], dict[str, Any]] = {}
    mails = []
    for decision in decisions:
        row = _kept(decision, now)
        if isinstance(decision, Contact):
            count = counts.get(decision.address.lower(), Count(1, 1))
            row["decision"] = _decision(house, one, decision, count.incidents, so_far.get(decision.address, 0))
            mails += [(decision, count.untold)] if row["decision"] in (TOLD, WAITS) else []
        kept.setdefault((row["subject"], row["address"]), row)
    return list(kept.values()), mails


def _left_alone(one: Wanted, rows: Sequence[dict[str, Any]]) -> list[Alarm]:
    """For each subject whose contacts are known to be unreachable, and nobody else is left."""
    reached = {row["subject"] for row in rows if row["decision"] in REACHED}
    lost = {
        row["subject"]: row["address"] for row in rows if row["decision"] == BOUNCED and row["subject"] not in reached
    }
    command = f"arfgate case show {one.case_id}" if one.case_id is not None else ""
    return [
        Alarm(
            f"contact/{subject}", "No contact left",
            f"our mail about {subject} to {address} came back, and nobody else is known there", command,
        )
        for subject, address in lost.items()
    ]  # fmt: skip


def _policy(house: House, one: Wanted) -> Policy:
    return house.book.of_label(one.policy) if one.policy else house.policy


async def _judged(
    house: House, connection: AsyncConnection, one: Wanted, found: Sequence[Found]
) -> list[Contact | NotTold]:
    all_rules = await rules(house, connection, _policy(house, one))
    network = await house.network(connection)
    unfit = [f for f in found if f.subject == one.source_ip and _only_of_sites(f)]
    fit = [f for f in found if f not in unfit]
    upstream = [f for f in fit if "upstream" in f.roles]
    # Judged apart: a registrar that is not told of a customer's site is still to be told of another's.
    ours = [f for f in fit if f not in upstream and is_held(network, f.subject)]
    decisions = judge([f for f in fit if f not in ours and f not in upstream], all_rules)
    decisions += [d for d in judge(ours, all_rules) if isinstance(d, NotTold)]
    if ours or any(is_held(network, subject) for subject in _subjects(one)):
        decisions += judged_above(upstream, all_rules)
    return [*decisions, *(NotTold(f, WhyNot.ROLE) for f in unfit)]


def judged_above(upstream: Sequence[Found], rules: Rules) -> list[Contact | NotTold]:
    """The provider above us is told of what is in our network: there, and only there, it is above it."""
    return judge(upstream, Rules(opted_out=rules.opted_out, dead=rules.dead, roles=rules.roles))


def _subjects(one: Wanted) -> list[str]:
    return [*([one.source_ip] if one.source_ip else []), *(resource["value"] for resource in one.resources)]


def _only_of_sites(found: Found) -> bool:
    return bool(found.roles) and ABUSE not in found.roles and set(found.roles) <= _OF_SITES


def is_held(network: Network, subject: str) -> bool:
    """Whether the address or domain is a customer's or ours: the case tells its holder."""
    if ip(subject):
        return network.is_ours(subject)
    return network.hosts.covers(subject) or bool((domain := registrable(subject)) and network.hosts.covers(domain))


def _decision(house: House, one: Wanted, contact: Contact, incident: int, mails_today: int) -> str:
    if one.case_id is None:
        return "not told: the report is in no case"
    mode = mode_of(house, contact.role, _policy(house, one))
    if mode == "off":
        return "not told: the policy says off"
    if not damping.is_told(incident):
        return f"not told: incident {incident} in a row (damped)"
    if mode != "auto":  # a digest goes out by itself: what a person is to approve is never in one
        return WAITS
    return DIGEST if mails_today >= house.settings.contacts.most_a_day else TOLD


def _kept(decision: Contact | NotTold, now: datetime) -> dict[str, Any]:
    if isinstance(decision, NotTold):
        who = decision.found
        return {"subject": who.subject, "address": who.address, "role": ",".join(who.roles), "source": who.source,
                "decision": decision.why_not.value, "notice_id": None, "at": None}  # fmt: skip
    return {"subject": decision.subject, "address": decision.address, "role": decision.role, "source": decision.source,
            "decision": "", "notice_id": None, "at": now}  # fmt: skip


async def _told(house: House, one: Wanted) -> dict[str, Any] | None:
    async with house.database.reading() as connection:
        raw = await messages.raw(connection, one.report_id)
    if raw is None:
        return None
    parsed = (await house.workers.parse([raw]))[0]
    if one.position >= len(parsed.reports):
        return None
    report = parsed.reports[one.position]
    facts = telling.facts(report, one.received_at, one.feed)
    evidence = telling.evidence(parsed, report, house.redactor(), one.feed, house.public_domains)
    return {"facts": facts, "evidence": evidence}


def _notice_row(
    house: House, one: Wanted, contact: Contact, told: dict[str, Any], untold: int, now: datetime
) -> dict[str, Any]:
    case = Case(0, "", CaseState.OPEN, one.case_opened_at or now, id=one.case_id)
    kind = _KINDS.get(contact.role, NoticeKind.WHOIS_CONTACT)
    facts = told["facts"] | {
        "case": case.number,
        "resource": contact.subject,
        "role": "advertised" if contact.subject != one.source_ip else "source",
        "registration": contact.registration,
        "contact_source": contact.source,
        "contact_role": contact.role,
        "guess": contact.source.startswith("guess"),
    }
    evidence = told["evidence"]
    if untold > 1:  # RFC 5965 section 3.2: one report for several
        evidence = evidence | {"incidents": untold}
    key = f"case:{one.case_id}/{now:%Y-%m-%d}/outside/{contact.address.lower()}"
    language = languages.of_contact(contact.country, contact.address, _policy(house, one).languages)
    row = notices.planned(kind, key, contact.address, facts, now, language) | {
        "case_id": one.case_id,
        "evidence": evidence,
    }
    by_itself = mode_of(house, contact.role, _policy(house, one)) == "auto"
    return row if by_itself else row | {"state": NoticeState.PROPOSED.value, "next_at": None}

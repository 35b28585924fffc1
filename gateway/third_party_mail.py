"""Decides which of the contacts that were found are told, and plans their mails: once, damped, with a way out.

By the policy's mode for each role: "auto" goes out, "approve" waits for a person, "off" does not. The roles that
RFC 6650 section 5.3 advises against need the operator's acknowledgement besides. One mail per contact, case and day;
beyond so many a day a digest on the next; damped while incidents go on (OUT-6). Must never tell ourselves, a
bystander, who opted out, or anybody about a report that is in no case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import telling
from gateway.attribution.attribute import Network
from gateway.house import House
from gateway.model import Case, CaseState, NoticeState
from gateway.store import messages, notices, third_parties
from gateway.store.third_parties import DIGEST, Wanted
from notifier import damping
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
_MOST_ITEMS = 50  # lines of a digest


def mode_of(house: House, role: str) -> str:
    """What the policy says of contacts of this role, as things stand: auto, approve or off."""
    if role != ABUSE and not house.settings.contacts.acknowledge_rfc6650:
        return "off"
    mode: str = getattr(house.policy.third_parties, MODES[role])
    return mode


def rules(house: House, opted_out: set[str]) -> Rules:
    """Who is never told, and which roles are told at all."""
    operator = house.settings.operator
    return Rules(
        own_domains=frozenset(operator.own_domains),
        own_networks=tuple(str(network) for network in operator.networks),
        bystanders=house.bystanders,
        opted_out=opted_out,
        roles=[role for role in MODES if mode_of(house, role) != "off"] or [ABUSE],
    )


async def tell(house: House, one: Wanted, found: Sequence[Found], now: datetime, held_until: datetime) -> None:
    """Keep what was found with what becomes of it, and plan the mails; one transaction."""
    told = await _told(house, one) if found and one.case_id is not None else None
    async with house.database.writing() as connection:
        if not await third_parties.still_held(connection, one.report_id, held_until):
            return
        decisions = await _judged(house, connection, one, found)
        contacts = [d for d in decisions if isinstance(d, Contact)]
        addresses = [contact.address for contact in contacts]
        before = await third_parties.incidents(connection, addresses, now - damping.QUIET)
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        mails = await third_parties.told_since(connection, addresses, today)
        kept: dict[tuple[str, str], dict[str, Any]] = {}
        rows: dict[str, dict[str, Any]] = {}
        for decision in decisions:
            row = _kept(decision, now)
            if isinstance(decision, Contact):
                count = before.get(decision.address, 0) + 1
                row["decision"] = _decision(house, one, decision, count, mails.get(decision.address, 0))
                if row["decision"] in ("told", "waits for approval") and told is not None:
                    rows[decision.address] = _notice_row(house, one, decision, told, count, now)
            kept.setdefault((row["subject"], row["address"]), row)
        planned = await notices.plan(connection, list(rows.values()))
        for row in kept.values():
            notice = rows.get(row["address"])
            if notice is not None and row["decision"] in ("told", "waits for approval"):
                row["notice_id"] = planned.get(notice["key"])
                row["decision"] = row["decision"] if row["notice_id"] else "told earlier today about this case"
        await third_parties.found(connection, one.report_id, list(kept.values()))


async def _judged(
    house: House, connection: AsyncConnection, one: Wanted, found: Sequence[Found]
) -> list[Contact | NotTold]:
    all_rules = rules(house, await third_parties.opted_out(connection))
    network = await house.network(connection)
    unfit = [f for f in found if f.subject == one.source_ip and _only_of_sites(f)]
    fit = [f for f in found if f not in unfit]
    upstream = [f for f in fit if "upstream" in f.roles]
    # Judged apart: a registrar that is not told of a customer's site is still to be told of another's.
    ours = [f for f in fit if f not in upstream and _holds(network, f.subject)]
    decisions = judge([f for f in fit if f not in ours and f not in upstream], all_rules)
    decisions += [d for d in judge(ours, all_rules) if isinstance(d, NotTold)]
    if ours or any(_holds(network, subject) for subject in _subjects(one)):
        # The provider above us is told of what is in our network: there, and only there, it is above it.
        decisions += judge(upstream, Rules(opted_out=all_rules.opted_out, roles=all_rules.roles))
    return [*decisions, *(NotTold(f, WhyNot.ROLE) for f in unfit)]


def _subjects(one: Wanted) -> list[str]:
    return [*([one.source_ip] if one.source_ip else []), *(resource["value"] for resource in one.resources)]


def _only_of_sites(found: Found) -> bool:
    return bool(found.roles) and ABUSE not in found.roles and set(found.roles) <= _OF_SITES


def _holds(network: Network, subject: str) -> bool:
    """Whether the address or domain is a customer's or ours: the case tells its holder."""
    if ip(subject):
        return network.is_ours(subject)
    return network.hosts.covers(subject) or bool((domain := registrable(subject)) and network.hosts.covers(domain))


def _decision(house: House, one: Wanted, contact: Contact, incident: int, mails_today: int) -> str:
    if one.case_id is None:
        return "not told: the report is in no case"
    mode = mode_of(house, contact.role)
    if mode == "off":
        return "not told: the policy says off"
    if not damping.is_told(incident):
        return f"not told: incident {incident} in a row (damped)"
    if mails_today >= house.settings.contacts.most_a_day:
        return DIGEST
    return "told" if mode == "auto" else "waits for approval"


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
    return {"facts": facts, "evidence": telling.evidence(parsed, report, house.redactor(), one.feed)}


def _notice_row(
    house: House, one: Wanted, contact: Contact, told: dict[str, Any], incident: int, now: datetime
) -> dict[str, Any]:
    case = Case(0, "", CaseState.OPEN, one.case_opened_at or now, id=one.case_id)
    kind = _KINDS.get(contact.role, NoticeKind.WHOIS_CONTACT)
    stands_for = damping.stands_for(incident)
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
    if stands_for > 1:  # RFC 5965 section 3.2: one report for several
        evidence = evidence | {"incidents": stands_for}
    key = f"case:{one.case_id}/{now:%Y-%m-%d}/{kind.value}/{contact.address.lower()}"
    row = notices.planned(kind, key, contact.address, facts, now) | {"case_id": one.case_id, "evidence": evidence}
    return (
        row if mode_of(house, contact.role) == "auto" else row | {"state": NoticeState.PROPOSED.value, "next_at": None}
    )


async def digests(house: House, now: datetime) -> int:
    """One mail to each contact about what came beyond the single mails of the days before. Returns how many."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    async with house.database.reading() as connection:
        if not await third_parties.for_digest(connection, today, 1):
            return 0
    async with house.database.writing() as connection:
        waiting = await third_parties.for_digest(connection, today)
        out = await third_parties.opted_out(connection)
        by_contact: dict[str, list[dict[str, Any]]] = {}
        for row in waiting:
            by_contact.setdefault(row["address"], []).append(row)
        mails = {a: rows for a, rows in by_contact.items() if not {a.lower(), "@" + a.rpartition("@")[2]} & out}
        planned = await notices.plan(connection, [_digest_row(a, rows, today) for a, rows in mails.items()])
        for address, rows in by_contact.items():
            notice = planned.get(f"digest:{today:%Y-%m-%d}/{address.lower()}")
            said = "told in a digest" if address in mails else "opted-out"
            await third_parties.in_digest(connection, [row["id"] for row in rows], said, notice)
    return len(planned)


def _digest_row(address: str, rows: list[dict[str, Any]], today: datetime) -> dict[str, Any]:
    counts = Counter((row["subject"], row["category"]) for row in rows)
    last = {(row["subject"], row["category"]): row["at"] for row in rows}
    items = [
        {
            "resource": subject,
            "category": category,
            "count": count,
            "last_at": f"{last[subject, category]:%Y-%m-%d %H:%MZ}",
        }
        for (subject, category), count in counts.most_common(_MOST_ITEMS)
    ]
    facts = {"day": f"{today - timedelta(days=1):%Y-%m-%d}", "items": items, "more": max(0, len(counts) - len(items))}
    key = f"digest:{today:%Y-%m-%d}/{address.lower()}"
    return notices.planned(NoticeKind.DIGEST, key, address, facts, today)

"""Tells the abuse contacts of foreign networks and advertised sites: found by RDAP, told once.

For each accepted report the contacts are found and kept with their source; those of a
report that is in a case are told as the policy says, one mail per contact, case and day
(the notice's key), with a way to opt out. Must never tell ourselves, a bystander, a role
that is not abuse, or anybody about a report that nobody accountable made.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog

from gateway import telling
from gateway.attribution.network import Network
from gateway.house import House
from gateway.model import Case, CaseState, NoticeState
from gateway.store import messages, notices, third_parties
from gateway.store.third_parties import Wanted
from notifier.contacts import Contact, NotTold, Rules, judge
from notifier.notice import NoticeKind
from notifier.rdap import Failed, RdapClient, RdapWhy
from notifier.registration import Found, RdapAnswer
from parsers.fields import ip, registrable

_PAUSES = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=3), timedelta(hours=12))
_HELD = timedelta(minutes=10)  # a look-up takes seconds; another node may try after this
_MOST_SITES = 10  # advertised sites looked up for one report
_WORTH_ASKING_AGAIN = frozenset({RdapWhy.RATE, RdapWhy.TIMEOUT, RdapWhy.CONNECTION})

log = structlog.get_logger(module=__name__)


async def look_up(house: House, limit: int = 20) -> int:
    """Work on reports whose contacts are wanted. Returns how many were looked at."""
    if house.rdap is None:
        return 0
    now = house.clock()
    async with house.database.writing() as connection:
        waiting = await third_parties.wanted(connection, now, limit)
        if waiting:
            await third_parties.take(connection, [w.report_id for w in waiting], now + _HELD)
    for one in waiting:
        try:
            await _one(house, house.rdap, one, now)
        except Exception:  # a bug with one report must not keep the contacts of the others from being told
            log.exception("look-up failed", message_id=one.message_id, report_id=one.report_id)
            async with house.database.writing() as connection:
                await third_parties.later(connection, one.report_id, _next(one.tries, now))
    return len(waiting)


async def _one(house: House, rdap: RdapClient, one: Wanted, now: datetime) -> None:
    found: list[Found] = []
    again = False
    for kind, subject in subjects(one.source_ip, one.resources):
        answer = await (rdap.ip(subject) if kind == "ip" else rdap.domain(subject))
        if isinstance(answer, RdapAnswer):
            found += answer.found(subject)
        elif isinstance(answer, Failed):
            again = again or answer.why in _WORTH_ASKING_AGAIN
            log.info(
                "no contact", message_id=one.message_id, subject=subject, why=answer.why.value, detail=answer.detail
            )
    next_at = _next(one.tries, now) if again else None
    if next_at is not None:
        async with house.database.writing() as connection:
            await third_parties.later(connection, one.report_id, next_at)
        return
    await _tell(house, one, found, now)


def subjects(source_ip: str | None, resources: list[dict[str, str]]) -> list[tuple[str, str]]:
    """What to ask the registries about: the source address and the registrable domain of each advertised
    site, ("ip" | "domain", value), each once."""
    asked = [("ip", source_ip)] if source_ip else []
    for resource in resources:
        if resource["role"] == "advertised" and resource["kind"] == "ip":
            asked.append(("ip", resource["value"]))
        elif resource["role"] == "advertised" and resource["kind"] in ("host", "domain"):
            domain = registrable(resource["value"])
            asked += [("domain", domain)] if domain else []
    return list(dict.fromkeys(asked))[: _MOST_SITES + 1]


async def _tell(house: House, one: Wanted, found: list[Found], now: datetime) -> None:
    evidence = await _evidence(house, one) if found and one.case_id is not None else None
    async with house.database.writing() as connection:
        if not await third_parties.still_held(connection, one.report_id, now + _HELD):
            return
        held = tuple(str(network) for network in house.settings.operator.networks)
        rules = Rules(
            own_domains=frozenset(house.settings.operator.own_domains),
            own_networks=held,
            bystanders=house.bystanders,
            opted_out=await third_parties.opted_out(connection),
        )
        network = await house.network(connection)
        # Judged apart: a registrar that is not told of a customer's site is still to be told of another's.
        held_by_us = [f for f in found if _holds(network, f.subject)]
        decisions = judge([f for f in found if f not in held_by_us], rules)
        decisions += [d for d in judge(held_by_us, rules) if isinstance(d, NotTold)]
        told = [d for d in decisions if isinstance(d, Contact)]
        rows = [_notice_row(one, contact, evidence, now) for contact in told if evidence is not None]
        planned = await notices.plan(connection, rows) if house.policy.third_parties.abuse == "auto" else {}
        kept = [_kept(house, one, decision, planned, now) for decision in decisions]
        await third_parties.found(
            connection, one.report_id, list({(k["subject"], k["address"]): k for k in kept}.values())
        )


def _holds(network: Network, subject: str) -> bool:
    """Whether the address or domain is a customer's or ours: the case tells its holder."""
    return network.is_ours(subject) if ip(subject) else network.hosts.covers(subject)


async def _evidence(house: House, one: Wanted) -> dict[str, Any] | None:
    async with house.database.reading() as connection:
        raw = await messages.raw(connection, one.report_id)
    if raw is None:
        return None
    parsed = (await house.workers.parse([raw]))[0]
    if one.position >= len(parsed.reports):
        return None
    report = parsed.reports[one.position]
    redactor = house.redactor()
    facts = telling.facts(report, one.received_at, one.feed)
    return {"facts": facts, "evidence": telling.evidence(parsed, report, redactor, one.feed)}


def _notice_row(one: Wanted, contact: Contact, told: dict[str, Any], now: datetime) -> dict[str, Any]:
    case = Case(0, "", CaseState.OPEN, one.case_opened_at or now, id=one.case_id)
    advertised = contact.subject != one.source_ip
    facts = told["facts"] | {
        "case": case.number,
        "resource": contact.subject,
        "role": "advertised" if advertised else "source",
        "registration": contact.registration,
        "contact_source": contact.source,
    }
    return {
        "key": _key(one, contact, now),
        "kind": NoticeKind.WHOIS_CONTACT.value,
        "case_id": one.case_id,
        "clock_id": None,
        "round": 1,
        "to": contact.address,
        "language": "en",
        "facts": facts,
        "evidence": told["evidence"],
        "state": NoticeState.PENDING.value,
        "attempts": 0,
        "created_at": now,
        "next_at": now,
        "answer": "",
        "settled": True,
    }


def _key(one: Wanted, contact: Contact, now: datetime) -> str:
    """One mail per contact, case and (UTC) day."""
    return f"case:{one.case_id}/{now:%Y-%m-%d}/{NoticeKind.WHOIS_CONTACT.value}/{contact.address.lower()}"


def _kept(
    house: House, one: Wanted, decision: Contact | NotTold, planned: dict[str, int], now: datetime
) -> dict[str, Any]:
    if isinstance(decision, NotTold):
        who = decision.found
        role = ",".join(who.roles)
        return {"subject": who.subject, "address": who.address, "role": role, "source": who.source,
                "decision": decision.why_not.value, "notice_id": None}  # fmt: skip
    notice = planned.get(_key(one, decision, now))
    if notice is not None:
        said = "told"
    elif one.case_id is None:
        said = "not told: the report is in no case"
    elif house.policy.third_parties.abuse != "auto":
        said = f"not told: the policy says {house.policy.third_parties.abuse}"
    else:
        said = "told earlier today about this case"
    return {"subject": decision.subject, "address": decision.address, "role": decision.role, "source": decision.source,
            "decision": said, "notice_id": notice}  # fmt: skip


def _next(tries: int, now: datetime) -> datetime | None:
    return now + _PAUSES[tries] if tries < len(_PAUSES) else None

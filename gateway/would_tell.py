"""Who would be told about a network or a site, by the policy for everybody, and where each address comes from.

Asks the registries as a report would. Must never plan a mail, nor count what it looked at as an incident.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway import third_party_mail
from gateway.house import House
from gateway.store import dead_addresses, third_parties
from notifier.contacts import Contact, NotTold, judge
from notifier.discover import Finder
from notifier.registration import Found, Kind


@dataclass(frozen=True, slots=True)
class WouldTell:
    """`rows`: address, roles, would be told, registration, source. `notes`: what was not found, in a line each."""

    rows: list[dict[str, Any]]
    notes: list[str] = field(default_factory=list)


async def would_tell(house: House, finder: Finder, kind: Kind, subject: str) -> WouldTell:
    """All that is known about an address or a registrable domain; nobody is written to."""
    now = house.clock()
    async with house.database.reading() as connection:
        dead = await dead_addresses.current(connection, now)
    answer = await finder.find(kind, subject, dead)
    source = "arfgate.toml: contacts.upstreams"
    above = [Found(one, ("upstream",), None, kind, subject, "", source) for one in house.settings.contacts.upstreams]
    async with house.database.reading() as connection:
        rules = await third_party_mail.rules(house, connection, house.policy)
        held = third_party_mail.is_held(await house.network(connection), subject)
        found = [*answer.found, *(above if held else ())]
        addresses = [one.address for one in found]
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        mails = await third_parties.told_since(connection, addresses, today)
    decisions = [*judge(answer.found, rules), *(third_party_mail.judged_above(above, rules) if held else ())]
    rows = [
        {
            "address": one.address,
            "roles": ", ".join(one.roles),
            "would be told": _said(house, decision, mails.get(one.address, 0), held=held),
            "registration": one.registration,
            "source": one.source,
        }
        for one, decision in zip(found, decisions, strict=True)
    ]
    return WouldTell(rows, [answer.failed.detail] if answer.failed is not None else [])


def _said(house: House, decision: Contact | NotTold, mails_today: int, *, held: bool) -> str:
    if isinstance(decision, NotTold):
        return f"no: {decision.why_not.value}"
    if held and decision.role != "upstream":
        return "no: it is ours or a customer's, and the case tells its holder"
    if third_party_mail.mode_of(house, decision.role, house.policy) != "auto":
        return "once a person approves"
    if mails_today >= house.settings.contacts.most_a_day:
        return f"in tomorrow's digest: {mails_today} mails today"
    return "yes"

"""Does anybody read postmaster@ of the customers' domains (SES-8)? A real mail at onboarding, then yearly.

Only a reply confirms: by its token, from whoever reads the mailbox; an automatic one does
not. Must never probe a server by itself: that happens when staff ask for it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casework.states import NotAllowedError
from gateway.house import House
from gateway.policies.measures import Postmaster
from gateway.store import customers, notices, postmasters, switches
from gateway.store.postmasters import Due
from notifier.dns import Resolver
from notifier.notice import NoticeKind
from notifier.probe import probe as probe_server
from parsers.fields import host, registrable

_BATCH = 100
_SEEN = "postmasters_version"  # of the assignments whose hosts are known here


async def check(house: House, connection: AsyncConnection, now: datetime) -> int:
    """Ask those whose time has come, where their customer's policy wants it. Returns how many."""
    if not any(policy.postmaster.ask for policy in (house.policy, *house.book.current.values())):
        return 0
    await _new_hosts(house, connection, now)
    due = await postmasters.due(connection, now, _BATCH)
    asked: dict[int, int | None] = {}
    planned = await notices.plan(connection, [_notice(one, now) for one in due if _rules(house, one).ask])
    for one in due:
        asked[one.id] = planned.get(_key(one))
        later = now + timedelta(days=_rules(house, one).every_days)
        if asked[one.id] is None:
            await postmasters.put_off(connection, one.id, later)
        else:
            await postmasters.asked(connection, one.id, asked[one.id], now, later)
    return len(due)


def _rules(house: House, one: Due) -> Postmaster:
    return house.book.of_customer(one.policy).postmaster


async def _new_hosts(house: House, connection: AsyncConnection, now: datetime) -> None:
    """Domains of the hosts that were assigned since the last look: onboarding."""
    version = await switches.read(connection, switches.ASSIGNMENTS_VERSION) or "0"
    if version == await switches.read(connection, _SEEN):
        return
    own = set(house.settings.operator.own_domains)
    held = [(customer, registrable(name) or name) for customer, name in await postmasters.hosts(connection)]
    await postmasters.ensure(connection, [one for one in held if one[1] not in own], now)
    await switches.write(connection, _SEEN, version)


async def add(house: House, customer: str, domain: str) -> None:
    """Staff name a domain whose mail a customer runs. Raises LookupError, NotAllowedError."""
    name = host(domain)
    if name is None:
        raise NotAllowedError(f"{domain!r} is no domain; write it as example.net")
    async with house.database.writing() as connection:
        known = await customers.customer_named(connection, customer)
        if known is None:
            raise LookupError(f"there is no customer {customer}; 'arfgate customer list' shows them")
        await postmasters.ensure(connection, [(known, name)], house.clock(), origin="staff")


async def probe(house: House, domain: str, resolver: Resolver, *, who: str) -> str:
    """Ask the domain's mail server whether it would take mail to postmaster, and send none. Returns its answer."""
    async with house.database.reading() as connection:
        rows = await postmasters.listed(connection, domain=domain)
    if not rows:
        raise LookupError(f"no customer has the domain {domain}; 'arfgate customer postmaster --all' shows them")
    answer = await probe_server(f"postmaster@{domain}", house.settings.operator.domain, resolver)
    async with house.database.writing() as connection:
        await postmasters.probed(connection, rows[0]["id"], answer, who=who, now=house.clock())
    return answer


def _key(one: Due) -> str:
    return f"postmaster:{one.id}/{one.asked + 1}"


def _notice(one: Due, now: datetime) -> dict[str, Any]:
    facts = {"customer": one.name, "domain": one.domain, "yearly": one.asked > 0}
    to = f"postmaster@{one.domain}"
    return notices.planned(NoticeKind.POSTMASTER_CHECK, _key(one), to, facts, now, one.language)

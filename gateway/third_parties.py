"""Finds the contacts of foreign networks, advertised sites, relays and upstreams for each accepted report.

A registry's answer takes seconds, so this runs beside the pipeline: a report is taken, its contacts are found with
their sources, and `third_party_mail` decides who is told. What a registry could not say now is asked again later, not
before the time that it named. Must never decide who is told, nor send.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import digests, third_party_mail
from gateway.house import House
from gateway.store import dead_addresses, switches, third_parties
from gateway.store.third_parties import Wanted
from notifier.discover import Finder
from notifier.rdap import Failed, RdapWhy
from notifier.registration import Found
from parsers.fields import ip, registrable

_PAUSES = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=3), timedelta(hours=12))
_HELD = timedelta(minutes=10)  # a look-up takes seconds; another node may try after this
_ASKING = "registries"  # the node that asks them
_ASKED = "registries_asked"  # when they were, and until when they want no question
_MOST_SITES = 10  # advertised sites looked up for one report
_MOST_RELAYS = 5
_WORTH_ASKING_AGAIN = frozenset({RdapWhy.RATE, RdapWhy.TIMEOUT, RdapWhy.CONNECTION})

log = structlog.get_logger(module=__name__)


async def look_up(house: House, limit: int = 20) -> int:
    """Work on reports whose contacts are wanted, and on yesterday's digests. Returns how many were looked at."""
    if house.contacts is None:
        return 0
    now = house.clock()
    dead: Collection[str] = ()
    async with house.database.writing() as connection:
        waiting = await third_parties.wanted(connection, now, limit)
        if waiting and not await _our_turn(house, house.contacts, connection, now):
            waiting = []
        if waiting:
            await third_parties.take(connection, [w.report_id for w in waiting], now + _HELD)
            dead = await dead_addresses.current(connection, now)
    looked = [_find(house.contacts, one, dead) for one in waiting]
    results = await asyncio.gather(*looked, return_exceptions=True)
    if waiting:
        await _hand_on(house, house.contacts)
    for one, result in zip(waiting, results, strict=True):
        try:
            await _one(house, one, result, now)
        except Exception:  # a bug with one report must not keep the contacts of the others from being told
            log.exception("look-up failed", message_id=one.message_id, report_id=one.report_id)
            async with house.database.writing() as connection:
                await third_parties.later(connection, one.report_id, _next(one.tries, now, None))
    return len(waiting) + await digests.send(house, now)


async def _our_turn(house: House, finder: Finder, connection: AsyncConnection, now: datetime) -> bool:
    """One node asks the registries at a time, and knows what the one before it asked: their rates are for all of us."""
    if not await switches.lease(connection, _ASKING, house.node, now, now + _HELD):
        return False
    said = await switches.read(connection, _ASKED)
    if said:
        finder.go_on_from(json.loads(said))
    return True


async def _hand_on(house: House, finder: Finder) -> None:
    now = house.clock()
    async with house.database.writing() as connection:
        if await switches.lease(connection, _ASKING, house.node, now, now):
            await switches.write(connection, _ASKED, json.dumps(finder.asked_lately()))


async def _find(finder: Finder, one: Wanted, dead: Collection[str]) -> tuple[list[Found], list[Failed]]:
    """What the registries say of a report, and which of them are worth asking again. Reports wait side by side: a
    registry that is silent must not keep those that another one knows."""
    found: list[Found] = []
    failures: list[Failed] = []
    for kind, subject in subjects(one.source_ip, one.resources):
        answer = await finder.find("ip" if kind == "ip" else "domain", subject, dead)
        found += answer.found
        if answer.failed is not None:
            why = answer.failed
            failures += [why] if why.why in _WORTH_ASKING_AGAIN else []
            log.info("no contact", message_id=one.message_id, subject=subject, why=why.why.value, detail=why.detail)
    return found, failures


async def _one(
    house: House, one: Wanted, result: tuple[list[Found], list[Failed]] | BaseException, now: datetime
) -> None:
    if isinstance(result, BaseException):
        raise result
    found, failures = result
    named = [failure.retry_at for failure in failures if failure.retry_at is not None]
    next_at = _next(one.tries, now, max(named, default=None)) if failures else None
    if next_at is not None:
        async with house.database.writing() as connection:
            await third_parties.later(connection, one.report_id, next_at)
        return
    found += beside(house, one)
    await third_party_mail.tell(house, one, found, now, held_until=now + _HELD)


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


def beside(house: House, one: Wanted) -> list[Found]:
    """Whom no registry has to name (SES-10): postmasters and abuse desks of relays in the trusted part of the trace,
    and our own upstreams, as the settings have them."""
    found = []
    for host, domain in relays(one.trace, one.source_ip, one.domain):
        found.append(_by_rfc_2142("postmaster", domain, host))
        found.append(_by_rfc_2142("relay", domain, host))
    for address in house.settings.contacts.upstreams:
        subject = one.source_ip or next((r["value"] for r in one.resources), "")
        kind = "ip" if ip(subject) else "domain"
        source = "arfgate.toml: contacts.upstreams"
        found.append(Found(address, ("upstream",), None, kind, subject, "", source))  # type: ignore[arg-type]  # a Kind
    return found


def relays(trace: list[dict[str, Any]], source_ip: str | None, reporter: str | None) -> list[tuple[str, str]]:
    """(host, registrable domain) of the servers that took the mail after the source handed it over, each domain once.
    What stands below that in the trace anybody may have written; the reporter's own need no telling."""
    names: dict[str, str] = {}
    for hop in trace:
        host = str(hop.get("by") or "").lower().rstrip(".")
        domain = registrable(host)
        if domain and domain != registrable(reporter or ""):
            names.setdefault(domain, host)
        if source_ip is not None and hop.get("ip") == source_ip:
            return [(host, domain) for domain, host in names.items()][:_MOST_RELAYS]
    return []  # the source is not in the trace: none of it can be trusted


def _by_rfc_2142(role: str, domain: str, host: str) -> Found:
    local = "postmaster" if role == "postmaster" else "abuse"
    source = f"guess: a Received line of {host} (RFC 2142)"
    return Found(f"{local}@{domain}", (role,), None, "domain", domain, host, source)


def _next(tries: int, now: datetime, named: datetime | None) -> datetime | None:
    """The next try, not before the time that a registry named."""
    if tries >= len(_PAUSES):
        return None
    pause = now + _PAUSES[tries]
    return max(pause, named) if named else pause

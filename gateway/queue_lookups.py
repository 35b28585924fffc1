"""What the registries and the DNS say of an entry's resource, at the moment when a person looks at it.

From the cache where it is fresh, else asked, all at once and for a few seconds at most: a person waits. Must never
decide, and never keep the queue from opening because somebody's server is slow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TypeVar

import structlog

from gateway.house import House
from notifier.dns import LookupFailed
from notifier.rdap import Failed, NotFound
from notifier.registration import ABUSE, RdapAnswer
from parsers.fields import ip, registrable

SECONDS = 3.0
_MOST = 5
_ZONE = {4: -4, 6: -10}  # labels of a /16, of a /32

_Result = TypeVar("_Result")

log = structlog.get_logger(module=__name__)


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody whom the registry names, with the registry's roles."""

    address: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LookUps:
    """`network`: the registration around the resource with its name; `names`: what the address's reverse DNS says;
    `silent`: what could not be asked, and why."""

    network: str = ""
    country: str = ""
    abuse: tuple[str, ...] = ()
    contacts: tuple[Contact, ...] = ()
    source: str = ""
    names: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()


async def look_ups(house: House, value: str, seconds: float = SECONDS) -> LookUps:
    """What is known outside of an address, host or mailbox. Never raises for what the world does."""
    address = ip(value)
    domain = None if address else registrable(value.rpartition("@")[2])
    if address is None and domain is None:
        return LookUps()
    asked, named = await asyncio.gather(
        _in_time(_registered(house, address, domain), seconds), _in_time(_reverse(house, address, seconds), seconds)
    )
    silent = [
        f"{what}: no answer within {seconds:g} seconds"
        for what, one in (("RDAP", asked), ("DNS", named))
        if one is None
    ]
    found = LookUps()
    if isinstance(asked, RdapAnswer):
        people = tuple(Contact(one.address, one.roles) for one in asked.contacts[:_MOST])
        found = LookUps(
            asked.registration, asked.country or "", tuple(c.address for c in people if ABUSE in c.roles), people,
            asked.source,
        )  # fmt: skip
    elif isinstance(asked, NotFound):
        silent.append(f"RDAP: {asked.source} knows no such thing")
    elif isinstance(asked, Failed):
        silent.append(f"RDAP: {asked.detail}")
    if isinstance(named, LookupFailed):
        silent.append(f"DNS: {named.reason}")
    names = tuple(named[:_MOST]) if isinstance(named, list) else ()
    return LookUps(
        found.network, found.country, found.abuse, found.contacts, found.source, names=names, silent=tuple(silent)
    )


async def _registered(house: House, address: str | None, domain: str | None) -> RdapAnswer | NotFound | Failed | str:
    if house.rdap is None:
        return ""  # switched off: nothing to say
    return await (house.rdap.ip(address) if address else house.rdap.domain(domain or ""))


async def _reverse(house: House, address: str | None, seconds: float) -> list[str] | LookupFailed:
    if address is None:
        return []
    asked = ip_address(address)
    pointer = asked.reverse_pointer
    zone = ".".join(pointer.split(".")[_ZONE[asked.version] :])  # who is silent for one of its addresses is for all
    return await house.resolver.records(pointer, "PTR", zone, seconds)


async def _in_time(asking: Awaitable[_Result], seconds: float) -> _Result | None:
    try:
        return await asyncio.wait_for(asking, seconds)
    except TimeoutError:
        return None
    except Exception:  # a bug with one look-up must not keep a person from the entry
        log.exception("look-up failed")
        return None

"""What a decision about an Action has to know of the house: what is protected, what stays reachable, whom it hits.

Must never decide: `casework.actions` does.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casework.actions import Action, Network, Surroundings, network
from gateway.house import House
from gateway.model import ActionKind
from gateway.policies.ladder import Defence
from gateway.store import holders


async def of(house: House, connection: AsyncConnection, action: Action) -> Surroundings:
    """Two statements where it is an address."""
    net = network(action.target)
    hit = await holders.overlapping(connection, net, house.clock()) if net else []
    own = await holders.infrastructure(connection, net, house.clock()) if net else []
    return Surroundings(
        protected=(*protected(house, action.kind), *own),
        protected_names=frozenset(_names(house)),
        exempt=frozenset(name for defence in _defences(house) for name in defence.exempt_customers),
        reachable=house.settings.enforcement.reachable,
        holders=hit,
        connectors=[name for name, one in house.connectors.items() if one.takes(action.kind, action.target)],
    )


def guarded(house: House, action: Action) -> Action:
    """The action with as many persons to agree as it needs: two where a protected customer is hit."""
    customers = {name for defence in _defences(house) for name in defence.protected_customers}
    hit = action.account is not None and action.account.partition("/")[0] in customers
    return replace(action, needed=max(action.needed, 2)) if hit else action


def protected(house: House, kind: ActionKind) -> Iterator[tuple[Network, str]]:
    """What no action may touch, with the reason: ours, and what the policy names. Nothing of ours is foreign."""
    for relay in house.settings.operator.relays:
        yield relay, "it is one of our relays"
    for infrastructure in house.settings.attribution.protected:
        yield infrastructure, "it is our own infrastructure (attribution.protected)"
    for text in house.settings.enforcement.reachable:
        if (net := _address_of(text)) is not None:
            yield net, "it must stay reachable (enforcement.reachable)"
    for net in (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")):
        yield net, "it is this machine"
    for name in {name for defence in _defences(house) for name in defence.protected}:
        if (net := network(name)) is not None:
            yield net, "the policy protects it (defence.protected)"
    if kind is ActionKind.LIST_FOREIGN:
        for own in house.settings.operator.networks:
            yield own, "it is ours: act on the customer's case"


def _defences(house: House) -> list[Defence]:
    """Of every policy that holds for somebody: what one protects, none touches."""
    return [policy.defence for policy in (house.policy, *house.book.current.values())]


def _names(house: House) -> Iterator[str]:
    operator = house.settings.operator
    yield from operator.own_domains
    yield operator.address.lower()
    yield operator.notice_address.lower()
    yield f"postmaster@{operator.domain}"
    yield from (name for defence in _defences(house) for name in defence.protected if network(name) is None)
    if house.settings.public_url and (host := urlsplit(house.settings.public_url).hostname):
        yield host


def _address_of(text: str) -> Network | None:
    net = network(text)
    if net is not None:
        return net
    try:
        return ipaddress.ip_network(text.rpartition(":")[0].strip("[]"))
    except ValueError:
        return None

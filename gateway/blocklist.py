"""The block list: foreign addresses, prefixes, senders and domains that are refused, with reason and expiry.

SES-9, SES-11. Each entry is an Action without a case: the list itself carries it out, connectors that take its kind
besides. Must never hold what is ours, and never publish a reason unasked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from gateway import enforcement, measures
from gateway.casework.actions import LISTED, Action, network
from gateway.casework.states import NotAllowedError
from gateway.connectors.actions import dnsbl, nftables, postfix
from gateway.connectors.contract import Entry
from gateway.house import House
from gateway.model import ActionKind, ActionState
from gateway.store import actions as store
from parsers import fields

_HELD = (ActionState.APPROVED, ActionState.DONE)
_MOST = 10_000  # of what is counted
FORMATS: Mapping[str, Callable[[Sequence[Entry]], Mapping[str, str]]] = {
    "dnsbl": lambda entries: dnsbl.render(entries, ()),
    "postfix": lambda entries: postfix.render(entries, ()),
    "nftables": lambda entries: nftables.render([e for e in entries if e.kind in nftables.KINDS], ()),
}


def kind_of(text: str) -> tuple[ActionKind, str]:
    """What an entry is, with its normal form. Raises NotAllowedError for what is none."""
    if (net := network(text.strip())) is not None:
        single = net.prefixlen == net.max_prefixlen
        return ActionKind.LIST_FOREIGN, str(net.network_address) if single else str(net)
    if "@" in text:
        address = (fields.address(text.strip()) or "").lower()
        if address.count("@") == 1 and fields.host(address.partition("@")[2]):
            return ActionKind.BLOCK_SENDER, address
    elif host := fields.host(text.strip().removeprefix(".")):
        return ActionKind.BLOCK_DOMAIN, host
    raise NotAllowedError(f"{text}: give an address, a prefix, a mail address or a domain")


async def add(house: House, text: str, *, days: float | None, who: str, why: str) -> Action:
    """Put an entry on the list for `days` (None: as long as the policy says), with the agreement of who adds it; where
    the policy wants two persons it waits for another."""
    kind, target = kind_of(text)
    lasts = timedelta(days=house.policy.actions.foreign_days if days is None else days)
    async with house.database.writing() as connection:
        until = house.clock() + lasts
        action = await measures.propose(house, connection, kind, target, who=who, why=why, expires_at=until)
        if action.state is ActionState.PROPOSED:
            return await measures.agree(house, connection, action, who=who, why=why)
        await enforcement.route(house, connection, action)
        return await store.find(connection, action.id)


async def remove(house: House, text: str, *, who: str, why: str) -> Action:
    """Take an entry (or its number) off the list."""
    async with house.database.writing() as connection:
        if text.isdecimal() and len(text) < 18:
            found = [action for action in [await store.find(connection, int(text))] if action.kind in LISTED]
        else:
            kind, target = kind_of(text)
            found = await store.on_target(connection, [kind], target)
        if not found or found[0].lifting:
            raise NotAllowedError(f"{text} is not on the block list; 'arfgate block list' shows it")
        await enforcement.lift(house, connection, found[0], who, why)
        return await store.find(connection, found[0].id)


async def entries(house: House, *, everything: bool = False) -> list[Action]:
    """What is on the list now; with `everything` also what was, and what waits for a second person."""
    async with house.database.reading() as connection:
        found = await store.listed(connection, states=None if everything else _HELD, kinds=LISTED, limit=100_000)
    return [action for action in found if everything or _holds(house, action)]


async def page(house: House, *, everything: bool, wanted: str, limit: int) -> tuple[list[Action], int]:
    """The newest entries that hold the word, at most `limit`, and how many there are of them (up to a bound)."""
    async with house.database.reading() as connection:
        chosen = store.on_list(LISTED, None if everything else _HELD, wanted.lower(), house.clock())
        return await store.newest(connection, chosen, limit), await store.how_many(connection, chosen, _MOST)


async def export(house: House) -> list[Entry]:
    """The list as connectors take it."""
    return [Entry(a.id, a.kind, a.target, a.expires_at) for a in await entries(house)]


def _holds(house: House, action: Action) -> bool:
    return not action.lifting and (action.expires_at is None or action.expires_at > house.clock())

"""Block lists that are asked and what they list of ours: claimed, written, read for people.

A change is written with the Events of the open cases about that address. Must never ask a list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import CaseState
from gateway.store import events
from gateway.store.events import Event
from gateway.store.tables import accounts, cases, clocks, customers, listings, watched_zones
from gateway.store.text import storable
from gateway.watch.listings import Changes
from parsers.report import ResourceKind

_Whose = tuple[str, tuple[int, ...], tuple[int, ...]]
LISTED, DELISTED = "listed in", "no longer listed in"


@dataclass(frozen=True, slots=True)
class Zone:
    """A list whose turn it is. `round` counts; `trouble` is what was wrong with it the last time."""

    id: int
    name: str
    round: int
    trouble: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """One change, for an alarm. `what`: LISTED or DELISTED."""

    address: str
    what: str
    account: str | None
    cases: tuple[int, ...]
    account_ids: tuple[int, ...] = ()  # of these cases


async def claim(
    connection: AsyncConnection, names: Sequence[str], now: datetime, again: datetime, *, at_once: bool
) -> list[Zone]:
    """The lists whose turn it is, for this node alone: their next turn is `again`."""
    insert_into = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    fresh = insert_into(watched_zones).on_conflict_do_nothing(index_elements=["zone"])
    await connection.execute(fresh, [{"zone": name, "next_at": now} for name in sorted(names)])
    due = select(watched_zones.c.id).where(watched_zones.c.zone.in_(list(names)))
    if not at_once:
        due = due.where(watched_zones.c.next_at <= now)
    ids = list((await connection.execute(due.order_by(watched_zones.c.id).with_for_update())).scalars())
    taken = await connection.execute(
        update(watched_zones)
        .where(watched_zones.c.id.in_(ids))
        .values(next_at=again, round=watched_zones.c.round + 1)
        .returning(watched_zones.c.id, watched_zones.c.zone, watched_zones.c.round, watched_zones.c.trouble)
    )
    return sorted((Zone(*row) for row in taken), key=lambda zone: zone.id)


async def in_trouble(connection: AsyncConnection, zone: Zone, why: str, now: datetime) -> None:
    """Its answers do not count: nothing is listed or delisted by it."""
    await connection.execute(
        update(watched_zones)
        .where(watched_zones.c.id == zone.id)
        .values(storable({"trouble": why}) | {"checked_at": now})
    )
    if zone.trouble != why:
        await events.add(connection, [Event(now, events.SYSTEM, "alarm", f"block list {zone.name}: {why}")])


async def checked(connection: AsyncConnection, zone: Zone, asked: int, failed: int, now: datetime) -> None:
    await connection.execute(
        update(watched_zones)
        .where(watched_zones.c.id == zone.id)
        .values(checked_at=now, asked=asked, failed=failed, trouble=None)
    )


async def listed_in(connection: AsyncConnection, zone: str) -> list[str]:
    """Addresses that this list is known to list."""
    rows = await connection.execute(
        select(listings.c.address).where(listings.c.zone == zone, listings.c.current.is_not(None))
    )
    return list(rows.scalars())


async def in_open_cases(connection: AsyncConnection) -> list[str]:
    """Addresses that open cases are about."""
    rows = await connection.execute(
        select(clocks.c.value)
        .distinct()
        .join(cases, cases.c.id == clocks.c.case_id)
        .where(cases.c.state == CaseState.OPEN.value, clocks.c.kind == ResourceKind.IP.value)
    )
    return list(rows.scalars())


async def save(
    connection: AsyncConnection, zone: Zone, found: Changes, reasons: Mapping[str, str], now: datetime
) -> list[Told]:
    """Write what a round found out, one round of a list after another. Returns what is to be told: what another round
    wrote meanwhile is told by that."""
    await connection.execute(select(watched_zones.c.id).where(watched_zones.c.id == zone.id).with_for_update())
    there = set(await listed_in(connection, zone.name))
    found = replace(
        found,
        listed={address: codes for address, codes in found.listed.items() if address not in there},
        delisted=tuple(address for address in found.delisted if address in there),
    )
    cases_of = await _cases(connection, [*found.listed, *found.delisted])
    rows = [
        {
            "current": f"{zone.name}/{address}", "zone": zone.name, "address": address, "codes": codes,
            "reason": reasons.get(address, ""), "listed_at": now, "seen_at": now,
            "account": cases_of[address][0] if address in cases_of else None,
        }
        for address, codes in found.listed.items()
    ]  # fmt: skip
    if rows:
        await connection.execute(insert(listings), storable(rows))
    seen = [{"row": f"{zone.name}/{address}", "new_codes": codes} for address, codes in found.still.items()]
    if seen:
        statement = update(listings).where(listings.c.current == bindparam("row"))
        await connection.execute(statement.values(seen_at=now, codes=bindparam("new_codes")), seen)
    gone = [f"{zone.name}/{address}" for address in found.delisted]
    if gone:
        await connection.execute(
            update(listings).where(listings.c.current.in_(gone)).values(current=None, delisted_at=now)
        )
    changed = [(address, LISTED) for address in found.listed]
    changed += [(address, DELISTED) for address in found.delisted]
    told = [Told(address, what, *cases_of.get(address, (None, (), ()))) for address, what in changed]
    await events.add(connection, [event for one in told for event in _events(zone, one, reasons, now)])
    return told


async def shown(connection: AsyncConnection, *, everything: bool) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(lists with what is wrong with them, listings) for people; `everything`: also those that are over."""
    zones = await connection.execute(select(watched_zones).order_by(watched_zones.c.zone))
    query = select(listings).order_by(listings.c.listed_at, listings.c.id)
    if not everything:
        query = query.where(listings.c.current.is_not(None))
    found = await connection.execute(query)
    return [dict(row) for row in zones.mappings()], [dict(row) for row in found.mappings()]


async def _cases(connection: AsyncConnection, addresses: Sequence[str]) -> dict[str, _Whose]:
    """{address: (customer/account, open cases about it, their accounts)}."""
    if not addresses:
        return {}
    rows = await connection.execute(
        select(clocks.c.value, customers.c.key, accounts.c.name, cases.c.id, cases.c.account_id)
        .join(cases, cases.c.id == clocks.c.case_id)
        .join(accounts, accounts.c.id == cases.c.account_id)
        .join(customers, customers.c.id == accounts.c.customer_id)
        .where(cases.c.state == CaseState.OPEN.value, clocks.c.value.in_(list(addresses)))
        .order_by(cases.c.id)
    )
    found: dict[str, _Whose] = {}
    for row in rows:
        account, before, whose = found.get(row.value, (f"{row.key}/{row.name}", (), ()))
        found[row.value] = (account, (*before, row.id), (*whose, row.account_id))
    return found


def _events(zone: Zone, told: Told, reasons: Mapping[str, str], now: datetime) -> list[Event]:
    why = f"{told.address} is {told.what} {zone.name}"
    if reason := reasons.get(told.address):
        why += f": {reason}"
    data = {"address": told.address, "zone": zone.name}
    alarm = Event(now, events.SYSTEM, "alarm", why, data=data)
    return [alarm, *(Event(now, events.SYSTEM, "block list", why, case_id=one, data=data) for one in told.cases)]

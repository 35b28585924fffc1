"""Addresses at which our mail does not arrive: marked by what came back, forgotten after a time or by staff.

Must never decide who is told instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store import events
from gateway.store.events import Event
from gateway.store.inserts import inserting
from gateway.store.tables import dead_addresses
from gateway.store.text import storable

FOR = timedelta(days=30)  # then it may have been mended


@dataclass(frozen=True, slots=True)
class Dead:
    """Since when and why, and the notice that did not arrive there."""

    address: str
    at: datetime
    why: str
    notice_id: int | None


async def mark(connection: AsyncConnection, found: Mapping[str, tuple[str, int]], now: datetime) -> None:
    """{address: (why, notice)} do not arrive. Two statements."""
    rows = {address.lower(): said for address, said in found.items()}
    if not rows:
        return
    fresh = [
        {"address": address, "at": now, "why": why[:300], "notice_id": notice}
        for address, (why, notice) in sorted(rows.items())
    ]
    statement = inserting(connection, dead_addresses)
    anew = {name: statement.excluded[name] for name in ("at", "why", "notice_id")}
    await connection.execute(statement.on_conflict_do_update(index_elements=["address"], set_=anew), storable(fresh))
    said = [
        Event(now, events.SYSTEM, "address is dead", f"{address}: {why}"[:500], notice_id=notice)
        for address, (why, notice) in rows.items()
    ]
    await events.add(connection, said)


async def current(connection: AsyncConnection, now: datetime) -> dict[str, Dead]:
    """Those that count now, by address."""
    columns = [dead_addresses.c[name] for name in Dead.__dataclass_fields__]
    rows = await connection.execute(
        select(*columns).where(dead_addresses.c.at > now - FOR).order_by(dead_addresses.c.address)
    )
    return {row.address: Dead(*row) for row in rows}


async def revive(connection: AsyncConnection, address: str, who: str, now: datetime) -> bool:
    """Staff know that it arrives again. False: it was not marked."""
    gone = await connection.execute(delete(dead_addresses).where(dead_addresses.c.address == address.lower()))
    if gone.rowcount:
        await events.add(connection, [Event(now, who, "address revived", address)])
    return bool(gone.rowcount)

"""How many incidents a contact outside had in a row, and how many of them nobody told it of (RFC 6650 section 7.5).

Must never decide whether it is told: `notifier.damping` and `third_party_mail` do.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.tables import outside_contacts


@dataclass(frozen=True, slots=True)
class Count:
    """`incidents` since it was last quiet, this one included; `untold` of them, this one included."""

    incidents: int
    untold: int


async def count(
    connection: AsyncConnection, addresses: Collection[str], now: datetime, quiet: timedelta
) -> dict[str, Count]:
    """One more incident for each contact; after a `quiet` time counting begins anew. By lower-case address. Locks
    their rows until the transaction ends. Three statements."""
    names = sorted({address.lower() for address in addresses})
    if not names:
        return {}
    inserting = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    fresh = [{"address": name, "incidents": 0, "untold": 0, "last_at": now} for name in names]
    await connection.execute(inserting(outside_contacts).on_conflict_do_nothing(), fresh)
    held = await connection.execute(
        select(outside_contacts)
        .where(outside_contacts.c.address.in_(names))
        .order_by(outside_contacts.c.address)
        .with_for_update()
    )
    counted = {}
    for row in held:
        goes_on = now - row.last_at < quiet
        counted[row.address] = Count((row.incidents if goes_on else 0) + 1, (row.untold if goes_on else 0) + 1)
    changed = [{"who": name, "new": c.incidents, "left": c.untold} for name, c in counted.items()]
    await connection.execute(
        update(outside_contacts)
        .where(outside_contacts.c.address == bindparam("who"))
        .values(incidents=bindparam("new"), untold=bindparam("left"), last_at=now),
        changed,
    )
    return counted


async def told(connection: AsyncConnection, addresses: Collection[str]) -> None:
    """A mail tells them of all that they had not heard of."""
    names = [address.lower() for address in addresses]
    if names:
        await connection.execute(update(outside_contacts).where(outside_contacts.c.address.in_(names)).values(untold=0))

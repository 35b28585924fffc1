"""What a source said and says no longer: deleted there, or lost before it was read.

Must never end a row that another source or a person brought.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.intake import customer_values
from gateway.intake.customer_values import BadValueError
from gateway.store import events, switches
from gateway.store.events import Event
from gateway.store.leases import Changes
from gateway.store.tables import assignments

_FEW_GONE = 20  # rows that may vanish at once whatever share they are
_MUCH_GONE = 0.2


async def unsure(
    connection: AsyncConnection, origin: str, since: datetime, survived: Mapping[str, datetime] = MappingProxyType({})
) -> int:
    """Part of what a source wrote since then was lost: all that held then is over, until the source says so again; but
    for resources of which the last lease began before, by what `survived`. A session's key goes, or a word about it
    would be taken for an older one. Returns how many."""
    known = set()
    for resource, began in survived.items():
        if began <= since:
            with suppress(BadValueError):
                known.add(customer_values.resource(resource)[0])
    held = or_(assignments.c.valid_to.is_(None), assignments.c.valid_to > since)
    rows = await connection.execute(
        select(assignments.c.id, assignments.c.resource).where(
            assignments.c.origin == origin, assignments.c.valid_from < since, held
        )
    )
    over = [{"row_id": row.id} for row in rows if row.resource not in known]
    if over:
        version = await switches.count_up(connection, switches.ASSIGNMENTS_VERSION)
        ending = update(assignments).where(assignments.c.id == bindparam("row_id"))
        await connection.execute(ending.values(valid_to=since, ref=None, changed=version), over)
    return len(over)


async def missing(
    connection: AsyncConnection, origin: str, whole: frozenset[tuple[str, str]], changes: Changes, *, now: datetime
) -> None:
    """What a source gave and has no longer ends now. `whole`: (ref, resource) of all that it has. Where much is
    missing at once, a right was lost rather than customers: nothing is ended, and people are told."""
    kept = set()
    for ref, resource in whole:
        with suppress(BadValueError):
            kept.add((ref, customer_values.resource(resource)[0]))
    rows = await connection.execute(
        select(assignments.c.id, assignments.c.ref, assignments.c.resource).where(
            assignments.c.origin == origin, assignments.c.valid_to.is_(None), assignments.c.ref.is_not(None)
        )
    )
    known = [(row.id, row.resource, (row.ref.partition("@")[0], row.resource)) for row in rows]
    gone = [(row_id, resource) for row_id, resource, key in known if key not in kept]
    if len(gone) > max(_FEW_GONE, _MUCH_GONE * len(known)):
        changes.problems.append(f"{origin}: {len(gone)} of {len(known)} are there no longer; none was ended: look why")
        return
    if gone:
        version = await switches.count_up(connection, switches.ASSIGNMENTS_VERSION)
        ending = update(assignments).where(assignments.c.id == bindparam("row_id"))
        await connection.execute(
            ending.values(valid_to=now, changed=version), [{"row_id": row_id} for row_id, _ in gone]
        )
        changes.ended += len(gone)
        shown = ", ".join(resource for _, resource in gone[:5]) + (", ..." if len(gone) > 5 else "")
        await events.add(connection, [Event(now, origin, "assignment ended", f"deleted at the source: {shown}")])

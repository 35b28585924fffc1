"""How far the systems that lease addresses are read, and what of them was lost: beside the version of the assignments,
so that one statement tells both.

Must never decide what that means for a report: attribution does.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.attribution.network import Leases
from gateway.store import switches
from gateway.store.tables import switches as values

_NAME = "leases read/"  # and the name of the source
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_GAPS = 50  # of one source that are kept, the latest


async def states(connection: AsyncConnection, named: Sequence[str]) -> tuple[int, list[Leases]]:
    """The version of the assignments, and every system that was read to its end once, or is `named`: those first, in
    their order. One statement; whatever a system brought until then is in assignments of this version."""
    rows = await connection.execute(
        select(values.c.name, values.c.value).where(
            or_(values.c.name == switches.ASSIGNMENTS_VERSION, values.c.name.startswith(_NAME, autoescape=True))
        )
    )
    found = {row.name: row.value for row in rows}
    version = int(found.pop(switches.ASSIGNMENTS_VERSION, None) or 0)
    known = {name.removeprefix(_NAME): value for name, value in found.items()}
    names = dict.fromkeys([*named, *sorted(known)])
    return version, [_leases(name, known.get(name)) for name in names]


async def read_through(connection: AsyncConnection, name: str, until: datetime) -> None:
    """It was read to its end: whatever it had by `until` is known. Two statements."""
    before = _leases(name, await switches.read(connection, _NAME + name))
    await _write(connection, Leases(name, until, before.gaps))


async def until(connection: AsyncConnection, name: str) -> datetime | None:
    """Up to when it is known; None: it was never read to its end."""
    return _leases(name, await switches.read(connection, _NAME + name)).until


async def lost(connection: AsyncConnection, name: str, until: datetime) -> None:
    """What it wrote since it was last read to its end was gone before `until`; where it never was, all before."""
    before = _leases(name, await switches.read(connection, _NAME + name))
    since = before.until or _LONG_AGO
    if since < until:
        await _write(connection, Leases(name, before.until, (*before.gaps, (since, until))[-_GAPS:]))


async def _write(connection: AsyncConnection, leases: Leases) -> None:
    until = leases.until.isoformat() if leases.until else None
    said = {"until": until, "gaps": [[one.isoformat() for one in gap] for gap in leases.gaps]}
    await switches.write(connection, _NAME + leases.name, json.dumps(said))


def _leases(name: str, value: str | None) -> Leases:
    if value is None:
        return Leases(name)
    said = json.loads(value)
    gaps = tuple((datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in said["gaps"])
    return Leases(name, datetime.fromisoformat(said["until"]) if said["until"] else None, gaps)

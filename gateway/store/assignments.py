"""Who held what, when: rows for the index in memory, what changed since, and the answer of the database alone.

Nothing is ever deleted: a row that was a mistake ends when it begins. Every write carries the version of the
assignments with which it was made, so that each node reads only what is new. Must never decide who it was.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any

from sqlalchemy import JSON, ColumnElement, Text, and_, bindparam, cast, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.attribution.holders import Lookup
from gateway.attribution.prefixes import PrefixIndex
from gateway.intake.customers import AssignmentRow
from gateway.model import Assignment, Use
from gateway.store import events, switches
from gateway.store.events import Event
from gateway.store.tables import assignments

WHOLE = (0, 65535)  # the ports of an address that is not shared
BY_HAND = frozenset({"manual", "rule"})  # origins that beat those of imports and sources
_PAGE = 10_000
_DIGITS = {4: 8, 6: 32}


@dataclass(frozen=True, slots=True)
class Question:
    """Whose was an address in normal form, then (aware UTC, None: not known), on that port?"""

    ip: str
    at: datetime | None
    port: int | None = None


async def pages(
    connection: AsyncConnection, after_version: int = -1, sources: Mapping[str, int] = MappingProxyType({})
) -> AsyncIterator[list[Assignment]]:
    """Every assignment written after a version, thousands at a time. `sources`: the numbers of systems by name."""
    last = 0
    while True:
        rows = await connection.execute(
            select(assignments)
            .where(assignments.c.id > last, assignments.c.changed > after_version)
            .order_by(assignments.c.id)
            .limit(_PAGE)
        )
        found = [assignment_of(row, sources.get(row.origin, 0)) for row in rows]
        if found:
            yield found
        if len(found) < _PAGE:
            return
        last = found[-1].id


async def count(connection: AsyncConnection) -> int:
    """How many there are and were."""
    return int((await connection.execute(select(func.count()).select_from(assignments))).scalar_one())


async def all_of(connection: AsyncConnection) -> list[Assignment]:
    """Every assignment, in one list: for checks by people."""
    return [one async for page in pages(connection) for one in page]


async def over(connection: AsyncConnection, family: int, first: int, last: int) -> list[Assignment]:
    """The assignments of addresses that touch a range, whatever their time. Walks the family's rows."""
    rows = await connection.execute(
        select(assignments).where(
            assignments.c.family == family, assignments.c.first <= _hex(last), assignments.c.last >= _hex(first)
        )
    )
    return [assignment_of(row) for row in rows]


async def of_name(connection: AsyncConnection, name: str) -> list[Assignment]:
    """The assignments of exactly this host, mailbox or number."""
    rows = await connection.execute(select(assignments).where(assignments.c.resource == name))
    return [assignment_of(row) for row in rows if row.family == 0]


async def of_account(connection: AsyncConnection, account_ids: Iterable[int], limit: int) -> list[Any]:
    """Rows of these accounts, the latest first."""
    rows = await connection.execute(
        select(assignments)
        .where(assignments.c.account_id.in_(sorted(set(account_ids))))
        .order_by(assignments.c.valid_from.desc(), assignments.c.id.desc())
        .limit(limit)
    )
    return list(rows)


async def look_up(connection: AsyncConnection, questions: Sequence[Question]) -> list[Lookup]:
    """The same answers as the index gives, from the database alone, for a whole batch. One statement."""
    times = [q.at for q in questions if q.at is not None]
    blocks = {block for q in questions for block in _blocks(q.ip)}
    among = assignments.c.block.in_(_listed(connection, sorted(blocks)))
    wanted: ColumnElement[bool] = among
    if times and len(times) == len(questions):
        then = and_(
            assignments.c.valid_from <= max(times),
            or_(assignments.c.valid_to.is_(None), assignments.c.valid_to > min(times)),
        )
        # of what nobody held at these times, the last holder: it was ours, but not then
        ever = select(func.max(assignments.c.id)).where(among).group_by(
            assignments.c.resource, assignments.c.port_first, assignments.c.port_last
        )  # fmt: skip
        wanted = and_(among, or_(then, assignments.c.id.in_(ever)))
    rows = await connection.execute(select(assignments).where(wanted))
    index = PrefixIndex(assignment_of(row) for row in rows)
    return [index.lookup(q.ip, q.at, q.port) for q in questions]


async def add(
    connection: AsyncConnection, row: AssignmentRow, account_id: int, *, origin: str, who: str, now: datetime
) -> int:
    """One assignment that a person made. Returns its id."""
    version = await switches.count_up(connection, switches.ASSIGNMENTS_VERSION)
    made = await connection.execute(
        insert(assignments).returning(assignments.c.id),
        [columns(row, account_id) | {"origin": origin, "changed": version}],
    )
    why = f"{row.resource} from {row.valid_from:%Y-%m-%d %H:%M}Z"
    await events.add(connection, [Event(now, who, "assignment made", why)])
    return int(made.scalar_one())


async def end(connection: AsyncConnection, ids: Sequence[int], at: datetime | None, *, who: str, now: datetime) -> None:
    """These assignments end at `at`, or (None) never held: they stay in the table, for who asks later."""
    if not ids:
        return
    version = await switches.count_up(connection, switches.ASSIGNMENTS_VERSION)
    until = assignments.c.valid_from if at is None else at
    done = await connection.execute(
        update(assignments)
        .where(assignments.c.id.in_(list(ids)))
        .values(valid_to=until, changed=version)
        .returning(assignments.c.resource)
    )
    names = sorted(done.scalars())
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    await events.add(connection, [Event(now, who, "assignment ended" if at else "assignment withdrawn", shown)])


async def write_file(
    connection: AsyncConnection, rows: Sequence[AssignmentRow], account_ids: dict[tuple[str, str], int]
) -> tuple[int, int]:
    """Bring the rows of a checked file in. Returns how many are new, and how many have another end than before."""
    version = await switches.count_up(connection, switches.ASSIGNMENTS_VERSION)
    key = (assignments.c.resource, assignments.c.port_first, assignments.c.valid_from, assignments.c.account_id)
    found = await connection.execute(select(*key, assignments.c.id, assignments.c.valid_to, assignments.c.use))
    known = {
        (row.resource, row.port_first, row.valid_from, row.account_id): (row.id, row.valid_to, row.use) for row in found
    }
    fresh, changed = [], []
    for row in rows:
        cells = columns(row, account_ids[(row.customer, row.account)])
        old = known.get((row.resource, cells["port_first"], row.valid_from, cells["account_id"]))
        if old is None:
            fresh.append(cells | {"origin": "import", "changed": version})
        elif old[1:] != (row.valid_to, row.use):
            changed.append({"row_id": old[0], "new_to": row.valid_to, "new_use": row.use, "new_version": version})
    if changed:
        await connection.execute(
            update(assignments)
            .where(assignments.c.id == bindparam("row_id"))
            .values(valid_to=bindparam("new_to"), use=bindparam("new_use"), changed=bindparam("new_version")),
            changed,
        )
    if fresh:
        await connection.execute(insert(assignments), fresh)
    return len(fresh), len(changed)


def columns(row: AssignmentRow, account_id: int) -> dict[str, Any]:
    """A checked row as it is stored; without origin and version."""
    return {
        "account_id": account_id,
        "resource": row.resource,
        "family": row.family,
        "first": _hex(row.first),
        "last": _hex(row.last),
        "block": _block(row.family, row.first, row.last),
        "port_first": WHOLE[0] if row.port_first is None else row.port_first,
        "port_last": WHOLE[1] if row.port_last is None else row.port_last,
        "valid_from": row.valid_from,
        "valid_to": row.valid_to,
        "use": row.use,
    }


def assignment_of(row: Any, source: int = 0) -> Assignment:
    """An assignment as the pure code knows it, from a row of the table."""
    whole = (row.port_first, row.port_last) == WHOLE
    return Assignment(
        id=row.id, account_id=row.account_id, resource=row.resource, family=row.family,
        first=int(row.first, 16), last=int(row.last, 16),
        port_first=None if whole else row.port_first, port_last=None if whole else row.port_last,
        valid_from=row.valid_from, valid_to=row.valid_to, manual=row.origin in BY_HAND, use=Use(row.use),
        source=source,
    )  # fmt: skip


def _hex(number: int) -> str:
    return f"{number:032x}"


def _block(family: int, first: int, last: int) -> str:
    """The smallest block of whole hex digits around a range: `4:c00002` for 192.0.2.0/25. Names have none."""
    if family not in _DIGITS:
        return ""
    width = _DIGITS[family]
    differ = (first ^ last).bit_length() + 3 >> 2  # hex digits from the right
    return f"{family}:{f'{first:0{width}x}'[: width - differ]}"


def _blocks(ip: str) -> list[str]:
    """The 9 (IPv4) or 33 (IPv6) blocks that an address lies in."""
    try:
        address = ip_address(ip)
    except ValueError:
        return []
    digits = f"{int(address):0{_DIGITS[address.version]}x}"
    return [f"{address.version}:{digits[:length]}" for length in range(len(digits) + 1)]


def _listed(connection: AsyncConnection, values: list[str]) -> Any:
    """Any number of values as one parameter: databases limit the number of parameters, not their size."""
    text = json.dumps(values)
    if connection.dialect.name == "sqlite":
        return select(func.json_each(text).table_valued("value").c.value)
    return select(
        func.json_array_elements_text(cast(bindparam(None, text, type_=Text), JSON)).table_valued("value").c.value
    )

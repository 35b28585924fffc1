"""What the command field finds: cases, customers and waiting entries by a number, an address, a host, a name or a
Message-ID. Every question walks an index to a bounded number of rows.

Must never find what only named staff may see: everything here leads through a case, the queue or a customer.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store import cases as case_store
from gateway.store.queue import is_waiting
from gateway.store.tables import attributions, clocks, contacts, customers, messages, reports
from gateway.store.text import storable

_CASE = re.compile(r"(?:AG-\d{4}-)?\d{1,9}", re.ASCII | re.IGNORECASE)
_LAST = "\U0010ffff"
_MOST_LOOKED_AT = 1000  # of what begins with a word
_LATEST = 200  # reports of one address, among which is looked for what waits


@dataclass(frozen=True, slots=True)
class Found:
    """`path`: where it is shown; `kind`: case, customer or queue; `about`: why it was found."""

    kind: str
    path: str
    title: str
    about: str


async def find(connection: AsyncConnection, text: str, limit: int = 20) -> list[Found]:
    """At most so many of each kind, the newest first."""
    wanted = str(storable(text)).strip().strip("<>")
    if not wanted:
        return []
    word = _plain_address(wanted)
    found = [
        *(await _numbered(connection, wanted)),
        *(await _resources(connection, word, limit)),
        *(await _waiting(connection, word, limit)),
        *(await _customers(connection, wanted.lower(), limit)),
        *(await _mails(connection, wanted, limit)),
    ]
    return list({one.path: one for one in reversed(found)}.values())[::-1]


async def _numbered(connection: AsyncConnection, wanted: str) -> list[Found]:
    if not _CASE.fullmatch(wanted):
        return []
    return _cases(await case_store.lines(connection, [case_store.case_id_of(wanted)]), "number")


async def _resources(connection: AsyncConnection, word: str, limit: int) -> list[Found]:
    """By the address, host or number; then, as far as that finds few, by its beginning."""
    exact = select(clocks.c.case_id).where(clocks.c.value == word).distinct()
    ids = list((await connection.execute(exact.order_by(clocks.c.case_id.desc()).limit(limit))).scalars())
    if len(ids) < limit and (begins := _begins(clocks.c.value, word)) is not None:
        some = select(clocks.c.case_id).where(begins).order_by(clocks.c.value).limit(_MOST_LOOKED_AT).subquery()
        more = select(some.c.case_id).distinct().order_by(some.c.case_id.desc()).limit(limit)
        ids += [one for one in (await connection.execute(more)).scalars() if one not in ids]
    return _cases(await case_store.lines(connection, ids[:limit]), word)


async def _waiting(connection: AsyncConnection, word: str, limit: int) -> list[Found]:
    """By what the entry is about, else by the source that was reported."""
    entry = select(attributions.c.id, attributions.c.value, attributions.c.reason)
    about = entry.where(is_waiting(), attributions.c.value == word)
    from_there = select(reports.c.id).where(reports.c.source_ip == word).order_by(reports.c.id.desc()).limit(_LATEST)
    reported = entry.where(attributions.c.report_id.in_(from_there), attributions.c.queue == "waiting")
    rows = {
        row.id: row
        for query in (about, reported)
        for row in await connection.execute(query.order_by(attributions.c.id.desc()).limit(limit))
    }
    newest = sorted(rows.values(), key=lambda row: -row.id)[:limit]
    return [Found("queue", f"/queue/{row.id}", row.value or word, row.reason) for row in newest]


async def _customers(connection: AsyncConnection, word: str, limit: int) -> list[Found]:
    """By key, name or contact address. Customers are few beside cases."""
    pattern = word.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
    of_contact = select(contacts.c.customer_id).where(func.lower(contacts.c.address) == word)
    named = or_(
        customers.c.key.like(pattern, escape="\\"),
        func.lower(customers.c.name).like(pattern, escape="\\"),
        customers.c.id.in_(of_contact),
    )
    rows = await connection.execute(
        select(customers.c.key, customers.c.name).where(named).order_by(customers.c.key).limit(limit)
    )
    return [Found("customer", f"/customers/{quote(row.key, safe='')}", row.name, row.key) for row in rows]


async def _mails(connection: AsyncConnection, wanted: str, limit: int) -> list[Found]:
    """By the Message-ID of a mail that came: where its reports went."""
    if "@" not in wanted:
        return []
    ids = select(messages.c.id).where(messages.c.message_id.in_([wanted, f"<{wanted}>"])).limit(limit)
    query = (
        select(attributions.c.id, attributions.c.queue, attributions.c.value, clocks.c.case_id)
        .join(reports, reports.c.id == attributions.c.report_id)
        .outerjoin(clocks, clocks.c.id == attributions.c.clock_id)
        .where(reports.c.message_id.in_(ids))
        .limit(limit)
    )
    rows = (await connection.execute(query)).all()
    of_cases = await case_store.lines(connection, sorted({row.case_id for row in rows if row.case_id}))
    waiting = [row for row in rows if row.queue == "waiting"]
    return [
        *_cases(of_cases, wanted),
        *(Found("queue", f"/queue/{row.id}", row.value or wanted, "Message-ID") for row in waiting),
    ]


def _cases(lines: Sequence[case_store.CaseLine], about: str) -> list[Found]:
    newest = sorted(lines, key=lambda line: -line.id)
    return [Found("case", f"/case/{one.number}", f"{one.number} · {one.customer}", about) for one in newest]


def _begins(column: ColumnElement[str], word: str) -> ColumnElement[bool] | None:
    """A range of the index. None: a whole address begins no other one, though 192.0.2.1 begins 192.0.2.10; nor does
    what is too short."""
    try:
        ipaddress.ip_address(word)
    except ValueError:
        return column.between(word, word + _LAST) if len(word) > 2 else None
    return None


def _plain_address(word: str) -> str:
    try:
        return str(ipaddress.ip_address(word))
    except ValueError:
        return word.lower()

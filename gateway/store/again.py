"""Messages that were worked on before, for `arfgate reparse`: read with what was made of them, put back, rewritten.

Only what had no effect yet can be put back to wait: a message that was only observed, or one in which no format
read anything. Of everything else the facts alone are rewritten. Must never touch a case, an attribution or a notice,
nor a message of which only the head was kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.legal import restricted
from gateway.store.tables import messages, reports
from gateway.store.text import storable

_NOTHING_READ = ("unknown", "unreadable")
# Facts of a report that repeat `parsed` in columns, and its key among twins. Nothing that screening said.
REPORT_FACTS = ("parsed", "feedback_type", "category", "source_ip", "source_port", "arrival_date", "fingerprint")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages: these ids (empty: all), of this kind, received since then."""

    ids: tuple[int, ...] = ()
    kind: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeptReport:
    """One stored report. `parsed` is the contract's JSON."""

    id: int
    fingerprint: str
    parsed: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """A message that was worked on, with what was made of it. `facts`: kind, format, message_id, sender, subject,
    error. `untouched`: nothing came of it yet, so that it may be worked on as if it were new."""

    id: int
    raw: bytes
    mailbox: str | None
    received_at: datetime
    state: str
    facts: dict[str, str | None]
    reports: tuple[KeptReport, ...]
    untouched: bool


FACTS = ("kind", "format", "message_id", "sender", "subject", "error")


async def count(connection: AsyncConnection, wanted: Wanted) -> int:
    """How many messages there are to read again."""
    rows = select(func.count()).select_from(messages).where(_chosen(wanted))
    return int((await connection.execute(rows)).scalar_one())


async def page(connection: AsyncConnection, wanted: Wanted, after: int, most: int, most_bytes: int) -> list[int]:
    """The next ids after `after`: at most `most`, and no more than `most_bytes` of mail, but one at least."""
    rows = await connection.execute(
        select(messages.c.id, messages.c.size)
        .where(_chosen(wanted), messages.c.id > after)
        .order_by(messages.c.id)
        .limit(most)
    )
    ids: list[int] = []
    together = 0
    for row in rows:
        together += row.size
        if ids and together > most_bytes:
            break
        ids.append(row.id)
    return ids


async def read(connection: AsyncConnection, ids: Sequence[int]) -> list[Kept]:
    """These messages with their reports, by id. Two statements."""
    made: dict[int, list[KeptReport]] = {}
    rows = await connection.execute(
        select(reports.c.message_id, reports.c.id, reports.c.fingerprint, reports.c.parsed)
        .where(reports.c.message_id.in_(ids))
        .order_by(reports.c.message_id, reports.c.position)
    )
    for row in rows:
        made.setdefault(row.message_id, []).append(KeptReport(row.id, row.fingerprint, dict(row.parsed)))
    columns = (*(messages.c[name] for name in FACTS), messages.c.id, messages.c.raw, messages.c.mailbox)
    found = await connection.execute(
        select(*columns, messages.c.received_at, messages.c.state, _untouched().label("untouched"))
        .where(messages.c.id.in_(ids))
        .order_by(messages.c.id)
    )
    return [
        Kept(
            id=row["id"],
            raw=bytes(row["raw"]),
            mailbox=row["mailbox"],
            received_at=row["received_at"],
            state=row["state"],
            facts={name: row[name] for name in FACTS},
            reports=tuple(made.get(row["id"], ())),
            untouched=bool(row["untouched"]),
        )
        for row in found.mappings()
    ]


async def put_back(connection: AsyncConnection, ids: Sequence[int]) -> set[int]:
    """Let these wait like new mail. Returns those that do; what came to something meanwhile stays as it is."""
    if not ids:
        return set()
    rows = await connection.execute(
        update(messages)
        .where(messages.c.id.in_(ids), _untouched())
        .values(state="stored", tries=0, claimed_until=None)
        .returning(messages.c.id)
    )
    return set(rows.scalars())


async def rewrite(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Write what reports are read as today: dicts of REPORT_FACTS with `id`. One statement."""
    if rows:
        statement = update(reports).where(reports.c.id == bindparam("row_id"))
        statement = statement.values({name: bindparam(f"new_{name}") for name in REPORT_FACTS})
        fresh = [{"row_id": row["id"]} | {f"new_{name}": row[name] for name in REPORT_FACTS} for row in rows]
        await connection.execute(statement, storable(fresh))


def _chosen(wanted: Wanted) -> ColumnElement[bool]:
    # A message that nobody ever claimed was too big: its bytes are only a head, and were never read.
    conditions: list[ColumnElement[bool]] = [
        messages.c.state.in_(("filed", "observed")),
        messages.c.claimed_by.is_not(None),
        ~restricted(),
    ]
    if wanted.ids:
        conditions.append(messages.c.id.in_(wanted.ids))
    if wanted.kind is not None:
        conditions.append(messages.c.kind == wanted.kind)
    if wanted.since is not None:
        conditions.append(messages.c.received_at >= wanted.since)
    return and_(*conditions)


def _untouched() -> ColumnElement[bool]:
    nothing_read = and_(
        messages.c.state == "filed",
        messages.c.kind.in_(_NOTHING_READ),
        ~exists().where(reports.c.message_id == messages.c.id),
    )
    return and_(messages.c.claimed_by.is_not(None), or_(messages.c.state == "observed", nothing_read))

"""Messages that are no case, as the console walks them: held, rejected, for review, junk.

Keyset paging by the message's number; what is in the legal lane is in none of them. Must never decide, nor hand out
the bytes of a message.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import Verdict
from gateway.store import events, switches
from gateway.store.events import Event
from gateway.store.legal import restricted
from gateway.store.tables import held, messages, reports
from gateway.store.text import storable

JUNK_CLOSED = "junk_closed"  # the switch: the number of the last junk message that staff are done with
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class InTray:
    """One message of a tray: what it is and why it is there."""

    message_id: int
    received_at: datetime
    sender: str | None
    subject: str | None
    mailbox: str | None
    reason: str
    detail: str
    category: str = ""


async def held_ones(
    connection: AsyncConnection, state: str, limit: int, after: tuple[datetime, int] | None
) -> list[dict[str, Any]]:
    """What is held, in the order in which it expires; of what was decided, the latest first."""
    columns = (*(c for c in held.c if c.name != "identity"), messages.c.sender, messages.c.subject)
    query = select(*columns).join(messages, messages.c.id == held.c.message_id).where(held.c.state == state)
    waits = state == "waiting"
    if after is not None:
        at, number = after
        beyond = held.c.expires_at > at if waits else held.c.expires_at < at
        same = held.c.id > number if waits else held.c.id < number
        query = query.where(or_(beyond, and_(held.c.expires_at == at, same)))
    order = (held.c.expires_at, held.c.id) if waits else (held.c.expires_at.desc(), held.c.id.desc())
    rows = await connection.execute(query.where(~restricted()).order_by(*order).limit(limit))
    return [dict(row) for row in rows.mappings()]


async def of_verdict(connection: AsyncConnection, verdict: Verdict, limit: int, before: int | None) -> list[InTray]:
    """Messages with this verdict, or with a report that has it; the newest first, each once. Two statements."""
    shown = (messages.c.received_at, messages.c.sender, messages.c.subject, messages.c.mailbox)
    own = select(messages.c.id, *shown, messages.c.reason, messages.c.detail).where(
        messages.c.verdict == verdict.value, ~restricted()
    )
    of_report = (
        select(reports.c.message_id, *shown, reports.c.reason, reports.c.detail, reports.c.category)
        .join(messages, messages.c.id == reports.c.message_id)
        .where(reports.c.verdict == verdict.value, ~restricted())
    )
    if before is not None:
        own, of_report = own.where(messages.c.id < before), of_report.where(reports.c.message_id < before)
    found: dict[int, InTray] = {}
    for row in await connection.execute(own.order_by(messages.c.id.desc()).limit(limit)):
        found[row[0]] = InTray(*row[:5], row[5] or "", row[6] or "")
    for said in await connection.execute(of_report.order_by(reports.c.message_id.desc()).limit(limit)):
        found.setdefault(said[0], InTray(*said))
    return sorted(found.values(), key=lambda one: -one.message_id)[:limit]


async def junk_sample(connection: AsyncConnection, size: int) -> tuple[list[InTray], int]:
    """Junk that staff are not done with, evenly taken from all of it, the newest first; and how much there is (up to
    a bound)."""
    done_to = int(await switches.read(connection, JUNK_CLOSED) or 0)
    query = select(messages.c.id).where(messages.c.verdict == Verdict.JUNK.value, messages.c.id > done_to)
    ids = list((await connection.execute(query.order_by(messages.c.id.desc()).limit(_MOST))).scalars())
    step = max(1, len(ids) // size)
    columns = (
        messages.c.id, messages.c.received_at, messages.c.sender, messages.c.subject, messages.c.mailbox,
        messages.c.reason, messages.c.detail,
    )  # fmt: skip
    chosen = select(*columns).where(messages.c.id.in_(ids[::step][:size])).order_by(messages.c.id.desc())
    return [InTray(*row[:5], row[5] or "", row[6] or "") for row in await connection.execute(chosen)], len(ids)


async def close_junk(connection: AsyncConnection, up_to: int, *, who: str, now: datetime) -> None:
    """Staff are done with the junk up to this message. Nothing is deleted: retention does that."""
    if up_to > int(await switches.read(connection, JUNK_CLOSED) or 0):
        await switches.write(connection, JUNK_CLOSED, str(up_to))
        await events.add(connection, [Event(now, who, "junk closed", f"up to message {up_to}")])


async def take_out(connection: AsyncConnection, ids: list[int], *, who: str, now: datetime) -> int:
    """These are no junk: a person is to look at them. Returns how many."""
    taken = await connection.execute(
        update(messages)
        .where(messages.c.id.in_(ids), messages.c.verdict == Verdict.JUNK.value)
        .values(verdict=Verdict.REVIEW.value, detail=storable(f"{who} took it out of the junk"))
        .returning(messages.c.id)
    )
    found = list(taken.scalars())
    await events.add(connection, [Event(now, who, "taken out of the junk", message_id=one) for one in found])
    return len(found)


async def message(connection: AsyncConnection, message_id: int) -> tuple[Any, list[Any], Any | None] | None:
    """(message without its bytes, its reports, its place among the held); None: there is none, or it is in the legal
    lane."""
    columns = [c for c in messages.c if c.name != "raw"]
    row = (await connection.execute(select(*columns).where(messages.c.id == message_id, ~restricted()))).one_or_none()
    if row is None:
        return None
    of_it = select(reports).where(reports.c.message_id == message_id).order_by(reports.c.position).limit(20)
    waits = await connection.execute(select(held).where(held.c.message_id == message_id))
    return row, list((await connection.execute(of_it)).all()), waits.one_or_none()

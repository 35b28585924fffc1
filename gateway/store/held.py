"""What waits because something is missing or a person has to look: kept, completed, confirmed, expired, released,
dropped.

A message is held once, however many reports it has. What changes a state is a conditional update, so that of two
who decide only one does. Must never decide, and never send.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import ScreeningReason, Verdict
from gateway.store.tables import held, messages, reports
from gateway.store.text import storable

WAITING, COMPLETED, EXPIRED, RELEASED, DROPPED = "waiting", "completed", "expired", "released", "dropped"
CONFIRMED = "confirmed"  # by its sender, on our page: it is worked on once more


@dataclass(frozen=True, slots=True)
class Held:
    """A message that is held. `identity`: who sent it, as the report's JSON has it."""

    id: int
    message_id: int
    reason: str
    state: str
    category: str
    identity: dict[str, Any]
    received_at: datetime
    held_at: datetime
    expires_at: datetime
    completed_by: int | None
    decided_by: str | None


_COLUMNS = [held.c[name] for name in Held.__dataclass_fields__]


async def keep(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> dict[int, int]:
    """Hold these messages, also once more. Returns {message id: number}. One statement."""
    if not rows:
        return {}
    inserting = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = inserting(held)
    anew = {name: statement.excluded[name] for name in ("reason", "state", "held_at", "expires_at")}
    statement = statement.on_conflict_do_update(index_elements=[held.c.message_id], set_=anew)
    made = await connection.execute(statement.returning(held.c.message_id, held.c.id), storable(list(rows)))
    return {row.message_id: row.id for row in made}


async def waiting(connection: AsyncConnection, numbers: Iterable[int]) -> dict[int, Held]:
    """Those of these that still wait, by number. One statement."""
    wanted = sorted(set(numbers))
    rows = await connection.execute(select(*_COLUMNS).where(held.c.id.in_(wanted), held.c.state == WAITING))
    return {row.id: Held(*row) for row in rows}


async def complete(connection: AsyncConnection, by: Mapping[int, int], now: datetime) -> set[int]:
    """{number: the message that brought what was missing}. Their reports count no more: those of the other message
    do. Returns those that still waited. Two statements for each, and hardly ever is there one."""
    done: set[int] = set()
    for number, message_id in sorted(by.items()):
        changed = await connection.execute(
            update(held)
            .where(held.c.id == number, held.c.state == WAITING)
            .values(state=COMPLETED, completed_by=message_id, decided_at=now)
            .returning(held.c.message_id)
        )
        first = changed.scalar_one_or_none()
        if first is not None:
            done.add(number)
            why = f"message {message_id} brought what was missing"
            await _settle_reports(connection, [first], Verdict.RECORDED, ScreeningReason.COMPLETED, why)
    return done


async def expire(connection: AsyncConnection, now: datetime, limit: int = 200) -> list[Held]:
    """Those whose time is up: their reports are rejected as expired. Returns them. Two statements."""
    due = (
        select(held.c.id)
        .where(held.c.state == WAITING, held.c.expires_at <= now)
        .order_by(held.c.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    gone = await connection.execute(
        update(held).where(held.c.id.in_(due)).values(state=EXPIRED, decided_at=now).returning(*_COLUMNS)
    )
    found = [Held(*row) for row in gone]
    if found:
        why = "it was held, and nothing that was missing came in time"
        ids = [one.message_id for one in found]
        await _settle_reports(connection, ids, Verdict.REJECTED, ScreeningReason.EXPIRED, why)
    return found


async def decide(connection: AsyncConnection, message_id: int, state: str, who: str, now: datetime) -> bool:
    """A person's word on a held message (RELEASED, DROPPED or CONFIRMED). False: it does not wait, or not any more."""
    changed = await connection.execute(
        update(held)
        .where(held.c.message_id == message_id, held.c.state == WAITING)
        .values(storable({"state": state, "decided_by": who, "decided_at": now}))
    )
    return changed.rowcount == 1


async def drop_reports(connection: AsyncConnection, message_id: int, why: str) -> None:
    """The reports of a dropped message are rejected."""
    await _settle_reports(connection, [message_id], Verdict.REJECTED, ScreeningReason.DROPPED, why)


async def again(connection: AsyncConnection, message_id: int, cleared: str | None) -> None:
    """Let a message wait like new mail, with staff's word on it (None: they said nothing). Its old reports must not
    pass for its own twin."""
    await connection.execute(update(reports).where(reports.c.message_id == message_id).values(outer_id=None))
    values = {"state": "stored", "tries": 0, "claimed_until": None, "cleared": cleared}
    await connection.execute(update(messages).where(messages.c.id == message_id).values(**values))


async def listed(connection: AsyncConnection, state: str | None, limit: int = 500) -> list[dict[str, Any]]:
    """What is held, newest last, with its message's sender and subject."""
    columns = (*_COLUMNS, messages.c.sender, messages.c.subject)
    query = select(*columns).join(messages, messages.c.id == held.c.message_id)
    if state is not None:
        query = query.where(held.c.state == state)
    rows = (await connection.execute(query.order_by(held.c.id.desc()).limit(limit))).mappings().all()
    return [dict(row) for row in reversed(rows)]


async def _settle_reports(
    connection: AsyncConnection, message_ids: list[int], verdict: Verdict, reason: ScreeningReason, why: str
) -> None:
    await connection.execute(
        update(reports)
        .where(reports.c.message_id.in_(message_ids), reports.c.verdict == Verdict.HELD.value)
        .values(verdict=verdict.value, reason=reason.value, detail=bindparam("said")),
        {"said": storable(why)},
    )

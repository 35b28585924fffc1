"""The legal lane: matters, what was decided by two persons, and the hold on their messages.

Who may look the caller has checked; every look is an Event. Must never be read by a listing, a page or an export of
the ordinary kind, and must never delete.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, exists, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import Verdict
from gateway.store.tables import attributions, legal_acts, legal_matters, messages, reports
from gateway.store.text import storable

OPEN, CLOSED, DISMISSED = "open", "closed", "dismissed"


@dataclass(frozen=True, slots=True)
class Matter:
    """One message in the lane. `hold`: nothing may delete it."""

    id: int
    message_id: int
    kind: str
    why: str
    state: str
    received_at: datetime
    opened_at: datetime
    hold: bool


@dataclass(frozen=True, slots=True)
class Act:
    """What one person wants done about a matter, and who agreed."""

    id: int
    matter_id: int
    action: str
    reason: str
    proposed_by: str
    proposed_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None


_COLUMNS = (*(legal_matters.c[name] for name in Matter.__dataclass_fields__ if name != "hold"), messages.c.hold)


def restricted() -> ColumnElement[bool]:
    """Whether a row of `messages` is for named staff only: what every ordinary listing leaves out."""
    legal = Verdict.LEGAL.value
    of_report = exists().where(reports.c.message_id == messages.c.id, reports.c.verdict == legal).correlate(messages)
    return or_(messages.c.verdict.is_not_distinct_from(legal), of_report)


async def is_restricted(connection: AsyncConnection, message_id: int) -> bool:
    """Whether only named staff may see this message."""
    found = await connection.execute(select(messages.c.id).where(messages.c.id == message_id, restricted()))
    return found.scalar_one_or_none() is not None


async def open_matters(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> dict[int, int]:
    """A matter for each of these messages that has none, and a hold on its bytes. Returns {message id: number} of
    the new ones. Three statements."""
    ids = [row["message_id"] for row in rows]
    known = await connection.execute(select(legal_matters.c.message_id).where(legal_matters.c.message_id.in_(ids)))
    taken = set(known.scalars())
    fresh = [row for row in rows if row["message_id"] not in taken]
    if not fresh:
        return {}
    made = await connection.execute(
        insert(legal_matters).returning(legal_matters.c.message_id, legal_matters.c.id), storable(fresh)
    )
    await _hold(connection, [row["message_id"] for row in fresh], held=True)
    return {row.message_id: row.id for row in made}


async def take_out(connection: AsyncConnection, message_id: int) -> datetime | None:
    """Out of the ordinary lists and the queue, into the lane. Returns when the message came; None where there is
    no such message, it is in the lane already, or something was filed from it."""
    filed = exists().where(
        reports.c.message_id == messages.c.id,
        attributions.c.report_id == reports.c.id,
        attributions.c.clock_id.is_not(None),
    )
    legal = Verdict.LEGAL.value
    taken = await connection.execute(
        update(messages)
        .where(messages.c.id == message_id, ~restricted(), ~filed, messages.c.state.in_(["filed", "observed"]))
        .values(verdict=legal, reason=legal)
        .returning(messages.c.received_at)
    )
    received_at = taken.scalar_one_or_none()
    if received_at is None:
        return None
    its = select(reports.c.id).where(reports.c.message_id == message_id)
    await connection.execute(update(attributions).where(attributions.c.report_id.in_(its)).values(queue=None))
    await connection.execute(
        update(reports).where(reports.c.message_id == message_id).values(verdict=legal, reason=legal)
    )
    return cast("datetime", received_at)


async def listed(connection: AsyncConnection, *, everything: bool) -> list[Matter]:
    """The matters, oldest first."""
    query = select(*_COLUMNS).join(messages, messages.c.id == legal_matters.c.message_id)
    if not everything:
        query = query.where(legal_matters.c.state == OPEN)
    return [Matter(*row) for row in await connection.execute(query.order_by(legal_matters.c.id))]


async def shown(connection: AsyncConnection, number: int) -> tuple[Matter, list[Act]] | None:
    """One matter with what was decided, locked until the transaction ends."""
    rows = await connection.execute(
        select(*_COLUMNS)
        .join(messages, messages.c.id == legal_matters.c.message_id)
        .where(legal_matters.c.id == number)
        .with_for_update(of=legal_matters)
    )
    row = rows.one_or_none()
    if row is None:
        return None
    columns = [legal_acts.c[name] for name in Act.__dataclass_fields__]
    acts = await connection.execute(select(*columns).where(legal_acts.c.matter_id == number).order_by(legal_acts.c.id))
    return Matter(*row), [Act(*act) for act in acts]


async def propose(connection: AsyncConnection, number: int, action: str, reason: str, by: str, at: datetime) -> int:
    """What one person wants done. Returns its number."""
    values = {"matter_id": number, "action": action, "reason": reason, "proposed_by": by, "proposed_at": at}
    made = await connection.execute(insert(legal_acts).values(storable(values)).returning(legal_acts.c.id))
    return int(made.scalar_one())


async def confirm(connection: AsyncConnection, act: Act, by: str, at: datetime) -> None:
    """The second person agrees."""
    await connection.execute(
        update(legal_acts)
        .where(legal_acts.c.id == act.id, legal_acts.c.confirmed_by.is_(None))
        .values(storable({"confirmed_by": by, "confirmed_at": at}))
    )


async def settle(connection: AsyncConnection, matter: Matter, state: str) -> None:
    """The matter is closed, or was none."""
    await connection.execute(update(legal_matters).where(legal_matters.c.id == matter.id).values(state=state))


async def lift(connection: AsyncConnection, matter: Matter) -> None:
    """Two persons said that the message need not be preserved any longer."""
    await _hold(connection, [matter.message_id], held=False)


async def _hold(connection: AsyncConnection, message_ids: list[int], *, held: bool) -> None:
    await connection.execute(update(messages).where(messages.c.id.in_(message_ids)).values(hold=held))

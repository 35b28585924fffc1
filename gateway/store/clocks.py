"""Which clocks need a look: the one query that a tick is made of.

Answers in a time that depends on what is due, not on what is open. Must never change a
clock (`desk` does).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, exists, false, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import ClockState, NoticeState
from gateway.store.tables import cases, clocks, notices


async def due(
    connection: AsyncConnection, now: datetime, read_to: datetime | None, limit: int
) -> list[tuple[int, int]]:
    """(clock id, case id) of clocks whose time has come, earliest first. Steps of running clocks wait until
    the answer mailboxes were read past them and the reminder before them has gone out and was settled."""
    unsent = exists().where(
        notices.c.clock_id == clocks.c.id,
        notices.c.kind == "reminder",
        or_(notices.c.state == NoticeState.PENDING.value, notices.c.settled.is_(False)),
    )
    may_step = and_(clocks.c.next_at <= read_to, ~unsent) if read_to is not None else false()
    rows = await connection.execute(
        select(clocks.c.id, clocks.c.case_id)
        .join(cases, cases.c.id == clocks.c.case_id)
        .where(clocks.c.next_at <= now, or_(clocks.c.state != ClockState.RUNNING.value, may_step))
        .order_by(clocks.c.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True, of=cases)  # a case before its clocks, as everywhere: no two wait in a ring
    )
    return [(row.id, row.case_id) for row in rows]

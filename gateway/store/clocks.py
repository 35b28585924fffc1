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
from notifier.notice import OUR_FAULT, NoticeKind

_BEFORE = (NoticeKind.REMINDER.value, NoticeKind.ANSWER_REJECTED.value)  # what comes before a step


async def due(
    connection: AsyncConnection, now: datetime, read_to: datetime | None, limit: int
) -> list[tuple[int, int]]:
    """(clock id, case id) of clocks whose time has come, earliest first. Steps of running clocks wait until
    the answer mailboxes were read past them, and what was to be said before has gone out and was settled: a
    warning that could not be sent for our own fault keeps them waiting too."""
    by_us = and_(notices.c.state == NoticeState.FAILED.value, notices.c.why.in_([why.value for why in OUR_FAULT]))
    unsent = exists().where(
        notices.c.clock_id == clocks.c.id,
        notices.c.round == clocks.c.round,
        notices.c.kind.in_(_BEFORE),
        or_(notices.c.state == NoticeState.PENDING.value, notices.c.settled.is_(False), by_us),
    )
    may_step = and_(clocks.c.next_at <= read_to, ~unsent) if read_to is not None else false()
    rows = await connection.execute(
        select(clocks.c.id, clocks.c.case_id)
        .join(cases, cases.c.id == clocks.c.case_id)
        .where(clocks.c.next_at <= now, or_(clocks.c.state != ClockState.RUNNING.value, may_step))
        .order_by(clocks.c.next_at)
        .limit(limit)
        # a case before its clocks, as everywhere: no two wait in a ring
        .with_for_update(skip_locked=True, key_share=True, of=cases)
    )
    return [(row.id, row.case_id) for row in rows]

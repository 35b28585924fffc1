"""What time alone brings: reminders, overdue clocks, graces that ended, answers nobody judged.

A tick claims what is due (by the clocks' `next_at`), lets `casework.clocks` decide, and
writes clock, notices and actions in one transaction; sending comes later. Nothing moves
while everything is paused, nor past a point to which the answer mailboxes were not read.
Must never know how anything is sent.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import answering, consents, guarding
from gateway.casework import clocks
from gateway.casework.desk import Applied, Origin
from gateway.house import House
from gateway.model import Clock
from gateway.store import clocks as clock_store
from gateway.store import desk as desk_store
from gateway.store import mailboxes, messages, switches
from gateway.watch import postmaster

_BATCH = 200


async def tick(house: House) -> int:
    """Claim every step that is due. Returns how many clocks moved, held reports expired, records lapsed and
    postmasters are asked."""
    moved = 0
    while True:
        async with house.database.writing() as connection:
            if await switches.is_paused(connection):
                return moved
            now = house.clock()
            batch = await _batch(house, connection, now) + await _expire(house, connection, now)
            batch += await _lapse(house, connection, now) + await postmaster.check(house, connection, now)
        moved += batch
        if batch == 0:
            return moved


async def _batch(house: House, connection: AsyncConnection, now: datetime) -> int:
    read_to = await answers_read_to(house, connection, now)
    due = await clock_store.due(connection, now, read_to, _BATCH)
    desk = await desk_store.load_cases(connection, [case_id for _, case_id in due])
    chosen = {clock_id for clock_id, _ in due}
    moved = 0
    for clock in [c for c in desk.clocks.values() if c.id in chosen]:
        rule = house.rule(clock)
        # settled: the query left those out whose reminder has not gone out
        change = clocks.due(clock, now, read_to, rule, settled=True, overdue=house.overdue_actions(clock))
        if change is not None:
            desk.apply(Applied(change, Origin(_about(clock) | house.consequence(clock))))
            moved += 1
    await guarding.weigh_actions(house, connection, desk)
    await desk_store.save(connection, desk, now)
    return moved


async def _expire(house: House, connection: AsyncConnection, now: datetime) -> int:
    """What is held expires only when nothing that could complete it lies unread."""
    read_to = await answers_read_to(house, connection, now)
    return 0 if read_to is None else await answering.expire(house, connection, min(read_to, now))


async def _lapse(house: House, connection: AsyncConnection, now: datetime) -> int:
    """Proof of permission that is not there in time is absent, once the mailboxes were read past it."""
    read_to = await answers_read_to(house, connection, now)
    return 0 if read_to is None else await consents.lapse(house, connection, min(now, read_to))


async def answers_read_to(house: House, connection: AsyncConnection, now: datetime) -> datetime | None:
    """The point to which every mailbox that answers may come to was read; None: one was never read.
    Without mailboxes (files only) nothing can be waiting."""
    known = await mailboxes.all_of(connection)
    marks = [known[box.name].read_to if box.name in known else None for box in house.settings.mailboxes]
    read = [mark for mark in marks if mark is not None]
    if len(read) != len(marks):
        return None
    waiting = await messages.oldest_waiting(connection)  # stored, but nobody knows yet whether it is an answer
    return min([*read, waiting] if waiting else read, default=now)


def _about(clock: Clock) -> dict[str, object]:
    return {"notified_at": clock.notified_at.isoformat() if clock.notified_at else None}

"""How far strikes are: which need a look, and what was planned for them. Must never decide."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casework.strikes import Strike, StrikeState
from gateway.model import ActionState, NoticeState
from gateway.store.strikes import strike_of
from gateway.store.tables import actions, marks, notices, strikes
from gateway.store.text import storable

_CAME_BACK = (NoticeState.FAILED.value, NoticeState.BOUNCED.value)


@dataclass(frozen=True, slots=True)
class Moving:
    """A strike that needs a look, and how its warning fared."""

    strike: Strike
    first_at: datetime
    complaints: int
    contact: int
    notice_state: str | None
    notice_why: str | None
    sent_at: datetime | None


def _due(arrived: datetime, now: datetime) -> ColumnElement[bool]:
    """`arrived`: what was accepted until then counts as delivered."""
    by_time = and_(
        strikes.c.state.in_([StrikeState.WAITING.value, StrikeState.UNREACHABLE.value]), strikes.c.next_at <= now
    )
    answered = or_(
        notices.c.state.in_(_CAME_BACK), and_(notices.c.state == NoticeState.SENT.value, notices.c.sent_at <= arrived)
    )
    warned = strikes.c.state.in_([StrikeState.TELLING.value, StrikeState.TOLD.value])
    by_notice = and_(warned, strikes.c.next_at <= now, answered)  # what is told has none, until its warning bounces
    return or_(by_time, by_notice)


async def any_moving(connection: AsyncConnection, arrived: datetime, now: datetime) -> bool:
    """Whether a strike needs a look. One statement that writes nothing: most turns end here."""
    query = select(strikes.c.id).outerjoin(notices, notices.c.id == strikes.c.notice_id).where(_due(arrived, now))
    return (await connection.execute(query.limit(1))).first() is not None


async def moving(connection: AsyncConnection, arrived: datetime, now: datetime, limit: int) -> list[Moving]:
    """Strikes that need a look, oldest first, locked until the transaction ends."""
    rows = await connection.execute(
        select(strikes, notices.c.state.label("told"), notices.c.why.label("told_why"), notices.c.sent_at)
        .outerjoin(notices, notices.c.id == strikes.c.notice_id)
        .where(_due(arrived, now))
        .order_by(strikes.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=strikes)
    )
    return [
        Moving(strike_of(row), row.first_at, row.complaints, row.contact, row.told, row.told_why, row.sent_at)
        for row in rows
    ]


async def telling(connection: AsyncConnection, strike_id: int | None, notice_id: int | None, contact: int) -> None:
    """Its warning is on the way to this contact."""
    values: dict[str, Any] = {"state": StrikeState.TELLING.value, "contact": contact, "warned_at": None}
    if notice_id is not None:
        values["notice_id"] = notice_id
    await connection.execute(update(strikes).where(strikes.c.id == strike_id).values(**values))


async def wait(connection: AsyncConnection, strike_id: int | None, until: datetime | None) -> None:
    """Nothing can be done about it now; None: until something wakes it."""
    await connection.execute(update(strikes).where(strikes.c.id == strike_id).values(next_at=until))


async def unreachable(connection: AsyncConnection, strike_id: int | None, until: datetime | None) -> None:
    """No contact can be told; from `until` on it counts as told all the same."""
    values = {"state": StrikeState.UNREACHABLE.value, "next_at": until}
    await connection.execute(update(strikes).where(strikes.c.id == strike_id).values(**values))


async def settled(connection: AsyncConnection, strike: Strike, state: StrikeState, warned_at: datetime | None) -> None:
    """Its step is done. The strikes above it, which waited for that, get their look."""
    await connection.execute(
        update(strikes).where(strikes.c.id == strike.id).values(state=state.value, warned_at=warned_at, next_at=None)
    )
    await _wake(connection, strike.account_id)


async def annul(connection: AsyncConnection, strike: Strike, *, who: str, why: str, now: datetime) -> None:
    """It does not stand: its warning that did not go out and its actions that nobody began fall with it."""
    notice_id = (
        await connection.execute(
            update(strikes)
            .where(strikes.c.id == strike.id)
            .values(
                state=StrikeState.ANNULLED.value, decided_by=who, decided_at=now, reason=storable(why), next_at=None
            )
            .returning(strikes.c.notice_id)
        )
    ).scalar_one_or_none()
    await connection.execute(
        update(notices)
        .where(notices.c.id == notice_id, notices.c.state == NoticeState.PENDING.value)
        .values(state=NoticeState.CANCELLED.value, next_at=None)
    )
    waiting = actions.c.state.in_([ActionState.PROPOSED.value, ActionState.ASKED.value])
    unbegun = and_(actions.c.state == ActionState.APPROVED.value, actions.c.routed.is_(False))
    await connection.execute(
        update(actions)
        .where(actions.c.strike_id == strike.id, or_(waiting, unbegun))
        .values(state=ActionState.CANCELLED.value, decided_by=who, decided_at=now)
    )
    await _wake(connection, strike.account_id)


async def done_for(connection: AsyncConnection, strike: Strike) -> list[tuple[str, str]]:
    """(kind, target) of what was carried out, or is about to be, because of this strike."""
    begun = (ActionState.APPROVED.value, ActionState.DONE.value, ActionState.FAILED.value)
    rows = await connection.execute(
        select(actions.c.kind, actions.c.target).where(actions.c.strike_id == strike.id, actions.c.state.in_(begun))
    )
    return [(row.kind, row.target) for row in rows]


async def counted(connection: AsyncConnection, account_id: int) -> dict[str, int]:
    """How many marks of an account are in each state."""
    rows = await connection.execute(
        select(marks.c.state, func.count()).where(marks.c.account_id == account_id).group_by(marks.c.state)
    )
    return {row[0]: row[1] for row in rows}


async def listed(connection: AsyncConnection, account_id: int) -> list[dict[str, Any]]:
    """Every strike of an account, newest first, for people."""
    rows = await connection.execute(
        select(strikes).where(strikes.c.account_id == account_id).order_by(strikes.c.id.desc())
    )
    return [dict(row) for row in rows.mappings()]


async def _wake(connection: AsyncConnection, account_id: int) -> None:
    """The strikes that waited for the one below them get their look."""
    waiting = (strikes.c.account_id == account_id, strikes.c.state == StrikeState.WAITING.value)
    await connection.execute(update(strikes).where(*waiting).values(next_at=strikes.c.created_at))

"""Notices as rows: found by what comes back, claimed to be sent, their outcome written.

A notice is planned with its clock (`desk`) or for a third party, under its idempotency
key. The outcome of a sending is committed before the next one begins. Must never compose
or send.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import NoticeState
from gateway.store import events, switches
from gateway.store.events import Event
from gateway.store.inserts import add_new
from gateway.store.tables import notices, strikes
from gateway.store.tables import switches as switch_rows
from gateway.store.text import storable
from notifier.notice import NoticeKind

CLAIM = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class StoredNotice:
    """A notice as it is stored. `key` is the idempotency key, `id` the number in the notice address."""

    id: int
    key: str
    kind: str
    case_id: int | None
    clock_id: int | None
    round: int
    to: str
    language: str
    facts: dict[str, Any]
    evidence: dict[str, Any] | None
    state: str
    mail_id: str | None
    attempts: int
    created_at: datetime
    next_at: datetime | None
    sent_at: datetime | None
    why: str | None
    answer: str


_COLUMNS = [notices.c[name] for name in StoredNotice.__dataclass_fields__]

# Made once: these run for every single notice, and building a statement costs more than running it.
_SENT = (
    update(notices)
    .where(notices.c.id == bindparam("row_id"))
    .values(
        state=NoticeState.SENT.value, sent_at=bindparam("at"), answer=bindparam("said"),
        attempts=notices.c.attempts + 1, why=None, next_at=None, claimed_until=None, settled=False,
    )
    .returning(select(switch_rows.c.value).where(switch_rows.c.name == switches.PAUSED).scalar_subquery())
)  # fmt: skip
_NAMED = update(notices).where(notices.c.id == bindparam("row_id")).values(mail_id=bindparam("new_mail_id"))


def planned(
    kind: NoticeKind, key: str, to: str, facts: dict[str, Any], now: datetime, language: str = "en"
) -> dict[str, Any]:
    """The row of a notice that is due at once and belongs to no case; what does adds `case_id`, `clock_id`, `round` and
    `evidence`. `key`: said once."""
    return {
        "key": key,
        "kind": kind.value,
        "case_id": None,
        "clock_id": None,
        "round": 1,
        "to": to,
        "language": language,
        "facts": facts,
        "evidence": None,
        "state": NoticeState.PENDING.value,
        "attempts": 0,
        "created_at": now,
        "next_at": now,
        "answer": "",
        "settled": True,
    }


async def plan(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Insert notices whose key is not taken: planning one twice, also on two nodes at once, stores it once. Returns
    {key: id} of those inserted. At most two statements."""
    return await add_new(connection, notices, "key", list({row["key"]: row for row in rows}.values()))


async def find(connection: AsyncConnection, numbers: Iterable[int], mail_ids: Iterable[str]) -> list[StoredNotice]:
    """The notices with these numbers or Message-IDs, locked until the transaction ends (before their cases, as
    `unsettled` does). One statement."""
    named = or_(notices.c.id.in_(sorted(set(numbers))), notices.c.mail_id.in_(sorted(set(mail_ids))))
    rows = await connection.execute(select(*_COLUMNS).where(named).order_by(notices.c.id).with_for_update())
    return [StoredNotice(*row) for row in rows]


async def claim(connection: AsyncConnection, node: str, now: datetime, limit: int) -> list[StoredNotice]:
    """Take up to `limit` notices that are due for this node, oldest first."""
    free = or_(notices.c.claimed_until.is_(None), notices.c.claimed_until < now)
    due = (
        select(notices.c.id)
        .where(notices.c.state == NoticeState.PENDING.value, notices.c.next_at <= now, free)
        .order_by(notices.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = list((await connection.execute(due)).scalars())
    if not ids:
        return []
    taken = await connection.execute(
        update(notices)
        .where(notices.c.id.in_(ids))
        .values(claimed_by=node, claimed_until=now + CLAIM)
        .returning(*_COLUMNS)
    )
    return sorted((StoredNotice(*row) for row in taken), key=lambda notice: notice.id)


async def release(connection: AsyncConnection, node: str) -> None:
    """At start: what this node had claimed when it died is free again."""
    await connection.execute(
        update(notices)
        .where(notices.c.claimed_by == node, notices.c.state == NoticeState.PENDING.value)
        .values(claimed_until=None)
    )


async def name(connection: AsyncConnection, mail_ids: dict[int, str]) -> None:
    """Remember the Message-IDs before the first attempt, so that whatever comes back is recognised."""
    await connection.execute(_NAMED, [{"row_id": i, "new_mail_id": m} for i, m in mail_ids.items()])


async def sent(connection: AsyncConnection, notice_id: int, at: datetime, answer: str) -> bool:
    """The server took it. Its clock follows in `unsettled`; only this commit stands between two mails, so it
    is one statement, which also says whether everything was paused meanwhile."""
    row = await connection.execute(_SENT, {"row_id": notice_id, "at": at, "said": storable(answer[:500])})
    return bool(row.scalar_one_or_none() == switches.YES)


async def not_sent(
    connection: AsyncConnection, notice_id: int, next_at: datetime | None, why: str, answer: str
) -> None:
    """The server did not take it: another attempt at `next_at`, or None for never. What was cancelled meanwhile (an
    opt-out, an answer) stays so."""
    await connection.execute(
        update(notices)
        .where(notices.c.id == notice_id, notices.c.state == NoticeState.PENDING.value)
        .values(
            state=(NoticeState.PENDING if next_at else NoticeState.FAILED).value, next_at=next_at, why=why,
            attempts=notices.c.attempts + 1, answer=storable(answer[:500]), claimed_until=None,
            settled=next_at is not None,
        )
    )  # fmt: skip


async def put_off(connection: AsyncConnection, notice_id: int, next_at: datetime, answer: str) -> None:
    """Nobody was asked to take it yet: that is no attempt."""
    await connection.execute(
        update(notices)
        .where(notices.c.id == notice_id, notices.c.state == NoticeState.PENDING.value)
        .values(next_at=next_at, answer=storable(answer[:500]), claimed_until=None)
    )


async def still_due(connection: AsyncConnection, ids: Iterable[int]) -> set[int]:
    """Those of claimed notices that nobody cancelled since."""
    waiting = notices.c.state == NoticeState.PENDING.value
    return set((await connection.execute(select(notices.c.id).where(notices.c.id.in_(list(ids)), waiting))).scalars())


async def unsettled(connection: AsyncConnection, limit: int = 100) -> list[StoredNotice]:
    """Sent or failed, and their clocks do not know yet. Locked until the transaction ends."""
    rows = await connection.execute(
        select(*_COLUMNS)
        .where(notices.c.settled.is_(False))
        .order_by(notices.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [StoredNotice(*row) for row in rows]


async def settled(connection: AsyncConnection, ids: Sequence[int]) -> None:
    if ids:
        await connection.execute(update(notices).where(notices.c.id.in_(list(ids))).values(settled=True))


async def mark(connection: AsyncConnection, ids: Sequence[int], state: NoticeState, answer: str | None = None) -> None:
    """Set the state of notices that bounced or were cancelled."""
    if ids:
        values: dict[str, Any] = {"state": state.value, "next_at": None}
        if answer is not None:
            values["answer"] = storable(answer[:500])
        await connection.execute(update(notices).where(notices.c.id.in_(list(ids))).values(**values))
        if state == NoticeState.BOUNCED:  # a warning that did not arrive: its strike needs another contact
            warned = strikes.c.notice_id.in_(list(ids))
            await connection.execute(update(strikes).where(warned).values(next_at=strikes.c.created_at))


async def retry(connection: AsyncConnection, case_id: int, now: datetime) -> int:
    """Let the failed notices of a case be tried again. Returns how many."""
    again = await connection.execute(
        update(notices)
        .where(notices.c.case_id == case_id, notices.c.state == NoticeState.FAILED.value)
        .values(state=NoticeState.PENDING.value, next_at=now, created_at=now, settled=True)
    )
    return int(again.rowcount)


async def one(connection: AsyncConnection, number: int) -> StoredNotice | None:
    row = (await connection.execute(select(*_COLUMNS).where(notices.c.id == number))).one_or_none()
    return None if row is None else StoredNotice(*row)


async def listed(connection: AsyncConnection, case_id: int | None = None, limit: int = 500) -> list[StoredNotice]:
    """The notices (of a case), oldest first."""
    query = select(*_COLUMNS).order_by(notices.c.id.desc()).limit(limit)
    if case_id is not None:
        query = query.where(notices.c.case_id == case_id)
    return [StoredNotice(*row) for row in reversed((await connection.execute(query)).all())]


async def proposed(connection: AsyncConnection) -> list[StoredNotice]:
    """What waits for a person's word, oldest first."""
    rows = await connection.execute(
        select(*_COLUMNS).where(notices.c.state == NoticeState.PROPOSED.value).order_by(notices.c.id).limit(500)
    )
    return [StoredNotice(*row) for row in rows]


async def decide(connection: AsyncConnection, number: int, *, send: bool, who: str, now: datetime) -> bool:
    """A person lets a proposed notice go out, or not. False: it does not wait (any more)."""
    state = NoticeState.PENDING if send else NoticeState.CANCELLED
    done = await connection.execute(
        update(notices)
        .where(notices.c.id == number, notices.c.state == NoticeState.PROPOSED.value)
        .values(state=state.value, next_at=now if send else None, created_at=now)
    )
    if done.rowcount:
        what = "notice approved" if send else "notice refused"
        await events.add(connection, [Event(now, who, what, "", notice_id=number)])
    return bool(done.rowcount)

"""Browsers that are signed in, and how often signing in was tried: shared by all nodes.

The key of a session comes hashed. Must never let an ended, outdated or disabled account's session through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store import events
from gateway.store.events import Event
from gateway.store.tables import sessions, sign_in_attempts, users
from gateway.store.text import storable
from gateway.store.users import USER_COLUMNS, User, user_of

_SEEN_EVERY = timedelta(minutes=1)  # a write for each page would be one too many
_FORGOTTEN = timedelta(days=1)  # counts of attempts


@dataclass(frozen=True, slots=True)
class Session:
    """`how`: password, link or sign-on; `until`: when it ends whatever is done in it."""

    id: int
    user_id: int
    how: str
    begun_at: datetime
    seen_at: datetime
    until: datetime
    ended_at: datetime | None
    address: str
    browser: str


_COLUMNS = tuple(sessions.c[name] for name in Session.__dataclass_fields__)


async def begin(connection: AsyncConnection, user: User, row: Mapping[str, Any], now: datetime) -> int:
    """`row`: key, how, until, address, browser. Returns its number."""
    made = await connection.execute(
        insert(sessions).returning(sessions.c.id),
        storable([dict(row) | {"user_id": user.id, "begun_at": now, "seen_at": now}]),
    )
    said = Event(now, user.name, "signed in", f"{row['how']}, from {row['address']}", data={"account": user.name})
    await events.add(connection, [said])
    return int(made.scalar_one())


async def found(connection: AsyncConnection, key: str, idle: timedelta, now: datetime) -> tuple[Session, User] | None:
    """The session of this key that holds now, and whose it is."""
    live = (sessions.c.ended_at.is_(None), sessions.c.until > now, sessions.c.seen_at > now - idle, ~users.c.disabled)
    query = select(*_COLUMNS, *USER_COLUMNS).join(users, users.c.id == sessions.c.user_id)
    row = (await connection.execute(query.where(sessions.c.key == key, *live))).one_or_none()
    return (Session(*row[: len(_COLUMNS)]), user_of(row[len(_COLUMNS) :])) if row else None


def is_stale(session: Session, now: datetime) -> bool:
    """Whether it is time to write down that it was seen."""
    return now - session.seen_at >= _SEEN_EVERY


async def seen(connection: AsyncConnection, number: int, now: datetime) -> None:
    await connection.execute(
        update(sessions).where(sessions.c.id == number, sessions.c.seen_at < now).values(seen_at=now)
    )


async def listed(connection: AsyncConnection, user_id: int | None, limit: int = 100) -> list[tuple[Session, str]]:
    """The newest sessions of an account (None: of all) with its name, ended ones too."""
    query = select(*_COLUMNS, users.c.name).join(users, users.c.id == sessions.c.user_id)
    if user_id is not None:
        query = query.where(sessions.c.user_id == user_id)
    rows = await connection.execute(query.order_by(sessions.c.id.desc()).limit(limit))
    return [(Session(*row[: len(_COLUMNS)]), row[-1]) for row in rows]


async def end(connection: AsyncConnection, number: int, user_id: int | None, said: Event) -> bool:
    """End one, of this account where one is named. False: there is none that goes on."""
    wanted = [sessions.c.id == number, sessions.c.ended_at.is_(None)]
    if user_id is not None:
        wanted.append(sessions.c.user_id == user_id)
    done = await connection.execute(update(sessions).where(*wanted).values(ended_at=said.at))
    if done.rowcount:
        await events.add(connection, [said])
    return bool(done.rowcount)


async def end_others(connection: AsyncConnection, user_id: int, but: int | None, now: datetime) -> int:
    """Every session of the account but this one; the caller writes the Event. Returns how many."""
    wanted = (sessions.c.user_id == user_id, sessions.c.ended_at.is_(None), sessions.c.id != (but or 0))
    return int((await connection.execute(update(sessions).where(*wanted).values(ended_at=now))).rowcount)


# --- attempts ----------------------------------------------------------------------------


async def tried(connection: AsyncConnection, keys: Sequence[str], window: timedelta, now: datetime) -> dict[str, int]:
    """Count one more attempt under each key. Returns how many there were within the window, this one included."""
    inserting = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    over = sign_in_attempts.c.since <= now - window
    statement = inserting(sign_in_attempts)
    statement = statement.on_conflict_do_update(
        index_elements=[sign_in_attempts.c.key],
        set_={
            "since": case((over, now), else_=sign_in_attempts.c.since),
            "count": case((over, 1), else_=sign_in_attempts.c.count + 1),
        },
    )
    rows = [{"key": key, "since": now, "count": 1} for key in sorted(set(keys))]
    counted = await connection.execute(
        statement.returning(sign_in_attempts.c.key, sign_in_attempts.c.count), storable(rows)
    )
    found = {str(key): int(count) for key, count in counted}
    old = select(sign_in_attempts.c.key).where(sign_in_attempts.c.since < now - _FORGOTTEN)
    unheld = old.with_for_update(skip_locked=True)  # whoever counts at this moment is not waited for, or two might wait
    await connection.execute(delete(sign_in_attempts).where(sign_in_attempts.c.key.in_(unheld)))
    return found


async def forget(connection: AsyncConnection, keys: Sequence[str]) -> None:
    """It was the right person after all."""
    await connection.execute(delete(sign_in_attempts).where(sign_in_attempts.c.key.in_(list(keys))))

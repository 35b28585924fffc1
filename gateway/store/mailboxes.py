"""What is known of each mailbox: mode, lease, how far it was read.

The position lives here and not in the server's flags (SEC-9). A mailbox that the
settings name for the first time starts in `observe`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import Mode
from gateway.store import events
from gateway.store.events import Event
from gateway.store.inserts import add_new
from gateway.store.tables import mailboxes, messages


@dataclass(frozen=True, slots=True)
class MailboxState:
    """One mailbox as the database knows it. `folders` maps a folder to its {uidvalidity, last_uid}."""

    id: int
    name: str
    mode: Mode
    live_since: datetime | None
    read_to: datetime | None
    failures: int
    error: str | None


def _state(row: object) -> MailboxState:
    return MailboxState(
        id=row.id,  # type: ignore[attr-defined]  # a Core row: its columns are not typed
        name=row.name,  # type: ignore[attr-defined]
        mode=Mode(row.mode),  # type: ignore[attr-defined]
        live_since=row.live_since,  # type: ignore[attr-defined]
        read_to=row.read_to,  # type: ignore[attr-defined]
        failures=row.failures,  # type: ignore[attr-defined]
        error=row.error,  # type: ignore[attr-defined]
    )


async def register(connection: AsyncConnection, names: Sequence[str]) -> None:
    """Make a row for each mailbox of the settings that has none yet; two nodes may begin at once."""
    known = set((await connection.execute(select(mailboxes.c.name))).scalars())
    plain = {"mode": Mode.OBSERVE.value, "folder_state": {}, "failures": 0}
    await add_new(connection, mailboxes, "name", [plain | {"name": name} for name in names if name not in known])


async def all_of(connection: AsyncConnection) -> dict[str, MailboxState]:
    """Every mailbox by name."""
    rows = await connection.execute(select(mailboxes).order_by(mailboxes.c.name))
    return {row.name: _state(row) for row in rows}


async def lease(connection: AsyncConnection, name: str, node: str, now: datetime, until: datetime) -> bool:
    """Take the mailbox for this node, so that one node polls it at a time. False: another has it."""
    free = or_(mailboxes.c.lease_until.is_(None), mailboxes.c.lease_until < now, mailboxes.c.lease_node == node)
    taken = await connection.execute(
        update(mailboxes).where(mailboxes.c.name == name, free).values(lease_node=node, lease_until=until)
    )
    return taken.rowcount == 1


async def read_to(connection: AsyncConnection, name: str, at: datetime) -> None:
    """All mail delivered before `at` is stored; the mailbox works."""
    await connection.execute(
        update(mailboxes).where(mailboxes.c.name == name).values(read_to=at, failures=0, error=None, lease_until=None)
    )


async def failed(connection: AsyncConnection, name: str, error: str) -> int:
    """A poll failed: remember why, give the lease back, and say how often in a row."""
    row = await connection.execute(
        update(mailboxes)
        .where(mailboxes.c.name == name)
        .values(failures=mailboxes.c.failures + 1, error=error, lease_until=None)
        .returning(mailboxes.c.failures)
    )
    return int(row.scalar_one_or_none() or 1)


async def go_live(connection: AsyncConnection, name: str, since: datetime, *, who: str, now: datetime) -> int:
    """Switch a mailbox to live: what arrived since `since` and was only observed is worked on again.
    Returns how many messages that are."""
    await connection.execute(
        update(mailboxes).where(mailboxes.c.name == name).values(mode=Mode.LIVE.value, live_since=since)
    )
    again = await connection.execute(
        update(messages)
        .where(messages.c.mailbox == name, messages.c.state == "observed", messages.c.received_at >= since)
        .values(state="stored", claimed_until=None)
    )
    why = f"since {since:%Y-%m-%d %H:%M}Z, {again.rowcount} observed messages are filed"
    await events.add(connection, [Event(now, who, f"mailbox {name} goes live", why)])
    return int(again.rowcount)


async def observe(connection: AsyncConnection, name: str, *, who: str, now: datetime) -> None:
    """Switch a mailbox back: read and shown, nothing moved, filed or sent."""
    await connection.execute(update(mailboxes).where(mailboxes.c.name == name).values(mode=Mode.OBSERVE.value))
    await events.add(connection, [Event(now, who, f"mailbox {name} only observes")])

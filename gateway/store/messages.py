"""Messages and where they lie: stored before anything else happens to them (SEC-9).

A message is its bytes (SHA-256); a delivery is one place in a mailbox where they lie.
Every call is one transaction of its caller and a fixed number of statements for a batch.
Must never parse what it stores.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import Mode
from gateway.store.inserts import add_new, inserting
from gateway.store.tables import deliveries, mailboxes, messages, reports
from gateway.store.text import storable

CLAIM = timedelta(minutes=5)  # a batch takes well under a minute; a dead node's work is free after this
PUT_OFF = "(put off)"  # instead of a node: waits for name servers
MOST_TRIES = 3  # SEC-9: a message that fails this often goes to a person


@dataclass(frozen=True, slots=True)
class Arrived:
    """One mail as it came: from a mailbox (`uid` and `folder` set) or from a file."""

    raw: bytes
    received_at: datetime
    uid: int | None = None
    too_big: str | None = None  # only the head is here; the sentence that staff see
    written_by: str | None = None  # sent on a page of ours, with this address
    confirmed_at: datetime | None = None  # when that address was proven
    stated: str | None = None  # the category that was chosen there


@dataclass(frozen=True, slots=True)
class Stored:
    """A message that waits to be worked on. `cleared`: what staff said of it before; `written_by`: the address with
    which it was sent on a page of ours, `confirmed_at`: when that was proven, `stated`: the category chosen."""

    id: int
    raw: bytes
    mailbox: str | None
    received_at: datetime
    tries: int
    cleared: str | None = None
    written_by: str | None = None
    confirmed_at: datetime | None = None
    stated: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where mails lie: one folder of one mailbox under one UIDVALIDITY."""

    mailbox_id: int
    mailbox: str
    folder: str
    uidvalidity: int


async def store(
    connection: AsyncConnection, arrived: Sequence[Arrived], place: Place | None, now: datetime
) -> list[int]:
    """Store a batch with its coordinates; what is known already is not stored again, even where another
    node stores it at this moment. Returns the ids of the messages in the order of `arrived`. At most eight
    statements."""
    digests = [hashlib.sha256(mail.raw).hexdigest() for mail in arrived]
    known = await _by_digest(connection, set(digests))
    fresh: dict[str, dict[str, Any]] = {}
    for digest, mail in zip(digests, arrived, strict=True):
        if digest not in known and digest not in fresh:
            fresh[digest] = _row(digest, mail, place, now)
    if fresh:
        made = await add_new(connection, messages, "sha256", list(fresh.values()))
        overtaken = fresh.keys() - made.keys()
        known |= made | (await _by_digest(connection, overtaken) if overtaken else {})
        fresh = {digest: fresh[digest] for digest in made}
    ids = [known[digest] for digest in digests]
    if place is not None:
        await _place(connection, ids, arrived, place)
        await _wake_observed(connection, [i for i, d in zip(ids, digests, strict=True) if d not in fresh], place)
    return ids


async def known_uids(
    connection: AsyncConnection, place: Place, present: Sequence[int]
) -> tuple[set[int], dict[int, int]]:
    """Of the UIDs `present` in the folder: (those stored already, {UID: message id} of those that still have
    to leave the mailbox because their message was filed)."""
    if not present:
        return set(), {}
    rows = await connection.execute(
        select(deliveries.c.uid, deliveries.c.disposed_at, deliveries.c.message_id, messages.c.state)
        .join(messages, messages.c.id == deliveries.c.message_id)
        .where(
            deliveries.c.mailbox_id == place.mailbox_id,
            deliveries.c.folder == place.folder,
            deliveries.c.uidvalidity == place.uidvalidity,
            deliveries.c.uid >= min(present),  # what was moved long ago is not read again at each poll
        )
    )
    stored, leaving = set(), {}
    for uid, disposed_at, message_id, state in rows:
        stored.add(uid)
        if disposed_at is None and state == "filed":
            leaving[uid] = message_id
    return stored, leaving


async def unreadable_among(connection: AsyncConnection, ids: Iterable[int]) -> set[int]:
    """Those of the messages that go to the folder for failed ones."""
    rows = await connection.execute(
        select(messages.c.id).where(messages.c.id.in_(list(ids)), messages.c.kind == "unreadable")
    )
    return set(rows.scalars())


async def disposed(connection: AsyncConnection, place: Place, uids: Sequence[int], at: datetime) -> None:
    """The mails have left the mailbox (or stay for good): they are not looked at again."""
    if uids:
        await connection.execute(
            update(deliveries)
            .where(
                deliveries.c.mailbox_id == place.mailbox_id,
                deliveries.c.folder == place.folder,
                deliveries.c.uidvalidity == place.uidvalidity,
                deliveries.c.uid.in_(list(uids)),
            )
            .values(disposed_at=at)
        )


async def claim(connection: AsyncConnection, node: str, now: datetime, limit: int = 100) -> list[Stored]:
    """Take up to `limit` waiting messages for this node. A message whose last worker died is taken
    alone (`limit` permitting), so that it cannot take others with it again."""
    waiting = and_(
        messages.c.state == "stored", or_(messages.c.claimed_until.is_(None), messages.c.claimed_until < now)
    )
    oldest = (
        select(messages.c.id, messages.c.tries)
        .where(waiting)
        .order_by(messages.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = (await connection.execute(oldest)).all()
    alone = bool(found) and found[0].tries > 0
    chosen = [found[0].id] if alone else [row.id for row in found if row.tries == 0]
    if not chosen:
        return []
    rows = await connection.execute(
        update(messages)
        .where(messages.c.id.in_(chosen))
        .values(claimed_by=node, claimed_until=now + CLAIM, tries=messages.c.tries + 1)
        .returning(*(messages.c[name] for name in Stored.__dataclass_fields__))
    )
    return sorted((Stored(*row) for row in rows), key=lambda m: m.id)


async def release(connection: AsyncConnection, node: str) -> None:
    """At start: what this node had claimed when it died is free again. A try that was cut short by the
    node's own death still counts, so that a killer message ends with a person."""
    await connection.execute(
        update(messages).where(messages.c.claimed_by == node, messages.c.state == "stored").values(claimed_until=None)
    )


async def give_back(connection: AsyncConnection, ids: Sequence[int], *, counts: bool) -> None:
    """Working on these failed. Where it `counts` against them, each is tried again alone and in the end given up."""
    tries = messages.c.tries if counts else messages.c.tries - 1
    values = {"claimed_until": None, "tries": tries}
    await connection.execute(update(messages).where(messages.c.id.in_(list(ids))).values(values))


async def put_off(connection: AsyncConnection, ids: Sequence[int], until: datetime) -> None:
    """Reports whose sender could not be checked now: they are worked on again after `until`, and hold up nothing that
    waits for answers (no report is one)."""
    if ids:
        values = {"claimed_by": PUT_OFF, "claimed_until": until, "tries": messages.c.tries - 1}
        await connection.execute(update(messages).where(messages.c.id.in_(list(ids))).values(values))


async def finish(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Write what the messages turned out to be: dicts of columns with `id`. One statement."""
    if rows:
        columns = [key for key in rows[0] if key != "id"]
        statement = update(messages).where(messages.c.id == bindparam("row_id"))
        statement = statement.values({c: bindparam(f"new_{c}") for c in columns} | {"claimed_until": None, "tries": 0})
        await connection.execute(
            statement, storable([{"row_id": row["id"]} | {f"new_{c}": row[c] for c in columns} for row in rows])
        )


async def oldest_waiting(connection: AsyncConnection) -> datetime | None:
    """When the oldest message that is stored and not yet worked on was received; without reports put off."""
    known = or_(messages.c.claimed_by.is_(None), messages.c.claimed_by != PUT_OFF)
    found = await connection.execute(
        select(func.min(messages.c.received_at)).where(messages.c.state == "stored", known)
    )
    oldest: datetime | None = found.scalar_one()
    return oldest


async def whole(connection: AsyncConnection, message_id: int) -> bytes | None:
    """The bytes of a message, None if there is no such one."""
    found = await connection.execute(select(messages.c.raw).where(messages.c.id == message_id))
    value = found.scalar_one_or_none()
    return None if value is None else bytes(value)


async def raw(connection: AsyncConnection, report_id: int) -> bytes | None:
    """The bytes that brought a report, None if there is no such report."""
    found = await connection.execute(
        select(messages.c.raw).join(reports, reports.c.message_id == messages.c.id).where(reports.c.id == report_id)
    )
    value = found.scalar_one_or_none()
    return None if value is None else bytes(value)


async def raws(connection: AsyncConnection, message_ids: Sequence[int]) -> dict[int, bytes]:
    """The bytes of messages that are still kept."""
    found = await connection.execute(select(messages.c.id, messages.c.raw).where(messages.c.id.in_(message_ids)))
    return {row.id: bytes(row.raw) for row in found}


def _row(digest: str, mail: Arrived, place: Place | None, now: datetime) -> dict[str, Any]:
    big = mail.too_big is not None  # never read: a person sees its head, the whole lies in the failed folder
    return {
        "sha256": digest,
        "raw": mail.raw,
        "size": len(mail.raw),
        "mailbox": place.mailbox if place else None,
        "received_at": mail.received_at,
        "stored_at": now,
        "state": "filed" if big else "stored",
        "kind": "unreadable" if big else None,
        "verdict": "review" if big else None,
        "reason": "unreadable" if big else None,
        "error": mail.too_big,
        "tries": 0,
        "detail": "",
        "written_by": mail.written_by,
        "confirmed_at": mail.confirmed_at,
        "stated": mail.stated,
    }


async def _by_digest(connection: AsyncConnection, digests: set[str]) -> dict[str, int]:
    rows = await connection.execute(select(messages.c.sha256, messages.c.id).where(messages.c.sha256.in_(digests)))
    return {row.sha256: row.id for row in rows}


async def _place(connection: AsyncConnection, ids: list[int], arrived: Sequence[Arrived], place: Place) -> None:
    coordinates = {"mailbox_id": place.mailbox_id, "folder": place.folder, "uidvalidity": place.uidvalidity}
    known, _ = await known_uids(connection, place, [mail.uid for mail in arrived if mail.uid is not None])
    rows = [
        coordinates | {"message_id": i, "uid": mail.uid, "internal_date": mail.received_at}
        for i, mail in zip(ids, arrived, strict=True)
        if mail.uid not in known
    ]
    if rows:
        statement = inserting(connection, deliveries).on_conflict_do_nothing()  # by who held the mailbox too long
        await connection.execute(statement, rows)


async def _wake_observed(connection: AsyncConnection, ids: list[int], place: Place) -> None:
    """A copy of an only observed message arrived in a live mailbox: now it is to be filed."""
    if not ids:
        return
    live = select(mailboxes.c.id).where(mailboxes.c.id == place.mailbox_id, mailboxes.c.mode == Mode.LIVE.value)
    await connection.execute(
        update(messages)
        .where(messages.c.id.in_(ids), messages.c.state == "observed", live.exists())
        .values(state="stored", mailbox=place.mailbox)
    )

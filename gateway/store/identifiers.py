"""Identifiers of accounts, relays' logs, what staff confirmed, and the tree: what attribution knows besides addresses.

Written with the version of the assignments, like those: each node reads only what changed. Must never decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.attribution.identifiers import Identifier
from gateway.attribution.network import Owners
from gateway.attribution.relays import Keys, RelayMail
from gateway.store import events, switches
from gateway.store.events import Event
from gateway.store.inserts import inserting
from gateway.store.tables import accounts, confirmations, customers, identifiers, relay_mails
from gateway.store.text import storable

_CHUNK = 500


async def changed(connection: AsyncConnection, after_version: int = -1) -> list[Identifier]:
    """Identifiers that were written after a version."""
    rows = await connection.execute(select(identifiers).where(identifiers.c.changed > after_version))
    return [Identifier(row.id, row.kind, row.value, row.account_id, row.valid_from, row.valid_to) for row in rows]


async def confirmed(connection: AsyncConnection) -> frozenset[tuple[str, int]]:
    """(name, account) of what staff confirmed to be theirs when it is advertised."""
    rows = await connection.execute(select(confirmations.c.value, confirmations.c.account_id))
    return frozenset((row.value, row.account_id) for row in rows)


async def owners(connection: AsyncConnection) -> Owners:
    """The whole tree. Two statements."""
    held = {row.id: row.customer_id for row in await connection.execute(select(accounts.c.id, accounts.c.customer_id))}
    above = await connection.execute(
        select(customers.c.id, customers.c.parent_id).where(customers.c.parent_id.is_not(None))
    )
    return Owners(held, {row.id: row.parent_id for row in above})


async def confirm(
    connection: AsyncConnection, found: Iterable[tuple[str, str, int]], *, who: str, now: datetime
) -> None:
    """Staff said whose these are when they are advertised: (kind, name, account). Said twice changes nothing."""
    version = 0
    for kind, value, account_id in sorted(set(found)):
        known = await connection.execute(
            select(confirmations.c.id).where(
                confirmations.c.kind == kind, confirmations.c.value == value, confirmations.c.account_id == account_id
            )
        )
        if known.first() is None:
            version = version or await switches.count_up(connection, switches.ASSIGNMENTS_VERSION)
            row = {"kind": kind, "value": value, "account_id": account_id, "who": who, "at": now, "changed": version}
            fresh = inserting(connection, confirmations).values(row).on_conflict_do_nothing()
            if (await connection.execute(fresh.returning(confirmations.c.id))).first() is not None:
                await events.add(connection, [Event(now, who, "advertised resource confirmed", value)])


async def unconfirm(
    connection: AsyncConnection, found: tuple[str, str, int] | None, *, who: str, now: datetime
) -> None:
    """Take back what was confirmed; nothing where it was not."""
    if found is None:
        return
    kind, value, account_id = found
    same = (confirmations.c.kind == kind, confirmations.c.value == value, confirmations.c.account_id == account_id)
    if (await connection.execute(delete(confirmations).where(*same).returning(confirmations.c.id))).first() is not None:
        await switches.count_up(connection, switches.ASSIGNMENTS_VERSION)
        await events.add(connection, [Event(now, who, "confirmation taken back", value)])


async def write(
    connection: AsyncConnection, rows: Sequence[dict[str, Any]], *, origin: str, who: str, now: datetime
) -> tuple[int, int]:
    """Identifiers (kind, value, account_id, valid_from, valid_to). Returns how many are new, how many changed."""
    version = await switches.count_up(connection, switches.ASSIGNMENTS_VERSION)
    values = sorted({row["value"] for row in rows})
    known: dict[tuple[str, str, int, datetime], tuple[int, datetime | None]] = {}
    for start in range(0, len(values), _CHUNK):
        found = await connection.execute(
            select(identifiers).where(identifiers.c.value.in_(values[start : start + _CHUNK]))
        )
        known |= {(r.kind, r.value, r.account_id, r.valid_from): (r.id, r.valid_to) for r in found}
    fresh: dict[tuple[str, str, int, datetime], dict[str, Any]] = {}
    altered = 0
    for row in rows:
        key = row["kind"], row["value"], row["account_id"], row["valid_from"]
        old = known.get(key)
        if old is None:
            fresh[key] = {**row, "origin": origin, "changed": version}
        elif old[1] != row["valid_to"]:
            altered += 1
            await connection.execute(
                update(identifiers).where(identifiers.c.id == old[0]).values(valid_to=row["valid_to"], changed=version)
            )
    if fresh:
        await connection.execute(insert(identifiers), storable(list(fresh.values())))
    why = f"{len(fresh)} new, {altered} changed, from {origin}"
    await events.add(connection, [Event(now, who, "identifiers imported", why)])
    return len(fresh), altered


async def relay_records(connection: AsyncConnection, keys: Sequence[Keys]) -> list[RelayMail]:
    """What the relays' logs have of these mails: one statement for a whole batch."""
    message_ids = sorted({k.message_id for k in keys if k.message_id})
    queue_ids = sorted({one for k in keys for one in k.queue_ids})
    if not message_ids and not queue_ids:
        return []
    rows = await connection.execute(
        select(relay_mails)
        .where(or_(relay_mails.c.message_id.in_(message_ids), relay_mails.c.queue_id.in_(queue_ids)))
        .limit(10_000)
    )
    return [RelayMail(r.relay, r.queue_id, r.message_id, r.login, r.client_ip, r.client_port, r.at) for r in rows]


async def write_relay_mails(connection: AsyncConnection, mails: Sequence[RelayMail]) -> tuple[int, int]:
    """Mails of relays' logs, each once: (relay, queue id, time). Returns how many are new, how many were filled in."""
    known: dict[tuple[str, str, datetime], Any] = {}
    ids = sorted({m.queue_id for m in mails})
    for start in range(0, len(ids), _CHUNK):
        rows = await connection.execute(
            select(relay_mails).where(relay_mails.c.queue_id.in_(ids[start : start + _CHUNK]))
        )
        known |= {(r.relay, r.queue_id, r.at): r for r in rows}
    fresh, filled = {}, 0
    for mail in mails:
        old = known.get((mail.relay, mail.queue_id, mail.at))
        if old is None:
            fresh[mail.relay, mail.queue_id, mail.at] = asdict(mail)
        elif mail.message_id and old.message_id is None:
            filled += 1
            await connection.execute(
                update(relay_mails)
                .where(relay_mails.c.id == old.id)
                .values(storable({"message_id": mail.message_id, "login": mail.login or old.login}))
            )
    if fresh:
        statement = inserting(connection, relay_mails).on_conflict_do_nothing()
        await connection.execute(statement, storable([fresh[key] for key in sorted(fresh)]))
    return len(fresh), filled

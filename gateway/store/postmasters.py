"""postmaster@ of customers' domains as rows: whom to ask, who was asked, who confirmed. Must never send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store import events
from gateway.store.events import Event
from gateway.store.inserts import inserting
from gateway.store.tables import accounts, assignments, customers, notices, postmasters


@dataclass(frozen=True, slots=True)
class Due:
    """One that is to be asked now. `asked` is how often that was done before."""

    id: int
    domain: str
    customer: str
    name: str
    language: str
    policy: str | None
    asked: int


async def hosts(connection: AsyncConnection) -> list[tuple[int, str]]:
    """(customer id, host name) of every host that is assigned."""
    rows = await connection.execute(
        select(accounts.c.customer_id, assignments.c.resource)
        .join(accounts, accounts.c.id == assignments.c.account_id)
        .where(assignments.c.family == 0)
        .distinct()
    )
    return [(row.customer_id, row.resource) for row in rows]


async def ensure(
    connection: AsyncConnection, wanted: Sequence[tuple[int, str]], now: datetime, origin: str = "host"
) -> int:
    """Add the (customer id, domain) that are not known yet, to be asked at once. Returns how many."""
    known = {tuple(row) for row in await connection.execute(select(postmasters.c.customer_id, postmasters.c.domain))}
    fresh = sorted(one for one in set(wanted) if one not in known)
    if fresh:
        rows = [
            {
                "customer_id": customer, "domain": domain, "origin": origin, "since": now, "next_at": now, "asked": 0,
                "probe": "",
            }
            for customer, domain in fresh
        ]  # fmt: skip
        statement = inserting(connection, postmasters).on_conflict_do_nothing(index_elements=["customer_id", "domain"])
        await connection.execute(statement, rows)
    return len(fresh)


async def due(connection: AsyncConnection, now: datetime, limit: int) -> list[Due]:
    """Those whose time has come, for this transaction alone."""
    rows = await connection.execute(
        select(
            postmasters.c.id, postmasters.c.domain, customers.c.key, customers.c.name, customers.c.language,
            customers.c.policy, postmasters.c.asked,
        )
        .join(customers, customers.c.id == postmasters.c.customer_id)
        .where(postmasters.c.next_at <= now)
        .order_by(postmasters.c.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True, of=postmasters)
    )  # fmt: skip
    return [Due(*row) for row in rows]


async def asked(
    connection: AsyncConnection, row_id: int, notice_id: int | None, now: datetime, next_at: datetime
) -> None:
    """It was asked with this notice; what was confirmed before has to be confirmed anew."""
    done = update(postmasters).where(postmasters.c.id == row_id)
    values = {"asked_at": now, "next_at": next_at, "notice_id": notice_id, "confirmed_at": None, "confirmed_by": None}
    await connection.execute(done.values(asked=postmasters.c.asked + 1, **values))


async def put_off(connection: AsyncConnection, row_id: int, next_at: datetime) -> None:
    """Its customer's policy does not want it asked: looked at again then."""
    await connection.execute(update(postmasters).where(postmasters.c.id == row_id).values(next_at=next_at))


async def confirmed(connection: AsyncConnection, notice_ids: Mapping[int, str], now: datetime) -> None:
    """Somebody answered these notices, {notice: who}: the mailbox is read."""
    for notice_id, who in notice_ids.items():
        done = await connection.execute(
            update(postmasters)
            .where(postmasters.c.notice_id == notice_id, postmasters.c.confirmed_at.is_(None))
            .values(confirmed_at=now, confirmed_by=who)
            .returning(postmasters.c.domain)
        )
        said = [Event(now, who, "postmaster confirmed", domain, notice_id=notice_id) for domain in done.scalars()]
        await events.add(connection, said)


async def probed(connection: AsyncConnection, row_id: int, answer: str, *, who: str, now: datetime) -> None:
    """What a server said to RCPT, when staff asked."""
    done = update(postmasters).where(postmasters.c.id == row_id).values(probed_at=now, probe=answer[:500])
    await connection.execute(done)
    await events.add(connection, [Event(now, who, "postmaster probed", answer)])


async def listed(
    connection: AsyncConnection, *, unconfirmed: bool = False, domain: str | None = None
) -> list[dict[str, Any]]:
    """Every domain, or those that were asked and did not confirm, with what became of the mail."""
    query = (
        select(
            postmasters.c.id, customers.c.key.label("customer"), postmasters.c.domain, postmasters.c.asked_at,
            notices.c.state.label("mail"), postmasters.c.confirmed_at, postmasters.c.confirmed_by,
            postmasters.c.next_at, postmasters.c.probed_at, postmasters.c.probe,
        )
        .join(customers, customers.c.id == postmasters.c.customer_id)
        .outerjoin(notices, notices.c.id == postmasters.c.notice_id)
        .order_by(customers.c.key, postmasters.c.domain)
    )  # fmt: skip
    if unconfirmed:
        query = query.where(postmasters.c.confirmed_at.is_(None))
    if domain is not None:
        query = query.where(postmasters.c.domain == domain)
    return [dict(row) for row in (await connection.execute(query)).mappings()]

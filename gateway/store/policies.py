"""Versions of policies as rows: written once each, never changed; and which customer has which policy.

Must never judge what a policy says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store import events
from gateway.store.events import Event
from gateway.store.inserts import inserting
from gateway.store.tables import contacts, customers, policies


@dataclass(frozen=True, slots=True)
class Version:
    """A stored version. `told_to` as in the row: None when nobody is left to be told of it."""

    id: int
    name: str
    version: int
    sha256: str
    text: str
    since: datetime
    told_to: int | None
    changes: str

    @property
    def label(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True, slots=True)
class Told:
    """A contact who is to be told of a new version."""

    contact_id: int
    address: str
    customer: str
    name: str
    language: str


_COLUMNS = [policies.c[name] for name in Version.__dataclass_fields__]


async def versions(connection: AsyncConnection) -> list[Version]:
    """Every version that ever held, oldest first."""
    rows = await connection.execute(select(*_COLUMNS).order_by(policies.c.id))
    return [Version(*row) for row in rows]


async def add(connection: AsyncConnection, version: Version, *, who: str = events.SYSTEM) -> None:
    """Store a version that takes effect now, unless another node was faster; `id` is not used."""
    values = {name: getattr(version, name) for name in Version.__dataclass_fields__ if name != "id"}
    fresh = inserting(connection, policies).values(values).on_conflict_do_nothing(index_elements=["name", "version"])
    if (await connection.execute(fresh.returning(policies.c.id))).first() is None:
        return
    why = f"{version.label}: {version.changes.count(chr(10)) + 1} changes" if version.changes else version.label
    await events.add(
        connection, [Event(version.since, who, "policy took effect", why, data={"sha256": version.sha256})]
    )


async def assign(connection: AsyncConnection, customer: str, policy: str | None, *, who: str, now: datetime) -> None:
    """Give a customer a policy of its own, or (None) the default again. Raises LookupError: no such customer."""
    done = await connection.execute(update(customers).where(customers.c.key == customer).values(policy=policy))
    if done.rowcount == 0:
        raise LookupError(f"there is no customer \"{customer}\"; 'arfgate customer list' shows them")
    await events.add(connection, [Event(now, who, "policy of customer set", f"{customer}: {policy or 'the default'}")])


async def assigned(connection: AsyncConnection) -> dict[str, str]:
    """Customers with a policy of their own: key -> name."""
    rows = await connection.execute(select(customers.c.key, customers.c.policy).where(customers.c.policy.is_not(None)))
    return {row.key: row.policy for row in rows}


async def to_tell(connection: AsyncConnection) -> Version | None:
    """The oldest version of which somebody is still to be told, locked until the transaction ends."""
    waiting = select(*_COLUMNS).where(policies.c.told_to.is_not(None)).order_by(policies.c.id).limit(1)
    row = (await connection.execute(waiting.with_for_update(skip_locked=True))).one_or_none()
    return Version(*row) if row else None


async def next_contacts(connection: AsyncConnection, version: Version, *, default: bool, limit: int) -> Sequence[Told]:
    """The contacts after the last one told, of customers under this policy (`default`: and of those without one)."""
    under = customers.c.policy == version.name
    own = func.coalesce(contacts.c.language, customers.c.language)
    rows = await connection.execute(
        select(contacts.c.id, contacts.c.address, customers.c.key, customers.c.name, own)
        .join(customers, customers.c.id == contacts.c.customer_id)
        .where(contacts.c.id > (version.told_to or 0), or_(under, customers.c.policy.is_(None)) if default else under)
        .order_by(contacts.c.id)
        .limit(limit)
    )
    return [Told(*row) for row in rows]


async def told(connection: AsyncConnection, version_id: int, told_to: int | None) -> None:
    """How far the telling has come; None: it is done."""
    await connection.execute(update(policies).where(policies.c.id == version_id).values(told_to=told_to))

"""The cache of RDAP answers that all nodes and runs share (RD-3): an RdapCache on a table.

Must never judge whether an answer is fresh enough: the client does.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete, select

from gateway.store.database import Database
from gateway.store.inserts import inserting
from gateway.store.tables import rdap_cache
from gateway.store.text import storable
from notifier.rdap import FRESH, Cached, NotFound
from notifier.registration import Kind, Person, RdapAnswer


class StoredRdapCache:
    """Answers by range: `first` <= key <= `last`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, kind: Kind, key: str) -> Cached | None:
        around = (rdap_cache.c.kind == kind, rdap_cache.c.first <= key, rdap_cache.c.last >= key)
        newest = select(rdap_cache).where(*around).order_by(rdap_cache.c.first.desc()).limit(1)
        async with self._database.reading() as connection:
            row = (await connection.execute(newest)).one_or_none()
        return None if row is None else Cached(_answer(row.body), row.expires_at - FRESH)

    async def put(self, kind: Kind, first: str, last: str, cached: Cached) -> None:
        body = asdict(cached.answer) | {"is": type(cached.answer).__name__}
        row = {
            "key": f"{kind}/{first}",
            "kind": kind,
            "first": first,
            "last": last,
            "body": storable(body),
            "expires_at": cached.fetched_at + FRESH,
        }
        async with self._database.writing() as connection:
            statement = inserting(connection, rdap_cache)
            anew = {name: statement.excluded[name] for name in row if name != "key"}
            await connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=anew), [row])

    async def forget(self, before: datetime) -> None:
        """Drop answers that were no longer fresh at `before`."""
        async with self._database.writing() as connection:
            await connection.execute(delete(rdap_cache).where(rdap_cache.c.expires_at < before))


def _answer(body: dict[str, object]) -> RdapAnswer | NotFound:
    plain = {key: value for key, value in body.items() if key != "is"}
    if body["is"] == NotFound.__name__:
        return NotFound(**plain)  # type: ignore[arg-type]  # written by `put` from the same class
    people = tuple(
        Person(person["address"], tuple(person["roles"]), person["name"])
        for person in plain.pop("contacts")  # type: ignore[attr-defined]  # a list, as `put` wrote it
    )
    return RdapAnswer(contacts=people, **plain)  # type: ignore[arg-type]  # as above

"""One house on each kind of database, and what was imported into it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway import sources
from gateway.attribution.holders import Found
from gateway.store import assignments, customers, identifiers
from servers.waiting import NOW, Waiting, waiting_house


@pytest.fixture
async def waiting(tmp_path, database_url) -> AsyncIterator[Waiting]:
    async with waiting_house(tmp_path, database_url) as made:
        yield made


@pytest.fixture
def named(waiting):
    """`await named(login="alder")`: subscribers and logins of accounts."""

    async def register(kind="subscriber", **values):
        async with waiting.house.database.writing() as connection:
            rows = [
                {
                    "kind": kind, "value": value.replace("_", ":"), "valid_from": NOW.replace(year=2020),
                    "account_id": await customers.account_named(connection, name), "valid_to": None,
                }
                for value, name in values.items()
            ]  # fmt: skip
            await identifiers.write(connection, rows, origin="test", who="test", now=NOW)

    return register


@pytest.fixture
def holder(waiting):
    """`await holder(ip, at, port)`: the customer, or the reason why there is none."""

    async def ask(ip, at, port=None):
        async with waiting.house.database.reading() as connection:
            network = await waiting.house.network(connection)
            found = network.prefixes.lookup(ip, at, port)
            (alone,) = await assignments.look_up(connection, [assignments.Question(ip, at, port)])
            if not isinstance(found, Found):
                assert alone.reason == found.reason
                return found.reason.value
            assert alone.account_id == found.account_id, "the database alone says otherwise"
            return (await customers.names(connection, [found.account_id]))[found.account_id]

    return ask


@pytest.fixture
def run(waiting):
    """`await run(reader)`: one run of the source "test"."""

    async def once(reader, name="test"):
        return await sources.run_reader(waiting.house, name, reader, "ann")

    return once

"""A migrated database of each kind, and what most store tests begin with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from gateway.casework.cases import Complaint, Terms
from gateway.casework.desk import Desk, Origin
from gateway.intake.customers import read_customers
from gateway.store import customers, desk
from gateway.store.database import Database
from gateway.store.tables import events
from parsers.report import ResourceKind, Role

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
TERMS = Terms("default 1", timedelta(days=30))
CUSTOMERS = """customer,name,parent,contacts,resource,valid_from
alder,Alder Hosting,,ops@alder.example;boss@alder.example,192.0.2.0/25,2020-01-01T00:00:00+00:00
birch,Birch Ltd,alder,desk@birch.example,192.0.2.128/26,2020-01-01T00:00:00+00:00
"""


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    made = Database(database_url)
    yield made
    await made.close()


@pytest.fixture
def imported(database: Database, tmp_path: Path):
    """`await imported(csv)` brings a customers' file in."""

    async def run(text: str = CUSTOMERS, now: datetime = T0) -> customers.Imported:
        path = tmp_path / "customers.csv"
        path.write_text(text)
        async with database.writing() as connection:
            return await customers.import_file(connection, read_customers(path), who="ann", now=now)

    return run


@pytest.fixture
def said(database: Database) -> Callable:
    """`await said()`: every event so far, as (who, what)."""

    async def read() -> list[tuple[str, str]]:
        async with database.reading() as connection:
            rows = await connection.execute(select(events.c.who, events.c.what).order_by(events.c.id))
            return [tuple(row) for row in rows]

    return read


def complaint(account: int, value: str = "192.0.2.7", conduct: datetime | None = None) -> Complaint:
    return Complaint(account, "mail", ResourceKind.IP, Role.SOURCE, value, conduct)


def put(on: Desk, what: Complaint, now: datetime = T0) -> None:
    on.file(what, TERMS, Origin({"category": "spam"}, {"headers": []}), now=now)


@pytest.fixture
def with_case(database: Database, imported):
    """`await with_case("192.0.2.7", ...)`: customers, and a case of Alder's with these clocks; the account's id."""

    async def run(*values: str) -> int:
        await imported()
        async with database.writing() as connection:
            account = await customers.account_named(connection, "alder")
            assert account is not None
            laid = await desk.load(connection, [account])
            for value in values or ("192.0.2.7",):
                put(laid, complaint(account, value))
            await desk.save(connection, laid, T0)
        return account

    return run

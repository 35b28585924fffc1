"""The database alone gives the answers of the index; the index follows it by what changed, without a stop."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from ipaddress import ip_address

import pytest
from sqlalchemy import event, insert

from gateway import holdings
from gateway.attribution.attribute import attribute
from gateway.attribution.hosts import HostIndex
from gateway.attribution.network import Network
from gateway.attribution.prefixes import Found, PrefixIndex
from gateway.holdings import Holdings
from gateway.intake.customers import AssignmentRow
from gateway.model import AttributionReason as Why
from gateway.store import assignments, customers, switches
from gateway.store.assignments import Question
from gateway.store.tables import accounts
from gateway.store.tables import assignments as table
from gateway.store.tables import customers as customer_rows
from parsers.report import Category, Report

from .conftest import T0

NET = int(ip_address("192.0.2.0"))
WIDE = int(ip_address("2001:db8::"))


def row(first: int, last: int, family: int = 4, ports=(None, None), start=T0, end=None):
    return AssignmentRow("x", "main", "", family, first, last, *ports, start, end, 0)


def outcome(found):
    return found.account_id if isinstance(found, Found) else found.reason


@pytest.fixture
async def crowd(database):
    """`await crowd(rows)` stores assignments, each of the next of five accounts."""
    async with database.writing() as connection:
        for n in range(1, 6):
            await connection.execute(
                insert(customer_rows).values(key=f"c{n}", name=f"C{n}", language="en", vetted=False, delivery="mail")
            )
            await connection.execute(insert(accounts).values(customer_id=n, name="main"))

    async def store(rows, origin="import"):
        async with database.writing() as connection:
            version = await switches.count_up(connection, switches.ASSIGNMENTS_VERSION)
            cells = [assignments.columns(one, n % 5 + 1) for n, one in enumerate(rows)]
            for n, cell in enumerate(cells):
                cell |= {"origin": origin, "changed": version, "resource": f"{version}-{n}"}
            await connection.execute(insert(table), cells)

    return store


def world(chance: random.Random) -> list[AssignmentRow]:
    made = []
    for _ in range(60):
        family = chance.choice((4, 4, 6))
        base = NET if family == 4 else WIDE
        if chance.random() < 0.7:
            size = 1 << chance.randrange(9)
            first = chance.randrange(512) // size * size
            last = first + size - 1
        else:
            first, last = sorted((chance.randrange(512), chance.randrange(512)))
        ports = sorted((chance.randrange(8), chance.randrange(8))) if chance.random() < 0.3 else (None, None)
        start = T0 + timedelta(hours=chance.randrange(20))
        end = None if chance.random() < 0.4 else start + timedelta(hours=chance.randrange(1, 10))
        made.append(row(base + first, base + last, family, ports, start, end))
    return made


async def test_the_database_alone_answers_a_thousand_reports_like_the_index_in_one_statement(database, crowd):
    chance = random.Random(5)
    await crowd(world(chance))
    questions = [
        Question(
            str(ip_address((NET if chance.random() < 0.7 else WIDE) + chance.randrange(-1, 513))),
            T0 + timedelta(hours=chance.randrange(-1, 26)),
            chance.choice((None, *range(8))),
        )
        for _ in range(1000)
    ]
    questions = [q for q in questions if not q.ip.startswith("2001:db7")]
    said = []
    async with database.reading() as connection:
        index = PrefixIndex(await assignments.all_of(connection))
        listen = connection.engine.sync_engine
        event.listen(listen, "before_cursor_execute", lambda *a: said.append(a[2]))
        answers = await assignments.look_up(connection, questions)
    assert len(said) == 1
    wanted = [outcome(index.lookup(q.ip, q.at, q.port)) for q in questions]
    assert [outcome(a) for a in answers] == wanted
    assert {Why.NOT_OURS, Why.NOT_ASSIGNED_THEN, Why.SHARED_ADDRESS} <= set(wanted)


async def test_without_a_time_the_database_knows_the_whole_history(database, crowd):
    await crowd([row(NET, NET, end=T0 + timedelta(days=1)), row(NET, NET, start=T0 + timedelta(days=1))])
    async with database.reading() as connection:
        (found,) = await assignments.look_up(connection, [Question("192.0.2.0", None)])
        (none,) = await assignments.look_up(connection, [Question("no address", T0)])
    assert outcome(found) is Why.NO_TIME
    assert outcome(none) is Why.NO_SOURCE


@pytest.fixture
def kept():
    return Holdings(Network(PrefixIndex(), HostIndex()))


async def ask(database, kept, ip="192.0.2.7", at=T0):
    async with database.reading() as connection:
        network = await kept.network(connection)
    return outcome(network.prefixes.lookup(ip, at, None))


async def test_what_is_committed_is_known_at_once_and_only_what_changed_is_read(database, crowd, kept):
    await crowd([row(NET, NET + 255)])
    assert await ask(database, kept) == 1
    base = kept._network.prefixes._four
    await crowd([row(NET + 8, NET + 8), row(NET + 7, NET + 7)])
    assert await ask(database, kept) == 2
    assert kept._network.prefixes._four is base, "the base was built anew for two changes"
    async with database.writing() as connection:
        (one,) = [a for a in await assignments.all_of(connection) if a.first == a.last == NET + 7]
        await assignments.end(connection, [one.id], T0 - timedelta(days=1), who="ann", now=T0)
    assert await ask(database, kept) == 1
    assert await ask(database, kept, at=T0 - timedelta(days=2)) is Why.NOT_ASSIGNED_THEN


async def test_a_thousand_reports_are_attributed_in_one_round_trip(database, crowd, kept):
    await crowd([row(NET + n, NET + n) for n in range(256)])
    await ask(database, kept)
    await crowd([row(NET + 7, NET + 7, start=T0 + timedelta(hours=1))])  # what changed is in the overlay
    await ask(database, kept)
    reports = [
        Report(None, Category.SPAM, source_ip=str(ip_address(NET + n % 256)), arrival_date=T0) for n in range(1000)
    ]
    said = []
    async with database.reading() as connection:
        listen = connection.engine.sync_engine
        event.listen(listen, "before_cursor_execute", lambda *a: said.append(a[2]))
        network = await kept.network(connection)
        found = [attribute(report, T0, network) for report in reports]
    assert len(said) == 1
    assert all(one.account_id is not None for (one,) in found)


async def test_an_assignment_that_was_a_mistake_never_held(database, crowd, kept, said):
    await crowd([row(NET, NET)])
    assert await ask(database, kept, "192.0.2.0") == 1
    async with database.writing() as connection:
        (one,) = await assignments.all_of(connection)
        await assignments.end(connection, [one.id], None, who="ann", now=T0)
    assert await ask(database, kept, "192.0.2.0") is Why.NOT_OURS
    assert ("ann", "assignment withdrawn") in await said()


async def test_an_overgrown_overlay_goes_into_a_new_base_while_everybody_is_answered(
    database, crowd, kept, monkeypatch
):
    monkeypatch.setattr("gateway.attribution.prefixes._LEAST_OVERLAY", 3)
    await crowd([row(NET, NET + 255)])
    assert await ask(database, kept) == 1
    old = kept._network.prefixes._four
    await crowd([row(NET + n, NET + n) for n in range(10)])
    assert await ask(database, kept) == 3
    await crowd([row(NET + 7, NET + 7, start=T0 + timedelta(hours=1))])  # while it is being merged, or after
    assert await ask(database, kept, at=T0 + timedelta(hours=2)) is Why.SHARED_ADDRESS
    await kept.merging
    assert kept._network.prefixes._four is not old
    assert await ask(database, kept) == 3
    assert await ask(database, kept, at=T0 + timedelta(hours=2)) is Why.SHARED_ADDRESS


async def test_many_changes_are_laid_over_in_a_thread(database, crowd, kept, monkeypatch):
    monkeypatch.setattr(holdings, "_MANY", 5)
    await crowd([row(NET, NET + 255)])
    await ask(database, kept)
    await crowd([row(NET + n, NET + n) for n in range(10)])
    answers = await asyncio.gather(*(ask(database, kept, f"192.0.2.{n}") for n in range(10)))
    assert answers == [n % 5 + 1 for n in range(10)]


async def test_versions_are_counted_one_by_one(database):
    async def count():
        async with database.writing() as connection:
            return await switches.count_up(connection, "some")

    assert await count() == 1
    assert sorted(await asyncio.gather(*(count() for _ in range(5)))) == [2, 3, 4, 5, 6]


async def test_a_customers_addresses_over_time_the_latest_first(database, imported):
    await imported()
    async with database.reading() as connection:
        account = await customers.account_named(connection, "alder")
        rows = await assignments.of_account(connection, [account], 10)
    assert [one.resource for one in rows] == ["192.0.2.0/25"]

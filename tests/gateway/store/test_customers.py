"""An import adds and updates and never deletes; doing it twice changes nothing; who held what, when, stays known."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.intake.customers import AssignmentRow
from gateway.store import assignments, customers, switches

from .conftest import CUSTOMERS, T0

HEAD = "customer,name,contacts,resource,valid_from,valid_to\n"
OLD = HEAD + "alder,Alder,ops@alder.example,192.0.2.0/25,2020-01-01T00:00:00+00:00,\n"
MOVED = (
    HEAD
    + "alder,Alder,ops@alder.example,192.0.2.0/25,2020-01-01T00:00:00+00:00,2026-01-01T00:00:00+00:00\n"
    + "birch,Birch,desk@birch.example,192.0.2.0/25,2026-01-01T00:00:00+00:00,\n"
)


@pytest.fixture
def held(database):
    """`await held()`: (customer, resource, from, to) of every assignment."""

    async def read():
        async with database.reading() as connection:
            rows = await assignments.all_of(connection)
            named = await customers.names(connection, [row.account_id for row in rows])
        return [(named[row.account_id], row.resource, row.valid_from, row.valid_to) for row in rows]

    return read


async def version(database):
    async with database.reading() as connection:
        return await switches.read(connection, switches.ASSIGNMENTS_VERSION)


async def test_the_same_file_twice_changes_nothing(imported, held, said):
    first = await imported()
    assert (first.customers, first.accounts, first.assignments_new, first.assignments_changed) == (2, 2, 2, 0)
    before = await held()
    second = await imported()
    assert (second.accounts, second.assignments_new, second.assignments_changed) == (0, 0, 0)
    assert await held() == before
    assert await said() == [("ann", "customers imported")] * 2


async def test_every_import_tells_the_nodes_to_read_the_assignments_again(database, imported):
    await imported()
    first = await version(database)
    await imported()
    assert await version(database) != first


async def test_a_prefix_that_moved_keeps_its_history(imported, held):
    await imported(OLD)
    done = await imported(MOVED)
    assert (done.assignments_new, done.assignments_changed) == (1, 1)
    y2020, y2026 = datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    assert await held() == [
        ("alder", "192.0.2.0/25", y2020, y2026), ("birch", "192.0.2.0/25", y2026, None),
    ]  # fmt: skip


async def test_what_a_file_does_not_name_stays(imported, held):
    await imported(CUSTOMERS)
    before = await held()
    await imported(HEAD + "cedar,Cedar,c@cedar.example,198.51.100.0/24,2020-01-01T00:00:00+00:00,\n")
    assert (await held())[: len(before)] == before


async def test_contacts_are_replaced_in_their_new_order(database, imported):
    await imported()
    text = CUSTOMERS.replace("ops@alder.example;boss@alder.example", "boss@alder.example;new@alder.example")
    await imported(text)
    async with database.reading() as connection:
        rows = {row["key"]: row["address"] for row in await customers.overview(connection)}
    assert rows == {"alder": "boss@alder.example", "birch": "desk@birch.example"}


async def test_a_shared_address_is_held_by_ports(database, imported):
    head = "customer,account,contacts,resource,port_first,port_last,valid_from\n"
    start = "2020-01-01T00:00:00+00:00"
    await imported(
        f"{head}alder,,a@alder.example,192.0.2.9,1000,1999,{start}\nbirch,line-2,b@birch.example,192.0.2.9,2000,2999,{start}\n"
    )
    async with database.reading() as connection:
        found = {(a.port_first, a.port_last, a.account_id) for a in await assignments.all_of(connection)}
        alder = await customers.account_named(connection, "alder")
        birch = await customers.account_named(connection, "birch/line-2")
        assert await customers.account_named(connection, "nobody") is None
    assert found == {(1000, 1999, alder), (2000, 2999, birch)}


async def test_the_largest_ipv6_addresses_come_back_exactly(database, imported):
    start = "2020-01-01T00:00:00+00:00"
    await imported(f"customer,contacts,resource,valid_from\nalder,a@alder.example,2001:db8::/32,{start}\n")
    async with database.reading() as connection:
        (row,) = await assignments.all_of(connection)
    assert (row.first, row.last) == (0x20010DB8 << 96, (0x20010DB8 << 96) + 2**96 - 1)
    assert (row.port_first, row.port_last, row.family) == (None, None, 6)


async def test_a_rule_of_staff_is_an_assignment_with_its_event(database, imported, held, said):
    await imported()
    before = await version(database)
    row = AssignmentRow("alder", "main", "198.51.100.9", 4, 0xC6336409, 0xC6336409, None, None, T0, None, 0)
    async with database.writing() as connection:
        account = await customers.account_named(connection, "alder")
        await assignments.add(connection, row, account, origin="rule", who="ann", now=T0)
    assert ("alder", "198.51.100.9", T0, None) in await held()
    assert (await said())[-1] == ("ann", "assignment made")
    assert await version(database) != before

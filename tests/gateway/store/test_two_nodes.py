"""What two nodes, or two people, do at the same moment on one PostgreSQL: once, and nobody fails for it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select, text

from gateway import accounts, fines
from gateway.accounts import AccountError
from gateway.casework.ledger import Planned
from gateway.casework.rates import Alert, Day
from gateway.casework.states import NotAllowedError
from gateway.intake.customers import read_customers
from gateway.roles import Role
from gateway.store import (
    charges,
    customers,
    dead_addresses,
    desk,
    identifiers,
    mailboxes,
    messages,
    notices,
    policies,
    postmasters,
    publications,
    rates,
    reports,
    source_runs,
    tables,
    third_parties,
    users,
    watch,
)
from gateway.store.database import Database
from gateway.store.messages import Arrived
from gateway.store.policies import Version
from gateway.store.rdap_cache import StoredRdapCache
from gateway.store.source_runs import Run
from gateway.watch.listings import Changes
from notifier.notice import NoticeKind
from notifier.rdap import Cached, NotFound
from servers.two_nodes import both, overlapping

from .conftest import CUSTOMERS, T0

pytestmark = pytest.mark.needs("postgresql")

HOUR = timedelta(hours=1)


@pytest.fixture
async def database(postgres_url):
    made = Database(postgres_url)
    yield made
    await made.close()


@pytest.fixture
def twice(database):
    """`await twice(call, ...)`: the same by two nodes at once; what both return."""

    async def run(call, *arguments, **named):
        return await overlapping(database, *[lambda connection: call(connection, *arguments, **named)] * 2)

    return run


@pytest.fixture
def rows_of(database):
    async def count(table):
        async with database.reading() as connection:
            return (await connection.execute(select(func.count()).select_from(table))).scalar_one()

    return count


async def test_both_know_a_new_mailbox(database, twice):
    await twice(mailboxes.register, ["abuse", "postmaster"])
    async with database.reading() as connection:
        assert list(await mailboxes.all_of(connection)) == ["abuse", "postmaster"]


async def test_a_policy_takes_effect_once(twice, rows_of, said):
    await twice(policies.add, Version(0, "default", 1, "digest", "text", T0, None, ""))
    assert await rows_of(tables.policies) == 1
    assert await said() == [("arfgate", "policy took effect")]


async def test_an_address_dies_once(twice, rows_of):
    await twice(dead_addresses.mark, {"b@x.example": ("gone", 1), "a@x.example": ("gone", 2)}, T0)
    assert await rows_of(tables.dead_addresses) == 2


async def test_who_opts_out_twice_is_on_the_list_once(twice, rows_of, said):
    await twice(third_parties.opt_out, {"a@x.example": 1, "b@x.example": 2}, T0)
    assert await twice(third_parties.refuse, "@y.example", "ann", T0) == (True, False)
    assert await rows_of(tables.opt_outs) == 3
    assert len(await said()) == 3


async def test_a_registrys_answer_is_kept_by_both(database, rows_of):
    async def put(node):
        await StoredRdapCache(node.database).put("ip", "0001", "0002", Cached(NotFound("rdap.example"), T0))

    await both(SimpleNamespace(database=database), put)
    assert await rows_of(tables.rdap_cache) == 1


async def test_a_domains_postmaster_is_known_once(database, imported, twice, rows_of):
    await imported()
    async with database.reading() as connection:
        alder = await customers.customer_named(connection, "alder")
    await twice(postmasters.ensure, [(alder, "b.example"), (alder, "a.example")], T0)
    assert await rows_of(tables.postmasters) == 2


async def test_the_same_customers_are_imported_twice_without_harm(twice, tmp_path, rows_of):
    path = tmp_path / "customers.csv"
    path.write_text(CUSTOMERS)
    first, second = await twice(customers.import_file, read_customers(path), who="ann", now=T0)
    assert (first.accounts, second.accounts) == (2, 0)
    assert await rows_of(tables.contacts) == 3


async def test_volumes_are_new_once_and_a_rate_is_told_once(with_case, twice):
    account = await with_case()
    volume = {"account_id": account, "campaign": "", "day": "2026-02-28", "sent": 100, "added": None}
    assert await twice(rates.import_volumes, [volume], who="ann", now=T0) == ((1, 0), (0, 0))
    alert = Alert(Day("alder", "", "2026-02-28"), "warn", "complaints", "too many")
    assert await twice(rates.tell, [alert], T0) == ([alert], [])


async def test_what_is_advertised_is_confirmed_once(with_case, twice, said):
    account = await with_case()
    await twice(identifiers.confirm, [("host", "shop.example", account)], who="ann", now=T0)
    assert (await said()).count(("ann", "advertised resource confirmed")) == 1


async def test_a_case_is_published_by_both(with_case, twice, rows_of):
    await with_case()
    await twice(publications.publish, 1, "page", who="ann", why="to show", now=T0)
    assert await rows_of(tables.publications) == 1


async def test_a_complaint_is_charged_once_and_taken_back_once(database, with_case, twice, rows_of):
    account = await with_case()
    one = [Planned("complaint", account, None)]
    assert await twice(charges.add, one, 1, Decimal(5), "EUR", who="ann", why="fine", now=T0) == (1, 0)
    house = SimpleNamespace(database=database, clock=lambda: T0)
    with pytest.raises(NotAllowedError, match="was reversed before"):
        await both(house, lambda node: fines.reverse(node, [1], who="ann", why="an error"))
    assert await rows_of(tables.charges) == 2


async def test_of_the_last_two_admins_one_stays(database):
    async with database.writing() as connection:
        for name in ("ann", "ben"):
            await users.add(connection, {"name": name, "email": "", "role": Role.ADMIN}, "test", T0)
        both_admins = iter(await users.listed(connection))
    house = SimpleNamespace(database=database, clock=lambda: T0)
    with pytest.raises(AccountError, match="the last admin"):
        await both(house, lambda node: accounts.change(node, next(both_admins), {"disabled": True}, "test"))
    async with database.reading() as connection:
        assert await users.enabled_admins(connection) == 1


async def test_a_source_that_was_just_read_is_not_read_again(database):
    async def read(connection):
        if await source_runs.take(connection, "billing", "node", T0, on_time=True) is None:
            return False
        await source_runs.over(connection, Run("billing", "arfgate", T0, T0), "node", T0 + HOUR)
        return True

    assert await overlapping(database, read, read) == (True, False)
    async with database.writing() as connection:  # a person may
        assert await source_runs.take(connection, "billing", "ann", T0) is not None


async def test_two_rounds_of_a_block_list_tell_a_listing_once(database, twice):
    async with database.writing() as connection:
        (zone,) = await watch.claim(connection, ["bl.example"], T0, T0 + HOUR, at_once=False)
    found = Changes({"192.0.2.7": "127.0.0.2"}, {}, ())
    first, second = await twice(watch.save, zone, found, {}, T0)
    assert ([one.address for one in first], second) == (["192.0.2.7"], [])


# --- what one node has in hand ---------------------------------------------------------------------------------------


@pytest.fixture
async def report(database):
    """A report whose contacts are wanted: its id."""
    row = {"position": 0, "category": "spam", "source_ip": "203.0.113.9", "received_at": T0, "verdict": "accepted"}
    row |= {"reason": "feed", "detail": "", "identity": {}, "fingerprint": "f", "parsed": {}, "would_send": []}
    row |= {"contacts_state": "wanted", "contacts_next_at": T0, "contacts_tries": 0}
    async with database.writing() as connection:
        (message,) = await messages.store(connection, [Arrived(b"raw", T0)], None, T0)
        (made,) = await reports.add(connection, [row | {"message_id": message}])
    return made


async def test_the_contacts_of_a_report_are_looked_up_by_one(database, report):
    async def take(connection):
        found = [one.report_id for one in await third_parties.wanted(connection, T0, 10)]
        await third_parties.take(connection, found, T0 + HOUR)
        return found

    assert await overlapping(database, take, take) == ([report], [])


async def test_a_digest_is_planned_by_one(database, report):
    waits = {"subject": "203.0.113.9", "address": "abuse@net.example", "role": "abuse", "source": "rdap.example"}
    async with database.writing() as connection:
        await third_parties.found(
            connection, report, [waits | {"decision": third_parties.DIGEST, "notice_id": None, "at": T0}]
        )

    async def plan(connection):
        waiting = await third_parties.for_digest(connection, T0 + HOUR, hold=True)
        await third_parties.in_digest(connection, [row["id"] for row in waiting], third_parties.IN_DIGEST, None)
        return len(waiting)

    assert await overlapping(database, plan, plan) == (1, 0)


async def test_a_notice_of_a_case_is_planned_beside_whoever_decides_about_the_case(database, with_case):
    await with_case()
    row = notices.planned(NoticeKind.WHOIS_CONTACT, "outside", "abuse@net.example", {}, T0) | {"case_id": 1}
    async with database.writing() as deciding:
        assert (await desk.load_cases(deciding, [1])).cases
        async with database.writing() as planning:
            await planning.execute(text("SET LOCAL lock_timeout = '1s'"))
            assert list(await notices.plan(planning, [row])) == ["outside"]

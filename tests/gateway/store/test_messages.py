"""A message is its bytes, stored once; claimed by one; what kills its worker is taken alone and in the end given up."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update

from gateway.model import Mode
from gateway.store import mailboxes, messages
from gateway.store.database import Database
from gateway.store.messages import CLAIM, Arrived, Place
from gateway.store.tables import deliveries
from gateway.store.tables import messages as rows
from servers.two_nodes import overlapping

from .conftest import T0

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def place(database):
    async with database.writing() as connection:
        await mailboxes.register(connection, ["abuse"])
        state = (await mailboxes.all_of(connection))["abuse"]
    return Place(state.id, "abuse", "INBOX", 7)


@pytest.fixture
def store(database, place):
    async def run(*arrived, at=place, now=T0):
        async with database.writing() as connection:
            return await messages.store(connection, arrived, at, now)

    return run


@pytest.fixture
def claim(database):
    async def run(node="one", now=T0, limit=100):
        async with database.writing() as connection:
            return await messages.claim(connection, node, now, limit)

    return run


async def counted(database, table):
    async with database.reading() as connection:
        return (await connection.execute(select(func.count()).select_from(table))).scalar_one()


async def finish(database, *ids, **columns):
    plain = {"state": "filed", "kind": "report", "format": "arf", "message_id": None, "sender": None, "subject": None}
    plain |= {"verdict": None, "reason": None, "detail": "", "error": None} | columns
    async with database.writing() as connection:
        await messages.finish(connection, [plain | {"id": i} for i in ids])


# --- stored once --------------------------------------------------------------------------


@pytest.mark.needs("postgresql")
@pytest.mark.needs("postgresql")
async def test_two_nodes_that_store_the_same_mails_in_another_order_do_not_wait_in_a_ring(postgres):
    """Each inserts in the order of the digests, and numbers in the order in which the mails came."""
    database = Database(postgres.create())  # in which no place of an erased row is free
    await database.migrate()
    mails = [Arrived(b"mail %d" % n, T0) for n in range(40)]
    async with database.writing() as connection:
        ids = await messages.store(connection, mails, None, T0)
        lying = [row.sha256 for row in await connection.execute(text("SELECT sha256 FROM messages ORDER BY ctid"))]
    await database.close()
    assert ids == sorted(ids)
    assert lying == sorted(lying)


async def test_two_nodes_that_read_one_mailbox_at_once_know_each_mail_once(database, place):
    mails = [Arrived(b"one", T0, uid=1), Arrived(b"two", T0, uid=2)]
    await overlapping(database, *[lambda one: messages.store(one, mails, place, T0)] * 2)
    assert (await counted(database, rows), await counted(database, deliveries)) == (2, 2)


async def test_two_nodes_that_store_the_same_mail_at_once_store_it_once(database):
    mails = [Arrived(b"one", T0), Arrived(b"two", T0)]
    forth, back = await overlapping(
        database,
        lambda one: messages.store(one, mails, None, T0),
        lambda other: messages.store(other, mails[::-1], None, T0),
    )
    assert forth == back[::-1]
    assert await counted(database, rows) == 2


async def test_storing_a_batch_again_stores_nothing_more(database, store):
    batch = [Arrived(b"one", T0, 1), Arrived(b"two", T0, 2)]
    first = await store(*batch)
    assert await store(*batch) == first
    assert (await counted(database, rows), await counted(database, deliveries)) == (2, 2)


async def test_the_same_bytes_twice_in_a_batch_are_one_message_in_two_places(database, store):
    ids = await store(Arrived(b"same", T0, 1), Arrived(b"other", T0, 2), Arrived(b"same", T0, 3))
    assert ids[0] == ids[2] != ids[1]
    assert (await counted(database, rows), await counted(database, deliveries)) == (2, 3)


async def test_after_a_change_of_uidvalidity_the_mail_is_known_by_its_bytes(database, store, place):
    first = await store(Arrived(b"one", T0, 1))
    assert await store(Arrived(b"one", T0, 1), at=replace(place, uidvalidity=8)) == first
    assert (await counted(database, rows), await counted(database, deliveries)) == (1, 2)


async def test_files_have_no_place(database, store):
    assert len(await store(Arrived(b"one", T0), Arrived(b"two", T0), at=None)) == 2
    assert await counted(database, deliveries) == 0


async def test_ids_come_in_the_order_of_the_batch(database, store):
    ids = await store(*(Arrived(b"%d" % n, T0, n) for n in range(1, 101)))
    async with database.reading() as connection:
        found = dict((await connection.execute(select(rows.c.id, rows.c.raw))).all())
    assert [bytes(found[i]) for i in ids] == [b"%d" % n for n in range(1, 101)]


async def test_a_mail_too_big_to_read_waits_for_a_person_and_not_for_a_worker(database, store, claim):
    await store(Arrived(b"head", T0, 1, too_big="30 MB are more than limits.message_bytes allows"))
    assert await claim() == []
    async with database.reading() as connection:
        row = (await connection.execute(select(rows))).one()
    assert (row.state, row.kind, row.verdict) == ("filed", "unreadable", "review")


async def test_bytes_of_any_kind_come_back_as_they_were(store, claim):
    raw = bytes(range(256)) + b"\0\0"
    await store(Arrived(raw, T0, 1))
    assert [bytes(m.raw) for m in await claim()] == [raw]


# --- out of the mailbox -------------------------------------------------------------------


async def test_only_what_is_filed_leaves_the_mailbox_and_only_once(database, store, place):
    first, _ = await store(Arrived(b"one", T0, 1), Arrived(b"two", T0, 2))
    await finish(database, first)
    async with database.writing() as connection:
        assert await messages.known_uids(connection, place, [1, 2, 3]) == ({1, 2}, {1: first})
        await messages.disposed(connection, place, [1], T0)
    async with database.reading() as connection:
        assert await messages.known_uids(connection, place, [1, 2, 3]) == ({1, 2}, {})


async def test_what_cannot_be_read_is_told_apart(database, store):
    ids = await store(Arrived(b"one", T0, 1), Arrived(b"two", T0, 2))
    await finish(database, ids[0], kind="unreadable")
    async with database.reading() as connection:
        assert await messages.unreadable_among(connection, ids) == {ids[0]}


# --- claimed ------------------------------------------------------------------------------


async def test_a_claim_takes_the_oldest_and_nobody_else_gets_them(store, claim):
    ids = await store(*(Arrived(b"%d" % n, T0, n) for n in range(1, 6)))
    assert [m.id for m in await claim(limit=3)] == ids[:3]
    assert [m.id for m in await claim("two")] == ids[3:]
    assert await claim("three") == []


async def test_two_at_once_take_disjoint_messages(database, store):
    ids = await store(*(Arrived(b"%d" % n, T0, n) for n in range(1, 41)))

    async def take(node):
        found = []
        while True:
            async with database.writing() as connection:
                batch = await messages.claim(connection, node, T0, 5)
            if not batch:
                return found
            found += [m.id for m in batch]

    taken = await asyncio.gather(take("one"), take("two"))
    assert sorted(taken[0] + taken[1]) == ids


async def test_a_dead_nodes_claim_is_free_after_its_time_and_the_message_is_taken_alone(store, claim):
    ids = await store(Arrived(b"one", T0, 1), Arrived(b"two", T0, 2))
    await claim("dead")
    assert await claim("two", T0 + CLAIM) == []
    later = T0 + CLAIM + MINUTE
    first = await claim("two", later)
    assert [(m.id, m.tries) for m in first] == [(ids[0], 2)]  # a suspect: alone, so that it takes no other with it
    assert [m.id for m in await claim("two", later)] == [ids[1]]


async def test_suspects_wait_until_the_others_are_taken_or_go_first_alone(store, claim, database):
    ids = await store(Arrived(b"one", T0, 1), Arrived(b"two", T0, 2), Arrived(b"three", T0, 3))
    async with database.writing() as connection:
        await connection.execute(update(rows).where(rows.c.id == ids[1]).values(tries=1))
    assert [m.id for m in await claim()] == [ids[0], ids[2]]
    assert [m.id for m in await claim()] == [ids[1]]


async def test_at_its_start_a_node_frees_what_it_had_claimed_and_nothing_else(database, store, claim):
    ids = await store(Arrived(b"one", T0, 1), Arrived(b"two", T0, 2))
    await claim("one", limit=1)
    await claim("two", limit=1)
    async with database.writing() as connection:
        await messages.release(connection, "one")
    freed = await claim("one")
    assert [(m.id, m.tries) for m in freed] == [(ids[0], 2)]  # the try that was cut short counts


@pytest.mark.parametrize(("counts", "tries"), [(True, 2), (False, 1)])
async def test_given_back_a_try_counts_only_where_the_message_is_to_blame(database, store, claim, counts, tries):
    await store(Arrived(b"one", T0, 1))
    batch = await claim()
    async with database.writing() as connection:
        await messages.give_back(connection, [m.id for m in batch], counts=counts)
    assert [m.tries for m in await claim()] == [tries]


async def test_a_finished_message_is_not_claimed_again(database, store, claim):
    await store(Arrived(b"one", T0, 1))
    await finish(database, *(m.id for m in await claim()))
    assert await claim(now=T0 + 2 * CLAIM) == []


async def test_text_that_no_database_can_hold_is_stored_without_what_cannot_be(database, store):
    (one,) = await store(Arrived(b"one", T0, 1))
    await finish(database, one, subject="nul \0 and \ud800 alone", error="\0")
    async with database.reading() as connection:
        row = (await connection.execute(select(rows))).one()
    assert (row.subject, row.error) == ("nul  and ? alone", "")


async def test_the_oldest_that_waits_is_known(database, store):
    async with database.reading() as connection:
        assert await messages.oldest_waiting(connection) is None
    ids = await store(Arrived(b"one", T0 + MINUTE, 1), Arrived(b"two", T0, 2))
    async with database.reading() as connection:
        assert await messages.oldest_waiting(connection) == T0
    await finish(database, ids[1])
    async with database.reading() as connection:
        assert await messages.oldest_waiting(connection) == T0 + MINUTE


# --- observed, then live ------------------------------------------------------------------


async def test_going_live_files_what_was_observed_since_then(database, store, claim, said):
    ids = await store(Arrived(b"old", T0 - MINUTE, 1), Arrived(b"new", T0 + MINUTE, 2))
    await finish(database, *ids, state="observed")
    async with database.writing() as connection:
        assert await mailboxes.go_live(connection, "abuse", T0, who="ann", now=T0) == 1
    assert [m.id for m in await claim()] == [ids[1]]
    assert ("ann", "mailbox abuse goes live") in await said()


async def test_an_observed_mail_that_also_arrives_in_a_live_mailbox_is_filed(database, store, claim, place):
    (one,) = await store(Arrived(b"same", T0, 1))
    await finish(database, one, state="observed")
    await store(Arrived(b"same", T0, 2))  # still only observed
    assert await claim() == []
    async with database.writing() as connection:
        await mailboxes.register(connection, ["second"])
        await mailboxes.go_live(connection, "second", T0, who="ann", now=T0)
        second = (await mailboxes.all_of(connection))["second"]
    assert second.mode == Mode.LIVE
    await store(Arrived(b"same", T0, 1), at=replace(place, mailbox_id=second.id, mailbox="second"))
    assert [(m.id, m.mailbox) for m in await claim()] == [(one, "second")]

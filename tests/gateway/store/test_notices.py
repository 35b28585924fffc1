"""A notice is claimed by one, its outcome is written once, and its clock hears of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from gateway.model import NoticeState
from gateway.store import notices
from gateway.store.notices import CLAIM
from gateway.store.tables import notices as rows
from notifier.notice import NoticeKind
from servers.two_nodes import overlapping

from .conftest import T0

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def planned(database):
    """Ten notices that are due."""
    plain = {"kind": "complaint", "case_id": None, "clock_id": None, "round": 1, "language": "en", "facts": {}}
    plain |= {"evidence": None, "state": "pending", "attempts": 0, "created_at": T0, "next_at": T0, "answer": ""}
    async with database.writing() as connection:
        made = await notices.plan(
            connection, [plain | {"key": f"k{n}", "to": f"u{n}@a.example", "settled": True} for n in range(10)]
        )
    return sorted(made.values())


@pytest.fixture
def claim(database):
    async def run(node="one", now=T0, limit=50):
        async with database.writing() as connection:
            return [n.id for n in await notices.claim(connection, node, now, limit)]

    return run


@pytest.fixture
def write(database):
    """`await write(notices.sent, ...)`: one call in its own transaction."""

    async def run(call, *arguments):
        async with database.writing() as connection:
            return await call(connection, *arguments)

    return run


async def row(database, number):
    async with database.reading() as connection:
        return (await connection.execute(select(rows).where(rows.c.id == number))).one()


async def test_a_claim_takes_the_oldest_that_are_due_and_nobody_else_gets_them(planned, claim):
    assert await claim(now=T0 - MINUTE) == []
    assert await claim(limit=4) == planned[:4]
    assert await claim("two") == planned[4:]
    assert await claim("three") == []


async def test_two_at_once_take_disjoint_notices(database, planned, claim):
    async def take(node):
        found = []
        while batch := await claim(node, limit=2):
            found += batch
        return found

    one, two = await asyncio.gather(take("one"), take("two"))
    assert sorted(one + two) == planned


async def test_two_nodes_that_plan_the_same_at_once_plan_it_once(database):
    row = notices.planned(NoticeKind.STAFF_ALARM, "same", "staff@isp.example", {}, T0)
    first, second = await overlapping(database, *[lambda one: notices.plan(one, [row])] * 2)
    assert list(first) == ["same"]
    assert second == {}


async def test_a_claim_ends_by_itself_and_with_the_nodes_next_start(planned, claim, write):
    assert await claim("dead", limit=5) == planned[:5]
    await write(notices.release, "another")
    assert await claim("two", limit=5) == planned[5:]
    await write(notices.release, "dead")
    assert await claim("two", limit=5) == planned[:5]
    assert await claim("three", T0 + CLAIM + MINUTE) == planned


async def test_what_was_sent_is_not_sent_again_and_waits_for_its_clock(database, planned, claim, write):
    await claim()
    await write(notices.sent, planned[0], T0 + MINUTE, "250 " + "x" * 600)
    sent = await row(database, planned[0])
    assert (sent.state, sent.sent_at, sent.attempts, sent.next_at, sent.why) == ("sent", T0 + MINUTE, 1, None, None)
    assert len(sent.answer) == 500
    assert planned[0] not in await claim(now=T0 + 2 * CLAIM)
    assert [n.id for n in await write(notices.unsettled)] == planned[:1]
    await write(notices.settled, planned[:1])
    assert await write(notices.unsettled) == []


async def test_what_was_not_taken_is_tried_again_at_its_time(database, planned, claim, write):
    await claim()
    await write(notices.not_sent, planned[0], T0 + 5 * MINUTE, "server", "451 later\0")
    again = await row(database, planned[0])
    assert (again.state, again.attempts, again.why, again.answer) == ("pending", 1, "server", "451 later")
    assert await claim("two", T0 + 4 * MINUTE) == []
    assert await claim("two", T0 + 5 * MINUTE) == planned[:1]
    assert await write(notices.unsettled) == []


async def test_what_is_given_up_is_failed_and_waits_for_its_clock(database, planned, claim, write):
    await claim()
    await write(notices.not_sent, planned[0], None, "recipient", "550 no such user")
    assert (await row(database, planned[0])).state == NoticeState.FAILED.value
    assert [n.id for n in await write(notices.unsettled)] == planned[:1]


async def test_notices_are_found_by_number_and_by_message_id(planned, write):
    await write(notices.name, {planned[0]: "<a@isp.example>", planned[1]: "<b@isp.example>"})
    found = await write(notices.find, [planned[2]], ["<b@isp.example>", "<nobody@isp.example>"])
    assert sorted(n.id for n in found) == [planned[1], planned[2]]
    assert await write(notices.find, [], []) == []


async def test_a_bounce_marks_the_notice_with_what_was_said(database, planned, write):
    await write(notices.sent, planned[0], T0, "250")
    await write(notices.mark, [planned[0]], NoticeState.BOUNCED, "550 5.1.1 \ud800")
    bounced = await row(database, planned[0])
    assert (bounced.state, bounced.answer) == ("bounced", "550 5.1.1 ?")
    await write(notices.mark, [], NoticeState.BOUNCED)


async def test_a_list_holds_the_newest_oldest_first(planned, write):
    assert [n.id for n in await write(notices.listed, None, 3)] == planned[-3:]

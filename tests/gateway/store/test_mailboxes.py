"""A mailbox starts by observing, is polled by one node at a time, and remembers how far it was read."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gateway.model import Mode
from gateway.store import mailboxes

from .conftest import T0

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def write(database):
    async def run(call, *arguments, **named):
        async with database.writing() as connection:
            return await call(connection, *arguments, **named)

    await run(mailboxes.register, ["abuse", "postmaster"])
    return run


async def test_a_new_mailbox_only_observes_and_was_never_read(write):
    state = (await write(mailboxes.all_of))["abuse"]
    assert (state.mode, state.live_since, state.read_to, state.failures) == (Mode.OBSERVE, None, None, 0)


async def test_registering_again_keeps_what_is_known(write):
    await write(mailboxes.go_live, "abuse", T0, who="ann", now=T0)
    await write(mailboxes.register, ["abuse", "third"])
    found = await write(mailboxes.all_of)
    assert sorted(found) == ["abuse", "postmaster", "third"]
    assert (found["abuse"].mode, found["abuse"].live_since) == (Mode.LIVE, T0)


async def test_one_node_holds_a_mailbox_until_its_lease_ends_or_it_gives_it_back(write):
    until = T0 + 10 * MINUTE
    assert await write(mailboxes.lease, "abuse", "one", T0, until)
    assert await write(mailboxes.lease, "abuse", "one", T0, until)
    assert not await write(mailboxes.lease, "abuse", "two", T0, until)
    assert await write(mailboxes.lease, "postmaster", "two", T0, until)
    assert await write(mailboxes.lease, "abuse", "two", until + MINUTE, until + 11 * MINUTE)
    await write(mailboxes.read_to, "abuse", until)
    assert await write(mailboxes.lease, "abuse", "one", until + MINUTE, until + 11 * MINUTE)


async def test_of_two_nodes_at_once_one_gets_the_mailbox(write):
    until = T0 + 10 * MINUTE
    got = await asyncio.gather(*(write(mailboxes.lease, "abuse", f"node-{n}", T0, until) for n in range(6)))
    assert sum(got) == 1


async def test_failures_are_counted_until_it_works_again_and_the_lease_is_given_back(write):
    await write(mailboxes.lease, "abuse", "one", T0, T0 + 10 * MINUTE)
    assert await write(mailboxes.failed, "abuse", "the password is wrong") == 1
    assert await write(mailboxes.failed, "abuse", "the password is wrong") == 2
    assert (await write(mailboxes.all_of))["abuse"].error == "the password is wrong"
    assert await write(mailboxes.lease, "abuse", "two", T0, T0 + 10 * MINUTE)
    await write(mailboxes.read_to, "abuse", T0)
    state = (await write(mailboxes.all_of))["abuse"]
    assert (state.failures, state.error, state.read_to) == (0, None, T0)


async def test_each_change_of_mode_is_in_the_audit_trail(write, said):
    await write(mailboxes.go_live, "abuse", T0, who="ann", now=T0)
    await write(mailboxes.observe, "abuse", who="ben", now=T0)
    assert (await write(mailboxes.all_of))["abuse"].mode == Mode.OBSERVE
    assert await said() == [("ann", "mailbox abuse goes live"), ("ben", "mailbox abuse only observes")]

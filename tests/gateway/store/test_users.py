"""Accounts, sessions and counts of attempts on both databases: names are taken once, keys hold for their time, and
two nodes that count at once lose nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.roles import Role
from gateway.store import access, rail, sessions, users
from gateway.store.database import Database
from gateway.store.events import Event
from gateway.store.find import find
from gateway.store.users import TakenError, User

from .conftest import T0

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


async def made(database: Database, name: str = "ann", role: Role = Role.ANALYST) -> User:
    async with database.writing() as connection:
        number = await users.add(connection, {"name": name, "email": "", "role": role}, "test", T0)
        found = await users.numbered(connection, number)
    assert found is not None
    return found


async def begun(database: Database, user: User, key: str = "k", until: datetime = T0 + 8 * HOUR) -> int:
    row = {"key": key, "how": "password", "until": until, "address": "192.0.2.1", "browser": "b"}
    async with database.writing() as connection:
        return await sessions.begin(connection, user, row, T0)


async def test_a_name_is_taken_once_and_the_transaction_goes_on(database, said):
    await made(database)
    async with database.writing() as connection:
        with pytest.raises(TakenError):
            await users.add(connection, {"name": "ann", "email": "", "role": Role.ADMIN}, "test", T0)
        await users.add(connection, {"name": "ben", "email": "", "role": Role.ADMIN}, "test", T0)
        assert await users.enabled_admins(connection) == 1
        assert [user.name for user in await users.listed(connection)] == ["ann", "ben"]
    assert [what for _, what in await said()] == ["account added", "account added"]


@pytest.mark.parametrize(
    ("at", "holds"), [(T0, True), (T0 + 59 * MINUTE, True), (T0 + HOUR, False), (T0 + 8 * HOUR, False)]
)
async def test_a_session_holds_while_it_is_used(database, at, holds):
    user = await made(database)
    await begun(database, user)
    async with database.reading() as connection:
        found = await sessions.found(connection, "k", HOUR, at)
        assert (found is not None) is holds
        assert await sessions.found(connection, "other", HOUR, at) is None


async def test_what_is_disabled_or_ended_lets_nobody_in(database):
    user = await made(database)
    number = await begun(database, user)
    event = Event(T0, "test", "session ended")
    async with database.writing() as connection:
        assert not await sessions.end(connection, number, user.id + 1, event)
        await users.change(connection, user, {"disabled": True}, replace(event, what="account changed"))
        assert not await sessions.end(connection, number, None, event), "it ended with the account"
        assert await sessions.found(connection, "k", HOUR, T0) is None
        [(session, name)] = await sessions.listed(connection, None)
    assert (session.ended_at, name) == (T0, "ann")


async def test_a_link_and_a_code_are_used_up_by_the_first(database):
    user = await made(database)
    event = Event(T0, "test", "sign-in link made")
    async with database.writing() as connection:
        await users.add_link(connection, user, "l", T0 + HOUR, event)
        await users.put_codes(connection, user.id, ["c1", "c2"])
    for expected in (True, False):
        async with database.writing() as connection:
            assert (await users.use_link(connection, "l", T0) is not None) is expected
            assert await users.use_code(connection, user, "c1", T0) is expected
            assert await users.take_step(connection, user.id, 7) is expected
            assert await users.codes_left(connection, user.id) == 1


async def test_attempts_of_two_nodes_are_counted_together_and_begin_anew(database):
    async def one() -> None:
        async with database.writing() as connection:
            await sessions.tried(connection, ["a", "b"], HOUR, T0)

    await asyncio.gather(*(one() for _ in range(5)))
    async with database.writing() as connection:
        assert await sessions.tried(connection, ["a", "c"], HOUR, T0 + 59 * MINUTE) == {"a": 6, "c": 1}
        assert await sessions.tried(connection, ["a"], HOUR, T0 + HOUR) == {"a": 1}
        await sessions.forget(connection, ["a"])
        assert await sessions.tried(connection, ["a"], HOUR, T0 + HOUR) == {"a": 1}


async def test_a_key_of_a_program_holds_until_its_end(database):
    user = await made(database)
    event = Event(T0, "test", "key made")
    async with database.writing() as connection:
        row = {"name": "x", "key": "k", "role": Role.VIEWER, "until": T0 + HOUR}
        number = await users.add_token(connection, user, row, event)
        token, whose = await users.token_with(connection, "k", T0)
        assert (token.role, whose.name) == (Role.VIEWER, "ann")
        assert await users.token_with(connection, "k", T0 + HOUR) is None
        assert await users.end_token(connection, user.id, number, event)
        assert await users.token_with(connection, "k", T0) is None


async def test_looks_counts_and_what_is_found(database, with_case):
    await with_case("192.0.2.7")
    async with database.writing() as connection:
        for path in ("/case/1", "/case/2"):
            await access.add(connection, "ann", path, "192.0.2.1", T0)
        assert [look.path for look in await access.listed(connection, who="ann")] == ["/case/2", "/case/1"]
        told = await rail.counts(connection)
        assert told["/queue"] == 0
        assert told["change"] > 0
        for word, kinds in {
            "192.0.2.7": ["case"],
            "alder": ["customer"],
            "ops@alder.example": ["customer"],
            "%": [],
        }.items():
            assert [one.kind for one in await find(connection, word)] == kinds, word

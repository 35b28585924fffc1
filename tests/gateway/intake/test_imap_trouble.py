"""Intake while the network is cut, the server is silent or says goodbye: at once an error, never a wait for ever."""

from __future__ import annotations

import asyncio

import pytest

from gateway.intake.imap import (
    ConnectionLost,
    MailboxConnection,
    Unreachable,
)
from servers.mailbox import dovecot_box, mail

TEN_MIB = 10 * 1024 * 1024


async def test_a_cut_in_the_middle_of_a_mail_is_an_error_at_once(box, cut_proxy):
    box.deliver(*(mail(n, b"x" * 900 + b"\r\n") for n in range(50)))
    proxy = cut_proxy(box.access.port)
    opened = await MailboxConnection.open(box.through(proxy.port, timeout=60))
    uids = await opened.uids()
    proxy.cut_after(20_000)
    async with asyncio.timeout(30):  # well before the connection's own time limit
        with pytest.raises(ConnectionLost, match="opened again"):
            await opened.fetch(uids, TEN_MIB)
    assert not opened.alive
    with pytest.raises(ConnectionLost):
        await opened.uids()
    async with await MailboxConnection.open(box.through(proxy.port)) as again:
        assert len(await again.fetch(await again.uids(), TEN_MIB)) == 50


async def test_a_server_that_falls_silent_is_given_up(box, cut_proxy):
    proxy = cut_proxy(box.access.port)
    opened = await MailboxConnection.open(box.through(proxy.port, timeout=1))
    proxy.stall()
    with pytest.raises(ConnectionLost, match="no answer"):
        await opened.uids()
    assert not opened.alive


async def test_a_server_silent_from_the_start_is_unreachable(box, cut_proxy):
    proxy = cut_proxy(box.access.port)
    proxy.stall()
    with pytest.raises(Unreachable, match="no answer in 1 s"):
        await MailboxConnection.open(box.through(proxy.port, timeout=1))


async def test_a_server_that_hangs_up_before_its_greeting_is_unreachable(box, cut_proxy):
    proxy = cut_proxy(box.access.port)
    proxy.refuse()
    with pytest.raises(Unreachable):
        await MailboxConnection.open(box.through(proxy.port, timeout=30))


async def test_idle_wakes_when_mail_comes(box):
    async with await MailboxConnection.open(box.access) as opened:
        assert await opened.uids() == []
        waiting = asyncio.create_task(opened.idle(60))
        await in_idle(opened)
        box.deliver(mail(1))
        assert await waiting is True
        assert len(await opened.uids()) == 1
        assert await opened.idle(0.05) is False


async def test_a_connection_that_only_watches_is_woken_once_for_each_news(box):
    box.deliver(mail(1))
    async with await MailboxConnection.open(box.access) as watching:
        assert await watching.idle(60) is True  # what came before we looked is news too
        assert await watching.idle(0.05) is False
        waiting = asyncio.create_task(watching.idle(60))
        await in_idle(watching)
        box.deliver(mail(2))
        assert await waiting is True
        assert await watching.idle(0.05) is False


async def in_idle(opened: MailboxConnection) -> None:
    async with asyncio.timeout(10):
        await opened._protocol.wait_for_idle_response()


@pytest.mark.needs("dovecot")
async def test_mail_that_was_announced_during_another_command_is_not_slept_over(dovecot):
    box = dovecot_box(dovecot)
    async with await MailboxConnection.open(box.access) as opened:
        await opened.uids()
        box.deliver(mail(1))
        await opened._guard.run(opened._protocol.simple_command("CHECK"))  # its answer carries the EXISTS
        assert await opened.idle(60) is True


async def test_idle_on_a_lost_connection_says_look_and_never_raises(box, cut_proxy):
    proxy = cut_proxy(box.access.port)
    opened = await MailboxConnection.open(box.through(proxy.port, timeout=60))
    await opened.uids()
    waiting = asyncio.create_task(opened.idle(60))
    await in_idle(opened)
    proxy.cut()
    assert await waiting is True
    assert await opened.idle(60) is True
    with pytest.raises(ConnectionLost):
        await opened.uids()


async def test_idle_ends_when_the_server_hangs_up_before_its_plus(box, cut_proxy):
    proxy = cut_proxy(box.access.port)
    opened = await MailboxConnection.open(box.through(proxy.port, timeout=60))
    await opened.uids()
    proxy.cut_after(1)
    assert await opened.idle(60) is True
    assert not opened.alive


async def test_idle_ends_when_the_server_falls_silent(box, cut_proxy):
    proxy = cut_proxy(box.access.port)
    opened = await MailboxConnection.open(box.through(proxy.port, timeout=0.5))
    await opened.uids()
    proxy.stall()
    assert await opened.idle(60) is True
    assert not opened.alive


@pytest.mark.needs("dovecot")
async def test_a_bye_during_idle_says_look(dovecot):
    box = dovecot_box(dovecot)
    opened = await MailboxConnection.open(box.access)
    await opened.uids()
    waiting = asyncio.create_task(opened.idle(60))
    await in_idle(opened)
    await asyncio.to_thread(dovecot.kick, box.user)
    assert await waiting is True
    with pytest.raises(ConnectionLost):
        await opened.uids()


@pytest.mark.needs("dovecot")
async def test_1500_mails_removed_by_somebody_else_at_once_do_not_hang(dovecot):
    box = dovecot_box(dovecot)
    box.deliver(*(mail(n) for n in range(1500)))
    opened = await MailboxConnection.open(box.access)
    uids = await opened.uids()
    async with await MailboxConnection.open(box.access) as other:
        await other.delete(uids)
    try:
        assert await opened.uids() == []
    except ConnectionLost:  # aioimaplib may choke on 1,500 lines: then at once, and the next connection is good
        async with await MailboxConnection.open(box.access) as again:
            assert await again.uids() == []
    await opened.close()


async def test_two_tasks_may_share_a_connection(box):
    box.deliver(*(mail(n) for n in range(20)))
    async with await MailboxConnection.open(box.access) as opened:
        uids = await opened.uids()
        fetched = await asyncio.gather(*(opened.fetch([uid], TEN_MIB) for uid in uids))
        assert [batch[0].raw for batch in fetched] == [mail(n) for n in range(20)]


async def test_a_cancelled_caller_kills_the_connection_and_no_other_error_comes(box):
    opened = await MailboxConnection.open(box.access)
    await opened.uids()
    waiting = asyncio.create_task(opened.idle(60))
    await in_idle(opened)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not opened.alive
    await opened.close()


async def test_closing_does_not_wait_for_an_idle(box):
    opened = await MailboxConnection.open(box.access)
    await opened.uids()
    waiting = asyncio.create_task(opened.idle(60))
    await in_idle(opened)
    await opened.close()
    assert await waiting is True


async def test_a_server_that_loses_its_idle_is_only_waited_for(box):
    async with await MailboxConnection.open(box.access) as opened:
        opened._protocol.capabilities.discard("IDLE")
        assert await opened.idle(0.01) is False
        assert opened.alive

"""Intake against real servers: what is listed, fetched and moved, and what is said when a setting is wrong."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.intake.imap import (
    CertificateRefused,
    ConnectionLost,
    FolderMissing,
    LoginRefused,
    MailboxAccess,
    MailboxConnection,
    MailboxError,
    Unreachable,
    pause_after,
)
from servers.mailbox import dovecot_box, mail
from servers.ports import free_port

TEN_MIB = 10 * 1024 * 1024
DAY = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


async def test_mail_comes_byte_for_byte_with_its_time_and_stays_unread(box):
    raws = [mail(1), mail(2, b"caf\xe9 \x01 {7}\r\n* 3 FETCH (UID 9)\r\n"), mail(3, b"")]
    box.deliver(*raws, when=DAY)
    async with await MailboxConnection.open(box.access) as opened:
        uids = await opened.uids()
        got = await opened.fetch(uids, TEN_MIB)
    assert opened.uidvalidity > 0
    assert uids == sorted(uids)
    assert len(uids) == 3
    assert [m.uid for m in got] == uids
    assert [m.raw for m in got] == raws
    assert [m.size for m in got] == [len(raw) for raw in raws]
    assert {m.internal_date for m in got} == {DAY}
    assert not opened.alive


async def test_an_empty_folder_is_an_empty_list(box):
    async with await MailboxConnection.open(box.access) as opened:
        assert await opened.uids() == []
        assert await opened.fetch([], TEN_MIB) == []
        await opened.move([], "Processed")


async def test_only_uids_above_a_position_are_listed(box):
    box.deliver(mail(1), mail(2), mail(3))
    async with await MailboxConnection.open(box.access) as opened:
        uids = await opened.uids()
        assert await opened.uids(after=uids[0]) == uids[1:]
        assert await opened.uids(after=uids[-1]) == []


async def test_1500_mails_are_listed_fetched_and_moved_in_batches(box):
    box.deliver(*(mail(n) for n in range(1500)))
    async with await MailboxConnection.open(box.access) as opened:
        uids = await opened.uids()
        sizes = []
        raws = []
        async for batch in opened.fetch_batches(uids, TEN_MIB):
            sizes.append(len(batch))
            raws += [m.raw for m in batch]
        await opened.move(uids, "Processed")
        assert await opened.uids() == []
    assert sizes == [100] * 15
    assert raws == [mail(n) for n in range(1500)]
    assert box.count("Processed") == 1500


async def test_an_oversized_mail_gives_its_head_and_spoils_nothing(box):
    large = mail(2, b"x" * 78 + b"\r\n") + (b"y" * 78 + b"\r\n") * 3000
    box.deliver(mail(1), large, mail(3))
    async with await MailboxConnection.open(box.access) as opened:
        one, two, three = await opened.fetch(await opened.uids(), 100_000)
    assert one.raw == mail(1)
    assert three.raw == mail(3)
    assert two.raw is None
    assert two.head == large[:65536]
    assert two.size == len(large)


async def test_large_mails_come_in_small_batches(box):
    raws = [mail(n) + (b"z" * 998 + b"\r\n") * 6000 for n in range(4)]
    box.deliver(*raws)
    async with await MailboxConnection.open(box.access) as opened:
        batches = [batch async for batch in opened.fetch_batches(await opened.uids(), TEN_MIB)]
    assert [len(batch) for batch in batches] == [2, 2]
    assert [m.raw for batch in batches for m in batch] == raws


async def test_uids_that_are_gone_are_absent_and_no_error(box):
    box.deliver(mail(1), mail(2))
    async with await MailboxConnection.open(box.access) as opened:
        first, second = await opened.uids()
        assert [m.uid for m in await opened.fetch([first, second, second + 700], TEN_MIB)] == [first, second]
        await opened.move([first, second + 700], "Processed")
        await opened.move([first], "Processed")
        await opened.delete([first])
        assert await opened.uids() == [second]
    assert box.messages("Processed") == [mail(1)]
    assert box.messages() == [mail(2)]


async def test_move_makes_the_folder_that_is_missing(box):
    box.deliver(mail(1))
    async with await MailboxConnection.open(box.access) as opened:
        await opened.move(await opened.uids(), "Done with & quotes")
        assert await opened.uids() == []
        again = await MailboxConnection.open(replace(box.access, folder="Done with & quotes"))
        assert len(await again.uids()) == 1
        await again.close()


@pytest.mark.needs("dovecot")
async def test_folders_are_named_in_any_language(dovecot):
    box = dovecot_box(dovecot)
    box.deliver(mail(1))
    async with await MailboxConnection.open(box.access) as opened:
        await opened.move(await opened.uids(), "处理完毕/Größe 😀")
    async with await MailboxConnection.open(replace(box.access, folder="处理完毕/Größe 😀")) as opened:
        assert len(await opened.uids()) == 1


async def test_deleted_mail_is_gone(box):
    box.deliver(mail(1), mail(2))
    async with await MailboxConnection.open(box.access) as opened:
        uids = await opened.uids()
        await opened.delete(uids[:1])
        assert await opened.uids() == uids[1:]
    assert box.messages() == [mail(2)]


@pytest.mark.needs("dovecot")
@pytest.mark.parametrize("uidplus", [True, False])
async def test_a_server_without_move_gets_copy_and_delete(dovecot, uidplus):
    box = dovecot_box(dovecot)
    box.deliver(mail(1), mail(2))
    async with await MailboxConnection.open(box.access) as opened:
        opened._protocol.capabilities -= {"MOVE"} if uidplus else {"MOVE", "UIDPLUS"}
        uids = await opened.uids()
        await opened.move(uids[:1], "New place")
        assert await opened.uids() == uids[1:]  # flagged ones are hidden where they cannot be expunged
    assert box.count("New place") == 1
    assert box.count() == (1 if uidplus else 2)


async def test_a_folder_that_is_not_there_is_named_with_its_setting(box):
    with pytest.raises(FolderMissing, match=r'mailbox "abuse" .*"Nowhere"') as caught:
        await MailboxConnection.open(replace(box.access, folder="Nowhere"))
    assert caught.value.setting == "folder"


async def test_a_wrong_password_is_said_and_not_shown(box):
    with pytest.raises(LoginRefused, match=r"abuse.*password") as caught:
        await MailboxConnection.open(replace(box.access, password="wr0ng-one"))
    assert caught.value.setting == "password"
    assert "wr0ng-one" not in str(caught.value)
    assert "secret" not in repr(box.access)


async def test_a_password_with_a_line_break_is_no_second_command(box):
    with pytest.raises(LoginRefused, match="line break"):
        await MailboxConnection.open(replace(box.access, password="secret\r\nA1 DELETE INBOX"))


@pytest.mark.needs("dovecot")
async def test_a_password_outside_ascii_is_refused_like_any_other(dovecot):
    with pytest.raises(LoginRefused, match="password"):
        await MailboxConnection.open(replace(dovecot_box(dovecot).access, password="geheim-ß-密码"))


async def test_nobody_listening_names_host_and_port():
    port = free_port()
    access = MailboxAccess("abuse", "127.0.0.1", port, "u", "p", "plain")
    with pytest.raises(Unreachable, match=f"127.0.0.1:{port}.*nobody listens there.*check host and port"):
        await MailboxConnection.open(access)


async def test_a_name_without_address_is_said():
    with pytest.raises(Unreachable, match="no address") as caught:
        await MailboxConnection.open(MailboxAccess("abuse", "imap.invalid", 993, "u", "p", timeout=20))
    assert caught.value.setting == "host"


@pytest.mark.needs("dovecot")
@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_mail_comes_over_tls(dovecot, security):
    box = dovecot_box(dovecot, security)
    box.deliver(mail(1))
    async with await MailboxConnection.open(box.access) as opened:
        assert opened._protocol.transport.get_extra_info("ssl_object") is not None
        assert [m.raw for m in await opened.fetch(await opened.uids(), TEN_MIB)] == [mail(1)]


@pytest.mark.needs("dovecot")
@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_an_expired_certificate_is_refused_and_says_so(expired_dovecot, security):
    access = dovecot_box(expired_dovecot, security).access
    with pytest.raises(CertificateRefused, match=r"expired.*ca_file"):
        await MailboxConnection.open(access)
    async with await MailboxConnection.open(replace(access, verify=False)) as opened:
        assert await opened.uids() == []


@pytest.mark.needs("dovecot")
async def test_a_certificate_of_an_unknown_authority_is_refused(dovecot):
    with pytest.raises(CertificateRefused, match=r"127\.0\.0\.1"):
        await MailboxConnection.open(replace(dovecot_box(dovecot, "tls").access, ca_file=None))


@pytest.mark.needs("dovecot")
async def test_an_authority_file_that_is_missing_is_named(dovecot, tmp_path):
    with pytest.raises(CertificateRefused, match=r"no-such\.pem"):
        await MailboxConnection.open(replace(dovecot_box(dovecot, "tls").access, ca_file=tmp_path / "no-such.pem"))


@pytest.mark.needs("dovecot")
async def test_tls_to_a_plain_port_hints_at_security(dovecot):
    access = replace(dovecot_box(dovecot).access, security="tls", timeout=5)
    with pytest.raises(Unreachable, match="security") as caught:
        await MailboxConnection.open(access)
    assert caught.value.setting == "security"


@pytest.mark.needs("pymap")
async def test_starttls_that_is_not_offered_sends_no_password(pymap_server, cut_proxy):
    proxy = cut_proxy(pymap_server.port)
    access = MailboxAccess("abuse", "127.0.0.1", proxy.port, "abuse", "open-sesame", "starttls", timeout=10)
    with pytest.raises(Unreachable, match="offers no STARTTLS"):
        await MailboxConnection.open(access)
    assert b"CAPABILITY" in proxy.from_clients
    assert b"open-sesame" not in proxy.from_clients


@pytest.mark.needs("dovecot")
async def test_a_restored_mailbox_shows_another_uidvalidity(dovecot):
    box = dovecot_box(dovecot)
    box.deliver(mail(1))
    async with await MailboxConnection.open(box.access) as opened:
        first = opened.uidvalidity
        assert opened.uidnext == 2
    async with await MailboxConnection.open(box.access) as opened:
        assert opened.uidvalidity == first
    await asyncio.to_thread(dovecot.restore, box.user)
    async with await MailboxConnection.open(box.access) as opened:
        assert opened.uidvalidity != first


def test_pauses_grow_are_jittered_and_bounded():
    assert pause_after(0, "abuse") == 0
    pauses = [pause_after(n, "abuse") for n in range(1, 40)]
    assert pauses == [pause_after(n, "abuse") for n in range(1, 40)]
    for number, pause in enumerate(pauses):
        whole = min(300, 2**number)
        assert whole / 2 <= pause <= whole
    assert pause_after(5, "abuse") != pause_after(5, "postmaster")
    assert pause_after(10**9, 1) <= 300


def test_every_error_is_a_mailbox_error():
    for kind in (Unreachable, LoginRefused, CertificateRefused, FolderMissing, ConnectionLost):
        assert issubclass(kind, MailboxError)

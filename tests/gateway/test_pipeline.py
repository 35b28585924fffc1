"""The way of a report through a real house, on both databases: real mailboxes, real SMTP, a real registry over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from whole.deadly import parse_all_and_die
from whole.scene import ALDER, BIRCH, FOREIGN, HOUR, NOW, Scene, about, answer, bounce, mail, opened_scene
from whole.world import World

from gateway import pipeline, staff
from gateway.app import opened
from gateway.house import House
from gateway.intake.poll import poll
from gateway.settings import load
from gateway.store import messages, reports
from gateway.store.messages import Arrived, Stored
from gateway.tokens import notice_address
from gateway.workers import ParserWorkers
from parsers.report import Parsed
from servers.receiver import SmtpReceiver
from servers.waiting import ParserHere


@pytest.fixture
async def scene(tmp_path: Path, database_url: str, smtp_receiver: SmtpReceiver) -> AsyncIterator[Scene]:
    """Without mailboxes."""
    async with opened_scene(World(tmp_path, database_url), smtp_receiver) as made:
        yield made


# --- mailboxes ---------------------------------------------------------------------------------------------------


@pytest.fixture
async def boxes(tmp_path, database_url, smtp_receiver, pymap_server) -> AsyncIterator[Scene]:
    """Two mailboxes on pymap, still observed; `pymap_server` holds them."""
    world = World(tmp_path, database_url)
    for name in ("abuse", "postmaster"):
        await asyncio.to_thread(pymap_server.add_user, f"{name}@isp.example")
        world.mailbox(name, pymap_server.port, f"{name}@isp.example")
    async with opened_scene(world, smtp_receiver) as made:
        yield made


@pytest.mark.needs("pymap")
async def test_observing_stores_and_shows_but_neither_files_nor_moves_nor_sends(boxes: Scene, pymap_server):
    pymap_server.deliver_all("abuse@isp.example", [about(ALDER), about(ALDER), about(FOREIGN)], NOW)
    await boxes.poll()
    assert boxes.relay.received == []
    assert await boxes.ask("SELECT count(*) FROM cases") == [(0,)]
    assert await boxes.ask("SELECT count(*) FROM attributions WHERE queue IS NOT NULL") == [(0,)]
    assert await boxes.ask("SELECT state, count(*) FROM messages GROUP BY state") == [("observed", 3)]
    assert pymap_server.count("abuse@isp.example") == 3
    async with boxes.house.database.reading() as connection:
        would = [notice for row in await reports.overview(connection) for notice in row["would_send"] or ()]
    assert would == [{"kind": "complaint", "to": "abuse@alder.example"}]


@pytest.mark.needs("pymap")
async def test_going_live_since_a_time_files_what_was_observed_since_then(boxes: Scene, pymap_server):
    pymap_server.deliver_all("abuse@isp.example", [about(BIRCH)], NOW - 2 * HOUR)
    pymap_server.deliver_all("abuse@isp.example", [about(ALDER)], NOW)
    await boxes.poll()
    await boxes.go_live("abuse", since=NOW - HOUR)
    await boxes.poll()
    await boxes.poll()
    assert boxes.sent() == [("complaint", "abuse@alder.example")]
    assert await boxes.ask("SELECT state, count(*) FROM messages GROUP BY state ORDER BY state") == [
        ("filed", 1),
        ("observed", 1),
    ]
    # what is only observed stays where it is
    assert pymap_server.count("abuse@isp.example") == 1
    assert pymap_server.count("abuse@isp.example", "Processed") == 1


@pytest.mark.needs("pymap")
@pytest.mark.parametrize("same_bytes", [True, False])
async def test_the_same_mail_in_two_mailboxes_is_one_report(boxes: Scene, pymap_server, same_bytes):
    mail = about(ALDER)
    other = mail if same_bytes else b"Delivered-To: postmaster@isp.example\r\n" + mail
    pymap_server.deliver("abuse@isp.example", mail, NOW)
    pymap_server.deliver("postmaster@isp.example", other, NOW)
    await boxes.go_live("abuse", "postmaster")
    await boxes.poll()
    await boxes.poll()
    assert boxes.sent() == [("complaint", "abuse@alder.example")]
    assert await boxes.ask("SELECT count(*) FROM reports WHERE verdict = 'accepted'") == [(1,)]
    assert await boxes.ask("SELECT count(*) FROM deliveries WHERE disposed_at IS NOT NULL") == [(2,)]
    for user in ("abuse@isp.example", "postmaster@isp.example"):
        assert [pymap_server.count(user, folder) for folder in ("INBOX", "Processed")] == [0, 1]


@pytest.mark.needs("pymap")
async def test_a_mail_that_came_to_an_observed_mailbox_first_is_filed_by_the_live_one(boxes: Scene, pymap_server):
    mail = about(ALDER)
    pymap_server.deliver("abuse@isp.example", mail, NOW)
    pymap_server.deliver("postmaster@isp.example", mail, NOW)
    await boxes.go_live("postmaster")
    await boxes.poll("abuse")
    assert boxes.relay.received == []
    await boxes.poll("postmaster")
    assert boxes.sent() == [("complaint", "abuse@alder.example")]


@pytest.mark.needs("dovecot")
async def test_a_mailbox_that_comes_back_from_a_backup_brings_nothing_twice(
    tmp_path, database_url, smtp_receiver, dovecot
):
    world, user = World(tmp_path, database_url), dovecot.new_user()
    world.mailbox("abuse", dovecot.port, user, after="keep")
    dovecot.deliver_all(user, [about(ALDER), about(BIRCH)], NOW)
    async with opened_scene(world, smtp_receiver) as scene:
        await scene.go_live("abuse")
        await scene.poll()
        dovecot.restore(user)
        await scene.poll()
        assert await scene.ask("SELECT count(DISTINCT uidvalidity), count(*) FROM deliveries") == [(2, 4)]
        assert await scene.ask("SELECT count(*) FROM messages") == [(2,)]
        assert await scene.ask("SELECT count(*) FROM reports") == [(2,)]
        assert len(scene.relay.received) == 2


# --- clocks ------------------------------------------------------------------------------------------------------


async def test_a_clock_reminds_at_half_time_and_proposes_a_block_at_its_end_each_once(scene: Scene):
    await scene.take_in(about(ALDER), about(ALDER))
    for hours in (11, 12, 12.5, 23, 24, 25, 30):
        scene.after(hours)
        await pipeline.drain(scene.house)
    assert scene.sent() == [
        ("complaint", "abuse@alder.example"),
        ("reminder", "abuse@alder.example"),
        ("overdue", "abuse@alder.example"),
    ]
    assert await scene.ask("SELECT kind, state, target FROM actions") == [("block-address", "proposed", ALDER)]
    assert await scene.clock() == ("overdue", 2, 0)


async def test_while_paused_nothing_is_sent_or_done_and_afterwards_no_warning_is_made_up_for_at_once(scene: Scene):
    await scene.take_in(about(ALDER))
    await scene.pause(paused=True)
    await scene.take_in(about(BIRCH))
    scene.after(30)
    await pipeline.drain(scene.house)
    assert scene.sent() == [("complaint", "abuse@alder.example")]
    await scene.pause(paused=False)
    await pipeline.drain(scene.house)
    assert sorted(scene.sent()[1:]) == [("complaint", "abuse@birch.example"), ("reminder", "abuse@alder.example")]
    assert await scene.ask("SELECT count(*) FROM actions") == [(0,)]
    scene.after(41.9)
    await pipeline.drain(scene.house)
    assert len(scene.relay.received) == 3
    scene.after(42.1)  # twelve hours after the reminder, as ever
    await pipeline.drain(scene.house)
    assert ("overdue", "abuse@alder.example") in scene.sent()


@pytest.mark.needs("pymap")
async def test_no_step_is_taken_before_the_mailboxes_were_read_past_it(boxes: Scene, pymap_server):
    pymap_server.deliver("abuse@isp.example", about(ALDER), NOW)
    await boxes.go_live("abuse", "postmaster")
    await boxes.poll()
    boxes.after(13)
    await pipeline.drain(boxes.house)
    await boxes.poll("abuse")
    assert boxes.sent() == [("complaint", "abuse@alder.example")]
    await boxes.poll("postmaster")
    assert boxes.sent()[1:] == [("reminder", "abuse@alder.example")]


async def test_an_answer_of_the_customer_stops_the_clock_and_staff_are_told_when_nobody_judges_it(scene: Scene):
    await scene.take_in(about(ALDER))
    scene.after(2)
    await scene.take_in(answer(scene.relay.received[0].raw))
    assert (await scene.clock())[0] == "answered"
    scene.after(30)
    await pipeline.drain(scene.house)
    assert len(scene.relay.received) == 2  # the answer is confirmed, and nothing is due
    assert await scene.ask("SELECT why FROM events WHERE what = 'alarm'") == [
        ("an answer waits for somebody to judge it",)
    ]


async def test_a_machine_that_answers_stops_nothing(scene: Scene):
    await scene.take_in(about(ALDER))
    await scene.take_in(answer(scene.relay.received[0].raw, "Auto-Submitted: auto-replied\r\n"))
    assert (await scene.clock())[0] == "running"


async def test_an_answer_to_a_token_that_we_did_not_make_stops_nothing_and_goes_to_a_person(scene: Scene):
    await scene.take_in(about(ALDER))
    forged = notice_address("abuse@isp.example", 1, b"another key")
    await scene.take_in(mail(f"From: boss@alder.example\r\nTo: {forged}\r\nSubject: Re: done\r\n", "it is done"))
    assert (await scene.clock())[0] == "running"
    assert await scene.ask("SELECT verdict FROM messages WHERE kind = 'reply'") == [("review",)]


async def test_a_bounce_voids_the_time_and_tells_the_next_contact_with_a_full_clock_until_nobody_is_left(scene: Scene):
    await scene.take_in(about(ALDER))
    scene.after(10)
    await scene.take_in(bounce(scene.relay.received[0].raw))
    assert scene.sent() == [("complaint", "abuse@alder.example"), ("complaint", "second@alder.example")]
    assert await scene.clock() == ("running", 0, 1)
    assert await scene.ask("SELECT why FROM events WHERE what = 'alarm'") == [
        ("abuse@alder.example: 5.1.1; the next contact is told",)
    ]
    scene.after(21)  # eleven hours after the second: no reminder yet
    await pipeline.drain(scene.house)
    assert len(scene.relay.received) == 2
    await scene.take_in(bounce(scene.relay.received[1].raw))
    assert (await scene.clock())[0] == "unreachable"
    scene.after(90)
    await pipeline.drain(scene.house)
    assert len(scene.relay.received) == 2
    assert await scene.ask("SELECT count(*) FROM actions") == [(0,)]


async def test_a_reminder_that_bounces_is_an_alarm_since_the_time_goes_on(scene: Scene):
    await scene.take_in(about(ALDER))
    scene.after(12)
    await pipeline.drain(scene.house)
    await scene.take_in(bounce(scene.relay.received[1].raw))
    assert await scene.clock() == ("running", 1, 0)
    assert await scene.ask("SELECT why, case_id FROM events WHERE what = 'alarm'") == [
        ("our reminder to abuse@alder.example did not arrive: bounced, status 5.1.1", 1)
    ]


async def test_a_customer_whom_staff_told_by_other_means_has_the_full_time_from_then(scene: Scene):
    scene.relay.refuse("*")
    await scene.take_in(about(ALDER))
    assert (await scene.clock())[0] == "unreachable"
    scene.relay.accept()
    scene.after(5)
    await staff.told(scene.house, "1", who="test", why="by phone")
    scene.after(28.9)
    await pipeline.drain(scene.house)
    assert (await scene.clock())[0] == "running"
    scene.after(40.9)  # the reminder came late, and keeps its distance to the end
    await pipeline.drain(scene.house)
    scene.after(41)
    await pipeline.drain(scene.house)
    assert [kind for kind, _ in scene.sent()] == ["reminder", "overdue"]
    assert (await scene.clock())[0] == "overdue"


async def test_a_refused_contact_is_followed_by_the_next_at_once(scene: Scene):
    scene.relay.refuse("abuse@alder.example")
    await scene.take_in(about(ALDER))
    assert scene.sent() == [("complaint", "second@alder.example")]
    assert await scene.clock() == ("running", 0, 1)


async def test_a_relay_that_is_away_costs_no_contact_and_no_time(scene: Scene):
    scene.relay.defer("*", "451 4.3.0 Try again later")
    await scene.take_in(about(ALDER))
    assert (await scene.clock())[0] == "waiting"
    scene.relay.accept()
    scene.after(1)
    await pipeline.drain(scene.house)
    assert scene.sent() == [("complaint", "abuse@alder.example")]
    (due_at,) = (await scene.ask("SELECT due_at FROM clocks"))[0]
    assert str(due_at).startswith("2026-11-21 13:00:00")


async def test_behind_a_relay_the_time_starts_after_the_grace_for_bounces(tmp_path, database_url, smtp_receiver):
    async with opened_scene(World(tmp_path, database_url), smtp_receiver, smtp={"bounce_grace_minutes": 15}) as scene:
        await scene.take_in(about(ALDER), about(BIRCH))
        assert await scene.ask("SELECT DISTINCT state FROM clocks") == [("waiting",)]
        scene.after(0.2)
        first = next(mail for mail in scene.relay.received if mail.rcpt_tos == ["abuse@birch.example"])
        await scene.take_in(bounce(first.raw))
        assert await scene.ask("SELECT state, value FROM clocks ORDER BY value") == [
            ("unreachable", BIRCH),
            ("waiting", ALDER),
        ]
        scene.after(0.3)
        await pipeline.drain(scene.house)
        (due_at,) = (await scene.ask(f"SELECT due_at FROM clocks WHERE value = '{ALDER}' AND state = 'running'"))[0]
        assert str(due_at).startswith("2026-11-21 12:15:00")


# --- trouble -----------------------------------------------------------------------------------------------------


@pytest.mark.needs("aiosmtpd")
async def test_a_mail_that_kills_its_worker_ends_with_a_person_and_the_others_are_worked(
    tmp_path, database_url, smtp_receiver
):
    world = World(tmp_path, database_url)
    async with opened_scene(world, smtp_receiver) as scene:
        scene.house.workers = real = _MortalWorkers(scene.house)  # type: ignore[assignment]
        try:
            await scene.take_in(about(ALDER), about(ALDER) + DEADLY, about(BIRCH))
        finally:
            real.close()
        assert sorted(scene.sent()) == [("complaint", "abuse@alder.example"), ("complaint", "abuse@birch.example")]
        assert await scene.ask("SELECT id, verdict, error FROM messages WHERE kind = 'unreadable'") == [
            (2, "review", "reading it used more memory than a message may, or ended the process that read it")
        ]


DEADLY = b"\r\nX-kill-the-reader\r\n"


class _MortalWorkers:
    """The real worker processes, whose parser dies of one mail."""

    def __init__(self, house: House) -> None:
        limits = house.settings.limits
        self._real = ParserWorkers(limits.for_parsing(), 20, limits.parse_memory_bytes, 1)
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr("gateway.workers._parse_all", parse_all_and_die)
        self.parse: Callable[..., Any] = self._real.parse

    def close(self) -> None:
        self._patch.undo()
        self._real.close()


async def test_a_mail_that_breaks_the_filing_is_tried_alone_and_given_up_and_the_others_are_worked(
    scene: Scene, monkeypatch
):
    examine = pipeline.examine

    def broken(house: House, network: Any, message: Stored, parsed: Parsed, *more: Any, live: bool) -> Any:
        if parsed.envelope.subject == "deadly":
            raise RuntimeError("a bug")
        return examine(house, network, message, parsed, *more, live=live)

    monkeypatch.setattr(pipeline, "examine", broken)
    poison = about(BIRCH).replace(b"Subject: Complaint about a message", b"Subject: deadly")
    await scene.take_in(about(ALDER), poison, about(BIRCH))
    assert sorted(scene.sent()) == [("complaint", "abuse@alder.example"), ("complaint", "abuse@birch.example")]
    assert await scene.ask("SELECT id, kind, verdict FROM messages WHERE error IS NOT NULL") == [
        (2, "unreadable", "review")
    ]


async def test_a_mail_that_cannot_even_be_given_up_keeps_nobody_waiting(scene: Scene, monkeypatch):
    examine = pipeline.examine

    def broken(house: House, network: Any, message: Stored, parsed: Parsed, *more: Any, live: bool) -> Any:
        if message.id == 1:
            raise RuntimeError("a bug")
        return examine(house, network, message, parsed, *more, live=live)

    monkeypatch.setattr(pipeline, "examine", broken)
    await scene.take_in(about(BIRCH), about(ALDER))  # ends: it does not go round for ever
    assert scene.sent() == [("complaint", "abuse@alder.example")]
    assert await scene.ask("SELECT id FROM messages WHERE state = 'stored'") == [(1,)]


async def test_a_hundred_messages_take_as_many_statements_as_one(scene: Scene):
    async def statements(*raws: bytes) -> int:
        said: list[str] = []
        engines = {scene.house.database._writer.sync_engine, scene.house.database._reader.sync_engine}
        listen = lambda *args: said.append(args[2])  # noqa: E731
        async with scene.house.database.writing() as connection:
            await messages.store(connection, [Arrived(raw, NOW) for raw in raws], None, NOW)
        for engine in engines:
            event.listen(engine, "before_cursor_execute", listen)
        try:
            assert await pipeline.work(scene.house) == len(raws)
        finally:
            for engine in engines:
                event.remove(engine, "before_cursor_execute", listen)
        return len(said)

    await statements(about(FOREIGN))  # the assignments are read once
    one = await statements(about("198.51.100.1"))
    hundred = await statements(*(about(f"198.51.100.{n}") for n in range(2, 102)))
    again = await statements(*(about(f"198.51.100.{n}") for n in range(2, 102)))
    assert one <= 30
    assert max(hundred, again) <= one + 2  # an update of what is there already


# --- two nodes ---------------------------------------------------------------------------------------------------


@pytest.mark.needs("postgresql")
@pytest.mark.needs("dovecot")
async def test_two_nodes_on_one_database_share_a_backlog_and_do_nothing_twice(
    tmp_path, postgres, smtp_receiver, dovecot
):
    world = World(tmp_path, postgres.create())
    users = {name: dovecot.new_user(name) for name in ("abuse", "postmaster")}
    for name, user in users.items():
        world.mailbox(name, dovecot.port, user)
    mails = [about(f"198.51.100.{n}") for n in range(1, 61)] + [about(f"198.51.100.{n}") for n in range(1, 61)]
    dovecot.deliver_all(users["abuse"], mails[0::2] + mails[:10], NOW)  # some came to both
    twins = [b"Delivered-To: postmaster@isp.example\r\n" + mail for mail in mails[0:20:2]]
    dovecot.deliver_all(users["postmaster"], twins + mails[1::2] + mails[10:20], NOW)
    async with opened_scene(world, smtp_receiver) as scene:
        await scene.go_live("abuse", "postmaster")
        async with _other_node(world, scene.time) as other:
            for _ in range(3):
                await asyncio.gather(
                    *(poll(house, box) for house in (scene.house, other) for box in house.settings.mailboxes),
                    pipeline.drain(scene.house),
                    pipeline.drain(other),
                )
            await asyncio.gather(pipeline.drain(scene.house), pipeline.drain(other))
            assert await scene.ask("SELECT state, count(*) FROM messages GROUP BY state") == [("filed", 130)]
            assert await scene.ask("SELECT verdict, count(*) FROM reports GROUP BY verdict ORDER BY verdict") == [
                ("accepted", 120),
                ("recorded", 10),
            ]
            assert await scene.ask("SELECT count(*) FROM cases") == [(1,)]
            assert await scene.ask("SELECT state, count(*) FROM clocks GROUP BY state") == [("running", 60)]
            assert len(smtp_receiver.received) == 60
            assert len({mail.raw for mail in smtp_receiver.received}) == 60
            assert sum(dovecot.count(user) for user in users.values()) == 0

            scene.after(12.5)  # the steps of time, too, are taken once
            for house in (scene.house, other):
                for box in house.settings.mailboxes:
                    await poll(house, box)
            await asyncio.gather(pipeline.drain(scene.house), pipeline.drain(other))
            assert len(smtp_receiver.received) == 120


@contextlib.asynccontextmanager
async def _other_node(world: World, time: list[datetime]) -> AsyncIterator[House]:
    config = world.folder / "other.toml"
    config.write_text(world.config.read_text().replace('node = "test"', 'node = "other"'))
    async with opened(load(config), clock=lambda: time[0]) as house:
        house.workers.close()
        house.workers = ParserHere()  # type: ignore[assignment]
        yield house


# --- third parties -----------------------------------------------------------------------------------------------


@pytest.fixture
async def registry(tmp_path, database_url, smtp_receiver) -> AsyncIterator[Scene]:
    """With a registry on loopback that knows the holder of `shop.example` and `store.example`."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
        path = head.split(" ")[1]
        asked.append(path)
        body = json.dumps(_registration(path.rpartition("/")[2])).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/rdap+json\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    services = json.dumps({"services": [[["example"], [f"http://127.0.0.1:{port}/"]]]})
    networks = json.dumps({"services": [[["203.0.113.0/24", "198.51.100.0/24"], [f"http://127.0.0.1:{port}/"]]]})
    (tmp_path / "dns.json").write_text(services)
    (tmp_path / "ipv4.json").write_text(networks)
    rdap = {"enabled": True, "allow_hosts": [f"127.0.0.1:{port}"], "bootstrap_dir": str(tmp_path)}
    async with opened_scene(World(tmp_path, database_url), smtp_receiver, rdap=rdap) as scene:
        scene.asked = asked  # type: ignore[attr-defined]
        yield scene
    server.close()
    await server.wait_closed()


def _registration(name: str) -> dict[str, Any]:
    card = ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", "Abuse"],
                      ["email", {}, "text", "abuse@registrar.example.net"]]]  # fmt: skip
    entity = {"objectClassName": "entity", "handle": "A", "roles": ["abuse"], "vcardArray": card}
    if name[0].isdigit():
        first, last = name.rpartition(".")[0] + ".0", name.rpartition(".")[0] + ".255"
        return {
            "objectClassName": "ip network", "handle": "N", "startAddress": first, "endAddress": last,
            "entities": [entity],
        }  # fmt: skip
    return {"objectClassName": "domain", "handle": "D", "ldhName": name, "entities": [entity]}


def advertising(*sites: str) -> bytes:
    return about(ALDER, extra="\n".join(f"Reported-Domain: {site}" for site in sites))


async def test_a_third_party_is_told_once_for_a_contact_case_and_day(registry: Scene):
    await registry.take_in(advertising("shop.example"), advertising("store.example"), advertising("shop.example"))
    told = [mail for mail in registry.relay.received if mail.rcpt_tos == ["abuse@registrar.example.net"]]
    assert len(told) == 1
    assert await registry.ask(
        "SELECT decision, count(*) FROM third_parties WHERE decision LIKE 'told%' GROUP BY decision ORDER BY decision"
    ) == [("told", 1)]
    assert await registry.ask("SELECT count(*) FROM third_parties WHERE decision = 'digest'") == [(2,)]
    registry.after(24)
    await registry.take_in(advertising("shop.example"))
    told = [mail for mail in registry.relay.received if mail.rcpt_tos == ["abuse@registrar.example.net"]]
    assert len(told) == 3
    (digest,) = [mail.raw for mail in told if b"digest" in mail.raw]  # what came beyond the one mail of yesterday
    assert b"store[.]example" in digest
    assert registry.asked.count("/domain/shop.example") <= 2  # type: ignore[attr-defined]  # answers are kept


async def test_the_source_that_is_our_own_customer_is_not_told_through_the_registry(registry: Scene):
    await registry.take_in(about(ALDER))
    assert registry.sent() == [("complaint", "abuse@alder.example")]


async def test_who_opted_out_is_told_no_more(registry: Scene):
    await registry.take_in(advertising("shop.example"))
    (notice,) = [mail for mail in registry.relay.received if mail.rcpt_tos == ["abuse@registrar.example.net"]]
    (number,) = (await registry.ask("SELECT id FROM notices WHERE kind = 'whois-contact'"))[0]
    out = notice_address("abuse@isp.example", number, registry.house.key("notice"), kind="o")
    assert out.encode() in notice.raw.replace(b"=\r\n", b"").replace(b"\r\n", b"")
    await registry.take_in(mail(f"From: abuse@registrar.example.net\r\nTo: {out}\r\nSubject: stop\r\n", "please"))
    registry.after(25)
    await registry.take_in(advertising("shop.example"))
    told = [mail for mail in registry.relay.received if mail.rcpt_tos == ["abuse@registrar.example.net"]]
    assert len(told) == 1
    assert await registry.ask("SELECT address FROM opt_outs") == [("abuse@registrar.example.net",)]

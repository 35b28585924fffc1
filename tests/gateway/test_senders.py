"""Own checks, and what staff decide about reporters, through a whole house: real signatures, a real name server, SMTP."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner
from whole.world import World

from gateway import pipeline, reporting
from gateway.app import opened
from gateway.cli import build
from gateway.screening.verify import Job
from gateway.settings import load
from gateway.workers import ParserWorkers
from parsers.report import Limits
from servers.name_server import NameServer
from servers.people import attached, inline
from servers.receiver import SmtpReceiver
from servers.signers import Signer
from servers.waiting import NOW, Waiting, arf, waiting_house

pytestmark = pytest.mark.needs("aiosmtpd")
FBL = Signer("fbl.example")
REPORTER = Signer("reporter.example", number=2)
BIRCH = "198.51.100.70"
_AT = f"t={int(NOW.timestamp())}".encode()


def unstamped(raw: bytes) -> bytes:
    """As it would come without our border's word."""
    return re.sub(rb"Authentication-Results:[^\r]*\r\n", b"", raw, count=1)


def signed(raw: bytes, signer: Signer = FBL) -> bytes:
    return signer.sign(unstamped(raw), tags=_AT)


@dataclass
class Scene:
    waiting: Waiting
    relay: SmtpReceiver

    async def verdicts(self) -> list[tuple[object, ...]]:
        return await self.waiting.ask("SELECT verdict, reason FROM reports ORDER BY id")

    async def decide(self, name: str, **values: object) -> str:
        return await reporting.decide(self.waiting.house, name, values, "bea", "because")

    def told(self) -> list[str]:
        return [mail.rcpt_tos[0] for mail in self.relay.received]


@pytest.fixture
async def scene(tmp_path, database_url, smtp_receiver, name_server: NameServer) -> AsyncIterator[Scene]:
    for signer in (FBL, REPORTER):
        signer.publish(name_server)
    smtp = {"host": "127.0.0.1", "port": smtp_receiver.port, "security": "none", "bounce_grace_minutes": 0}
    checks = {"own_checks": True, "dns_seconds": 1.0}
    dns = {"nameservers": ["127.0.0.1"], "port": name_server.port}
    async with waiting_house(tmp_path, database_url, smtp=smtp, screening=checks, dns=dns) as waiting:
        yield Scene(waiting, smtp_receiver)


async def test_a_signed_report_without_the_borders_word_opens_a_case(scene: Scene):
    await scene.waiting.work_through(signed(arf(BIRCH)))
    assert await scene.verdicts() == [("accepted", "feed")]
    assert scene.told() == ["abuse@birch.example"]
    ((stored,),) = await scene.waiting.ask("SELECT identity FROM reports")
    identity = json.loads(stored) if isinstance(stored, str) else stored
    assert (identity["checked_by"], identity["feed"]) == ("own", "fbl")
    assert ["dkim", "pass", "fbl.example"] in identity["proofs"]


async def test_a_forged_or_broken_one_beside_it_does_not(scene: Scene):
    broken = signed(arf(BIRCH)).replace(b"This is a complaint", b"This is a conplaint")
    await scene.waiting.work_through(unstamped(arf(BIRCH)), broken)
    assert await scene.verdicts() == [("rejected", "anonymous")] * 2
    assert scene.told() == []


async def test_where_names_cannot_be_had_the_report_waits_and_nothing_else_does(scene: Scene, name_server: NameServer):
    name_server.broken.add("fbl.example")
    await scene.waiting.work_through(signed(arf(BIRCH)), signed(attached(), REPORTER))
    assert await scene.verdicts() == [("accepted", "signed")]
    assert await scene.waiting.ask("SELECT state FROM messages ORDER BY id") == [("stored",), ("filed",)]
    name_server.broken.clear()
    scene.waiting.house.resolver._silent.clear()
    await scene.waiting.later(minutes=11)
    assert await scene.verdicts() == [("accepted", "signed"), ("accepted", "feed")]


async def test_after_two_hours_it_is_held_and_nobody_is_accused(scene: Scene, name_server: NameServer):
    name_server.broken.add("fbl.example")
    await scene.waiting.work_through(signed(arf(BIRCH)))
    for _ in range(13):
        scene.waiting.house.resolver._silent.clear()
        await scene.waiting.later(minutes=10)
    assert await scene.verdicts() == [("held", "identity-unchecked")]
    assert scene.told() == []


async def test_reports_that_wait_for_names_stop_no_clock(scene: Scene, name_server: NameServer):
    """Else whoever owns a broken zone could keep every customer's time from running out."""
    await scene.waiting.work_through(arf(BIRCH))
    await scene.waiting.later(hours=12, minutes=1)
    await scene.waiting.later(hours=11, minutes=30)
    name_server.broken.add("fbl.example")
    async with scene.waiting.house.database.writing() as connection:
        now = scene.waiting.house.clock()
        arrived = pipeline.messages.Arrived(Signer("fbl.example").sign(unstamped(arf(BIRCH)), tags=_AT), now)
        await pipeline.messages.store(connection, [arrived], None, now)
    await pipeline.drain(scene.waiting.house)
    await scene.waiting.later(hours=1)
    assert await scene.waiting.ask("SELECT state FROM clocks") == [("overdue",)]
    assert await scene.waiting.ask("SELECT count(*) FROM messages WHERE state = 'stored'") == [(1,)]


@pytest.mark.standard("RPT-7")
async def test_a_worker_process_verifies_what_this_one_would(name_server: NameServer):
    raw = FBL.sign(b"From: a@fbl.example\r\nSubject: x\r\n\r\nHello\r\n", include=(b"from", b"subject"))
    FBL.publish(name_server)
    (key,) = name_server.zone[FBL.name, "TXT"]
    keys = {FBL.name: key.replace('" "', "").strip('"').encode()}
    workers = ParserWorkers(Limits(), 30, 1024**3, 1)
    try:
        jobs = [Job(raw, (0,), keys=keys), Job(raw.replace(b"Hello", b"hello"), (0,), keys=keys), Job(raw, (0,))]
        found = await workers.verify(jobs)
    finally:
        workers.close()
    assert [one.signatures[0] == "" for one in found] == [True, False, False]


# --- what staff decide -------------------------------------------------------------------------------------------


@pytest.mark.standard("RPT-7")
async def test_a_blocked_reporter_is_rejected_and_its_reports_are_kept(scene: Scene):
    assert await scene.decide("fbl", blocked=True) == "feed:fbl"
    await scene.waiting.work_through(arf(BIRCH))
    assert await scene.verdicts() == [("rejected", "reporter-blocked")]
    assert scene.told() == []
    await scene.decide("fbl", blocked=False)
    await scene.waiting.work_through(arf(BIRCH))
    assert (await scene.verdicts())[1] == ("accepted", "feed")


@pytest.mark.standard("RPT-7")
async def test_beyond_its_throttle_a_reporter_waits_for_a_person(scene: Scene):
    await scene.decide("fbl", throttle=2)
    await scene.waiting.work_through(*(arf(BIRCH) for _ in range(4)))
    await scene.waiting.work_through(arf(BIRCH))
    assert [verdict for verdict, _ in await scene.verdicts()] == ["accepted"] * 2 + ["held"] * 3
    assert {reason for verdict, reason in await scene.verdicts() if verdict == "held"} == {"throttled"}


@pytest.mark.parametrize(
    ("trust", "verdict"), [("doubtful", ("held", "reporter-doubted")), ("trusted", ("accepted", "signed"))]
)
async def test_a_person_stands_as_staff_say(scene: Scene, trust, verdict):
    await scene.decide("ann@reporter.example", trust=trust)
    await scene.waiting.work_through(attached())
    assert await scene.verdicts() == [verdict]


async def test_who_must_not_be_answered_is_not(scene: Scene):
    await scene.decide("reporter.example", may_reply=False)
    await scene.waiting.work_through(inline())
    assert await scene.verdicts() == [("held", "evidence-missing")]
    assert scene.told() == []


@pytest.mark.standard("RPT-8")
async def test_an_alias_that_staff_gave_to_a_known_feed_makes_it_known(scene: Scene):
    await scene.decide("signal-spam", alias="signal-1@isp.example")
    report = (
        arf(BIRCH)
        .replace(b"To: abuse@isp.example", b"To: signal-1@isp.example")
        .replace(b"fbl.example", b"network.example")
    )
    await scene.waiting.work_through(report)
    assert await scene.waiting.ask("SELECT name FROM reporters JOIN reports ON reporters.id = reports.reporter_id") == [
        ("signal-spam",)
    ]


async def test_reports_carry_their_reporter_made_once(scene: Scene):
    await scene.waiting.work_through(
        arf(BIRCH), arf(BIRCH), attached(), attached(sender="bob@reporter.example"), inline()
    )
    assert await scene.waiting.ask(
        "SELECT reporters.key, count(*) FROM reports JOIN reporters ON reporters.id = reports.reporter_id"
        " GROUP BY reporters.key ORDER BY reporters.key"
    ) == [("feed:fbl", 2), ("person:ann@reporter.example", 2), ("person:bob@reporter.example", 1)]


async def test_nobody_accountable_gets_no_record(scene: Scene):
    await scene.waiting.work_through(attached(passes=False))
    assert await scene.waiting.ask("SELECT count(*) FROM reporters") == [(0,)]
    assert await scene.waiting.ask("SELECT reporter_id FROM reports") == [(None,)]


@pytest.mark.duty("CON-2")
@pytest.mark.parametrize(("role", "asks"), [("abuse", True), ("postmaster", True), ("isp-desk", False)])
async def test_each_mailbox_asks_for_what_the_policy_says(tmp_path, sqlite_url, role, asks):
    """The shipped policy: other providers' administrators need not show the header where address and time are named."""
    world = World(tmp_path, sqlite_url)
    world.mailbox("one", 1143, "one@isp.example", role=role)
    world.write()
    async with opened(load(world.config), clock=lambda: NOW) as house:
        context = pipeline.screening_context(house, await network(house), NOW, "one")
        assert context.header_needed is asks
        assert pipeline.screening_context(house, await network(house), NOW, None).header_needed


async def network(house):
    async with house.database.reading() as connection:
        return await house.network(connection)


# --- the command line --------------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path, sqlite_url, name_server: NameServer, background, smtp_receiver):
    """`run("explain", file)`: what the command prints, on a house that has seen two reports."""
    FBL.publish(name_server)
    url = sqlite_url
    dns = {"nameservers": ["127.0.0.1"], "port": name_server.port}
    smtp = {"host": "127.0.0.1", "port": smtp_receiver.port, "security": "none"}

    async def prepare() -> None:
        async with waiting_house(tmp_path, url, dns=dns, screening={"own_checks": True}, smtp=smtp) as waiting:
            await waiting.take_in(arf(BIRCH), arf(BIRCH), attached())

    background.run(prepare())

    def command(*arguments: str, status: int = 0) -> str:
        done = CliRunner().invoke(build(arguments[0]), [*arguments, "--config", str(tmp_path / "arfgate.toml")])
        assert done.exit_code == status, done.output
        return done.output

    return command


def test_explain_shows_the_whole_reasoning_line_by_line(run, tmp_path):
    file = tmp_path / "report.eml"
    just_now = datetime.now(UTC) - timedelta(hours=1)  # the command asks the real clock, and a week is too old
    file.write_bytes(FBL.sign(unstamped(arf(BIRCH, just_now))))
    lines = run("explain", str(file)).splitlines()
    assert "identity     feed: feed fbl (dkim)" in lines
    assert "  because    our own check says dkim=pass for fbl.example" in lines
    assert "reporter     feed:fbl" in lines
    assert "reply        none: feed" in lines
    told = json.loads(run("explain", "--json", str(file)))
    assert told["screening"]["identity"]["checked_by"] == "own"
    assert told["screening"]["reporter"] == "feed:fbl"
    assert told["screening"]["reports"][0]["verdict"] == told["screening"]["verdict"]


def test_reporters_are_listed_shown_judged_and_blocked(run):
    listed = {row["key"]: row for row in json.loads(run("reporter", "list", "--json"))}
    assert set(listed) == {"feed:fbl", "person:ann@reporter.example"}
    assert (listed["feed:fbl"]["accepted"], listed["feed:fbl"]["precision"]) == (2, 1.0)
    assert "Report 1 is false." in run("reporter", "judge", "1", "false", "--reason", "invented")
    shown = run("reporter", "show", "fbl")
    assert "2 accepted, 0 disputed, 1 false" in shown
    assert "50%" in shown
    assert "blocked yes" in run("reporter", "block", "ann@reporter.example", "--reason", "abusive")
    assert "BLOCKED" in run("reporter", "list")
    assert "trust trusted" in run(
        "reporter", "trust", "ann@reporter.example", "--reason", "apologised", "--weight", "3"
    )
    assert json.loads(run("reporter", "show", "ann@reporter.example", "--json"))["weight"] == 3.0


def test_known_feeds_are_listed_before_they_report_and_strangers_are_an_error(run):
    everybody = {row["key"] for row in json.loads(run("reporter", "list", "--all", "--json"))}
    assert {"feed:spamcop", "feed:yahoo-cfl", "feed:fbl"} <= everybody
    assert "never by itself" in run("reporter", "show", "spamcop")
    assert "no feed of that name" in run("reporter", "block", "not a name", "--reason", "x", status=1)
    assert "there is no report 99" in run("reporter", "judge", "99", "false", "--reason", "x", status=1)
    assert "say false, disputed or right" in run("reporter", "judge", "1", "nonsense", "--reason", "x", status=1)

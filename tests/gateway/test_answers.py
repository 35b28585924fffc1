"""Answers of customers, by mail and otherwise: what they stop, what is kept, what the customer is told, on both databases."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from email import message_from_bytes

import pytest
from sqlalchemy import text
from whole.scene import ALDER, HOUR, NOW, Scene, about, answer, opened_scene, text_of
from whole.world import World

from gateway import answer_files, answers, pipeline, staff
from gateway.answer_files import AnswerFile
from gateway.answers import Answer
from gateway.casework.states import NotAllowedError
from gateway.model import Cause
from gateway.staff import Solved
from gateway.store import answers as store
from servers.waiting import arf

pytestmark = pytest.mark.needs("aiosmtpd")
QUOTED = "\r\n\r\nOn Fri, 20 Nov 2026 at 12:00, Abuse <abuse@isp.example> wrote:\r\n> we received an abuse report\r\n"


@pytest.fixture
async def scene(tmp_path, database_url, smtp_receiver) -> AsyncIterator[Scene]:
    async with opened_scene(World(tmp_path, database_url), smtp_receiver) as made:
        yield made


def reply(notice: bytes, body: str, *, attached: bytes | None = None) -> bytes:
    head = answer(notice).partition(b"\r\n\r\n")[0]
    if attached is None:
        return head + b"\r\n\r\n" + body.encode()
    return (
        head + b'\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="t"\r\n\r\n'
        b"--t\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + body.encode() + b"\r\n"
        b'--t\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename="../../etc/proof.png"\r\n\r\n'
        + attached + b"\r\n--t--\r\n"
    )  # fmt: skip


def subjects(scene: Scene) -> list[str]:
    return [str(message_from_bytes(mail.raw)["Subject"]).partition("] ")[2] for mail in scene.relay.received]


async def kept(scene: Scene) -> list[dict]:
    async with scene.house.database.reading() as connection:
        return await store.of_case(connection, 1)


async def test_an_answer_stops_the_clocks_is_kept_without_the_quotation_and_is_confirmed_once(scene: Scene):
    await scene.take_in(about(ALDER), about("198.51.100.8"))
    scene.after(2)
    await scene.take_in(reply(scene.relay.received[0].raw, "We closed the account today." + QUOTED))
    assert await scene.ask("SELECT DISTINCT state FROM clocks") == [("answered",)]
    (one,) = await kept(scene)
    assert (one["text"], one["way"], one["who"], one["stopped"]) == (
        "We closed the account today.", "mail", "boss@alder.example", 2,
    )  # fmt: skip
    assert "> we received an abuse report" in one["quoted"]
    (confirmation,) = scene.relay.received[2:]
    said = text_of(confirmation.raw)
    assert said.startswith("[AG-2026-000001] Your answer has arrived")
    assert "since when" not in said
    header = message_from_bytes(confirmation.raw)
    assert (header["Auto-Submitted"], header["In-Reply-To"]) == ("auto-replied", one_id(scene))
    # whatever answers the confirmation, a program or a person, brings no other
    await scene.take_in(reply(confirmation.raw, "We are out of the office, and will be back on Monday."))
    assert len(scene.relay.received) == 3
    assert [a["stopped"] for a in await kept(scene)] == [2, 0]


def one_id(scene: Scene) -> str:
    notice = scene.relay.received[0].raw
    return str(message_from_bytes(reply(notice, ""))["Message-ID"])


async def test_an_answer_without_a_word_of_its_own_stops_nothing_and_one_that_says_little_is_told_what_lacks(
    scene: Scene,
):
    await scene.take_in(about(ALDER))
    notice = scene.relay.received[0].raw
    await scene.take_in(reply(notice, QUOTED.strip()))
    assert (await scene.clock())[0] == "running"
    assert [a["text"] for a in await kept(scene)] == [""]
    assert len(scene.relay.received) == 1
    await scene.take_in(reply(notice, "Done." + QUOTED).replace(b"Message-ID: <", b"Message-ID: <second-"))
    assert (await scene.clock())[0] == "answered"
    assert "It does not say yet since when" in text_of(scene.relay.received[1].raw)


async def test_files_are_kept_with_the_answer_under_a_harmless_name_and_never_sent_on(scene: Scene):
    picture = bytes(range(128)) * 20
    await scene.take_in(about(ALDER))
    await scene.take_in(reply(scene.relay.received[0].raw, "Here is the proof of it.", attached=picture))
    ((file,),) = [a["files"] for a in await kept(scene)]
    assert file["name"] == ".._.._etc_proof.png"
    async with scene.house.database.reading() as connection:
        whole = await store.file(connection, file["id"])
    assert whole is not None
    assert hashlib.sha256(whole["content"]).hexdigest() == file["sha256"]
    await staff.resolve(scene.house, "1", Solved("closed"), who="ann")
    await pipeline.drain(scene.house)
    assert all(file["name"].encode() not in mail.raw for mail in scene.relay.received)


def test_what_is_too_large_is_kept_by_its_digest_alone_and_what_is_too_many_not_at_all():
    big = AnswerFile("big.bin", "application/octet-stream", b"x" * (answer_files.FILE_BYTES + 1))
    rows = answer_files.rows([big, *[AnswerFile(f"{n}", "text/csv", b"a,b") for n in range(answer_files.MOST)]])
    assert len(rows) == answer_files.MOST
    assert rows[0]["content"] is None
    assert rows[0]["sha256"] == hashlib.sha256(big.content).hexdigest()
    most = [AnswerFile("x", "a/b", b"x" * answer_files.FILE_BYTES)] * 3
    assert [row["content"] is None for row in answer_files.rows(most)] == [False, False, True]


@pytest.mark.duty("SES-4")
async def test_an_answer_by_the_portal_is_the_same_thing_and_solved_needs_a_statement(scene: Scene):
    await scene.take_in(about(ALDER))
    scene.after(3)

    def given(key: str, solved: Solved | None, text: str = "") -> Answer:
        return Answer(key, 1, "portal", "carol@alder.example", NOW + 3 * HOUR, text, solved=solved)

    with pytest.raises(NotAllowedError, match="without a statement"):
        await answers.give(scene.house, given("portal:1", Solved(" ", since=NOW)))
    with pytest.raises(NotAllowedError, match="is empty"):
        await answers.give(scene.house, given("portal:1", None, "  "))
    with pytest.raises(NotAllowedError, match="no case 9"):
        await answers.give(scene.house, Answer("portal:9", 9, "portal", "c", NOW, "text"))
    solved = Solved("account closed", "new password", since=NOW + HOUR)
    assert await answers.give(scene.house, given("portal:1", solved)) == 1
    assert await answers.give(scene.house, given("portal:1", solved)) == 0  # sent twice by the form
    (one,) = await kept(scene)
    assert (one["resolution"], one["prevention"], one["since"], one["way"]) == (
        "account closed", "new password", NOW + HOUR, "portal",
    )  # fmt: skip
    async with scene.house.database.reading() as connection:
        (clock,) = (await staff.desk_store.load_cases(connection, [1])).clocks.values()
    assert clock.resolved_at == NOW + HOUR
    await pipeline.drain(scene.house)
    assert subjects(scene)[1:] == ["Your answer has arrived"]


@pytest.mark.duty("SES-5")
async def test_resolved_reopened_and_resolved_again_are_told_once_each(scene: Scene):
    await scene.take_in(about(ALDER), about("198.51.100.8"))
    with pytest.raises(NotAllowedError, match="say what was done"):
        await staff.resolve(scene.house, "1", Solved("  "), who="ann")
    await staff.resolve(scene.house, "1", Solved("the site is gone"), who="ann")
    await pipeline.drain(scene.house)
    assert subjects(scene)[2:] == ["Resolved: 198.51.100.7, 198.51.100.8"]
    assert "the site is gone" not in text_of(scene.relay.received[-1].raw)  # staff's words stay in the house
    scene.after(5)
    await scene.take_in(arf(ALDER, NOW + 4 * HOUR))
    assert subjects(scene)[3:] == ["Opened again: 198.51.100.7"]
    reopened = scene.relay.received[3]
    assert "is open again" in text_of(reopened.raw)
    assert b"message/feedback-report" in reopened.raw
    assert await scene.ask("SELECT round, state FROM clocks WHERE value = '198.51.100.7'") == [(2, "running")]
    await scene.take_in(reply(reopened.raw, "Now it is gone for good."))
    assert await scene.ask("SELECT state FROM clocks WHERE value = '198.51.100.7'") == [("answered",)]
    await staff.resolve(scene.house, "1", Solved("gone"), who="ann")
    await staff.resolve(scene.house, "1", Solved("gone"), who="ann", cause=Cause.COMPROMISED)
    await pipeline.drain(scene.house)
    assert subjects(scene)[4:] == ["Your answer has arrived", "Resolved: 198.51.100.7"]


async def test_a_dismissed_case_is_closed_for_the_customer_too(scene: Scene):
    await scene.take_in(about(ALDER))
    await staff.resolve(scene.house, "1", Solved(""), who="ann", cause=Cause.FALSE)
    await pipeline.drain(scene.house)
    assert subjects(scene)[1:] == ["Closed: 198.51.100.7"]


async def test_a_customer_cannot_opt_out_of_a_warning_by_answering_it(scene: Scene):
    await scene.take_in(about(ALDER))
    async with scene.house.database.writing() as connection:
        await connection.execute(text("UPDATE notices SET kind = 'first-warning'"))
    opts_out = answer(scene.relay.received[0].raw).replace(b"+n.", b"+o.", 1)
    await scene.take_in(opts_out)
    assert await scene.ask("SELECT count(*) FROM opt_outs") == [(0,)]


def test_the_command_line_shows_answers_and_writes_their_files(tmp_path, smtp_receiver):
    world = World(tmp_path, f"sqlite+aiosqlite:///{tmp_path / 'arfgate.db'}")
    picture = b"not really a picture"

    async def answered() -> None:
        async with opened_scene(world, smtp_receiver) as scene:
            await scene.take_in(about(ALDER))
            await scene.take_in(reply(scene.relay.received[0].raw, "Here is the proof of it.", attached=picture))

    asyncio.run(answered())
    told = world.run("case", "answers", "1").out
    assert "Here is the proof of it." in told
    assert "proof.png" in told
    assert "Here is the proof of it." in world.run("case", "show", "1").out
    assert world.run("case", "answer-file", "1", "--to", str(tmp_path / "proof")).status == 0
    assert (tmp_path / "proof").read_bytes() == picture
    assert world.run("case", "answer-file", "1", "--to", str(tmp_path / "proof")).status == 2  # never over another
    assert "no file 7" in world.run("case", "answer-file", "7", "--to", str(tmp_path / "x")).err
    assert "It stops 0 clocks." in world.run("case", "answer", "1", "They called again.").out
    assert "without a statement" in world.run("case", "answer", "1", "Done", "--since", "2026-11-20").err
    assert world.run("case", "resolve", "1", "--reason", "gone").status == 0
    assert "Nobody asked." in world.run("case", "outcome", "1").out
    assert "Released: solved." in world.run("case", "release-outcome", "1", "--reason", "over").out
    assert "by " in world.run("case", "outcome", "1").out
    assert "no outcome; write" in world.run("case", "release-outcome", "1", "--reason", "x", "--result", "great").err
    assert world.run("customer", "delivery", "alder", "digest").status == 0
    assert "has no channel" in world.run("customer", "delivery", "alder", "channel:none").err
    assert "is no way" in world.run("customer", "delivery", "alder", "pigeon").err

"""The legal lane through a whole house: closed to everybody but named staff, alarmed without content, two to act."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway import legal, pipeline
from gateway.casework.states import NotAllowedError
from gateway.legal import LegalAction
from gateway.store import again, mailboxes, messages, reports
from gateway.store import legal as legal_store
from gateway.store.again import Wanted
from gateway.store.messages import Arrived, Place
from servers.people import attached, complaint
from servers.receiver import SmtpReceiver
from servers.waiting import NOW, Waiting, arf, waiting_house

ANN, BOB = "ann@isp.example", "bob@isp.example"
ORDER = "Please find attached the court order against your customer."


@pytest.fixture
async def waiting(tmp_path: Path, database_url: str, smtp_receiver: SmtpReceiver) -> AsyncIterator[Waiting]:
    smtp = {"host": "127.0.0.1", "port": smtp_receiver.port, "security": "none"}
    lane = {"staff": [ANN, BOB], "jurisdictions": ["eu"]}
    async with waiting_house(tmp_path, database_url, smtp=smtp, legal=lane) as made:
        yield made


@pytest.mark.parametrize("passes", [True, False], ids=["authenticated", "anonymous"])
async def test_it_is_decided_before_the_anonymity_rule(waiting: Waiting, smtp_receiver, passes):
    await waiting.work_through(attached(text=ORDER, passes=passes))
    assert await waiting.ask("SELECT verdict FROM reports") == [("legal",)]
    assert await waiting.ask("SELECT kind, state FROM legal_matters") == [("court-or-police", "open")]
    assert await waiting.ask("SELECT count(*) FROM attributions") == [(0,)]
    assert await waiting.ask("SELECT count(*) FROM cases") == [(0,)]


async def test_named_staff_are_alarmed_without_a_word_of_it_and_nobody_else_hears(waiting: Waiting, smtp_receiver):
    await waiting.work_through(attached(text=ORDER, subject="Order of the court in re Great Offers"))
    assert sorted(mail.rcpt_tos[0] for mail in smtp_receiver.received) == [ANN, BOB]
    for mail in smtp_receiver.received:
        for word in (b"Great Offers", b"reporter.example", b"court order", b"offers@sender.example"):
            assert word not in mail.raw
    assert await waiting.ask("SELECT what, why FROM events WHERE what = 'alarm'") == [
        ("alarm", "legal matter 1 (court-or-police)")
    ]


async def test_ordinary_listings_and_reparse_do_not_know_it(waiting: Waiting):
    await waiting.work_through(attached(text=ORDER), complaint(ORDER, subject="To whom it may concern"))
    assert await waiting.ask("SELECT count(*) FROM legal_matters") == [(2,)]
    async with waiting.house.database.reading() as connection:
        assert await reports.overview(connection) == []
        assert await reports.overview(connection, verdict="legal") == []
        assert await again.count(connection, Wanted()) == 0
        assert await legal_store.is_restricted(connection, 1)
        assert await legal_store.is_restricted(connection, 2)


async def test_one_report_of_the_lane_takes_the_whole_message_with_it(waiting: Waiting):
    xarf = b'{"xarf_version": "4.0.0", "category": "content", "type": "csam"}'
    mail = attached(text="Two things.").replace(
        b"--b1--", b"--b1\r\nContent-Type: text/plain\r\n\r\n" + xarf + b"\r\n--b1--"
    )
    await waiting.work_through(mail.replace(b"Two things.", b"Two things, one of them child sexual abuse material."))
    verdicts = await waiting.ask("SELECT DISTINCT verdict FROM reports")
    assert verdicts == [("legal",)]


async def test_only_named_staff_may_look_and_each_look_is_kept(waiting: Waiting):
    await waiting.work_through(attached(text=ORDER))
    with pytest.raises(NotAllowedError, match=r"legal\.staff"):
        await legal.show(waiting.house, 1, "mallory@isp.example", "mallory")
    with pytest.raises(NotAllowedError, match=r"legal\.staff"):
        await legal.list_matters(waiting.house, "mallory@isp.example", everything=True)
    shown = await legal.show(waiting.house, 1, ANN, "root")
    assert "court order" in shown.text
    assert shown.matter.hold
    assert await waiting.ask("SELECT who, why FROM events WHERE what = 'legal matter looked at'") == [
        (ANN, "login root")
    ]


async def test_two_persons_act(waiting: Waiting):
    await waiting.work_through(attached(text=ORDER))
    house = waiting.house
    with pytest.raises(NotAllowedError, match="comes first"):
        await legal.confirm(house, 1, BOB)
    await legal.act(house, 1, LegalAction.CLOSE, ANN, "answered by counsel")
    assert await waiting.ask("SELECT state FROM legal_matters") == [("open",)]
    with pytest.raises(NotAllowedError, match="another person"):
        await legal.confirm(house, 1, ANN)
    await legal.confirm(house, 1, BOB)
    assert await waiting.ask("SELECT state FROM legal_matters") == [("closed",)]
    assert await waiting.ask("SELECT hold FROM messages") in ([(1,)], [(True,)])


async def test_a_hold_ends_only_after_the_matter_and_by_two_persons(waiting: Waiting):
    await waiting.work_through(attached(text=ORDER))
    house = waiting.house
    with pytest.raises(NotAllowedError, match="close it"):
        await legal.act(house, 1, LegalAction.LIFT_HOLD, ANN, "over")
    for action in (LegalAction.CLOSE, LegalAction.LIFT_HOLD):
        await legal.act(house, 1, action, ANN, "over")
        await legal.confirm(house, 1, BOB)
    assert await waiting.ask("SELECT hold FROM messages") in ([(0,)], [(False,)])


async def test_what_was_dismissed_goes_the_ordinary_way(waiting: Waiting, smtp_receiver):
    await waiting.work_through(attached(text="I have no court order yet, but here is the spam."))
    await legal.act(waiting.house, 1, LegalAction.DISMISS, ANN, "a person's words")
    await legal.confirm(waiting.house, 1, BOB)
    await pipeline.drain(waiting.house)
    assert await waiting.ask("SELECT verdict, reason FROM reports") == [("accepted", "signed")]
    assert "abuse@birch.example" in [mail.rcpt_tos[0] for mail in smtp_receiver.received]
    with pytest.raises(NotAllowedError, match="dismissed"):
        await legal.act(waiting.house, 1, LegalAction.CLOSE, ANN, "over")


async def test_an_observing_mailbox_hides_no_legal_matter(waiting: Waiting, smtp_receiver):
    house = waiting.house
    async with house.database.writing() as connection:
        await mailboxes.register(connection, ["observed"])
        place = Place((await mailboxes.all_of(connection))["observed"].id, "observed", "INBOX", 1)
        await messages.store(connection, [Arrived(attached(text=ORDER), NOW, uid=1)], place, NOW)
    await pipeline.drain(house)
    assert await waiting.ask("SELECT state, hold FROM messages") in ([("observed", 1)], [("observed", True)])
    assert await waiting.ask("SELECT count(*) FROM legal_matters") == [(1,)]
    assert sorted(mail.rcpt_tos[0] for mail in smtp_receiver.received) == [ANN, BOB]


def test_no_statement_of_the_store_deletes_messages_without_asking_for_the_hold() -> None:
    store = Path(legal_store.__file__).parent
    deleting = [p for p in store.glob("*.py") if re.search(r"delete\(messages\)", p.read_text(encoding="utf-8"))]
    assert [p.name for p in deleting if "hold" not in p.read_text(encoding="utf-8")] == []


def test_a_shown_matter_has_no_bytes() -> None:
    assert "raw" not in {field.name for field in dataclasses.fields(legal.Shown)}


@pytest.mark.duty("CON-10", "NET-6")
async def test_a_person_takes_illegal_content_into_the_lane(waiting: Waiting, smtp_receiver):
    await waiting.work_through(complaint("They sell forged papers there.", subject="A shop"))
    await waiting.work_through(arf("198.51.100.70"))
    (number,) = (row[0] for row in await waiting.ask("SELECT id FROM messages ORDER BY id LIMIT 1"))
    with pytest.raises(NotAllowedError, match=r"legal\.staff"):
        await legal.take(waiting.house, number, "eve@isp.example", "forged papers")
    matter = await legal.take(waiting.house, number, ANN, "forged papers")
    await pipeline.drain(waiting.house)
    assert await waiting.ask("SELECT kind, state FROM legal_matters") == [("illegal-content", "open")]
    assert await waiting.ask(f"SELECT verdict, hold FROM messages WHERE id = {number}") == [("legal", True)]
    alarmed = [mail for mail in smtp_receiver.received if mail.rcpt_tos[0] in (ANN, BOB)]
    assert len(alarmed) == 2
    assert all(b"forged" not in mail.raw for mail in alarmed)
    assert (await legal.show(waiting.house, matter, BOB, "bob")).matter.hold
    with pytest.raises(NotAllowedError, match="there already"):
        await legal.take(waiting.house, number, ANN, "again")
    with pytest.raises(NotAllowedError, match="a case was opened"):
        await legal.take(waiting.house, number + 1, ANN, "the other one")

"""Replies and what waits, through a whole house with real SMTP: who is told what, and what completes or ends it."""

from __future__ import annotations

import email
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import Message

import pytest

from gateway import holding, pipeline
from gateway.casework.states import NotAllowedError
from servers.people import attached, complaint, inline, spam
from servers.receiver import SmtpReceiver
from servers.waiting import Waiting, arf, waiting_house

NULL = ("", None, "<>")  # as the receiver shows the null return path
pytestmark = pytest.mark.needs("aiosmtpd")


@dataclass
class Desk:
    """A house, and what its relay got."""

    waiting: Waiting
    relay: SmtpReceiver

    def replies(self) -> list[Message]:
        """Those of the mails that went out with the null return path."""
        return [email.message_from_bytes(mail.raw) for mail in self.relay.received if mail.mail_from in NULL]

    def notices(self) -> list[str]:
        """To whom the others went."""
        return [mail.rcpt_tos[0] for mail in self.relay.received if mail.mail_from not in NULL]


@pytest.fixture
async def desk(tmp_path, database_url, smtp_receiver) -> AsyncIterator[Desk]:
    smtp = {"host": "127.0.0.1", "port": smtp_receiver.port, "security": "none", "bounce_grace_minutes": 0}
    async with waiting_house(tmp_path, database_url, smtp=smtp) as waiting:
        yield Desk(waiting, smtp_receiver)


def words(message: Message) -> str:
    payload = message.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode("utf-8")


@pytest.mark.standard("AR-4")
@pytest.mark.duty("PAG-1")
async def test_an_incomplete_complaint_is_answered_once_with_what_is_missing_and_where_to_send_it(desk: Desk):
    await desk.waiting.work_through(inline())
    (reply,) = desk.replies()
    assert reply["To"] == "ann@reporter.example"
    assert reply["Auto-Submitted"] == "auto-replied"
    assert reply["In-Reply-To"].endswith("@reporter.example>")
    assert reply["Reply-To"].startswith("abuse+h.")
    assert reply["Reply-To"] in words(reply)
    assert '"Received"' in words(reply)
    assert await desk.waiting.ask("SELECT verdict, reason FROM reports") == [("held", "evidence-missing")]
    assert await desk.waiting.ask("SELECT state, reason FROM held") == [("waiting", "evidence-missing")]


@pytest.mark.parametrize("passes", [True, False], ids=["authenticated", "unauthenticated"])
async def test_the_answer_to_the_token_address_completes_the_held_report(desk: Desk, passes: bool):
    await desk.waiting.work_through(inline())
    (reply,) = desk.replies()
    await desk.waiting.work_through(
        attached(spam("198.51.100.70"), to=reply["Reply-To"], subject="Re: not complete", passes=passes)
    )
    assert desk.notices() == ["abuse@birch.example"]
    assert await desk.waiting.ask("SELECT state, completed_by FROM held") == [("completed", 2)]
    assert await desk.waiting.ask("SELECT verdict, reason FROM reports ORDER BY id") == [
        ("recorded", "completed"),
        ("accepted", "signed"),
    ]
    assert await desk.waiting.ask("SELECT message_id FROM events WHERE what = 'held report completed'") == [(1,)]


async def test_what_was_completed_is_acknowledged_under_the_number_of_the_first_mail(desk: Desk):
    await desk.waiting.work_through(inline())
    (asked,) = desk.replies()
    await desk.waiting.work_through(attached(to=asked["Reply-To"]))
    _, thanks = desk.replies()
    assert "R-2026-000001" in asked["Subject"]
    assert "R-2026-000001" in thanks["Subject"]
    assert "accepted" in thanks["Subject"]
    await desk.waiting.work_through(attached(to=asked["Reply-To"]))  # a token serves once
    assert len(desk.replies()) == 2


async def test_pasted_headers_in_an_answer_that_quotes_us_complete_it_too(desk: Desk):
    await desk.waiting.work_through(inline())
    (reply,) = desk.replies()
    quoted = "\n".join(f"> {line}" for line in words(reply).splitlines())
    answer = complaint(f"Here:\n\n{spam()}\n\nYou wrote:\n{quoted}", to=reply["Reply-To"], subject="Re: not complete")
    await desk.waiting.work_through(answer)
    assert await desk.waiting.ask("SELECT state FROM held") == [("completed",)]


async def test_an_answer_without_evidence_goes_to_a_person_and_is_not_answered(desk: Desk):
    await desk.waiting.work_through(inline())
    (reply,) = desk.replies()
    headers = f"In-Reply-To: {reply['Message-ID']}\n"
    await desk.waiting.work_through(
        complaint("I deleted it.", to=reply["Reply-To"], subject="Re: not complete", headers=headers)
    )
    assert len(desk.replies()) == 1
    assert await desk.waiting.ask("SELECT verdict FROM messages WHERE id = 2") == [("review",)]
    assert await desk.waiting.ask("SELECT state FROM held") == [("waiting",)]


async def test_a_forged_token_completes_nothing(desk: Desk):
    await desk.waiting.work_through(inline())
    (reply,) = desk.replies()
    local, _, domain = reply["Reply-To"].partition("@")
    forged = local[:-1] + ("a" if local[-1] != "a" else "b") + "@" + domain
    await desk.waiting.work_through(attached(to=forged, passes=False, sender="mallory@elsewhere.example"))
    assert await desk.waiting.ask("SELECT state FROM held") == [("waiting",)]
    assert await desk.waiting.ask("SELECT verdict, reason FROM reports WHERE id = 2") == [("rejected", "anonymous")]


@pytest.mark.parametrize(
    ("said", "wanted"),
    [("Please stop this spam.", "How to send it"), ("请停止发送这种垃圾邮件。", "发送方法"),
     ("Bună ziua, am primit acest mesaj nesolicitat.", "Cum se trimite")],
)  # fmt: skip
async def test_the_reply_is_in_the_senders_language(desk: Desk, said: str, wanted: str):
    await desk.waiting.work_through(inline(said))
    (reply,) = desk.replies()
    assert wanted in words(reply)


@pytest.mark.duty("PAG-4")
async def test_an_accepted_person_is_told_the_number_and_what_the_customer_will_see(desk: Desk):
    await desk.waiting.work_through(attached())
    (reply,) = desk.replies()
    assert "R-2026-000001" in words(reply)
    assert "What the customer will see" in words(reply)
    assert reply["Auto-Submitted"] == "auto-replied"
    assert desk.notices() == ["abuse@birch.example"]


@pytest.mark.duty("PAG-4")
async def test_a_feed_is_not_acknowledged(desk: Desk):
    await desk.waiting.work_through(arf("198.51.100.70"))
    assert desk.replies() == []
    assert desk.notices() == ["abuse@birch.example"]


@pytest.mark.standard("AR-2")
async def test_what_says_that_a_program_sent_it_is_worked_on_and_not_answered(desk: Desk):
    await desk.waiting.work_through(attached(headers="Auto-Submitted: auto-generated\n"))
    assert desk.replies() == []
    assert desk.notices() == ["abuse@birch.example"]


@pytest.mark.standard("AR-7")
async def test_the_budget_of_an_hour_is_for_all_senders_together(tmp_path, database_url, smtp_receiver):
    smtp = {"host": "127.0.0.1", "port": smtp_receiver.port, "security": "none"}
    async with waiting_house(tmp_path, database_url, smtp=smtp, replies={"hourly": 3}) as waiting:
        desk = Desk(waiting, smtp_receiver)
        await desk.waiting.work_through(*(inline(sender=f"ann{i}@reporter{i}.example") for i in range(5)))
        assert len(desk.replies()) == 3
        await desk.waiting.later(hours=1, seconds=1)
        await desk.waiting.work_through(*(inline(sender=f"bob{i}@reporter{i}.example") for i in range(5)))
        assert len(desk.replies()) == 6


async def test_replies_can_be_switched_off(tmp_path, database_url, smtp_receiver):
    async with waiting_house(tmp_path, database_url, replies={"enabled": False}) as waiting:
        desk = Desk(waiting, smtp_receiver)
        await desk.waiting.work_through(inline(), attached())
        assert await desk.waiting.ask("SELECT count(*) FROM notices WHERE kind <> 'complaint'") == [(0,)]
        assert await desk.waiting.ask("SELECT count(*) FROM held") == [(1,)]


async def test_what_nobody_completed_expires_with_its_reason(desk: Desk):
    await desk.waiting.work_through(inline())
    await desk.waiting.later(days=13, hours=23)
    assert await desk.waiting.ask("SELECT state FROM held") == [("waiting",)]
    await desk.waiting.later(hours=2)
    assert await desk.waiting.ask("SELECT state FROM held") == [("expired",)]
    assert await desk.waiting.ask("SELECT verdict, reason FROM reports") == [("rejected", "expired")]
    assert await desk.waiting.ask("SELECT count(*) FROM events WHERE what = 'held report expired'") == [(1,)]


async def test_a_released_report_is_worked_on_as_it_is_and_only_once(desk: Desk):
    await desk.waiting.work_through(attached(results="mx.isp.example; dkim=temperror header.d=reporter.example"))
    assert await desk.waiting.ask("SELECT verdict, reason FROM reports") == [("held", "identity-unchecked")]
    await holding.release(desk.waiting.house, 1, who="ann", why="I asked them")
    await pipeline.drain(desk.waiting.house)
    assert desk.notices() == ["abuse@birch.example"]
    assert await desk.waiting.ask("SELECT verdict, reason FROM reports") == [("accepted", "released")]
    assert await desk.waiting.ask("SELECT state, decided_by FROM held") == [("released", "ann")]
    with pytest.raises(NotAllowedError):
        await holding.release(desk.waiting.house, 1, who="bob", why="me too")


async def test_a_dropped_report_is_rejected_with_who_said_so(desk: Desk):
    await desk.waiting.work_through(inline())
    await holding.drop(desk.waiting.house, 1, who="ann", why="nonsense")
    assert await desk.waiting.ask("SELECT verdict, reason FROM reports") == [("rejected", "dropped")]
    assert await desk.waiting.ask("SELECT who, why FROM events WHERE what = 'held report dropped'") == [
        ("ann", "nonsense")
    ]


@pytest.mark.standard("AR-6")
async def test_a_thousand_reports_with_forged_senders_bring_no_reply(tmp_path, sqlite_url, smtp_receiver):
    url = sqlite_url
    smtp = {"host": "127.0.0.1", "port": smtp_receiver.port, "security": "none"}
    async with waiting_house(tmp_path, url, smtp=smtp) as waiting:
        desk = Desk(waiting, smtp_receiver)
        forged = [
            make(sender=f"victim{i}@victim{i % 50}.example", **how)
            for i in range(250)
            for make, how in (
                (inline, {"passes": False}),
                (attached, {"passes": False}),
                (inline, {"results": "mx.attacker.example; dkim=pass header.d=victim.example"}),
                (
                    attached,
                    {
                        "results": f"mx.isp.example; dkim=pass header.d=attacker.example; spf=pass smtp.mailfrom=attacker{i}.example"
                    },
                ),
            )
        ]
        assert len(forged) == 1000
        await desk.waiting.work_through(*forged)
        assert await desk.waiting.ask("SELECT count(*) FROM messages WHERE state = 'filed'") == [(1000,)]
        assert smtp_receiver.received == []


@pytest.mark.standard("AR-4")
@pytest.mark.parametrize("make", [inline, attached])
async def test_a_thousand_reports_from_one_authenticated_sender_bring_one_reply(
    tmp_path, sqlite_url, smtp_receiver, make
):
    url = sqlite_url
    smtp = {"host": "127.0.0.1", "port": smtp_receiver.port, "security": "none"}
    async with waiting_house(tmp_path, url, smtp=smtp) as waiting:
        desk = Desk(waiting, smtp_receiver)
        await desk.waiting.work_through(*(make() for _ in range(1000)))
        assert await desk.waiting.ask("SELECT count(*) FROM messages WHERE state = 'filed'") == [(1000,)]
        assert len(desk.replies()) == 1

"""Who complained hears the outcome once, in general words, after it was released; on both databases, over real SMTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.message import Message
from importlib import resources

import pytest

from gateway import outcomes, pipeline, reporting, staff
from gateway.casework.states import NotAllowedError
from gateway.model import Cause
from gateway.staff import Solved
from gateway.store import third_parties
from servers.people import attached, complaint, spam
from servers.receiver import SmtpReceiver
from servers.waiting import NOW, Waiting, arf, waiting_house

pytestmark = pytest.mark.needs("aiosmtpd")
BIRCH = "198.51.100.70"


@pytest.fixture
async def house(tmp_path, database_url, smtp_receiver, request) -> AsyncIterator[tuple[Waiting, SmtpReceiver]]:
    rules = (resources.files("gateway.policies") / "default.toml").read_text(encoding="utf-8")
    how = getattr(request, "param", "staff")
    rules = rules.replace('name = "default"', f'name = "mine"\noutcome = "{how}"', 1)
    (tmp_path / "mine.toml").write_text(rules, encoding="utf-8")
    smtp = {"host": "127.0.0.1", "port": smtp_receiver.port, "security": "none", "bounce_grace_minutes": 0}
    async with waiting_house(tmp_path, database_url, smtp=smtp, policy={"name": "mine.toml"}) as waiting:
        yield waiting, smtp_receiver


def told(relay: SmtpReceiver) -> list[Message]:
    """The outcomes that went out."""
    mails = [message_from_bytes(mail.raw) for mail in relay.received]
    return [mail for mail in mails if "About your abuse report" in str(mail["Subject"])]


def acknowledgement(relay: SmtpReceiver) -> Message:
    mails = [message_from_bytes(mail.raw) for mail in relay.received]
    return next(mail for mail in mails if "was accepted" in str(mail["Subject"]))


def words(mail: Message) -> str:
    part = next(part for part in mail.walk() if part.get_content_type() == "text/plain")
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode("utf-8")


def ask(thanks: Message, said: str = "Please tell me.", headers: str = "") -> bytes:
    more = f"In-Reply-To: {thanks['Message-ID']}\n{headers}"
    return complaint(said, to=thanks["Reply-To"], subject="Re: accepted", headers=more)


async def end(waiting: Waiting, cause: Cause | None = Cause.COMPROMISED, case: str = "1") -> None:
    await staff.resolve(waiting.house, case, Solved("our secret measure"), who="ann", cause=cause)
    await pipeline.drain(waiting.house)


async def let_go(waiting: Waiting, case: str = "1", **more: str) -> tuple[str, int]:
    done = await outcomes.release(waiting.house, case, who="ann", why="it is over", **more)
    await pipeline.drain(waiting.house)
    return done


@pytest.mark.standard("AR-4")
async def test_who_asked_hears_it_once_after_staff_released_it_and_nobody_is_given_away(house):
    waiting, relay = house
    await waiting.work_through(attached(spam(BIRCH)))
    thanks = acknowledgement(relay)
    assert "answer this mail" in words(thanks)
    await waiting.work_through(ask(thanks), ask(thanks, "Again."))
    assert await waiting.ask("SELECT verdict FROM messages WHERE kind = 'reply'") == [("routed",)] * 2
    with pytest.raises(NotAllowedError, match="there is no outcome yet"):
        await let_go(waiting)
    await end(waiting)
    assert told(relay) == []
    assert await let_go(waiting) == ("solved", 1)
    (mail,) = told(relay)
    assert mail["To"] == "ann@reporter.example"
    assert "R-2026-000001" in str(mail["Subject"])
    assert (mail["Auto-Submitted"], mail.get_content_type()) == ("auto-replied", "text/plain")
    for secret in ("Birch", "birch", BIRCH, "secret measure", "AG-2026"):
        assert secret not in words(mail), secret
    assert await let_go(waiting, result="unfounded") == ("unfounded", 0)
    assert len(told(relay)) == 1
    await waiting.work_through(ask(mail, "What did you do to them?"))  # who answers it, a person reads
    assert await waiting.ask("SELECT verdict FROM messages ORDER BY id DESC LIMIT 1") == [("review",)]


async def test_who_did_not_ask_hears_nothing_and_neither_does_a_machine(house):
    waiting, relay = house
    await waiting.work_through(attached(spam(BIRCH)), arf(BIRCH))
    await waiting.work_through(ask(acknowledgement(relay), headers="Auto-Submitted: auto-replied\n"))
    await end(waiting)
    assert await let_go(waiting) == ("solved", 0)
    assert told(relay) == []


async def test_who_asks_or_complains_of_an_ended_case_later_hears_the_same(house):
    waiting, relay = house
    await waiting.work_through(attached(spam(BIRCH)))
    await end(waiting, Cause.FALSE)
    await let_go(waiting)
    assert told(relay) == []
    await waiting.work_through(ask(acknowledgement(relay)))
    (mail,) = told(relay)
    assert "We found nothing" in words(mail)


async def test_a_case_that_was_opened_again_needs_another_release(house):
    waiting, relay = house
    await waiting.work_through(attached(spam(BIRCH)))
    await waiting.work_through(ask(acknowledgement(relay)))
    async with waiting.house.database.writing() as connection:
        await outcomes.store.release(connection, 1, "solved", who="ann", why="too early", now=NOW)
    await pipeline.drain(waiting.house)
    assert told(relay) == []
    waiting.time[0] += (waiting.time[0] - NOW) + (NOW - NOW.replace(hour=0))
    await end(waiting)
    assert told(relay) == []
    await let_go(waiting)
    assert len(told(relay)) == 1


@pytest.mark.parametrize("house", ["auto", "off"], indirect=True)
async def test_the_policy_releases_by_itself_or_never(house, request):
    waiting, relay = house
    await waiting.work_through(attached(spam(BIRCH)))
    thanks = acknowledgement(relay)
    await waiting.work_through(ask(thanks))
    await end(waiting, None)
    if waiting.house.policy.outcome == "auto":
        assert len(told(relay)) == 1
        return
    assert "answer this mail" not in words(thanks)
    with pytest.raises(NotAllowedError, match="tells complainants no outcome"):
        await let_go(waiting)
    assert told(relay) == []


async def test_a_reporter_whom_staff_named_need_not_ask_and_one_that_refuses_is_left_alone(house):
    waiting, relay = house
    await reporting.decide(waiting.house, "ann@reporter.example", {"may_reply": True}, "bob", "asked by telephone")
    await waiting.work_through(attached(spam(BIRCH)))
    await end(waiting)
    async with waiting.house.database.writing() as connection:
        await third_parties.refuse(connection, "ann@reporter.example", "bob", NOW)
    await let_go(waiting)
    assert told(relay) == []
    assert await waiting.ask("SELECT how, result FROM outcome_wishes") == [("registered", "refused")]


XARF = {
    "xarf_version": "4.2.0", "report_id": "6f1f1f10-3c2b-4d5e-8f90-0123456789ab", "timestamp": f"{NOW:%Y-%m-%dT%H:%M:%SZ}",
    "reporter": {"org": "Sensors", "contact": "reports@sensors.example", "domain": "sensors.example"},
    "sender": {"org": "Sensors", "contact": "reports@sensors.example", "domain": "sensors.example"},
    "source_identifier": BIRCH, "source_port": 4711, "category": "connection", "type": "login_attack", "protocol": "tcp",
    "first_seen": f"{NOW:%Y-%m-%dT%H:%M:%SZ}", "evidence_source": "honeypot",
}  # fmt: skip


def xarf(contact: str = "reports@sensors.example") -> bytes:
    document = XARF | {"reporter": XARF["reporter"] | {"contact": contact}}  # type: ignore[operator]
    return (
        "Return-Path: <bounce@sensors.example>\r\n"
        "Authentication-Results: mx.isp.example; dkim=pass header.d=sensors.example; dmarc=pass header.from=sensors.example\r\n"
        "From: Sensors <noreply@sensors.example>\r\nTo: abuse@isp.example\r\nSubject: login attack\r\n"
        "Message-ID: <x1@sensors.example>\r\nMIME-Version: 1.0\r\nContent-Type: application/json\r\n\r\n"
        + json.dumps(document, indent=1).replace("\n", "\r\n")
    ).encode()


@pytest.mark.standard("SEC-3")
@pytest.mark.parametrize(
    ("contact", "hears"),
    [("reports@sensors.example", True), ("victim@elsewhere.example", False), ("noreply@sensors.example", False)],
)
async def test_an_xarf_reporter_hears_it_at_its_contact_for_its_programs_too(house, contact: str, hears: bool):
    waiting, relay = house
    await reporting.decide(waiting.house, "sensors.example", {"may_reply": True}, "bob", "they asked")
    await waiting.work_through(xarf(contact))
    await end(waiting)
    await let_go(waiting)
    assert [mail["To"] for mail in told(relay)] == ([contact] if hears else [])
    if hears:
        part = next(part for part in told(relay)[0].walk() if part.get_content_type() == "application/json")
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        said = json.loads(content)["outcome"]
        assert said == {"report_ids": [XARF["report_id"]], "number": "R-2026-000001", "result": "solved"}


async def test_no_more_are_told_in_an_hour_than_the_settings_allow(house):
    waiting, relay = house
    object.__setattr__(waiting.house.settings.replies, "hourly", 1)
    await waiting.work_through(attached(spam(BIRCH)))
    thanks = acknowledgement(relay)
    await waiting.work_through(ask(thanks))
    async with waiting.house.database.writing() as connection:
        await outcomes.store.wish(connection, [
            {"message_id": 2, "to": "carol@reporter.example", "language": "en", "number": "R-2026-000002", "how": "web",
             "received_at": NOW, "in_reply_to": None, "machine": None, "wished_at": NOW, "look_at": NOW},
        ])  # fmt: skip
    await end(waiting)
    await let_go(waiting)
    assert len(told(relay)) == 1

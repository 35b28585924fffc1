"""What RFC 6650, 6449 and 9477 ask of whoever receives reports, each requirement under its id, through a whole house."""

from __future__ import annotations

import email
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway import pipeline, reporting
from servers.people import attached, spam
from servers.receiver import SmtpReceiver
from servers.waiting import INCIDENT, Waiting, arf, waiting_house

pytestmark = pytest.mark.needs("aiosmtpd")
FIXTURES = Path(__file__).parents[2] / "fixtures"
BIRCH, FOREIGN = "198.51.100.70", "203.0.113.7"


@dataclass
class Scene:
    waiting: Waiting
    relay: SmtpReceiver

    async def take_in(self, *mails: bytes) -> list[tuple[object, ...]]:
        await self.waiting.take_in(*mails)
        await pipeline.drain(self.waiting.house)
        return await self.ask("SELECT verdict, reason FROM reports ORDER BY id")

    async def ask(self, question: str) -> list[tuple[object, ...]]:
        async with self.waiting.house.database.reading() as connection:
            return [tuple(row) for row in await connection.execute(text(question))]

    def told(self) -> list[str]:
        return [mail.rcpt_tos[0] for mail in self.relay.received]


@pytest.fixture
async def scene(tmp_path, sqlite_url, smtp_receiver) -> AsyncIterator[Scene]:
    url = sqlite_url
    smtp = {"host": "127.0.0.1", "port": smtp_receiver.port, "security": "none", "bounce_grace_minutes": 0}
    screening = {"own_checks": False, "cfbl_addresses": ["feedback@isp.example"]}
    async with waiting_house(tmp_path, url, smtp=smtp, screening=screening) as waiting:
        yield Scene(waiting, smtp_receiver)


# --- handling ----------------------------------------------------------------------------------------------------


@pytest.mark.standard("RPT-1")
async def test_what_was_agreed_and_what_was_not_are_believed_and_limited_apart(scene: Scene):
    bare = arf(BIRCH).replace(b"Received: from mail.sender", b"X-Was: from mail.sender")
    stranger = bare.replace(b"fbl.example", b"other.example")
    assert await scene.take_in(bare, stranger) == [("accepted", "feed"), ("held", "evidence-missing")]
    await reporting.decide(scene.waiting.house, "reporter.example", {"throttle": 0}, "bea", "flood")
    assert (await scene.take_in(arf(BIRCH), attached()))[2:] == [("accepted", "feed"), ("held", "throttled")]


@pytest.mark.standard("RPT-2")
async def test_no_format_is_refused_and_anonymous_is_who_cannot_be_held_to_it(scene: Scene):
    hidden = arf(BIRCH, complainant="0123abcd@fbl.example")
    assert await scene.take_in(attached(), hidden, attached(passes=False)) == [
        ("accepted", "signed"),
        ("accepted", "feed"),
        ("rejected", "anonymous"),
    ]


@pytest.mark.standard("RPT-3")
async def test_what_concerns_nobody_of_ours_is_forwarded_to_nobody(scene: Scene):
    assert await scene.take_in(arf(FOREIGN)) == [("accepted", "feed")]
    assert await scene.ask("SELECT reason, queue FROM attributions") == [("not-ours", "waiting")]
    assert scene.told() == []


@pytest.mark.standard("RPT-4")
async def test_a_customer_gets_the_facts_and_neither_the_mail_nor_who_complained(scene: Scene):
    await scene.take_in(attached(spam(BIRCH, body="A body with the token 4711-secret.")))
    (notice,) = [mail.raw for mail in scene.relay.received if mail.rcpt_tos == ["abuse@birch.example"]]
    whole = b"".join(
        part.get_payload(decode=True) or b""
        for part in email.message_from_bytes(notice).walk()
        if not part.is_multipart()
    )
    whole += notice
    assert BIRCH.encode() in whole
    for secret in (b"4711-secret", b"ann@reporter.example", b"Ann Reporter"):
        assert secret not in whole


@pytest.mark.standard("RPT-5")
async def test_a_feed_gets_no_receipt(scene: Scene):
    assert await scene.take_in(arf(BIRCH)) == [("accepted", "feed")]
    assert scene.told() == ["abuse@birch.example"]


@pytest.mark.standard("RPT-6")
async def test_a_huge_field_and_a_huge_mail_are_no_reason_to_fail(scene: Scene):
    field = arf(BIRCH, extra="X-Huge: " + "x" * 60_000)
    mail = arf(BIRCH, body="spam " * 600_000)
    assert await scene.take_in(field, mail) == [("accepted", "feed")] * 2


@pytest.mark.standard("RPT-7")
async def test_nothing_happens_by_itself_for_a_report_whose_origin_is_not_vetted(scene: Scene):
    """1,000 of them are test_answering's; here each way of not being vetted."""
    forged = [
        arf(BIRCH).replace(b"dkim=pass", b"dkim=fail").replace(b"spf=pass", b"spf=fail"),
        arf(BIRCH).replace(b"Authentication-Results: mx.isp.example;", b"Authentication-Results: mx.evil.example;"),
        arf(BIRCH).replace(b"Authentication-Results: ", b"X-Results: "),
        arf(BIRCH)
        .replace(b"From: Feedback", b"From: x@y.example\r\nFrom: Feedback")
        .replace(b"fbl.example", b"who.example"),
    ]
    found = await scene.take_in(*forged)
    assert {verdict for verdict, _ in found} == {"rejected"}
    assert scene.told() == []
    assert await scene.ask("SELECT (SELECT count(*) FROM cases) + (SELECT count(*) FROM actions)") == [(0,)]


@pytest.mark.standard("RPT-8")
async def test_a_feeds_administration_reaches_a_person(scene: Scene):
    await scene.take_in((FIXTURES / "admin" / "001-confirm-feedback-loop.eml").read_bytes())
    ((verdict, reason),) = await scene.ask("SELECT verdict, reason FROM messages")
    assert (verdict, reason) == ("routed", "administration")


@pytest.mark.standard("RPT-9")
async def test_not_spam_is_no_incident_and_overrides_nothing(scene: Scene):
    await scene.take_in(arf(BIRCH))
    found = await scene.take_in(arf(BIRCH).replace(b"Feedback-Type: abuse", b"Feedback-Type: not-spam"))
    assert found[1] == ("recorded", "not-a-complaint")
    assert await scene.ask("SELECT state FROM cases") == [("open",)]
    assert scene.told() == ["abuse@birch.example"]


# --- CFBL --------------------------------------------------------------------------------------------------------


@pytest.mark.standard("CFBL-1")
@pytest.mark.standard("CFBL-2")
@pytest.mark.parametrize(
    "fields",
    [
        "CFBL-Address: loop@sender.example; report=arf",
        "CFBL-Address: loop@fbl.sender.example; report=xarf\nDKIM-Signature: v=1; d=sender.example; h=from:cfbl-address; b=x",
        "CFBL-Address: loop@esp.example\nDKIM-Signature: v=1; d=sender.example; s=a; h=from:cfbl-address; b=x",
        "CFBL-Address: a@sender.example\nCFBL-Address: b@sender.example\nCFBL-Feedback-ID: 1:2 3",
    ],
    ids=["unsigned", "child domain", "third party", "several"],
)
async def test_no_report_goes_to_a_cfbl_address_whoever_signed_for_it(scene: Scene, fields: str):
    """The gateway is told of mail, it did not receive it: it could not verify the signature that must cover the
    address, so nobody is ever reported to there."""
    reported = spam(BIRCH).replace("From: Great", f"{fields}\nFrom: Great")
    await scene.take_in(attached(reported))
    assert set(scene.told()) == {"abuse@birch.example", "ann@reporter.example"}


CFBL = [
    ("dkim=pass header.d=receiver.example", ("accepted", "signed")),
    ("dkim=pass header.d=mail.receiver.example", ("accepted", "signed")),
    ("dkim=fail header.d=receiver.example", ("rejected", "anonymous")),
    ("spf=pass smtp.mailfrom=receiver.example", ("rejected", "cfbl-unsigned")),
    ("dmarc=pass header.from=receiver.example; spf=pass smtp.mailfrom=receiver.example", ("rejected", "cfbl-unsigned")),
    ("dkim=pass header.d=other.example", ("rejected", "anonymous")),
    ("none", ("rejected", "anonymous")),
]


def feedback(results: str, raw: bytes) -> bytes:
    """A report of some receiver to our CFBL address."""
    raw = re.sub(rb"Authentication-Results: [^\r]*", f"Authentication-Results: mx.isp.example; {results}".encode(), raw)
    return raw.replace(b"fbl.example", b"receiver.example").replace(b"To: abuse@isp", b"To: feedback@isp")


@pytest.mark.standard("CFBL-3")
@pytest.mark.parametrize(("results", "expected"), CFBL, ids=[one[0] for one in CFBL])
async def test_at_our_cfbl_address_only_arf_signed_by_its_own_sender_is_processed(scene: Scene, results, expected):
    assert await scene.take_in(feedback(results, arf(BIRCH))) == [expected]


MINIMAL = """\
Return-Path: <fbl@fbl.example>
Authentication-Results: x
From: Receiver <fbl@fbl.example>
To: abuse@isp.example
Subject: FBL
Message-ID: <m-1@fbl.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b1"

--b1
Content-Type: text/plain

Somebody marked a message as spam.

--b1
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: FBL/0.1
Version: 0.1
Arrival-Date: {at}

--b1
Content-Type: text/rfc822; charset=utf-8

Message-ID: <campaign-7@birch.example>
CFBL-Feedback-ID: 111:222:3 33:4444

--b1--
"""


@pytest.mark.standard("CFBL-4")
async def test_the_smallest_report_that_names_our_mail_is_accepted_and_keeps_the_id(scene: Scene):
    raw = MINIMAL.format(at=f"{INCIDENT:%a, %d %b %Y %H:%M:%S} +0000").replace("\n", "\r\n").encode()
    found = await scene.take_in(feedback("dkim=pass header.d=receiver.example", raw))
    assert found == [("accepted", "own-feedback-id")]
    ((parsed,),) = await scene.ask("SELECT parsed FROM reports")
    assert "111:222:3" in str(parsed)
    assert "<campaign-7@birch.example>" in str(parsed)


def test_every_requirement_has_a_test_with_its_id():
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parents[1].rglob("test_*.py"))
    marked = set(re.findall(r'mark\.standard\("([A-Z]+-\d+)"\)', tests))
    assert marked >= {f"RPT-{number}" for number in range(1, 10)} | {f"CFBL-{number}" for number in range(1, 5)}

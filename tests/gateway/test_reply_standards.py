"""What the standards want of a program that gets and sends mail by itself, through a whole house (AR-5 to AR-10)."""

from __future__ import annotations

import asyncio
import email
from collections.abc import AsyncIterator

import pytest

from notifier.compose import loop_token
from parsers import parse
from parsers.report import Kind
from servers.people import attached, complaint, inline, spam
from servers.receiver import SmtpReceiver
from servers.waiting import Waiting, waiting_house

pytestmark = pytest.mark.needs("aiosmtpd")
BIRCH = "198.51.100.70"


@pytest.fixture
async def waiting(tmp_path, sqlite_url, smtp_receiver: SmtpReceiver) -> AsyncIterator[Waiting]:
    smtp = {"host": "127.0.0.1", "port": smtp_receiver.port, "security": "none", "bounce_grace_minutes": 0}
    async with waiting_house(tmp_path, sqlite_url, smtp=smtp) as made:
        yield made


def answer(to: str, **more: str) -> bytes:
    return complaint("We closed it.", sender="abuse@birch.example", to=to, **more)


@pytest.mark.standard("AR-5")
async def test_an_answer_finds_its_case_by_token_or_message_id_and_never_by_its_subject(waiting, smtp_receiver):
    await waiting.work_through(attached(spam(BIRCH)))
    notice = next(mail for mail in smtp_receiver.received if mail.rcpt_tos == ["abuse@birch.example"])
    sent = email.message_from_bytes(notice.raw)
    assert notice.mail_from == sent["Reply-To"]
    assert notice.mail_from.startswith("abuse+n.")
    await waiting.work_through(answer("abuse@isp.example", subject=f"Re: {sent['Subject']}"))
    assert await waiting.ask("SELECT state FROM clocks") == [("running",)]
    reply = f"In-Reply-To: {sent['Message-ID']}\n"
    await waiting.work_through(answer("abuse@isp.example", subject="about something else", headers=reply))
    assert await waiting.ask("SELECT state FROM clocks") == [("answered",)]


@pytest.mark.standard("AR-5")
async def test_a_bounced_notice_is_seen_at_its_return_path(waiting, smtp_receiver):
    await waiting.work_through(attached(spam(BIRCH)))
    notice = next(mail for mail in smtp_receiver.received if mail.rcpt_tos == ["abuse@birch.example"])
    body = (
        "--b1\nContent-Type: text/plain\n\nNo such user.\n\n--b1\nContent-Type: message/delivery-status\n\n"
        "Reporting-MTA: dns; mx.birch.example\n\nFinal-Recipient: rfc822; abuse@birch.example\nAction: failed\n"
        "Status: 5.1.1\n\n--b1--\n"
    )
    kind = 'multipart/report; report-type=delivery-status; boundary="b1"'
    bounce = complaint(
        body, to=notice.mail_from, content_type=kind, return_path="", sender="mailer-daemon@birch.example"
    )
    await waiting.work_through(bounce)
    assert await waiting.ask("SELECT state FROM notices WHERE kind = 'complaint'") == [("bounced",)]
    assert await waiting.ask("SELECT state FROM clocks") == [("unreachable",)]


@pytest.mark.standard("AR-7")
@pytest.mark.parametrize(
    "headers",
    [
        f"X-Arfgate-Loop: {loop_token('isp.example')}\n",
        "".join(f"Received: from a{i}.example by b{i}.example; Fri, 20 Nov 2026 10:00:00 +0000\n" for i in range(101)),
    ],
    ids=["own loop token", "more than 100 hops"],
)
async def test_what_goes_round_is_dropped_in_silence(waiting, smtp_receiver, headers):
    await waiting.work_through(inline(headers=headers), attached(headers=headers))
    assert await waiting.ask("SELECT DISTINCT verdict, reason FROM reports") == [("rejected", "loop")]
    assert smtp_receiver.received == []


@pytest.mark.standard("AR-7")
async def test_an_answer_to_our_own_reply_is_never_answered_by_the_program(waiting, smtp_receiver):
    await waiting.work_through(attached(spam(BIRCH)))
    thanks = next(
        email.message_from_bytes(m.raw) for m in smtp_receiver.received if m.rcpt_tos == ["ann@reporter.example"]
    )
    before = len(smtp_receiver.received)
    waiting.time[0] = waiting.time[0].replace(month=12)  # the seven days are long over
    for headers in (f"In-Reply-To: {thanks['Message-ID']}\n", f"References: <x@y.example> {thanks['Message-ID']}\n"):
        await waiting.work_through(complaint("Thank you!", subject="Re: accepted", headers=headers))
        out_of_office = f"{headers}Auto-Submitted: auto-replied\n"
        await waiting.work_through(complaint("I am away.", subject="Re: accepted", headers=out_of_office))
    to_us = [mail for mail in smtp_receiver.received[before:] if "reporter.example" in mail.rcpt_tos[0]]
    assert to_us == []


DELIVERY_REPORT = """\
Return-Path: <>
From: MAILER-DAEMON@mx.reader.example
To: abuse@isp.example
Subject: Delivery Status Notification
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain

Some of it arrived.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.reader.example

Final-Recipient: rfc822; gone@reader.example
Action: failed
Status: 5.1.1

Final-Recipient: rfc822; full@reader.example
Action: delayed
Status: 4.2.2

--b1--
"""
EXIM = """\
Return-Path: <>
X-Failed-Recipients: gone@reader.example
From: Mail Delivery System <Mailer-Daemon@mx.reader.example>
To: abuse@isp.example
Subject: Mail delivery failed: returning message to sender

This message was created automatically by mail delivery software.

  gone@reader.example
    550 5.1.1 No such user here
"""
IN_WORDS = """\
Return-Path: <>
From: MAILER-DAEMON@mx.reader.example (Mail Delivery Subsystem)
To: abuse@isp.example
Subject: failure notice

Hi. This is the qmail-send program at mx.reader.example.
I'm afraid I wasn't able to deliver your message to the following addresses.

<gone@reader.example>:
550 5.1.1 sorry, no mailbox here by that name
"""


@pytest.mark.standard("AR-8")
def test_a_delivery_report_is_read_for_each_recipient() -> None:
    said = parse(DELIVERY_REPORT.replace("\n", "\r\n").encode())
    assert said.kind is Kind.BOUNCE
    assert [(b.recipient, b.action, b.status) for b in said.bounces] == [
        ("gone@reader.example", "failed", "5.1.1"),
        ("full@reader.example", "delayed", "4.2.2"),
    ]


@pytest.mark.standard("AR-8")
@pytest.mark.parametrize("raw", [EXIM, IN_WORDS], ids=["X-Failed-Recipients", "in words"])
def test_delivery_reports_of_older_servers_are_read_too(raw: str) -> None:
    said = parse(raw.replace("\n", "\r\n").encode())
    assert said.kind is Kind.BOUNCE
    assert [(b.recipient, b.action) for b in said.bounces] == [("gone@reader.example", "failed")]


@pytest.mark.standard("AR-8")
async def test_a_delivery_report_is_never_answered(waiting, smtp_receiver):
    await waiting.work_through(*(raw.replace("\n", "\r\n").encode() for raw in (DELIVERY_REPORT, EXIM, IN_WORDS)))
    assert smtp_receiver.received == []


@pytest.mark.standard("AR-10")
async def test_nobody_is_unsubscribed_and_no_link_of_a_report_is_followed(waiting):
    asked: list[bytes] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/unsubscribe?token=4711"
        fields = f"List-Unsubscribe: <{url}>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\nSubject:"
        reported = spam(BIRCH, body=f"Buy at {url} now.").replace("Subject:", fields, 1)
        await waiting.work_through(attached(reported), inline(f"Look at {url}"))
        assert await waiting.ask("SELECT count(*) FROM cases") == [(1,)]
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"the server listens\r\n")
        await writer.drain()
        await reader.read()
        writer.close()
    assert asked == [b"the server listens\r\n"]

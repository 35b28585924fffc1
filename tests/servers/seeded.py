"""A desk with two months behind it: customers, resellers, cases in every state, fines, strikes, mute rules, a queue.

For pages that are looked at and walked through. Everything goes through the real pipeline at its own time.
"""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gateway import pipeline, reporting, staff, staff_strikes, tokens
from gateway.casework.mutes import Mute, MuteKind
from gateway.casework.states import NotAllowedError
from gateway.intake.customer_values import resource
from gateway.intake.customers import read_customers
from gateway.model import Case, CaseState
from gateway.staff import Solved
from gateway.store import cases as case_store
from gateway.store import customers, messages, mutes
from gateway.store.messages import Arrived
from gateway.volumes import import_file
from notifier.compose import Composed
from notifier.notice import Delivered
from servers.waiting import NOW, STAFF, Waiting, arf

HOSTILE = "<script>alert(1)</script> <img src=https://tracker.example/x.png> \u202e gpj.exe"
CUSTOMERS = """\
customer,name,parent,account,contacts,language,resource,valid_from,valid_to
alder,Alder Hosting,,,abuse@alder.example;second@alder.example,en,198.51.100.128/27,2025-02-01T00:00:00Z,2026-06-01T00:00:00Z
alder,Alder Hosting,,,,en,198.51.100.160/27,2026-03-01T00:00:00Z,
alder,Alder Hosting,,,,en,shop.alder.example,2026-05-01T00:00:00Z,
hazel,Hazel Newsletters,alder,news,desk@hazel.example,en,198.51.100.192/28,2026-06-15T00:00:00Z,
hazel,Hazel Newsletters,alder,,,en,198.51.100.208/28,2026-08-01T00:00:00Z,2026-10-01T00:00:00Z
rowan,罗文网络,alder,,noc@rowan.example,en,198.51.100.224/28,2026-01-10T00:00:00Z,
""" + "".join(
    f"{name},{name.title()} Works,,,abuse@{name}.example,en,192.0.2.{64 + 8 * n}/29,2026-0{1 + n}-01T00:00:00Z,\n"
    for n, name in enumerate(("aspen", "cedar", "larch", "maple", "poplar", "spruce", "walnut", "willow"))
)


class Taken:
    """Stands in for the mailer: whatever it is given was accepted at once."""

    async def send(self, composed: Composed) -> Delivered:
        return Delivered("250 taken", "mx.test")

    async def aclose(self) -> None:
        pass


_SOURCES = ((64, 40), (64, 40), (160, 30), (192, 14), (224, 14), (5, 30))  # last octets of the customers' networks
_TYPES = ("abuse", "abuse", "fraud", "abuse", "virus", "abuse", "other")


async def seed(waiting: Waiting, folder: Path, *, days: int = 40) -> None:
    """Two months of work in the house, which ends at the test's `NOW`. Takes seconds."""
    house = waiting.house
    house.mailer = Taken()  # type: ignore[assignment]
    file = folder / "more-customers.csv"
    file.write_text(CUSTOMERS, encoding="utf-8")
    async with house.database.writing() as connection:
        await customers.import_file(
            connection, read_customers(file, await customers.keys(connection)), who="test", now=NOW
        )
    for back in range(days, -1, -1):
        waiting.time[0] = NOW - timedelta(days=back)
        await _day(waiting, waiting.time[0], back)
    waiting.time[0] = NOW
    await _words(waiting, folder)


async def _day(waiting: Waiting, at: datetime, back: int) -> None:
    mails = [
        _report(_source(back, n), at - timedelta(hours=2 + n), _TYPES[(back // 2 + n) % len(_TYPES)])
        for n in range(1 + (back * 7 + back // 5) % 4)
    ]
    if back % 6 == 0:
        mails.append(_person("198.51.100.71", at - timedelta(hours=5), back))
    async with waiting.house.database.writing() as connection:
        await messages.store(connection, [Arrived(raw, at) for raw in mails], None, at)
    await pipeline.work(waiting.house)
    waiting.time[0] = at + timedelta(minutes=7 + back * 3)
    await pipeline.drain(waiting.house)
    for _ in range(back % 3):
        await _answered(waiting, back)


async def _answered(waiting: Waiting, back: int) -> None:
    """The customer of the oldest case answers by mail, and two hours later staff hold it true."""
    house = waiting.house
    rows = await waiting.ask(
        "SELECT n.id, n.\"to\", c.case_id FROM clocks c JOIN notices n ON n.clock_id = c.id AND n.kind = 'complaint' "
        "WHERE c.state = 'running' ORDER BY c.id LIMIT 1"
    )
    if not rows:
        return
    waiting.time[0] += timedelta(hours=2 + back % 9)
    notice, contact, case_id = rows[0]
    to = tokens.notice_address("abuse@isp.example", notice, house.key("notice"))
    reply = (
        f"From: <{contact}>\nTo: <{to}>\nSubject: Re: complaint\nMessage-ID: <answer-{notice}@customer.example>\n\n"
        "We removed the script and changed the passwords.\n"
    ).replace("\n", "\r\n")
    async with house.database.writing() as connection:
        await messages.store(connection, [Arrived(reply.encode(), waiting.time[0])], None, waiting.time[0])
    await pipeline.drain(house)
    waiting.time[0] += timedelta(hours=2)
    with contextlib.suppress(NotAllowedError):
        number = Case(0, "", CaseState.OPEN, waiting.time[0], id=case_id).number
        await staff.resolve(house, number, Solved("the script was removed", "passwords changed"), who="mara")


def _source(back: int, n: int) -> str:
    first, many = _SOURCES[(back + n) % len(_SOURCES)]
    if n == 2:
        return f"192.0.2.{64 + (back * 5) % 64}"
    return f"198.51.100.{first + (back * 3 + n) % many}"


def _report(source: str, at: datetime, kind: str) -> bytes:
    return arf(source, at, subject=HOSTILE if kind == "fraud" else "Great offers this week").replace(
        b"Feedback-Type: abuse", f"Feedback-Type: {kind}".encode()
    )


def _person(source: str, at: datetime, number: int) -> bytes:
    """A complaint that somebody wrote, with the mail attached: it is acknowledged."""
    who = f"kim{number}@reader.example"
    when = f"{at:%a, %d %b %Y %H:%M:%S} +0000"
    lines = f"""\
Return-Path: <{who}>
Received: from mx.reader.example (mx.reader.example [203.0.113.21]) by mx.isp.example with ESMTPS id k{number}
Authentication-Results: mx.isp.example; dkim=pass header.d=reader.example; spf=pass smtp.mailfrom=reader.example
From: Kim <{who}>
To: abuse@isp.example
Subject: Spam from your network
Message-ID: <kim-{number}@reader.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b1"

--b1
Content-Type: text/plain

Please stop this.
--b1
Content-Type: message/rfc822

Received: from mail.sender.example (mail.sender.example [{source}])
\tby mx.reader.example (Postfix) with ESMTPS id 7aB{number}; {when}
From: Great Offers <offers@sender.example>
To: {who}
Date: {when}
Subject: An offer you did not ask for
Message-ID: <offer-{number}@sender.example>

Buy now.
--b1--
"""
    return lines.replace("\n", "\r\n").encode()


async def _words(waiting: Waiting, folder: Path) -> None:
    """What staff said and did."""
    house = waiting.house
    async with house.database.reading() as connection:
        found = await case_store.listed(connection, only_open=False)
    if found:
        async with house.database.writing() as connection:
            family, first, last = resource("198.51.100.70")[1:]
            rule = Mute(0, MuteKind.ADDRESS, "198.51.100.70", NOW + timedelta(days=9), family, first, last)
            await mutes.add(connection, rule, "a test list of ours", who="mara", now=NOW)
    await staff_strikes.activity(house, "birch", who="mara", why="seen sending from the relay's log")
    await reporting.decide(house, "fbl", {"trust": "trusted", "weight": 2.0}, "mara", "a feed of years")
    await reporting.decide(house, "noise.example", {"trust": "doubtful"}, "mara", "reports what it subscribed to")
    volumes = folder / "volumes.csv"
    lines = [f"birch,,,{(NOW - timedelta(days=n)).date()},{1200 - 13 * n},{n % 4}" for n in range(1, 29)]
    volumes.write_text("\n".join(["customer,account,campaign,day,sent,added", *lines]), encoding="utf-8")
    await import_file(house, volumes, "mara")


def settings() -> dict[str, Any]:
    """Sections for `waiting_house`: whoever is signed in is one of the legal lane."""
    return {"legal": {"staff": [f"{STAFF}@isp.example", "omar@isp.example"]}}

"""Complaints to measure with: RFC 5965 reports of a chosen size, each about another address, and who holds those.

Everything is made up, and the same for the same arguments. Only documentation addresses.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

CUSTOMERS = 200
WORDS = ("today", "only", "save", "offer", "price", "member", "account", "click", "order", "free", "summer", "quality")

_REPORT = """\
Return-Path: <feedback@fbl.example>
Received: from out.fbl.example (out.fbl.example [203.0.113.20])
\tby mx.isp.example (Postfix) with ESMTPS id 4X{number:06d}
\tfor <abuse@isp.example>; {date}
Authentication-Results: mx.isp.example; dkim=pass header.d=fbl.example;
\tspf=pass smtp.mailfrom=fbl.example
From: Feedback Loop <feedback@fbl.example>
To: abuse@isp.example
Subject: Complaint about a message from {ip}
Date: {date}
Message-ID: <report-{number}@fbl.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report;
\tboundary="report-{number}"

--report-{number}
Content-Type: text/plain; charset=us-ascii

This is a complaint about a message from {ip}, received at {date}.

--report-{number}
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <bounce-{number}@shop.example>
Original-Rcpt-To: <reader{number}@reader.example>
Arrival-Date: {date}
Reporting-MTA: dns; mx.reader.example
Source-IP: {ip}
Authentication-Results: mx.reader.example; spf=fail
\tsmtp.mailfrom=bounce-{number}@shop.example
Reported-Domain: shop.example

--report-{number}
Content-Type: message/rfc822

Return-Path: <bounce-{number}@shop.example>
Received: from mail.shop.example (mail.shop.example [{tagged}])
\tby mx.reader.example (Postfix) with ESMTPS id 7a{number:06d}
\tfor <reader{number}@reader.example>; {date}
Received: from desk (desk.lan [10.1.2.3]) by mail.shop.example with ESMTPA;
\t{date}
From: Great Offers <offers@shop.example>
To: reader{number}@reader.example
Subject: An offer for reader{number}@reader.example
Date: {date}
Message-ID: <spam-{number}@shop.example>
List-Unsubscribe: <https://shop.example/leave?{number}>
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="inner-{number}"

--inner-{number}
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

{text}
--inner-{number}
Content-Type: text/html; charset=utf-8

<html><body>{html}</body></html>
--inner-{number}--

--report-{number}--
"""


def address(source: int) -> str:
    """An address of customer `source % CUSTOMERS`."""
    return f"2001:db8:{source % CUSTOMERS + 1:x}::{source // CUSTOMERS + 1:x}"


def complaint(number: int, source: int, when: datetime, size: int) -> bytes:
    """One report of about `size` bytes about a mail from address `source` received at `when`."""
    ip = address(source)
    filled = {"number": number, "ip": ip, "tagged": f"IPv6:{ip}", "date": format_datetime(when)}
    bare = len(_REPORT.format(**filled, text="", html=""))
    text = _prose(number, max(size - bare, 0) // 3)
    html = "<p>" + _prose(-number - 1, max(size - bare - len(text) - 7, 0)).replace("\n", "<br>\n") + "</p>"
    return _REPORT.format(**filled, text=text, html=html).replace("\n", "\r\n").encode()


def complaints(count: int, size: int, sources: int | None = None) -> list[bytes]:
    """`count` complaints about mails of the last hours, about `sources` addresses in turn (None: each its own)."""
    now = datetime.now(UTC).replace(microsecond=0)
    return [
        complaint(number, number % (sources or count), now - timedelta(minutes=5 + number % 300), size)
        for number in range(count)
    ]


def customers_csv() -> str:
    rows = [
        f"customer-{n},Customer {n} Ltd,desk@customer-{n}.example,2001:db8:{n:x}::/48,2020-01-01T00:00:00+00:00"
        for n in range(1, CUSTOMERS + 1)
    ]
    return "\n".join(["customer,name,contacts,resource,valid_from", *rows, ""])


def _prose(seed: int, characters: int) -> str:
    """Lines of words, at most this many characters."""
    words = random.Random(seed)
    lines = [" ".join(words.choices(WORDS, k=9)) for _ in range(characters // 40 + 1)]
    return "\n".join(lines)[:characters]

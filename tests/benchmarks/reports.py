"""Reports to read: RFC 5965 of a chosen size with what real ones have, and shapes that grow along one measure.

Signed, folded, with encoded words, several recipients and domains, IPv4 and IPv6; the reported mail is nested, in
quoted-printable and base64, a mass mailing with the usual footer. Regular structure throughout. Everything is made up, and the same for the same
arguments. Only documentation addresses.
"""

from __future__ import annotations

import base64
import quopri
import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

WORDS = ("today", "only", "save", "offer", "price", "member", "account", "click", "order", "free", "summer", "quality")
WHEN = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)

_REPORT = """\
Return-Path: <feedback@fbl.example>
Received: from out.fbl.example (out.fbl.example [203.0.113.20])
\tby mx.isp.example (Postfix) with ESMTPS id 4X{number:06d}
\tfor <abuse@isp.example>; {date}
Authentication-Results: mx.isp.example; dkim=pass header.d=fbl.example;
\tspf=pass smtp.mailfrom=fbl.example
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=fbl.example; s=s1;
\tt=1795143600; h=from:to:subject:date:message-id:mime-version:content-type;
\tbh={hash};
\tb={signature}
From: Feedback Loop <feedback@fbl.example>
To: abuse@isp.example
Subject: complaint about message from {ip}
Date: {date}
Message-ID: <report-{number}@fbl.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report;
\tboundary="report-{number}"

--report-{number}
Content-Type: text/plain; charset=us-ascii
Content-Transfer-Encoding: 7bit

This is an email abuse report for an email message received from {ip}
on {date}.

--report-{number}
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <bounce-{number}@shop.example>
{recipients}
Arrival-Date: {date}
Reporting-MTA: dns; mx.reader.example
Source-IP: {ip}
Authentication-Results: mx.reader.example; spf=fail
\tsmtp.mailfrom=bounce-{number}@shop.example
Reported-Domain: shop.example
Reported-Domain: pictures-{number}.example
Reported-URI: https://shop.example/offer?{number}

--report-{number}
Content-Type: message/rfc822
Content-Disposition: inline

Return-Path: <bounce-{number}@shop.example>
Received: from mail.shop.example (mail.shop.example [{tagged}])
\tby mx.reader.example (Postfix) with ESMTPS id 7a{number:06d}
\tfor <reader{number}@reader.example>; {date}
Received: from front.shop.example (front.shop.example [203.0.113.77])
\tby mail.shop.example (Postfix) with ESMTP id 9c{number:06d}; {date}
Received: from desk (desk.lan [10.1.2.3]) by front.shop.example with ESMTPA;
\t{date}
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=shop.example; s=s1;
\th=from:to:subject:date:message-id; bh={hash};
\tb={signature}
From: =?utf-8?Q?Gro=C3=9Fe_Angebote?= <offers@shop.example>
To: reader{number}@reader.example
Subject: =?utf-8?B?{subject}?=
\t=?utf-8?Q?_f=C3=BCr_{number}?=
Date: {date}
Message-ID: <spam-{number}@shop.example>
List-Unsubscribe: <https://shop.example/leave?{number}>
X-Mailer: SomeMailer 5.1
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="mixed-{number}"

--mixed-{number}
Content-Type: multipart/alternative; boundary="inner-{number}"

--inner-{number}
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

{text}
Shop Example Ltd, company number 01234567, registered in England.
To unsubscribe: https://shop.example/leave?{number}
--inner-{number}
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<html><body><p>{text}</p><p>Shop Example Ltd, company number 01234567, registered in England.
<a href=3D"https://shop.example/leave?{number}">Unsubscribe</a></p></body></html>
--inner-{number}--

--mixed-{number}
Content-Type: image/png; name="offer.png"
Content-Transfer-Encoding: base64

{picture}
--mixed-{number}--

--report-{number}--
"""


def report(number: int, size: int) -> bytes:
    """One report of about `size` bytes."""
    chance = random.Random(number)
    ip = f"2001:db8:5::{number + 1:x}" if number % 3 == 0 else f"198.51.100.{number % 250 + 1}"
    filled = {
        "number": number,
        "ip": ip,
        "tagged": f"IPv6:{ip}" if ":" in ip else ip,
        "date": format_datetime(WHEN - timedelta(minutes=number)),
        "hash": base64.b64encode(chance.randbytes(32)).decode(),
        "signature": _lines(base64.b64encode(chance.randbytes(128)).decode(), 70, "\n\t "),
        "recipients": "\n".join(f"Original-Rcpt-To: <reader{n}@reader.example>" for n in range(number, number + 3)),
        "subject": base64.b64encode("Einmaliges Angebot, nur heute: 50 % günstiger".encode()).decode(),
    }
    left = size - len(_REPORT.format(**filled, text="", picture=""))
    text = quopri.encodestring(_prose(chance, max(left, 0) // 5).encode()).decode()
    pixels = chance.randbytes(max(left - 2 * len(text), 60) * 3 // 4)
    picture = _lines(base64.b64encode(b"\x89PNG\r\n\x1a\n" + pixels).decode(), 76, "\n")
    return _REPORT.format(**filled, text=text, picture=picture).replace("\n", "\r\n").encode()


def reports(size: int, count: int) -> list[bytes]:
    return [report(number, size) for number in range(count)]


def _prose(chance: random.Random, characters: int) -> str:
    lines = [" ".join(chance.choices(WORDS, k=9)) for _ in range(characters // 40 + 1)]
    return "\n".join(lines)[:characters]


def _lines(text: str, width: int, between: str) -> str:
    return between.join(text[at : at + width] for at in range(0, len(text), width))

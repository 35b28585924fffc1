"""What people send: complaints with and without the reported mail, authenticated by our border or not at all."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

from servers.waiting import NOW, arf

_BIRCH = "198.51.100.70"
_numbers = itertools.count(1)


def spam(source: str = "198.51.100.70", at: datetime = NOW - timedelta(hours=2), body: str = "Buy now.") -> str:
    """A mail that came to the complainant, with its trace; each call another one."""
    number = next(_numbers)
    return f"""\
Received: from mail.sender.example (mail.sender.example [{source}]) by mx.reporter.example with ESMTPS id s{number};
\t{at:%a, %d %b %Y %H:%M:%S} +0000
From: Great Offers <offers@sender.example>
To: ann@reporter.example
Subject: An offer you did not ask for
Date: {at:%a, %d %b %Y %H:%M:%S} +0000
Message-ID: <offer-{number}@sender.example>

{body}
"""


def complaint(body: str, *, sender: str = "ann@reporter.example", passes: bool = True, **more: str) -> bytes:
    """A mail to our abuse mailbox. `more`: to, subject, return_path, headers (whole lines), content_type, results."""
    number, domain = next(_numbers), sender.rpartition("@")[2]
    result = "pass" if passes else "fail"
    own = f"mx.isp.example; dkim={result} header.d={domain}; spf={result} smtp.mailfrom={domain}"
    lines = f"""\
Return-Path: <{more.get("return_path", sender)}>
Received: from out.{domain} (out.{domain} [203.0.113.9]) by mx.isp.example with ESMTPS id c{number}
Authentication-Results: {more.get("results", own)}
From: Ann Reporter <{sender}>
To: {more.get("to", "abuse@isp.example")}
Subject: {more.get("subject", "Fwd: An offer you did not ask for")}
Message-ID: <complaint-{number}@{domain}>
{more.get("headers", "")}MIME-Version: 1.0
Content-Type: {more.get("content_type", "text/plain; charset=utf-8")}

{body}
"""
    return lines.replace("\n", "\r\n").encode("utf-8")


def inline(text: str = "Please stop this spam.", **more: str | bool) -> bytes:
    """A forward as most people send it: the header is gone."""
    body = f"""\
{text}

---------- Forwarded message ---------
From: Great Offers <offers@sender.example>
Date: Fri, Nov 20, 2026 at 10:00 AM
Subject: An offer you did not ask for
To: <ann@reporter.example>

Buy now.
"""
    return complaint(body, **more)  # type: ignore[arg-type]


def attached(reported: str | None = None, text: str = "Here is the original.", **more: str | bool) -> bytes:
    """A forward as it should be: the reported mail as an attachment."""
    body = f"""\
--b1
Content-Type: text/plain; charset=utf-8

{text}

--b1
Content-Type: message/rfc822

{reported or spam()}
--b1--
"""
    return complaint(body, **{"content_type": 'multipart/mixed; boundary="b1"'} | more)  # type: ignore[arg-type]


def opt_out(complainant: str, **more: str) -> bytes:
    """A feed's word that its user wants no more of a mail. `more` as in `arf`."""
    return arf(_BIRCH, complainant=complainant, **more).replace(b"Feedback-Type: abuse", b"Feedback-Type: opt-out")


def bounce(recipient: str, status: str = "5.1.1", source: str = _BIRCH, headers: str = "") -> bytes:
    """A delivery report about a customer's mail. `headers`: more of that mail, each with its line end."""
    body = f"""\
--b1
Content-Type: text/plain

Sorry, your mail could not be delivered.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.reader.example

Final-Recipient: rfc822; {recipient}
Action: failed
Status: {status}

--b1
Content-Type: message/rfc822

{spam(source).replace("From: ", headers + "From: ", 1)}
--b1--
"""
    kind = 'multipart/report; report-type=delivery-status; boundary="b1"'
    return complaint(
        body, content_type=kind, sender="mailer-daemon@mx.reader.example", return_path="", passes=False,
        to="postmaster@isp.example", subject="Undelivered mail",
    )  # fmt: skip

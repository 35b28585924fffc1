"""Complaints as people send them: authenticated by the border, the reported mail attached whole."""

from __future__ import annotations

import itertools
from datetime import datetime

_numbers = itertools.count(1)


def complaint(sender: str, source: str, at: datetime, **more: str) -> bytes:
    """A forward by `sender` of a mail that `source` handed over at `at`. `more`: subject, body, extra header lines of
    the reported mail, its message_id; text of the complaint; authenticated="no" for one that nobody checked."""
    number = next(_numbers)
    domain = sender.partition("@")[2]
    when = f"{at:%a, %d %b %Y %H:%M:%S} +0000"
    checked = f"dkim=pass header.d={domain}" if more.get("authenticated") != "no" else "dkim=none; spf=none"
    lines = f"""\
Return-Path: <{sender}>
Received: from mail.{domain} (mail.{domain} [203.0.113.99]) by mx.isp.example with ESMTPS id p{number}
Authentication-Results: mx.isp.example; {checked}
From: A Reader <{sender}>
To: abuse@isp.example
Subject: Fwd: {more.get("subject", "An offer you did not ask for")}
Message-ID: <complaint-{number}@{domain}>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b{number}"

--b{number}
Content-Type: text/plain; charset=utf-8

{more.get("text", "I did not ask for this. Please stop it.")}

--b{number}
Content-Type: message/rfc822

Received: from mail.sender.example (mail.sender.example [{source}])
	by mx.{domain} (Postfix) with ESMTPS id 7aB{number}
	for <{sender}>; {when}
{more.get("extra", "")}From: {more.get("from_", "Great Offers <offers@sender.example>")}
To: {sender}
Subject: {more.get("subject", "An offer you did not ask for")}
Date: {when}
Message-ID: {more.get("message_id", f"<spam-p{number}@sender.example>")}

{more.get("body", "Buy now.")}

--b{number}--
"""
    return lines.replace("\n", "\r\n").encode("utf-8", "surrogateescape")

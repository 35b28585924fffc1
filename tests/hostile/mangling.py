"""Ways to break a message, for the property test and for fuzzing: each takes bytes and a source of chance, and breaks one thing."""

from __future__ import annotations

import base64
import quopri
import random
import re
from collections.abc import Callable

MOST = 300_000  # bytes that a broken message may grow to

# What parsers look for, and what they trip over.
TOKENS = (
    b"Content-Type: multipart/mixed; boundary=b\r\n", b"Content-Type: message/rfc822\r\n", b"Content-Type: text/html\r\n",
    b"Content-Type: message/feedback-report\r\n", b"Content-Type: message/delivery-status\r\n",
    b"Content-Transfer-Encoding: base64\r\n", b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"Content-Type: application/json; name=x.json\r\n", b"Content-Type: application/ms-tnef; name=winmail.dat\r\n",
    b"Feedback-Type: abuse\r\n", b"Source-IP: 192.0.2.1\r\n", b"Source-IP: ::ffff:1.2.3.4%eth0\r\n", b"Incidents: -1\r\n",
    b"Arrival-Date: Thu, 31 Feb 9999 25:61:61 +9999\r\n", b"Arrival-Date: 0001-01-01T00:00:00+23:59\r\n",
    b"Date: Fri, 31 Dec 0000 00:00:00 -2359\r\n", b"Received: from [192.0.2.1] by x; 1 Jan 1 1:1:1 +1400\r\n",
    b"Received: from x (x [IPv6:2001:db8::1%1]) by y (y [::1])\r\n", b"From: a@b.example, c@d.example\r\n",
    b"From: =?utf-8?b?////?= <a@b>\r\n", b"Subject: =?gb18030?B?\xff?=\r\n", b"Subject: Re: Fwd: AW: \xe5\x9b\x9e\xe5\xa4\x8d:\r\n",
    b"\r\n\r\n", b"--", b"--b\r\n", b"--b--\r\n", b"\0", b"\r", b"\x1b$B", b"\xef\xbb\xbf", b"\xff\xfe", b"\xf0\x9f\x98\x80", b"\xed\xa0\x80",
    b"=?", b"?=", b"=?utf-7?q?+ADw-?=", b"<", b">", b'"', b"(", b")", b"((((((((", b";", b";;;;", b":", b",", b"[", b"]", b"{", b"}", b'{"', b"\\", b"\\u0000",
    b"%00", b"&#0;", b"&#1114112;", b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"<![CDATA[", b"]]>", b"<script", b"http://", b"hxxp://[::1]/", b"http://\xe4\xbe\x8b\xe5\xad\x90.example/",
    b"www.", b"@", b"2026-01-02T03:04:05Z", b"9999-99-99 99:99:99", b"192.0.2.1", b"999.999.999.999", b"1e999", b"NaN", b"-0", b"99999999999999999999",
    b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\x78\x9f\x3e\x22", b"\x1f\x8b\x08", b"----- Original Message -----\n", b"> ", b"\t", b" ",
)  # fmt: skip


def cut(raw: bytes, chance: random.Random) -> bytes:
    return raw[: chance.randrange(len(raw) + 1)]


def headless(raw: bytes, chance: random.Random) -> bytes:
    return raw[chance.randrange(len(raw) + 1) :]


def flip(raw: bytes, chance: random.Random) -> bytes:
    broken = bytearray(raw)
    for _ in range(chance.choice((1, 3, 30))):
        if broken:
            broken[chance.randrange(len(broken))] = chance.randrange(256)
    return bytes(broken)


def drop(raw: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(raw) + 1)
    return raw[:start] + raw[start + chance.choice((1, 5, 100)) :]


def insert(raw: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(raw) + 1)
    return raw[:at] + chance.choice(TOKENS) * chance.choice((1, 1, 1, 2, 40)) + raw[at:]


def insert_at_line(raw: bytes, chance: random.Random) -> bytes:
    lines = raw.split(b"\n")
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(TOKENS).rstrip(b"\n"))
    return b"\n".join(lines)


def repeat_line(raw: bytes, chance: random.Random) -> bytes:
    lines = raw.split(b"\n")
    at = chance.randrange(len(lines))
    return b"\n".join(lines[:at] + [lines[at]] * chance.choice((2, 20, 2_000)) + lines[at:])[:MOST]


def repeat_piece(raw: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(raw) + 1)
    piece = raw[start : start + chance.choice((1, 4, 60, 2_000))]
    return (raw[:start] + piece * chance.choice((2, 30, 3_000)) + raw[start:])[:MOST]


def swap_lines(raw: bytes, chance: random.Random) -> bytes:
    lines = raw.split(b"\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def drop_lines(raw: bytes, chance: random.Random) -> bytes:
    lines = raw.split(b"\n")
    at = chance.randrange(len(lines))
    return b"\n".join(lines[:at] + lines[at + chance.choice((1, 3, 20)) :])


def other_line_ends(raw: bytes, chance: random.Random) -> bytes:
    lf = raw.replace(b"\r\n", b"\n")
    return lf.replace(b"\n", chance.choice((b"\r\n", b"\r", b"\r\r\n", b"\n\n", b"\n")))


def one_line(raw: bytes, chance: random.Random) -> bytes:
    return raw.replace(b"\n", b" ", chance.choice((1, 5, -1)))


def numbers(raw: bytes, chance: random.Random) -> bytes:
    """Another number in the place of each."""
    other = chance.choice((b"0", b"99999999999999999999", b"-1", b"256", b"65536", b"1.5", b""))
    return re.sub(rb"\d+", lambda hit: other if chance.random() < 0.3 else hit[0], raw)


def wrap(raw: bytes, chance: random.Random) -> bytes:
    """The message as an attachment of another, encoded or not."""
    encoding, body = chance.choice(
        ((b"7bit", raw), (b"base64", base64.encodebytes(raw)), (b"quoted-printable", quopri.encodestring(raw)))
    )
    kind = chance.choice(
        (b"message/rfc822", b"application/octet-stream; name=x.eml", b"text/plain", b"text/rfc822-headers")
    )
    return (
        b"From: p@reporter.example\r\nTo: abuse@isp.example\r\nSubject: Fwd: x\r\n"
        b"Content-Type: multipart/mixed; boundary=outermost\r\n\r\n--outermost\r\n\r\nSee below.\r\n--outermost\r\n"
        b"Content-Type: "
        + kind
        + b"\r\nContent-Transfer-Encoding: "
        + encoding
        + b"\r\n\r\n"
        + body
        + b"\r\n--outermost--\r\n"
    )[:MOST]


def wrong_encoding(raw: bytes, chance: random.Random) -> bytes:
    return re.sub(
        rb"(?i)(content-transfer-encoding:|charset=)\s*[\"\w-]+",
        lambda hit: hit[1] + b" " + chance.choice((b"base64", b"quoted-printable", b"x-uuencode", b"utf-7", b"utf-16", b"gb18030", b"zlib", b"idna", b"")),
        raw,
    )  # fmt: skip


WAYS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    cut, headless, flip, drop, insert, insert_at_line, repeat_line, repeat_piece, swap_lines, drop_lines,
    other_line_ends, one_line, numbers, wrap, wrong_encoding,
)  # fmt: skip


def mangled(raw: bytes, seed: int) -> bytes:
    """The message broken in one to six ways; the same for the same seed."""
    chance = random.Random(seed)
    for _ in range(chance.choice((1, 1, 2, 3, 6))):
        raw = chance.choice(WAYS)(raw, chance) or b"x"
    return raw[:MOST]

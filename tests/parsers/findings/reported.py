"""A complaint with a reported mail in it, made to measure."""

from __future__ import annotations

from base64 import encodebytes

from parsers import parse
from parsers.report import Report

HEADERS = {
    "Return-Path": "<bounce@sender.example>",
    "Received": "from mail.sender.example (mail.sender.example [198.51.100.7])\n\tby mx.reader.example with ESMTPS;"
    " Tue, 06 Jan 2026 07:30:07 +0000",
    "From": "Offers <offers@sender.example>",
    "To": "pat@reader.example",
    "Subject": "An offer",
    "Date": "Tue, 06 Jan 2026 07:30:00 +0000",
    "Message-ID": "<spam-1@sender.example>",
}


def report(body: str | bytes = "Buy now.\n", kind: str = "message/rfc822", **headers: str | None) -> Report:
    """What is said about a mail with these header fields (`Reply_To` is Reply-To; None takes one away)."""
    fields = HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\n" for name, value in fields.items() if value is not None)
    content = body.encode() if isinstance(body, str) else body
    raw = (
        b"From: pat@reader.example\nTo: abuse@isp.example\nSubject: spam\nMIME-Version: 1.0\n"
        b"Content-Type: multipart/mixed; boundary=outer\n\n--outer\nContent-Type: text/plain\n\nspam\n"
        b"--outer\nContent-Type: " + kind.encode() + b"\n\n" + head.encode() + b"\n" + content + b"\n--outer--\n"
    )
    parsed = parse(raw)
    assert parsed.error is None
    return parsed.reports[0]


def findings(body: str | bytes = "Buy now.\n", **headers: str | None) -> dict[str, str]:
    """Evidence by code."""
    return {finding.code: finding.evidence for finding in report(body, **headers).findings}


def attached(content: bytes, name: str = "file.bin", kind: str = "application/octet-stream") -> dict[str, str]:
    """The findings of a mail with this file."""
    return findings(
        b"--in\nContent-Type: text/plain\n\nSee the file.\n--in\nContent-Type: " + kind.encode() + b'; name="'
        + name.encode() + b'"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment\n\n'
        + encodebytes(content) + b"--in--\n",
        Content_Type="multipart/mixed; boundary=in",
    )  # fmt: skip

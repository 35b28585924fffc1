"""The reported mail inside a XARF document: `Samples[]`, `evidence[]` or `Attachment[]`, decoded and read as a message.

Only what begins like a mail is decoded further; everything else (screenshots, malware, logs) stays
where it is. Must never be asked for a report of child abuse: nothing of that is ever copied.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from parsers import evidence
from parsers.evidence import Evidence
from parsers.scan import Headers, Part, skip_junk

ITEMS = 50  # that one report may bring, by the specification of version 4
ITEM_BYTES = 5 * 1024 * 1024
_MAIL = frozenset(
    ("message/rfc822", "application/rfc822", "message/global", "text/email", "application/email", "text/rfc822")
)
_HEADERS = frozenset(("text/rfc822-headers", "text/rfc822-header", "message/rfc822-headers"))
_OF_A_MAIL = frozenset((b"from", b"received", b"date", b"message-id", b"subject", b"return-path"))
_HASHES = frozenset(("md5", "sha1", "sha256", "sha512"))


class Item(NamedTuple):
    """One piece of evidence. `encoded`: does the sender say that it is base64?"""

    content_type: str
    payload: str
    encoded: bool
    hash: str | None


def items(document: dict[str, Any]) -> Iterator[Item]:
    """Of any version: v4 `evidence`, v3 `Report.Samples`, xarf.org's v3 `Report.Attachment`."""
    report = document.get("Report")
    inner: dict[str, Any] = report if isinstance(report, dict) else {}
    for listed, kind, payload, always in (
        (document.get("evidence"), "content_type", "payload", True),
        (inner.get("Samples"), "ContentType", "Payload", False),
        (inner.get("Attachment"), "ContentType", "Data", True),
    ):
        for one in listed[:ITEMS] if isinstance(listed, list) else ():
            if isinstance(one, dict) and isinstance(one.get(payload), str):
                said = one.get(kind)
                digest = one.get("hash")
                yield Item(
                    said.partition(";")[0].strip().lower() if isinstance(said, str) else "",
                    one[payload],
                    always or one.get("Base64Encoded") is True,
                    digest if isinstance(digest, str) else None,
                )


def reported_mail(document: dict[str, Any], beside: Part, defects: list[str]) -> Evidence | None:
    """The first piece that is a mail or its header. `beside` is the part the JSON came in: it lends its budget."""
    for item in items(document):
        if not (item.content_type in _MAIL | _HEADERS or item.content_type.startswith("text/")):
            continue
        if len(item.payload) > ITEM_BYTES * 4 // 3 + 4:
            defects.append("evidence-too-large")
            continue
        raw, noted = _bytes(item)
        headers = _header_fields(raw)
        if item.content_type in _MAIL | _HEADERS:
            defects += noted
            if not headers:
                defects.append("empty-original")
                continue
        elif len(headers & _OF_A_MAIL) < 2 or not headers & {b"from", b"received"}:
            continue
        else:
            defects += noted
        _check_hash(item, raw, defects)
        kind = b"text/rfc822-headers" if item.content_type in _HEADERS else b"message/rfc822"
        return evidence.read(Part.made(b"Content-Type: " + kind, raw, [], beside.budget, beside.depth + 1))
    return None


def _bytes(item: Item) -> tuple[bytes, list[str]]:
    """The payload's bytes, and what was odd about their encoding."""
    plain = item.payload.encode("utf-8", "replace")
    decoded, padded = _decoded(item.payload)
    if item.encoded:
        if decoded is not None:
            return decoded, [] if padded else ["base64-without-padding"]
        return plain, ["evidence-not-base64"]
    if not _header_fields(plain) and decoded is not None and _header_fields(decoded):
        return decoded, ["base64-not-announced"]
    return plain, []


def _decoded(payload: str) -> tuple[bytes | None, bool]:
    """Strictly: line ends may stand in it, nothing else that is not of the alphabet. And: was the padding there?"""
    packed = re.sub(r"[\r\n\t ]+", "", payload)
    missing = -len(packed) % 4
    try:
        return base64.b64decode(packed + "=" * missing, validate=True), not missing
    except (binascii.Error, ValueError):
        return None, True


def _header_fields(raw: bytes) -> frozenset[bytes]:
    beginning = raw[:20_000]
    start = skip_junk(beginning, 0, len(beginning))
    block = re.split(rb"\r?\n\r?\n", beginning[start:], maxsplit=1)[0]
    return frozenset(Headers(block, len(block)).fields)


def _check_hash(item: Item, raw: bytes, defects: list[str]) -> None:
    name, colon, stated = (item.hash or "").lower().partition(":")
    if colon and name in _HASHES and hashlib.new(name, raw, usedforsecurity=False).hexdigest() != stated:
        defects.append("evidence-hash-differs")

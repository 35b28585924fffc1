"""MIME entities as bytes: texts, attachments, multiparts, each in the plainest way that every server carries.

Pure. Must never take a header from anywhere but `headers`, nor let content end a multipart.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable

from notifier.headers import clean
from notifier.notice import Part

_LONGEST_PLAIN_LINE = 900  # bytes; RFC 5322 section 2.1.1 allows 998
_TYPE = re.compile(r"[a-z]{1,40}/[a-z0-9][a-z0-9.+-]{0,80}\Z")


def text_entity(text: str, subtype: bytes = b"plain") -> bytes:
    """Text in UTF-8, with the plainest encoding that keeps lines short and octets 7-bit."""
    raw = text.replace("\n", "\r\n").encode("utf-8", "replace")
    ascii_only = raw.isascii()
    if ascii_only and max(map(len, raw.split(b"\r\n"))) <= _LONGEST_PLAIN_LINE:
        encoding, content = b"7bit", raw
    elif ascii_only or len(raw) < 1.3 * len(text):
        encoding, content = b"quoted-printable", binascii.b2a_qp(raw, istext=True)
    else:
        encoding, content = b"base64", _base64(raw)
    kind = b"Content-Type: text/" + subtype + b"; charset=utf-8\r\nContent-Transfer-Encoding: "
    return kind + encoding + b"\r\n\r\n" + content


def attachment(part: Part) -> bytes:
    """One attachment in base64. Raises ValueError for a type that none can have."""
    kind = part.content_type.strip().lower()
    if not _TYPE.match(kind) or kind.startswith(("multipart/", "message/")):
        # RFC 2046 section 5.2.1: a message part may not be encoded, and unencoded it can break ours.
        raise ValueError(f"no attachment can be of type {clean(kind, 60)!r}")
    name = re.sub(r"[^A-Za-z0-9._-]", "_", clean(part.filename or "", 100)).lstrip(".")
    filename = f"; filename={name}" if name else ""
    head = (
        f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: {part.disposition}{filename}\r\n\r\n"
    )
    return head.encode("ascii") + _base64(part.content)


def multipart(subtype: str, entities: Iterable[bytes], key: str) -> bytes:
    entities = tuple(entities)
    # From the content itself, so that no content can hold it.
    boundary = hashlib.sha256(b"\0".join((subtype.encode(), key.encode(), *entities))).hexdigest()[:32]
    lines = [f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n'.encode("ascii")]
    for entity in entities:
        lines += (f"\r\n--{boundary}\r\n".encode("ascii"), entity)
    lines.append(f"\r\n--{boundary}--\r\n".encode("ascii"))
    return b"".join(lines)


def _base64(raw: bytes) -> bytes:
    return base64.encodebytes(raw).replace(b"\n", b"\r\n")

"""`type/subtype` out of a Content-Type field as it is written, with comments and blanks (RFC 2045 section 5.1).

Must never guess a type that is not there: a word without a slash is none.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MOST = 2_000
_COMMENT = re.compile(rb"\([^()]{0,500}\)")
_TOKEN = rb"[!#$%&'*+.^_`{|}~0-9A-Za-z-]{1,127}"
_USUAL = re.compile(rb"\s*(" + _TOKEN + rb"/" + _TOKEN + rb")\s*(?:;|\Z)")
_TYPE = re.compile(rb"\s*(" + _TOKEN + rb")\s*/\s*(" + _TOKEN + rb")\s*\Z")

# Those that nearly every part is of.
KNOWN = frozenset(
    (
        *(b"text/plain", b"text/html", b"message/rfc822", b"message/feedback-report", b"message/delivery-status"),
        *(b"multipart/report", b"multipart/mixed", b"multipart/alternative", b"multipart/related", b"application/pdf"),
        *(b"application/octet-stream", b"application/json", b"image/png", b"image/jpeg", b"image/gif"),
        b"text/rfc822-headers",
    )
)


class MediaType(NamedTuple):
    """`name` in lower case, None where there is none; `odd` where programs read the field differently."""

    name: bytes | None
    odd: bool


def usual(value: bytes | None) -> bytes | None:
    """The name, where the field is written as nearly everybody writes it."""
    found = _USUAL.match(value) if value else None
    return found[1].lower() if found else None


def read(value: bytes | None) -> MediaType:
    """Of the whole field, parameters included."""
    if not value or value.isspace():
        return MediaType(None, odd=False)
    if name := usual(value):
        return MediaType(name, odd=False)
    words = value.partition(b";")[0].split()
    found = _TYPE.match(_COMMENT.sub(b" ", value[:MOST]).partition(b";")[0])
    if found:
        return MediaType(found[1].lower() + b"/" + found[2].lower(), odd=True)
    return MediaType(words[0].lower() if words and b"/" in words[0] else None, odd=True)

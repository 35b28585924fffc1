"""Base64 as it comes: with line ends, foreign characters, a torn end. Must never raise: what decodes is given back."""

from __future__ import annotations

import binascii
import re
import string

from parsers.header_block import FIELD

LOOKED_AT = 4_000  # bytes that tell whether text is base64
SHORTEST = 40
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=\s]")
_ALPHABET = frozenset((string.ascii_letters + string.digits + "+/").encode())
_FOREIGN = bytes(byte for byte in range(256) if byte not in _ALPHABET)


def decoded(text: bytes) -> bytes:
    """The alphabet's characters up to the first padding, or the last whole group."""
    kept = (text.partition(b"=")[0] if b"=" in text[:-4] else text).translate(None, _FOREIGN)
    try:
        return binascii.a2b_base64(kept[: len(kept) - (len(kept) % 4 == 1)] + b"==")
    except binascii.Error:
        return b""


def unwrapped(body: bytes) -> bytes | None:
    """What base64 text holds although nothing says that it is base64; None where it is not, or holds no fields."""
    if len(body) < SHORTEST or _NOT_BASE64.search(body[:LOOKED_AT]):
        return None
    once = decoded(body)
    if FIELD.search(once[:LOOKED_AT]):
        return once
    if len(once) < SHORTEST or _NOT_BASE64.search(once[:LOOKED_AT]):
        return None
    again = decoded(once)
    return again if FIELD.search(again[:LOOKED_AT]) else None

"""Encoded words (RFC 2047) as they should be: well formed, in a usual character set. The rest is flanker's.

A word is one regular expression here and many calls there, and nearly every subject has one. Must read exactly as
flanker does whatever it reads at all: a property test holds the two against each other.
"""

from __future__ import annotations

import binascii
import re

_WORD = re.compile(r"=\?([^?]*)\?([QqBb])\?([^?]*)\?=")
_CHARSETS = frozenset(("utf-8", "iso-8859-1", "windows-1252", "gb18030", "big5", "koi8-r", "iso-2022-jp", "shift_jis"))
_NOT_QUOTED = re.compile(r"=(?![0-9A-Fa-f]{2})")


def plain(text: str) -> str | None:
    """`text` with its words decoded, None where flanker has to look. Words of one character set that stand side by
    side are one text: a character may be cut in two between them."""
    pieces: list[str] = []
    held = b""  # of neighbours in one character set, not yet decoded
    charset = ""
    at = 0
    try:
        for found in _WORD.finditer(text):
            between = text[at : found.start()]
            at = found.end()
            name = found[1].lower()
            content = _content(found[2], found[3])
            if name not in _CHARSETS or content is None or "=?" in between:
                return None
            if between.strip() or name != charset:
                pieces.append(held.decode(charset or "ascii"))
                held = b""
            if between.strip():
                pieces.append(between)
            charset = name
            held += content
        pieces.append(held.decode(charset or "ascii"))
    except UnicodeDecodeError:
        return None
    rest = text[at:]
    if "=?" in rest:
        return None
    pieces.append(rest)
    return "".join(pieces)


def _content(encoding: str, content: str) -> bytes | None:
    if not content.isascii():
        return None
    if encoding in "Qq":
        if _NOT_QUOTED.search(content):
            return None
        return binascii.a2b_qp(content, header=True)
    try:
        return binascii.a2b_base64(content + "=" * (-len(content) % 4), strict_mode=True)
    except binascii.Error:
        return None

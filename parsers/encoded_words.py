"""Encoded words (RFC 2047) as they should be: well formed, in a usual character set. The rest is flanker's.

A word is one regular expression here and many calls there, and nearly every subject has one. Must read exactly as
flanker does whatever it reads at all: a property test holds the two against each other.
"""

from __future__ import annotations

import binascii
import re
from types import MappingProxyType

_WORD = re.compile(r"=\?([^?]*)\?([QqBb])\?([^?]*)\?=")
_ALIKE = ("utf-8", "iso-8859-1", "windows-1252", "gb18030", "big5", "koi8-r", "iso-2022-jp", "shift_jis", "iso-8859-2")
# Mail labelled with the older Chinese sets uses characters of the newer one, which contains them.
_CODECS = MappingProxyType(
    {name: name for name in _ALIKE} | dict.fromkeys(("gb2312", "gbk", "x-gbk", "cp936"), "gb18030")
)
_NOT_QUOTED = re.compile(r"=(?![0-9A-Fa-f]{2})")


def plain(text: str) -> str | None:
    """`text` with its words decoded, None where flanker has to look. Words of one character set that stand side by
    side are one text: a character may be cut in two between them."""
    pieces: list[str] = []
    held = b""  # of neighbours in one character set, not yet decoded
    codec = "ascii"
    at = 0
    try:
        for found in _WORD.finditer(text):
            between = text[at : found.start()]
            at = found.end()
            name, encoding, content = found.groups()
            new = _CODECS.get(name.lower())
            if new is None:
                return None
            if between and not between.isspace():
                if "=?" in between:
                    return None
                pieces += [held.decode(codec), between]
                held = b""
            elif new != codec and held:
                pieces.append(held.decode(codec))
                held = b""
            codec = new
            held += _content(encoding, content)
        pieces.append(held.decode(codec))
    except ValueError:  # of the encoding or of the character set
        return None
    rest = text[at:]
    if "=?" in rest:
        return None
    pieces.append(rest)
    return "".join(pieces)


def _content(encoding: str, content: str) -> bytes:
    """Raises ValueError where it is not well formed."""
    if encoding in "Qq":
        if "=" in content and _NOT_QUOTED.search(content):
            raise ValueError("not quoted-printable")
        return binascii.a2b_qp(content, header=True)
    return binascii.a2b_base64(content + "=" * (-len(content) % 4), strict_mode=True)

"""Bytes of a text -> characters, where the label or the bytes themselves leave no doubt.

Labels are wrong in well-known ways: the older Chinese sets stand for the newer one, a Western one for whatever a
program did not know. Must never guess: what is left open is for a detector, and that is the envelope module's.
"""

from __future__ import annotations

import re

ESCAPE = b"\x1b$"  # begins a Japanese character set (ISO 2022)
_HIGH = bytes(range(128, 256))
_GB2312 = re.compile(rb"(?:[\x00-\x7f]++|[\xa1-\xf7][\xa1-\xfe])*+")
_TELLING = 16  # characters that cannot all be of that shape by chance
_WESTERN = frozenset(("iso-8859-1", "windows-1252", "iso-8859-15", "latin1", "cp1252"))
_BIG5 = frozenset(("big5", "big5-hkscs", "big5hkscs", "x-x-big5", "cp950"))
# Mail labelled with the older sets uses characters of the newer one, which contains them.
_MEANT = {"gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "cp936": "gb18030", "us-ascii": "utf-8"}


def declared(charset: str | None) -> str:
    """What a label, in lower case, stands for."""
    return _MEANT.get(charset or "", charset or "utf-8")


def read(body: bytes, charset: str | None) -> tuple[str, bool] | None:
    """(text, was it what the label said): as declared, else UTF-8. None where it is neither."""
    if ESCAPE in body and not (charset or "").startswith("iso-2022"):
        return body.decode("iso-2022-jp", "replace"), False
    if body.isascii() and charset not in ("utf-7", "hz-gb-2312") and not (charset or "").startswith("iso-2022"):
        return body.decode("ascii"), True
    meant = declared(charset)
    truth = _not_western(body) if meant in _WESTERN else _not_big5(body) if meant in _BIG5 else None
    if truth is not None:
        return truth, False
    for name in dict.fromkeys((meant, "utf-8")):
        try:
            return body.decode(name), name == meant and charset not in (None, "us-ascii")
        except UnicodeDecodeError as error:
            # A sound beginning that was cut in the middle of a character.
            if len(body) - error.start < 4 < error.start:
                return body[: error.start].decode(name), True
        except (LookupError, ValueError):
            continue
    return None


def _not_big5(body: bytes) -> str | None:
    """Text in GB2312 under the label of its neighbour. Of Big5's characters two of five end in an ASCII byte."""
    if len(body) - len(body.translate(None, _HIGH)) < _TELLING * 2 or not _GB2312.fullmatch(body):
        return None
    try:
        return body.decode("gb18030")
    except UnicodeDecodeError:
        return None


def _not_western(body: bytes) -> str | None:
    """Text whose label is the one that programs write when they do not know: UTF-8, or Chinese."""
    high = len(body) - len(body.translate(None, _HIGH))
    for name in ("utf-8", "gb18030") if high * 2 > len(body) else ("utf-8",):
        try:
            return body.decode(name)
        except UnicodeDecodeError:
            continue
    return None

"""The header of a message as raw bytes, for checks that need it byte for byte: signatures, seals.

Bounded before anything is searched: what is over the bounds is nobody's mail that could be checked. Must never
decode, and never look into the body beyond what makes verifying it slow.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

HEADER_BYTES = 128 * 1024
FIELDS = 500
MESSAGE_BYTES = 20 * 1024 * 1024
_BLANKS = b" " * 2_000  # canonicalisation costs the square of a run of white space

_LINE_END = re.compile(rb"\r?\n")
_END = re.compile(rb"\r?\n\r?\n")
_BLANK_TO_SPACE = bytes.maketrans(b"\t", b" ")


class Header:
    """Name (lower-case) and value of each field, topmost first. Values are as they stand, folds included."""

    __slots__ = ("fields",)

    def __init__(self, fields: Sequence[tuple[bytes, bytes]]) -> None:
        self.fields = fields

    def all_of(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.fields if key == name]

    def first(self, name: bytes) -> bytes:
        return next((value for key, value in self.fields if key == name), b"")


def header(raw: bytes) -> Header | None:
    """The fields of the outer header; None where it is too long, or has more fields than mail has."""
    end = _END.search(raw, 0, HEADER_BYTES)
    if end is None and len(raw) > HEADER_BYTES:
        return None
    block = raw[: end.start()] if end else raw
    fields: list[tuple[bytes, bytes]] = []
    value: list[bytes] = []
    name = b""
    for line in _LINE_END.split(block):
        if line[:1] in (b" ", b"\t"):
            value.append(line)
            continue
        if name:
            fields.append((name, b"\r\n".join(value)))
        before, colon, after = line.partition(b":")
        name, value = (before.strip().lower(), [after]) if colon else (b"", [])
        if len(fields) > FIELDS:
            return None
    if name:
        fields.append((name, b"\r\n".join(value)))
    return Header(fields)


def can_be_verified(raw: bytes) -> bool:
    """Whether canonicalising it takes linear time, and not too much of it."""
    return len(raw) <= MESSAGE_BYTES and _BLANKS not in raw.translate(_BLANK_TO_SPACE)


def tags(value: bytes) -> dict[str, str]:
    """A list of tag=value (RFC 6376 section 3.2) without white space; empty where it is none."""
    found: dict[str, str] = {}
    for one in b"".join(value.split()).decode("ascii", "replace").split(";"):
        name, equals, said = one.partition("=")
        if equals and name in found:
            return {}
        if equals:
            found[name] = said
    return found

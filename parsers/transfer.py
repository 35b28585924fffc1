"""The body of a part without its transfer encoding (RFC 2045 section 6). Must never decode a charset."""

from __future__ import annotations

import binascii

from parsers import base64_text
from parsers.scan import Part


def decoded_body(part: Part, most: int | None = None) -> bytes:
    """The body without its transfer encoding; of a long one only the beginning where `most` bytes will do."""
    encoding = part.transfer_encoding or b""
    if encoding.startswith(b"base64"):
        return base64_text.decoded(part.raw[part.body_start : _stop(part, most, 2)])[:most]
    if encoding.startswith(b"quoted-printable"):
        return binascii.a2b_qp(part.raw[part.body_start : _stop(part, most, 4)])[:most]
    return part.raw[part.body_start : _stop(part, most, 1)]


def _stop(part: Part, most: int | None, factor: int) -> int:
    return part.end if most is None else min(part.end, part.body_start + most * factor)

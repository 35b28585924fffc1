"""The body of a part without its transfer encoding (RFC 2045 section 6). Must never decode a charset."""

from __future__ import annotations

import binascii

from parsers import base64_text
from parsers.scan import Part


def decoded_body(part: Part, most: int | None = None) -> bytes:
    """The body without its transfer encoding; of a long one only the beginning where `most` bytes will do."""
    start, end, encoding = part.body_start, part.end, part.transfer_encoding
    if encoding is not None:
        if encoding.startswith(b"base64"):
            return base64_text.decoded(part.raw[start : end if most is None else min(end, start + most * 2)])[:most]
        if encoding.startswith(b"quoted-printable"):
            return binascii.a2b_qp(part.raw[start : end if most is None else min(end, start + most * 4)])[:most]
    return part.raw[start : end if most is None else min(end, start + most)]

"""The last reader of a message whose structure is irregular: the standard library's, with its compat32 policy.

Must never be given `email.policy.default`, which one header can hold for 20 seconds.
"""

from __future__ import annotations

import email
import email.message
from typing import Any

from parsers.scan import Budget, Part


def tree(raw: bytes, budget: Budget) -> Part:
    """The parts that `email` finds. Raises what it raises."""
    return _part(email.message_from_bytes(raw), budget, 0)


def _part(message: email.message.Message, budget: Budget, depth: int) -> Part:
    lines = [f"{name}: {value}".encode("utf-8", "surrogateescape") for name, value in message.items()]
    payload: Any = message.get_payload()
    if message.get_content_maintype() == "message" and message.is_multipart():
        body = b"\n".join(inner.as_bytes() for inner in payload)
        return Part.made(b"\n".join(lines), body, [], budget, depth)
    if message.is_multipart():
        return Part.made(b"\n".join(lines), b"", [_part(inner, budget, depth + 1) for inner in payload], budget, depth)
    return Part.made(b"\n".join(lines), str(payload).encode("utf-8", "surrogateescape"), [], budget, depth)

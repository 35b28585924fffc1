"""The words of a message and of the mails reported in it, as people look at them. Never raises, decides nothing."""

from __future__ import annotations

from contextlib import suppress

from parsers import envelope
from parsers.header_block import Headers
from parsers.message import Message
from parsers.report import Limits


def bodies(raw: bytes, limits: Limits) -> list[str]:
    """The readable text of each attached mail, in order; of a message without any, its own."""
    try:
        message = Message(envelope.structure(raw, limits), limits)
        return [Message(envelope.embedded(part), limits).text for part in message.evidence_parts] or [message.text]
    except Exception:  # noqa: BLE001  what cannot be read is like nothing
        return []


def written(raw: bytes, limits: Limits) -> str:
    """What the sender of a message wrote itself, for people's eyes: what it hides is written out."""
    with suppress(Exception):  # as above
        message = Message(envelope.structure(raw, limits), limits)
        message.spelled = True
        return message.text
    return ""


def spelled_headers(block: bytes) -> list[tuple[str, str]]:
    """The same fields as `envelope.decode_headers` gives, and what they hide written out."""
    pairs = Headers(block, len(block)).pairs()[: envelope.HEADERS_SHOWN]
    return [(name.decode("ascii"), envelope.spelled(value)) for name, value in pairs]

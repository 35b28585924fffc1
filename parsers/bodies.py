"""The words of the reported mails in a message, for people who compare many reports. Never raises, decides nothing."""

from __future__ import annotations

from parsers import envelope
from parsers.message import Message
from parsers.report import Limits


def bodies(raw: bytes, limits: Limits) -> list[str]:
    """The readable text of each attached mail, in order; of a message without any, its own."""
    try:
        message = Message(envelope.structure(raw, limits), limits)
        return [Message(envelope.embedded(part), limits).text for part in message.evidence_parts] or [message.text]
    except Exception:  # noqa: BLE001  what cannot be read is like nothing
        return []

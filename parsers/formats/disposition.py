"""Receipts: message disposition notifications (RFC 8098), "your mail was displayed" or "was deleted unread".

A mail program sends them, often by itself: must never count as an answer, even where one came
to a notice address.
"""

from __future__ import annotations

from parsers.message import Message
from parsers.report import Kind, Parsed

NOTIFICATION = frozenset((b"message/disposition-notification", b"message/global-disposition-notification"))


def recognises(message: Message) -> bool:
    if message.root.content_type != b"multipart/report" or message.delivery_parts or message.feedback_parts:
        return False
    if message.report_type == b"disposition-notification":
        return True
    return not message.report_type and any(part.content_type in NOTIFICATION for part in message.parts)


def read(message: Message) -> Parsed:
    return message.parsed(Kind.DISPOSITION)

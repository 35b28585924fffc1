"""Receipts: message disposition notifications (RFC 8098), "your mail was displayed" or "was deleted unread".

A mail program sends them, often by itself: must never count as an answer, even where one came
to a notice address.
"""

from __future__ import annotations

from parsers.message import Message
from parsers.report import Kind, Parsed

DIALECT_OF = ("forwarded", "reply")
NOT_IN_FEEDBACK_REPORTS = True
GENERAL_TYPES = (b"delivery-status", b"feedback-report")
NOTIFICATION = frozenset((b"message/disposition-notification", b"message/global-disposition-notification"))


def recognises(message: Message) -> bool:
    if message.report_type in GENERAL_TYPES or message.delivery_parts or message.feedback_parts:
        return False
    return message.report_type == b"disposition-notification" or _has_notification(message)


def read(message: Message) -> Parsed:
    defects = []
    if not _has_notification(message):
        defects.append("missing-disposition-notification")
    elif message.report_type != b"disposition-notification":
        defects.append("wrong-report-type" if message.report_type else "missing-report-type")
    return message.parsed(Kind.DISPOSITION, defects=tuple(defects))


def _has_notification(message: Message) -> bool:
    return any(part.content_type in NOTIFICATION for part in message.parts)

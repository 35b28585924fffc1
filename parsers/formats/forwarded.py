"""Spam that a person (or an old feedback loop) attached whole: message/rfc822, a header block, an `.eml` file.

Each attached message is a report of its own. Nothing is stated about it, so the source is
what its trace shows. Must never claim a message that says more: delivery reports, receipts
and answers to our notices carry messages too.
"""

from __future__ import annotations

from parsers import evidence
from parsers.message import Message
from parsers.report import Kind, Parsed


def recognises(message: Message) -> bool:
    if message.root.content_type == b"multipart/report" and message.report_type not in (b"", b"feedback-report"):
        return False
    if message.delivery_parts or message.answers_notice:
        return False
    return bool(message.evidence_parts)


def read(message: Message) -> Parsed:
    reports = tuple(evidence.forwarded_spam(part) for part in message.evidence_parts)
    return message.parsed(Kind.REPORT, reports)

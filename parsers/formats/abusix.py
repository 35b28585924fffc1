"""Abusix as it was: `Spamtraphit by ADDRESS DATE`, mostly as ARF, at times the trap's mail alone.

A hit on a spam trap: strong evidence. What they send today is XARF. Must never be told apart by its
User-Agent, and the trap addresses that it names are Original-Rcpt-To like others: notices leave them out.
"""

from __future__ import annotations

import re
from typing import Any

from parsers import evidence, feedback, fields
from parsers.message import Message
from parsers.moments import moment
from parsers.report import Category, Kind, Parsed

DIALECT_OF = (
    *("arf", "forwarded", "inline", "pasted", "reply", "free_text"),
    *("netcraft", "abusehub", "shadowserver", "acns", "spamhaus"),
    *("google_safebrowsing", "honeypot", "csv_feed", "admin", "log_notice"),
)

_SUBJECT = re.compile(r"\bspam\s?trap\s?hit by \[?([0-9A-Fa-f.:]{2,45})\]?([^\n]{0,80})", re.IGNORECASE)


def recognises(message: Message) -> bool:
    subject = message.envelope.subject or ""
    if "trap" not in subject.lower() or not _SUBJECT.search(subject):
        return False
    if message.answers_notice or message.delivery_parts:
        return False
    if message.root.content_type == b"multipart/report" and message.report_type not in (b"", b"feedback-report"):
        return False
    return not message.envelope.in_reply_to or bool(message.feedback_parts or message.evidence_parts)


def read(message: Message) -> Parsed:
    shown = evidence.read(message.evidence_parts[0]) if message.evidence_parts else None
    titled = _titled(message.envelope.subject or "")
    if message.feedback_parts:
        report = feedback.report(feedback.read(message.feedback_parts[0]), shown, titled)
        return message.parsed(Kind.REPORT, (report,))
    stated = {"category": Category.SPAM, **{name: value for name, (value, _) in titled.items()}}
    stated_by = {name: where for name, (_, where) in titled.items()}
    defects = ["missing-feedback-report", *([] if shown else ["missing-original"])]
    return message.parsed(Kind.REPORT, (evidence.complete(stated, shown, stated_by, defects),))


def _titled(subject: str) -> dict[str, tuple[Any, str]]:
    """What the subject states."""
    hit = _SUBJECT.search(subject)
    address = fields.ip(hit[1]) if hit else None
    when = moment(hit[2]) if hit else None
    found: dict[str, tuple[Any, str]] = {}
    if address:
        found["source_ip"] = (address, "envelope:Subject")
    if when:
        found["arrival_date"] = (when.value, "envelope:Subject")
    return found

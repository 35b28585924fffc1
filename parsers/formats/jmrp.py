"""Microsoft's complaint loop (JMRP) as it was until June 2026: the mail itself, no feedback-report part.

`staff@hotmail.com` writes ` complaint about message from ADDRESS` and attaches the reported mail, with the
recipient in X-HmXmrOriginalRecipient. Kept for archives. Must never take X-Reporter-IP for the source: it is
the complainant's.
"""

from __future__ import annotations

import re
from dataclasses import replace

from parsers import evidence, fields
from parsers.message import Message
from parsers.report import Candidate, Category, Kind, Parsed, Report
from parsers.scan import Part
from parsers.trace import handover

DIALECT_OF = (
    *("forwarded", "inline", "pasted", "reply", "free_text"),
    *("abusix", "netcraft", "abusehub", "shadowserver", "acns"),
    *("spamhaus", "google_safebrowsing", "honeypot", "csv_feed", "admin", "log_notice"),
)
NOT_IN_REPORTS = True

_SUBJECT = re.compile(r"\bcomplaint about message from\s{1,4}\[?([0-9A-Fa-f.:]{2,45})\]?", re.IGNORECASE)
_SENDER = re.compile(r"staff@(?:[a-z]+\.)?(?:hotmail|live|outlook|microsoft)\.", re.IGNORECASE)
_RECIPIENT = b"x-hmxmroriginalrecipient"


def recognises(message: Message) -> bool:
    if message.answers_notice:
        return False
    if message.feedback_parts or message.delivery_parts or not message.evidence_parts:
        return False
    if _SUBJECT.search(message.envelope.subject or ""):
        return True
    by_loop = bool(_SENDER.match(message.envelope.from_ or ""))
    return by_loop and any(_RECIPIENT in evidence.read(part).headers for part in message.evidence_parts)


def read(message: Message) -> Parsed:
    return message.parsed(Kind.REPORT, tuple(_report(message, part) for part in message.evidence_parts))


def _report(message: Message, part: Part) -> Report:
    """The subject states the source, as Source-IP would; the trace gives its time."""
    shown = evidence.read(part)
    named = _SUBJECT.search(message.envelope.subject or "")
    stated = fields.ip(named[1]) if named else None
    at = handover(shown.trace)
    traced = shown.trace[at].ip if at is not None else None
    disagree = bool(stated and traced and stated != traced)
    report = evidence.complete(
        {"feedback_type": "abuse", "category": Category.SPAM, "source_ip": stated},
        shown,
        {"feedback_type": "format:jmrp", **({"source_ip": "envelope:Subject"} if stated else {})},
        ["subject-and-trace-disagree"] if disagree else [],
    )
    # The complainant's own address: nobody's source.
    others = tuple(one for one in report.candidates if one.value not in _complainant(shown))
    if disagree and traced:
        others = (Candidate("source_ip", traced, 0.5), *(one for one in others if one.value != traced))
    return replace(report, candidates=others)


def _complainant(shown: evidence.Evidence) -> set[str | None]:
    return {fields.ip(value.decode("ascii", "replace").strip()) for value in shown.headers.all(b"x-reporter-ip")}

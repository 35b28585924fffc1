"""Spam that a person (or an old feedback loop) attached whole: message/rfc822, a digest, a header block, a file.

Files are `.eml` of any declared type, winmail.dat (TNEF) and Outlook's `.msg`. Each attached message is a report of its
own. Where it is itself a forward from the sender's own organisation, the messages attached to that one count. Nothing
is stated about them, so the source is what the trace shows. Must never claim a message that says more: delivery
reports, receipts and answers to our notices carry messages too.
"""

from __future__ import annotations

from collections.abc import Iterator

from parsers import envelope, evidence, fields
from parsers.message import HEADERS_ONLY, Message
from parsers.report import Kind, Parsed
from parsers.scan import Part

PASSES_ON = True


def recognises(message: Message) -> bool:
    if message.root.content_type == b"multipart/report" and message.report_type not in (b"", b"feedback-report"):
        return False
    if message.delivery_parts or message.answers_notice:
        return False
    return bool(message.evidence_parts)


def read(message: Message) -> Parsed:
    parts = [inner for part in message.evidence_parts for inner in _reported(part, message)]
    defects = () if parts == message.evidence_parts else ("nested-forward",)
    reports = tuple(evidence.forwarded_spam(part) for part in parts[: message.limits.evidence_messages])
    return message.parsed(Kind.REPORT, reports, defects=defects)


def _reported(part: Part, outer: Message) -> Iterator[Part]:
    """The part; or, where somebody of the sender's organisation only passed it on, what is attached to it."""
    if part.content_type not in HEADERS_ONLY and b"multipart/" in envelope.decoded_body(part, 20_000).lower():
        inner = Message(envelope.embedded(part), outer.limits)
        if _colleagues(inner.envelope.from_, outer.envelope.from_) and inner.evidence_parts:
            for below in inner.evidence_parts:
                yield from _reported(below, inner)
            return
    yield part


def _colleagues(one: str | None, other: str | None) -> bool:
    domains = [(address or "").rpartition("@")[2] for address in (one, other)]
    return all(domains) and (domains[0] == domains[1] or fields.same_organisation(*domains))

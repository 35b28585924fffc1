"""Full headers that a person pasted into the text, or attached as a text file: spam with its trace.

Read like a forwarded mail, by the rules for Received lines; but the person's program was free to change them, so
provenance says `pasted:`, and a defect says what had to be undone (`pasted-quoted`, `pasted-wrapped` ...). Each
block is a report of its own. Must never claim what says more: attached mail, delivery reports, notices of feeds.
"""

from __future__ import annotations

from dataclasses import replace

from parsers import envelope, evidence, pasted_headers, person
from parsers.message import Message
from parsers.pasted_headers import Pasted
from parsers.report import Category, Kind, Parsed, Report
from parsers.scan import Part

DIALECT_OF = ("inline", "reply", "free_text")
NOT_IN_REPORTS = True
GENERAL = True
TEXT_PARTS = 10
ATTACHED_CHARS = 50_000


def recognises(message: Message) -> bool:
    return person.wrote(message) and bool(_found(message, 1))


def read(message: Message) -> Parsed:
    blocks = _found(message, message.limits.evidence_messages)
    reports = tuple(_report(message, block) for block in blocks)
    return message.parsed(Kind.REPORT, reports)


def _found(message: Message, most: int) -> list[Pasted]:
    """In the readable text, else in the text attachments (`headers.txt`)."""
    found = pasted_headers.blocks(message.text, most)
    for part in message.parts[: TEXT_PARTS * 2] if not found else ():
        if part.content_type == b"text/plain" and len(found) < most:
            found += pasted_headers.blocks(envelope.text(part, ATTACHED_CHARS), most - len(found))
    return found


def _report(message: Message, block: Pasted) -> Report:
    raw = block.header.encode() + b"\r\n" + block.body.encode()
    inner = Part(raw, 0, len(raw), message.root.budget, message.root.depth + 1)
    defects = ["pasted-headers", *(f"pasted-{oddity}" for oddity in dict.fromkeys(block.oddities))]
    report = evidence.complete(
        {"category": Category.SPAM}, evidence.of(inner, headers_only=not block.body.strip()), {}, defects
    )
    origin = tuple((name, said.replace("original:", "pasted:", 1)) for name, said in report.provenance)
    return replace(report, provenance=origin)

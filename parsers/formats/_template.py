"""Copy this file to `formats/NAME.py`, make a folder `fixtures/NAME/`, and the format is there.

Say here what the format is, who sends it, which document defines it, and what must never be
read out of it. No list has to be told, no order kept; formats never import each other.
"""

from __future__ import annotations

from parsers.message import Message
from parsers.report import Kind, Parsed, Report

# Only where a more general format claims the same messages: its name, or a tuple of names.
# DIALECT_OF = "arf"
# Only where it reads a person's words: it then gives way to every format that does not say so.
# GENERAL = True
# Only where it is never a multipart/report: nobody asks about those.
# NOT_IN_REPORTS = True
# Only where it is never one that says report-type=feedback-report and holds such a part: nearly all that machines send.
# NOT_IN_FEEDBACK_REPORTS = True
# Only where a mail that somebody forwards as an attachment is yours for certain, and no spam can look like it.
# FORWARDED_TOO = True


def recognises(message: Message) -> bool:
    """Is it ours, for certain? Cheap, no exceptions; everybody else must be able to say no to it."""
    return message.root.content_type == b"application/x-template"


def read(message: Message) -> Parsed:
    """What it says. Raise a ParserError where it cannot be read: it is kept for a person."""
    report = Report(feedback_type=None)
    return message.parsed(Kind.REPORT, (report,))

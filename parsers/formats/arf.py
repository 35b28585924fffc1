"""ARF, the Abuse Reporting Format: RFC 5965, with 6591, 6692 and 9991 for authentication failures.

A message/feedback-report part and, beside it, the reported mail. The outermost
multipart/report decides: a delivery report that returns an ARF message is a bounce. An ARF
message that was itself forwarded as an attachment is read, with a defect. Must never take a
value from the human part.
"""

from __future__ import annotations

from parsers import attached, evidence, feedback
from parsers.errors import MalformedError
from parsers.message import Message, is_evidence
from parsers.report import Kind, Parsed, Report
from parsers.scan import Part

DIALECT_OF = "forwarded"


def recognises(message: Message) -> bool:
    if message.report_type == b"feedback-report":
        return not _json_inside(message) and not _only_evidence(message)
    if message.root.content_type == b"multipart/report" or message.delivery_parts:
        return bool(message.feedback_parts) and not message.delivery_parts  # whatever its report-type says
    if message.answers_notice:
        return False  # a customer who answers with our own notice attached
    return message.feedback_holder is not None and not _json_inside(message)


def read(message: Message) -> Parsed:
    holder = message.feedback_holder
    if holder is None:
        raise MalformedError("it says it is a feedback report, but no message/feedback-report part can be found in it")
    defects = _container(message) if holder is message else ("nested-report",)
    reports = tuple([_report(part, beside) for part, beside in _pairs(holder)])
    asking = [one for one in reports if (one.feedback_type or "").startswith("opt-out")]
    kind = Kind.OPT_OUT if len(asking) == len(reports) else Kind.REPORT
    return message.parsed(kind, reports, defects=defects)


def _container(message: Message) -> tuple[str, ...]:
    """RFC 5965 section 2a: multipart/report with report-type=feedback-report."""
    if message.report_type == b"feedback-report":
        return ()
    around = [part for part in message.parts if part.content_type == b"multipart/report"]
    if not around:
        return ("wrong-container-type",)
    stated = [(part.parameter(b"report-type") or b"").strip().lower() for part in around]
    return () if b"feedback-report" in stated else ("wrong-report-type",)


def _json_inside(message: Message) -> bool:
    """JSON in an ARF container has a reader of its own."""
    holder = message.feedback_holder
    return holder is not None and holder.says_xarf


def _only_evidence(message: Message) -> bool:
    """Labelled a feedback report, but the part that would make it one is not there and a message is."""
    return message.feedback_holder is None and bool(message.evidence_parts)


def _pairs(holder: Message) -> list[tuple[Part, Part | None]]:
    """Each feedback part with the reported mail beside it: the next one, before the next feedback part."""
    pairs: list[tuple[Part, Part | None]] = []
    for part in holder.parts:
        if part in holder.feedback_parts:
            pairs.append((part, None))
        elif pairs and pairs[-1][1] is None and (is_evidence(part) or attached.is_mail_as_text(part)):
            pairs[-1] = (pairs[-1][0], part)
    if len(pairs) == 1 and pairs[0][1] is None and holder.evidence_parts:
        pairs = [(pairs[0][0], holder.evidence_parts[0])]
    return pairs


def _report(part: Part, beside: Part | None) -> Report:
    return feedback.report(feedback.read(part), evidence.read(beside) if beside is not None else None)

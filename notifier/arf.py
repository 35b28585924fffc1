"""The machine's part of a notice: an RFC 5965 report, with the reported mail's headers or its redacted whole.

Pure. Everything in it was redacted before. Must never state a fact that the text of the notice leaves out (OUT-5).
"""

from __future__ import annotations

import re
from email.utils import format_datetime

from notifier.entities import multipart, text_entity
from notifier.headers import clean, header
from notifier.links import dead_scheme
from notifier.notice import Evidence

USER_AGENT = "arfgate/0.1"
_TOKEN = re.compile(r"[a-z][a-z0-9-]{0,40}\Z")


def entities(evidence: Evidence, text: bytes, key: str) -> tuple[bytes, ...]:
    """The three parts of the report; `text` is the first."""
    machine = b"Content-Type: message/feedback-report\r\n\r\n" + feedback_report(evidence)
    if evidence.body or evidence.attachments:
        return text, machine, b"Content-Type: message/rfc822\r\n\r\n" + original(evidence, key)
    return text, machine, b"Content-Type: text/rfc822-headers\r\n\r\n" + evidence_headers(evidence)


def original(evidence: Evidence, key: str) -> bytes:
    """The reported mail as it may leave: its redacted header, its texts as plain text, and what was taken out."""
    parts = [text_entity(text) for text in evidence.body]
    if evidence.attachments:
        left = "".join(f"Attachment taken out: {clean(line, 400)}\n" for line in evidence.attachments)
        parts.append(text_entity(left))
    content = parts[0] if len(parts) == 1 else multipart("mixed", parts, key + "/original")
    return evidence_headers(evidence) + b"MIME-Version: 1.0\r\n" + content


def feedback_report(evidence: Evidence) -> bytes:
    """Part 2 (RFC 5965 section 3); the fields that RFC 6650 section 5.4 asks for where they are known."""
    kind = evidence.feedback_type.strip().lower()
    fields = [
        ("Feedback-Type", kind if _TOKEN.match(kind) else "other"),
        ("User-Agent", USER_AGENT),
        ("Version", "1"),
    ]
    if evidence.arrival_date is not None:
        fields.append(("Arrival-Date", format_datetime(evidence.arrival_date)))
    if evidence.source_ip:
        # RFC 5965 section 3.2 asks for an RFC 5321 literal, which tags IPv6.
        fields.append(("Source-IP", f"IPv6:{evidence.source_ip}" if ":" in evidence.source_ip else evidence.source_ip))
    if evidence.source_port is not None:
        fields.append(("Source-Port", str(evidence.source_port)))  # RFC 6692
    if evidence.incidents != 1:
        fields.append(("Incidents", str(evidence.incidents)))
    if evidence.reporting_mta:
        fields.append(("Reporting-MTA", f"dns; {evidence.reporting_mta}"))
    fields += [("Reported-Domain", domain) for domain in evidence.reported_domain]
    fields += [("Reported-URI", dead_scheme(uri)) for uri in evidence.reported_uri]
    return b"".join(header(name, value) for name, value in fields)


def evidence_headers(evidence: Evidence) -> bytes:
    """Part 3. It is mandatory in ARF (section 2d), so its absence is said in a header."""
    lines = []
    for name, value in evidence.headers:
        try:
            lines.append(header(name, value))
        except ValueError:
            continue  # a name that is none identifies nothing
    return b"".join(lines) or header("Comments", "The headers of the reported message are withheld.")

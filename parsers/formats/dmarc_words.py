"""DMARC failure reports in words, as Exim sends them: labelled lines and the mail's header below a rule, no ARF part.

A diagnostic for the owner of the domain, not a complaint. Subject `DMARC Forensic Report for DOMAIN from IP
ADDRESS`. Must never be taken for a delivery report, though its container says `multipart/report`.
"""

from __future__ import annotations

import re
from typing import Any

from parsers import envelope, evidence, fields, notice
from parsers.evidence import Evidence
from parsers.message import Message
from parsers.moments import moment
from parsers.report import Category, Kind, Parsed
from parsers.scan import within

DIALECT_OF = ("inline", "pasted", "reply", "free_text", "log_notice", "admin")
NOT_IN_FEEDBACK_REPORTS = True

_SUBJECT = re.compile(
    r"\bDMARC (?:forensic|failure) report for (\S{3,255})(?: from (?:IP )?\[?([0-9A-Fa-f.:]{3,45}))?", re.IGNORECASE
)
_SAYS = re.compile(r"failed the published DMARC policy", re.IGNORECASE)
_RULE = re.compile(rb"^-{4,20} ?This is a copy of the (?:headers|message)[^\n]{0,200}\n", re.MULTILINE | re.IGNORECASE)
_SOURCES = ("sender ip address", "source ip", "sending ip", "ip address")
_TIMES = ("received date", "arrival date", "date")
_DOMAINS = ("sender domain", "reported domain", "from domain")


def recognises(message: Message) -> bool:
    if message.answers_notice or message.feedback_parts or message.delivery_parts or message.evidence_parts:
        return False
    if message.root.content_type == b"multipart/report" and message.report_type not in (b"", b"feedback-report"):
        return False
    return bool(_SUBJECT.search(message.envelope.subject or "")) and bool(_SAYS.search(message.text))


def read(message: Message) -> Parsed:
    labels = {one.name: one.value for one in reversed(notice.labels(message.text[:4_000]))}
    titled = _SUBJECT.search(message.envelope.subject or "")
    address = next((ip for name in _SOURCES if (ip := fields.ip(labels.get(name, "")))), None)
    when = next((hit for name in _TIMES if (hit := moment(labels.get(name, "")))), None)
    domain = next((host for name in _DOMAINS if (host := fields.host(labels.get(name, "")))), None)
    stated: dict[str, Any] = {
        "feedback_type": "auth-failure",
        "category": Category.AUTHENTICATION,
        "auth_failure": "dmarc",
        "source_ip": address or (fields.ip(titled[2]) if titled and titled[2] else None),
        "arrival_date": when.value if when else None,
        "reported_domain": fields.distinct(iter([domain or (fields.host(titled[1]) if titled else None)])),
    }
    stated_by = {"feedback_type": "format:dmarc_words"}
    if stated["source_ip"]:
        stated_by["source_ip"] = "text:labelled address" if address else "envelope:Subject"
    if when:
        stated_by["arrival_date"] = "text:labelled time"
    shown = _shown(message)
    defects = ["missing-feedback-report", *([] if shown else ["missing-original"])]
    if when and not when.zoned:
        defects.append("unknown-time-zone")
    return message.parsed(Kind.REPORT, (evidence.complete(stated, shown, stated_by, defects),))


def _shown(message: Message) -> Evidence | None:
    """The header below the rule."""
    for part in message.parts:
        if part.content_type == b"text/plain":
            body = envelope.decoded_body(part)
            if found := _RULE.search(body):
                shown = evidence.of(within(body, found.end(), len(body), part), headers_only=True)
                return shown if shown.headers.fields else None
    return None

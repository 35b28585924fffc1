"""Parsed -> the JSON object of `arfgate parse --jsonl`, field for field as documented.

Outsiders build on it: a key never goes and never changes its meaning. Must never add what
the dataclasses do not hold.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from parsers.report import Bounce, Envelope, Hop, Original, Parsed, Report

Json = dict[str, Any]


def to_json(parsed: Parsed, file: str, index: int) -> Json:
    """`file` as given on the command line, `index` the place inside an mbox (0 elsewhere)."""
    return {
        "file": file,
        "index": index,
        "kind": parsed.kind.value,
        "format": parsed.format,
        "envelope": _envelope(parsed.envelope),
        "reports": [_report(report) for report in parsed.reports],
        "bounces": [_bounce(bounce) for bounce in parsed.bounces],
        "defects": list(parsed.defects),
        "error": parsed.error,
    }


def iso(time: datetime | None) -> str | None:
    """UTC with a Z; parts of a second only where there are any."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z") if time else None


def _envelope(envelope: Envelope) -> Json:
    return {
        "from": envelope.from_,
        "return_path": envelope.return_path,
        "to": list(envelope.to),
        "subject": envelope.subject,
        "message_id": envelope.message_id,
        "auto_submitted": envelope.auto_submitted,
        "references": list(envelope.references),
        "authentication_results": list(envelope.authentication_results),
        "received": list(envelope.received),
    }


def _report(report: Report) -> Json:
    return {
        "feedback_type": report.feedback_type,
        "category": report.category.value,
        "version": report.version,
        "user_agent": report.user_agent,
        "source_ip": report.source_ip,
        "source_port": report.source_port,
        "arrival_date": iso(report.arrival_date),
        "incidents": report.incidents,
        "original_mail_from": report.original_mail_from,
        "original_rcpt_to": list(report.original_rcpt_to),
        "original_envelope_id": report.original_envelope_id,
        "reporting_mta": report.reporting_mta,
        "reported_domain": list(report.reported_domain),
        "reported_uri": list(report.reported_uri),
        "authentication_results": list(report.authentication_results),
        "auth_failure": report.auth_failure,
        "fields": {name: list(values) for name, values in report.fields},
        "resources": [{"kind": r.kind.value, "role": r.role.value, "value": r.value} for r in report.resources],
        "original": _original(report.original),
        "trace": [_hop(hop) for hop in report.trace],
        "identifiers": {
            "feedback_id": report.identifiers.feedback_id,
            "list_id": report.identifiers.list_id,
            "verp": report.identifiers.verp,
            "auth_login": report.identifiers.auth_login,
        },
        "candidates": [{"kind": c.kind, "value": c.value, "confidence": c.confidence} for c in report.candidates],
        "provenance": dict(report.provenance),
        "findings": [{"code": finding.code, "evidence": finding.evidence} for finding in report.findings],
        "defects": list(report.defects),
    }


def _original(original: Original | None) -> Json | None:
    if original is None:
        return None
    return {
        "message_id": original.message_id,
        "from": original.from_,
        "subject": original.subject,
        "date": iso(original.date),
        "headers_only": original.headers_only,
    }


def _hop(hop: Hop) -> Json:
    return {"ip": hop.ip, "port": hop.port, "time": iso(hop.time), "by": hop.by, "login": hop.login}


def _bounce(bounce: Bounce) -> Json:
    return {
        "recipient": bounce.recipient,
        "action": bounce.action,
        "status": bounce.status,
        "message_id": bounce.message_id,
    }

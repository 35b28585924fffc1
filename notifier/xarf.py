"""The same evidence as an XARF 4 document, for customers whose programs read that.

Pure. Kinds of abuse that XARF has no place for, or that need what we do not know, stay ARF. Must never hold
more than the ARF report would.
"""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from datetime import UTC
from typing import Any

from notifier.arf import USER_AGENT, evidence_headers, original
from notifier.entities import attachment
from notifier.headers import header
from notifier.notice import Evidence, Part, XarfParty

VERSION = "4.2.0"
_CONNECTION = {"login-attack": "login_attack", "port-scan": "port_scan", "ddos": "ddos"}
_CONTENT = {"phishing": "phishing", "malware": "malware"}


def document(evidence: Evidence, party: XarfParty, key: str) -> dict[str, Any] | None:
    """The report as JSON values; None where XARF cannot say it. The same key gives the same report_id."""
    if evidence.source_ip is None or evidence.arrival_date is None:
        return None
    seen = evidence.arrival_date.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    kind = _kind(evidence, seen)
    if kind is None:
        return None
    us = {"org": party.organisation[:200], "contact": party.contact, "domain": party.contact.rpartition("@")[2]}
    whole = bool(evidence.body or evidence.attachments)
    mail = original(evidence, key) if whole else evidence_headers(evidence)
    return {
        "xarf_version": VERSION,
        "report_id": str(uuid.UUID(bytes=hashlib.sha256(f"xarf\0{key}".encode()).digest()[:16], version=4)),
        "timestamp": seen,
        "reporter": us,
        "sender": us,
        "source_identifier": evidence.source_ip,
        **({"source_port": evidence.source_port} if evidence.source_port else {}),
        **kind,
        "evidence": [
            {
                "content_type": "message/rfc822" if whole else "text/rfc822-headers",
                "description": "the reported mail, personal data replaced",
                "payload": base64.b64encode(mail).decode("ascii"),
                "hash": f"sha256:{hashlib.sha256(mail).hexdigest()}",
                "size": len(mail),
            }
        ],
    }


def entities(document: dict[str, Any], text: bytes) -> tuple[bytes, ...]:
    """The parts of the mail, as XARF mail is made: text, a feedback report of one line, the document."""
    machine = header("Feedback-Type", "xarf") + header("User-Agent", USER_AGENT) + header("Version", "1")
    raw = json.dumps(document, indent=1, ensure_ascii=True).encode("ascii")
    return (
        text,
        b"Content-Type: message/feedback-report\r\n\r\n" + machine,
        attachment(Part("application/json", raw, "xarf.json")),
    )


def _kind(evidence: Evidence, seen: str) -> dict[str, Any] | None:
    said = evidence.category or ""
    if said in _CONNECTION:
        return {"category": "connection", "type": _CONNECTION[said], "protocol": "mixed", "first_seen": seen}
    if said in _CONTENT and evidence.reported_uri:
        return {"category": "content", "type": _CONTENT[said], "url": evidence.reported_uri[0]}
    if said in ("spam", "list-violation", "phishing", "malware", "fraud"):
        # "other": by SMTP the specification asks for the sender's address, which was redacted.
        return {"category": "messaging", "type": "spam", "protocol": "other"}
    return None

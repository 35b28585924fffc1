"""Did both pipelines do the same work: what they wrote of each report, value by value, and what they sent, word by word.

Both databases have the same names for the same things, so one statement reads either. Masked is only what cannot be
the same: tokens (each side has keys of its own), case numbers (they go by who came first), and when a run's mailbox
was filled.
"""

from __future__ import annotations

import json
import re
import sqlite3
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

WRITTEN = """SELECT r.outer_id, m.kind, m.format, m.sender, m.subject, m.size,
 r.feedback_type, r.category, r.source_ip, r.verdict, r.reason, r.detail, r.identity, r.complainant, r.fingerprint,
 r.parsed, a.kind, a.role, a.value, a.reason, a.how, a.confidence, c.state, n.kind, n."to", n.language, n.facts,
 n.evidence, n.state, n.answer,
 (SELECT count(*) FROM host_questions h WHERE h.report_id = r.id), (SELECT key FROM reporters WHERE id = r.reporter_id)
 FROM reports r JOIN messages m ON m.id = r.message_id JOIN attributions a ON a.report_id = r.id
 LEFT JOIN clocks c ON c.id = a.clock_id LEFT JOIN notices n ON n.clock_id = c.id"""
EVENTS = """SELECT what, count(*) FROM events WHERE report_id IS NOT NULL OR case_id IS NOT NULL GROUP BY what"""
_MASKED = re.compile(
    r'\b[a-z2-7]{24}\b|AG-\d{4}-\d{6}|(?<="received_at": ")[^"]*|(?<=^Report received: )[^\n]*', re.MULTILINE
)


def written(file: Path) -> dict[str, Any]:
    """What a database says of each report, by the Message-ID of its mail, and how often what happened."""
    database = sqlite3.connect(file)
    found: dict[str, Any] = {f"event: {what}": count for what, count in database.execute(EVENTS)}
    found |= {row[0]: [_value(one) for one in row[1:]] for row in database.execute(WRITTEN)}
    database.close()
    return found


def said(folder: Path) -> dict[str, Any]:
    """The mails that a sink left, by whom they are for and what about."""
    mails = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in folder.iterdir()]
    return {f"{mail['To']} {_mask(str(mail['Subject']))}": _words(mail) for mail in mails}


def difference(one: dict[str, Any], two: dict[str, Any]) -> str | None:
    """The first that differs, for people; None: they are the same."""
    for key in sorted({*one, *two}):
        left, right = one.get(key), two.get(key)
        if left != right:
            if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
                left, right = next((a, b) for a, b in zip(left, right, strict=True) if a != b)
            return f"{key}: {left}\nand {right}"
    return None


def _value(value: Any) -> Any:
    """Objects are compared as what they hold: in which order it stands is nobody's work."""
    masked = _mask(value) if isinstance(value, str) else value
    return json.loads(masked) if isinstance(masked, str) and masked.startswith("{") else masked


def _mask(text: str) -> str:
    return _MASKED.sub("*", text)


def _words(mail: EmailMessage) -> list[Any]:
    """What a reader and a program find in a notice."""
    text, machine, headers = mail.iter_parts()
    shown = [str(mail[name]) for name in ("From", "To", "Auto-Submitted", "X-Arfgate-Loop")]
    kinds = [
        mail.get_content_type(),
        mail.get_param("report-type"),
        *(part.get_content_type() for part in mail.iter_parts()),
    ]
    fields = [(name, _mask(str(value))) for name, value in machine.get_payload(0).items()]
    kept = re.sub(r"\r?\n[ \t]+", " ", headers.get_content())  # folded here, not there
    return [*shown, *kinds, *_mask(text.get_content()).splitlines(), *fields, *_mask(kept).split("\n")]

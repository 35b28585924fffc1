"""Bounce notifications of Amazon SES that come by mail through its notification service: JSON in the text.

Must never take a complaint or a delivery notification for a bounce.
"""

from __future__ import annotations

import re
from typing import Any

from parsers import envelope, fields, json_text, smtp_codes
from parsers.errors import ParserError
from parsers.report import Bounce

RECIPIENTS = 200
_KIND = re.compile(r'"(?:notificationType|eventType)"\s{0,4}:\s{0,4}"Bounce"')
_FOLDED = re.compile(r"!\n[ \t]?")  # where a line was cut after 990 characters


def is_one(text: str) -> bool:
    return "bouncedRecipients" in text and bool(_KIND.search(_FOLDED.sub("", text)))


def read(text: str) -> list[Bounce]:
    """One Bounce a recipient; empty where the JSON cannot be read."""
    try:
        found = json_text.load(_FOLDED.sub("", text).encode()).value
    except ParserError:
        return []
    bounce = _object(_object(found).get("bounce"))
    mail = _object(_object(found).get("mail"))
    transient = _text(bounce.get("bounceType")) == "Transient"
    identifier = _text(_object(mail.get("commonHeaders")).get("messageId")) or None
    listed = bounce.get("bouncedRecipients")
    bounces = []
    for one in listed[:RECIPIENTS] if isinstance(listed, list) else ():
        told = _object(one)
        recipient = fields.address(_text(told.get("emailAddress")))
        if recipient:
            diagnostic = _text(told.get("diagnosticCode")) or None
            stated = smtp_codes.stated(_text(told.get("status")))
            status = smtp_codes.most_telling((smtp_codes.spoken(diagnostic), stated)) or smtp_codes.replied(diagnostic)
            action = "delayed" if transient and _text(told.get("action")) != "failed" else "failed"
            bounces.append(Bounce(recipient, action, status, identifier, diagnostic))
    return bounces


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return envelope.clean(value)[:1_000] if isinstance(value, str) else ""

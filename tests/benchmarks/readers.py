"""The contenders of `parsing.py`. Each gets out of a report the same values, and no reader may be helped by the shape.

`Fields`: feedback type, source address, original sender, original recipients, time, reported domains; of the reported
mail From and Subject decoded, Message-ID, and all Received fields unfolded.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email import policy
from email.header import decode_header, make_header
from email.message import Message as StandardMessage
from email.parser import BytesParser
from email.policy import Policy
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Any, NamedTuple

from flanker import mime

from parsers import envelope, fields, parse, registry
from parsers.message import Message
from parsers.report import Limits, Parsed

LIMITS = Limits()


class Fields(NamedTuple):
    feedback_type: str | None
    source_ip: str | None
    mail_from: str | None
    recipients: tuple[str, ...]
    arrival_date: datetime | None
    domains: tuple[str, ...]
    sender: str
    subject: str
    message_id: str
    received: tuple[str, ...]


def ours(raw: bytes) -> Fields:
    """As deep as the others go: the structure, two header blocks, the values asked for. `scan` and `envelope` alone."""
    parts = {part.content_type: part for part in envelope.structure(raw, LIMITS).children}
    said = envelope.embedded(parts[b"message/feedback-report"]).headers
    original = envelope.embedded(parts[b"message/rfc822"]).headers
    when = fields.time(envelope.first(said, "arrival-date") or "")
    return Fields(
        envelope.first(said, "feedback-type"),
        fields.ip(envelope.first(said, "source-ip") or ""),
        (envelope.first(said, "original-mail-from") or "").strip("<>"),
        tuple([one.strip("<>") for one in envelope.every(said, "original-rcpt-to")]),
        when.value if when else None,
        envelope.every(said, "reported-domain"),
        envelope.first(original, "from") or "",
        envelope.first(original, "subject") or "",
        envelope.first(original, "message-id") or "",
        envelope.every(original, "received"),
    )


def without_findings(raw: bytes) -> Parsed:
    """Everything that a message says: the format is found, envelope, trace, resources, provenance, digest of the body."""
    return registry.read(Message(envelope.structure(raw, LIMITS), LIMITS))


def whole(raw: bytes) -> Parsed:
    """The package's face: what a message says, and the findings about the reported mail."""
    return parse(raw)


def compat32(raw: bytes) -> Fields:
    return _standard(raw, policy.compat32, lambda value: str(make_header(decode_header(value))))


def default(raw: bytes) -> Fields:
    return _standard(raw, policy.default, str)


def _standard(raw: bytes, chosen: Policy[Any], decoded: Callable[[str], str]) -> Fields:
    mail: StandardMessage = BytesParser(policy=chosen).parsebytes(raw)
    parts = {part.get_content_type(): part for part in mail.get_payload()}
    said = parts["message/feedback-report"].get_payload(0)
    original = parts["message/rfc822"].get_payload(0)
    return Fields(
        said["Feedback-Type"],
        str(ip_address(said["Source-IP"])),
        said["Original-Mail-From"].strip("<>"),
        tuple(value.strip("<>") for value in said.get_all("Original-Rcpt-To")),
        parsedate_to_datetime(said["Arrival-Date"]).astimezone(UTC),
        tuple(said.get_all("Reported-Domain")),
        _flat(decoded(original["From"])),
        _flat(decoded(original["Subject"])),
        original["Message-ID"],
        tuple(_flat(value) for value in original.get_all("Received")),
    )


def flanker(raw: bytes) -> Fields:
    mail = mime.from_string(raw)
    parts = {str(part.content_type): part for part in mail.parts}
    said = parts["message/feedback-report"].enclosed.headers
    original = parts["message/rfc822"].enclosed.headers
    return Fields(
        said["Feedback-Type"],
        str(ip_address(said["Source-Ip"])),
        said["Original-Mail-From"].strip("<>"),
        tuple(value.strip("<>") for value in said.getall("Original-Rcpt-To")),
        parsedate_to_datetime(said["Arrival-Date"]).astimezone(UTC),
        tuple(said.getall("Reported-Domain")),
        _flat(original["From"]),
        _flat(original["Subject"]),
        original["Message-Id"],
        tuple(_flat(value) for value in original.getall("Received")),
    )


def _flat(text: str) -> str:
    return text.replace("\r\n", "").replace("\n", "").replace("\t", " ")

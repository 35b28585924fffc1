"""Statistics that providers send to domain owners: DMARC aggregate (RFC 9990, before 7489), TLS reports (RFC 8460).

Known by the media type or the name of the attachment, with the subject as a second sign; set aside. Must
never unpack or read what is attached: nothing in it is a complaint, and a bomb is packed the same way.
"""

from __future__ import annotations

import re

from parsers import archive
from parsers.message import Message
from parsers.report import Kind, Parsed
from parsers.scan import Part

DIALECT_OF = ("reply",)
NOT_IN_FEEDBACK_REPORTS = True
_TLS_TYPES = (b"application/tlsrpt+gzip", b"application/tlsrpt+json")
# receiver!policy-domain!begin!end[!unique].xml.gz; gaps and other signs are seen where programs clean the name
_NAME = re.compile(
    r"[\w.-]{1,255}[!_ ][\w.-]{1,255}[!_ ]\d{9,11}[!_ ]\d{9,11}(?:[!_ .-][^!\s]{0,128})?\.(?:xml|json)?(?:\.?(?:gz"
    r"|gzip|zip))?\Z",
    re.IGNORECASE,
)
_PACKED = (".zip", ".gz", ".gzip", ".xml", ".json")
_SUBJECT = re.compile(
    r"\breport[- ]domain\s?:.{1,300}?\bsubmitter\s?:|\bsubmitter\s?:.{1,300}?\breport-id\s?:"
    r"|\bdmarc\s+aggregate\s+report\b"
    r"|\baggregate\s+(?:dmarc\s+)?report\s+for\b|\bdmarc\s+report\s+for\b"
    r"|\b(?:smtp\s+)?tls\s+report(?:ing)?\s+(?:for\b|domain\b)",
    re.IGNORECASE,
)


def recognises(message: Message) -> bool:
    if message.feedback_parts or message.delivery_parts or message.evidence_parts or message.answers_notice:
        return False
    if message.report_type == b"tlsrpt" or b"tls-report-domain" in message.root.headers:
        return True
    attached = [part for part in message.parts if _is_packed(part)]
    if any(part.content_type in _TLS_TYPES or _NAME.match(archive.file_name(part)) for part in attached):
        return True
    return bool(attached) and bool(_SUBJECT.search((message.envelope.subject or "")[:1_000]))


def read(message: Message) -> Parsed:
    attached = any(_is_packed(part) for part in message.parts)
    return message.parsed(Kind.AGGREGATE, defects=() if attached else ("missing-report",))


def _is_packed(part: Part) -> bool:
    if part.content_type in _TLS_TYPES:
        return True
    if part.content_type.startswith((b"multipart/", b"message/")):
        return False
    name = archive.file_name(part).lower()
    if name.endswith(_PACKED):
        return True
    return not name and part.content_type in (
        b"application/gzip",
        b"application/x-gzip",
        b"application/zip",
        b"text/xml",
    )

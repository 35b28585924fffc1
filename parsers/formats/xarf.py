"""XARF, versions 1 to 4: a JSON document in an ARF container (`Feedback-Type: xarf`), attached, as mail body, or bare.

Specifications: github.com/xarf/xarf-spec (4) and the archived abusix/xarf (1 to 3). Sent by Abusix,
CERTs, honeypot operators and rights holders. Several documents, or a list in one, are several
reports. Of a report of child abuse nothing is kept but who, where and when. JSON that breaks the
rules of JSON is for a person; a document that breaks the rules of XARF is read, with a `schema-*`
defect for each violation. Must never believe the document about who sent it.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import replace
from typing import Any

from parsers import envelope, evidence, feedback, json_text, xarf_report
from parsers.errors import LimitError, MalformedError
from parsers.evidence import Evidence
from parsers.message import Message
from parsers.report import Category, Kind, Parsed, Report
from parsers.scan import BARE_JSON, Part

DIALECT_OF = (
    "arf",
    "abusix",
    "xarf_flat",
    "forwarded",
    "inline",
    "pasted",
    "reply",
    "free_text",
    "log_notice",
    "admin",
)
_NAMES = re.compile(rb'"(?:xarf_version|ReporterInfo|ReportType|source_identifier)"\s{0,20}:')
_BEGINS = re.compile(
    rb'^[ \t]{0,20}(?:[\[{]\s{0,200}["{]|[\[{]\s{0,200}\Z|e[wy][A-Za-z0-9+/]{20}|W[w3][A-Za-z0-9+/]{20})', re.MULTILINE
)
_TLS_REPORT = re.compile(rb'"policies"\s{0,20}:')  # RFC 8460, JSON too
_TYPES = frozenset((b"application/json", b"text/json", b"application/xarf", b"application/x-xarf"))
_NEVER_JSON = (b"multipart/", b"message/", b"image/", b"audio/", b"video/")
_BASE64 = re.compile(rb"\s{0,20}[A-Za-z0-9+/]{60}")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def recognises(message: Message) -> bool:
    if message.delivery_parts or message.answers_notice or message.report_type not in (b"", b"feedback-report"):
        return False
    return _documents(message) is not None


def read(message: Message) -> Parsed:
    found = _documents(message)
    holder, parts = found or (message, [])
    if not parts:
        raise MalformedError("it says that it holds XARF, but no JSON can be found in it")
    texts = [(part, *_body(part)) for part in parts]
    read_texts = [(part, json_text.load(body)) for part, body, _ in texts]
    documents = [(part, document) for part, text in read_texts for document in _listed(text)]
    if len(documents) > message.limits.evidence_messages:
        raise LimitError(f"more than {message.limits.evidence_messages} XARF documents")
    stated = _stated(holder)
    beside = _beside(holder) if len(documents) == 1 else None
    reports = tuple(xarf_report.read(document, part, stated, beside) for part, document in documents)
    defects = [] if holder is message else ["nested-report"]
    defects += ["wrong-transfer-encoding" for _, _, odd in texts if odd]
    defects += ["text-around-json" for _, text in read_texts if not text.alone]
    parsed = message.parsed(Kind.REPORT, reports, defects=tuple(defects))
    return replace(parsed, text="") if _text_is_json(message, parts, reports) else parsed


def _documents(message: Message) -> tuple[Message, list[Part]] | None:
    """The message, this or an attached one, that holds XARF, and the parts that are JSON. None: no XARF here."""
    if BARE_JSON in message.root.budget.defects:
        return None if _TLS_REPORT.search(message.root.body) else (message, [message.root])
    levels = [message] if message.feedback_parts else [message, *message.inner_messages]
    for level in levels:
        announced = level.says_xarf
        parts = [
            part
            for part in level.parts
            if not part.content_type.startswith(_NEVER_JSON) and _holds_xarf(part, in_container=announced)
        ]
        if parts or announced:
            return level, parts
    return None


def _holds_xarf(part: Part, *, in_container: bool) -> bool:
    """JSON with the names of XARF in it; in a container a type or name that says JSON is enough."""
    kind = part.content_type
    named = b""
    if part.mentions(b"name"):
        named = part.parameter(b"filename", b"content-disposition") or part.parameter(b"name") or b""
        named = named.strip().lower()
    says_json = kind in _TYPES or named.endswith((b".json", b".xarf"))
    if not says_json and not _BEGINS.search(envelope.decoded_body(part, 2_000)):
        return False
    if in_container and says_json:
        return True
    # The beginning mostly is all of it.
    return bool(_NAMES.search(envelope.decoded_body(part, 64_000)) or _NAMES.search(_body(part)[0]))


def _body(part: Part) -> tuple[bytes, bool]:
    """The JSON as bytes, and whether it was encoded in another way than its header says."""
    body = envelope.decoded_body(part)
    if body[:2] in _UTF_16:
        body = body.decode("utf-16", "replace").encode("utf-8", "replace")
    if _begins_like_json(body):
        return body, False
    if _begins_like_json(part.body):  # labelled base64, but plain
        return part.body, True
    unpacked = _unpacked(body)
    return (unpacked, True) if _begins_like_json(unpacked) else (body, False)


def _begins_like_json(body: bytes) -> bool:
    return body[:2_000].lstrip()[:1] in (b"{", b"[")


def _unpacked(body: bytes) -> bytes:
    if not _BASE64.match(body):
        return b""
    try:
        return binascii.a2b_base64(body)
    except binascii.Error:
        return b""


def _listed(document: json_text.Document) -> list[dict[str, Any]]:
    listed = document.value if isinstance(document.value, list) else [document.value]
    found = [one for one in listed if isinstance(one, dict)]
    if not found or len(found) < len(listed):
        raise MalformedError("the JSON is neither an object nor a list of objects")
    if not any(name in one for one in found for name in ("xarf_version", "Version", "Report", "source_identifier")):
        raise MalformedError("the JSON is not XARF: it names no version and no report")
    return found


def _stated(holder: Message) -> dict[str, Any]:
    """What the mail around the document says."""
    sender = holder.envelope.from_ or ""
    part = next(iter(holder.feedback_parts), None)
    return {
        "user_agent": feedback.read(part).first("user-agent") if part is not None else None,
        "from_domain": sender.rpartition("@")[2].lower() or None,
    }


def _beside(holder: Message) -> Evidence | None:
    """A mail attached next to the document (the third part of an ARF container may be one)."""
    parts = holder.evidence_parts
    return evidence.read(parts[0]) if parts else None


def _text_is_json(message: Message, parts: list[Part], reports: tuple[Report, ...]) -> bool:
    """The readable text is the document itself: no words for people, and perhaps evidence that must not be kept."""
    in_text = any(part.content_type.startswith(b"text/") for part in parts)
    grave = any(report.category is Category.CHILD_ABUSE for report in reports)
    return message.text.lstrip()[:1] in ("{", "[") or (in_text and grave)

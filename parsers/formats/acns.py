"""ACNS, the rights holders' notice as XML (Motion Picture Laboratories, 1.0 to 2.1): copyright, a lane of its own.

Attached as XML, or in the text between `Start ACNS XML` and `End ACNS XML`, often damaged by the signature
around it (`- ----Start`). Address, port and UTC time of the connection are what counts. Must never open an
entity or a document type: such XML is read by its tags alone, with a defect.
"""

from __future__ import annotations

import re
from typing import Any

from parsers import archive, envelope, evidence, fields
from parsers.markup import DOCUMENT_BYTES, MarkupError, Node, tree
from parsers.message import Message
from parsers.moments import moment
from parsers.report import Category, Kind, Parsed, Report
from parsers.scan import Part

DIALECT_OF = (
    *("forwarded", "inline", "pasted", "reply", "free_text"),
    *("spamhaus", "google_safebrowsing", "honeypot", "csv_feed", "admin", "log_notice"),
)
FORWARDED_TOO = True
NOT_IN_REPORTS = True
SOURCES = 100

_ROOT = re.compile(rb"<(?:\w{1,20}:)?Infringement[\s>]", re.IGNORECASE)
_END = re.compile(rb"</(?:\w{1,20}:)?Infringement\s{0,8}>", re.IGNORECASE)
_XML_TYPES = frozenset((b"application/xml", b"text/xml", b"application/acns+xml"))
_TAG = re.compile(r"<(?:\w{1,20}:)?([A-Za-z_]{2,40})(?:\s[^<>]{0,200})?>([^<>]{1,4000})</")
_KEPT = (
    *("id", "ref_url", "entity", "type", "subtype", "title", "filename", "filesize", "number_files", "hash"),
    *("dns_name", "url", "path", "username", "protocol"),
)


def recognises(message: Message) -> bool:
    if message.answers_notice:
        return False
    if message.feedback_parts or message.delivery_parts:
        return False
    return any(_document(part) is not None for part in message.parts)


def read(message: Message) -> Parsed:
    reports: list[Report] = []
    for part in message.parts:
        if (document := _document(part)) is not None:
            reports = _reports(document)
            break
    return message.parsed(Kind.REPORT, tuple(reports))


def _document(part: Part) -> bytes | None:
    """The XML of a part: all of it, or the piece that stands in a text."""
    if part.content_type not in _XML_TYPES and part.content_type not in (b"text/plain", b"application/octet-stream"):
        return None
    if part.content_type == b"application/octet-stream" and not archive.file_name(part).lower().endswith(".xml"):
        return None
    body = envelope.decoded_body(part, DOCUMENT_BYTES)
    begins = _ROOT.search(body)
    if begins is None:
        return None
    ends = _END.search(body, begins.end())
    # From the declaration on, so that its encoding counts; a text may hold other things before it.
    declared = body.rfind(b"<?xml", 0, begins.start())
    start = declared if declared >= 0 and begins.start() - declared < 2_000 else begins.start()
    return body[start : ends.end() if ends else len(body)]


def _reports(document: bytes) -> list[Report]:
    try:
        root = tree(document)
    except MarkupError as error:
        declared = "declares" in str(error)
        said = _said(document)
        return [_report(said, ["xml-declares-a-document-type" if declared else "xml-not-well-formed"])]
    common = _texts(root, without="source")
    sources = root.every("source")[:SOURCES] or [root]
    return [_report(common | _texts(source), []) for source in sources]


def _texts(node: Node, without: str = "") -> dict[str, str]:
    """First text of each element below, by name."""
    found: dict[str, str] = {}
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if text := one.text.strip():
            found.setdefault(one.name, text)
        waiting.extend(child for child in reversed(one.children) if child.name != without)
    return found


def _said(document: bytes) -> dict[str, str]:
    """By the tags alone, for XML that is none."""
    found: dict[str, str] = {}
    for name, text in _TAG.findall(document.decode("utf-8", "replace")):
        found.setdefault(name.lower(), text.strip())
    return found


def _report(said: dict[str, str], defects: list[str]) -> Report:
    address = fields.ip(said.get("ip_address", ""))
    port = fields.number(said.get("port", ""), 65535) or None
    when = moment(said["timestamp"]) if said.get("timestamp") else None
    if said.get("ip_address") and address is None:
        defects.append("bad-source-ip")
    if when is None:
        defects.append("no-time")
    elif not when.zoned:
        defects.append("unknown-time-zone")
    url = fields.undefang(said.get("url", "")) if fields.place(said.get("url", "")) else None
    stated: dict[str, Any] = {
        "category": Category.COPYRIGHT,
        "source_ip": address,
        "source_port": port,
        "arrival_date": when.value if when else None,
        "reported_uri": (url[:2_000],) if url else None,
        "fields": tuple(
            (name, (envelope.clean(" ".join(said[name].split()))[:300],)) for name in _KEPT if said.get(name)
        ),
    }
    where = {"source_ip": "IP_Address", "source_port": "Port", "arrival_date": "TimeStamp"}
    stated_by = {name: f"acns:Source/{tag}" for name, tag in where.items() if stated[name]}
    return evidence.complete(stated, None, stated_by, defects)

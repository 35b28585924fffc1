"""X-ARF 0.1 and 0.2: a mail with `X-ARF: yes` or `X-XARF: PLAIN`, and a part of flat `Key: value` lines in it.

Sent by blocklist.de, Netcraft, cyscon and many fail2ban scripts. Container multipart/mixed: words for
people, then `report.txt` (also `.yaml`), then a log or the reported mail. `SECURE` is signed or
encrypted, `BULK` holds several reports. The lines are called YAML and are read as lines: no YAML
engine, no aliases, no tags; `Schema-URL` is a name, never fetched. `Port` is the port that was
attacked, not one of the source.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from parsers import envelope, evidence, fields
from parsers.errors import LimitError, MalformedError
from parsers.evidence import Evidence
from parsers.message import Message
from parsers.report import Category, Kind, Parsed, Report, Resource, ResourceKind, Role
from parsers.scan import Part
from parsers.xarf_types import category_of

DIALECT_OF = ("arf", "forwarded", "inline", "pasted", "reply", "free_text", "log_notice", "admin")
NOT_IN_FEEDBACK_REPORTS = True
Lines = dict[str, list[str]]  # value or values by name in lower case, `_` and blanks as `-`

TEXT_CHARS = 64_000
LINES = 2_000
VALUE_CHARS = 500
REQUIRED = ("reported-from", "category", "report-type", "source-type", "source", "date")
_MARKS = (b"x-arf", b"x-xarf")
_NAMED = re.compile(
    rb"(?:report|xarf|x-arf)[\w.-]{0,40}\.(?:txt|ya?ml|arf)\Z|[\w.-]{0,60}report\.(?:txt|ya?ml)\Z", re.IGNORECASE
)
_LINE = re.compile(r"[\"']?([A-Za-z][A-Za-z0-9 _-]{0,50}?)[\"']?[ \t]*:(?:[ \t]+(.{0,4000})|\Z)")
_FIRST_LINES = re.compile(
    rb"^[ \t\"']{0,4}(?:report[_ -]type|reported[_ -]from|schema[_ -]url|source[_ -]type)[\"']?[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_URLS = ("download-link", "url", "uri", "link")
_IS_NAMED = frozenset(("source", "date", "version", "user-agent"))


def recognises(message: Message) -> bool:
    if message.delivery_parts or message.answers_notice or message.report_type:
        return False
    return _found(message) is not None


def read(message: Message) -> Parsed:
    found = _found(message)
    holder, parts = found or (message, [])
    blocks = [block for part in parts for block in _blocks(envelope.text(part, TEXT_CHARS))]
    if not blocks:
        raise MalformedError("it is marked as X-ARF, but no part with its lines can be read (is it encrypted?)")
    if len(blocks) > message.limits.evidence_messages:
        raise LimitError(f"more than {message.limits.evidence_messages} X-ARF reports in one message")
    beside = evidence.read(holder.evidence_parts[0]) if len(blocks) == 1 and holder.evidence_parts else None
    reports = tuple(_report(block, beside) for block in blocks)
    return message.parsed(Kind.REPORT, reports, defects=() if holder is message else ("nested-report",))


def _found(message: Message) -> tuple[Message, list[Part]] | None:
    """The message, this or an attached one, that is X-ARF, and the parts with the lines."""
    for level in [message] if message.feedback_parts else [message, *message.inner_messages]:
        marked = any(_marked(level, name) for name in _MARKS)
        parts = [part for part in level.parts if _holds_lines(part, marked=marked)]
        if parts or (marked and level.root.content_type in (b"multipart/encrypted", b"application/pkcs7-mime")):
            return level, parts
    return None


def _marked(message: Message, name: bytes) -> bool:
    value = (message.root.headers.first(name) or b"").strip().lower()
    return (
        value.startswith((b"yes", b"true", b"1"))
        if name == b"x-arf"
        else value.startswith((b"plain", b"secure", b"bulk"))
    )


def _holds_lines(part: Part, *, marked: bool) -> bool:
    """By its lines; by its name too where the message does not say what it is."""
    kind = part.content_type
    name = (part.parameter(b"filename", b"content-disposition") or part.parameter(b"name") or b"").strip()
    if not kind.startswith(b"text/") and not _NAMED.match(name) and b"yaml" not in kind:
        return False
    if kind == b"text/html" or not (marked or _NAMED.match(name) or b"yaml" in kind):
        return False
    beginning = envelope.decoded_body(part, 8_000)
    return len({hit.strip(b" \t\"':").lower() for hit in _FIRST_LINES.findall(beginning)}) >= 2


def _blocks(text: str) -> list[Lines]:
    """The documents of one part: `---` stands between them, `...` may end one."""
    found: list[Lines] = []
    block: Lines = {}
    last = ""
    for line in text.split("\n", LINES)[:LINES]:
        if line.startswith("---") or line.rstrip() == "...":
            found.append(block)
            block, last = {}, ""
        elif (named := _LINE.match(line)) and not line[0].isspace():
            last = named[1].strip().lower().replace("_", "-").replace(" ", "-")
            block.setdefault(last, []).extend(_value(named[2] or ""))
        elif last and line[:1] in (" ", "\t", "-") and line.strip():
            _continue(block[last], line)
    found.append(block)
    return [one for one in found if "source" in one or "report-type" in one]


def _value(text: str) -> list[str]:
    """Without quotes and comment; `|` and `>` say that the value stands on the next lines; `[a, b]` is a list."""
    text = text.strip()
    if len(text) > 1 and text[0] in "\"'" and text[-1] == text[0]:
        text = text[1:-1]
    elif text in ("|", ">", "|-", ">-"):
        text = ""
    elif text.startswith("[") and text.endswith("]") and "," in text:
        return [one.strip(" \"'")[:VALUE_CHARS] for one in text[1:-1].split(",")[:50]]
    return [envelope.clean(text)[:VALUE_CHARS]] if text else []


def _continue(values: list[str], line: str) -> None:
    item = line.lstrip(" \t")
    if item.startswith("- "):
        values.extend(_value(item[2:]))
    elif values:
        values[-1] = f"{values[-1]} {envelope.clean(item)}"[:VALUE_CHARS].strip()
    else:
        values.append(envelope.clean(item)[:VALUE_CHARS].strip())


def _report(lines: Lines, beside: Evidence | None) -> Report:
    defects = [f"schema-missing:{name.title()}" for name in REQUIRED if not _first(lines, name)]
    defects += [f"duplicate-{name}" for name in sorted(_IS_NAMED & lines.keys()) if len(lines[name]) > 1]
    origin: dict[str, str] = {}
    values: dict[str, Any] = {
        "feedback_type": "xarf",
        "category": category_of(_first(lines, "report-type"), _first(lines, "category")),
        "version": _first(lines, "version"),
        "user_agent": _first(lines, "user-agent"),
    }
    more = _source(lines, values, origin, defects)
    if (said := _first(lines, "date")) and (when := fields.time(said)):
        values["arrival_date"] = when.value
        origin["arrival_date"] = "xarf:Date"
        if not when.zoned:
            defects.append("unknown-time-zone")
    elif said:
        defects.append("bad-arrival-date")
    if port := fields.number(_first(lines, "source-port") or "", 65535):
        values["source_port"] = port
        origin["source_port"] = "xarf:Source-Port"
    values["fields"] = tuple(
        (name.title(), tuple(texts[:20])) for name, texts in list(lines.items())[:80] if texts and name not in _IS_NAMED
    )
    shown = beside if values["category"] is not Category.CHILD_ABUSE else None  # nothing of that is copied
    report = evidence.complete(values, shown, origin, defects)
    return replace(report, resources=tuple(dict.fromkeys((*report.resources, *more))))


def _source(lines: Lines, values: dict[str, Any], origin: dict[str, str], defects: list[str]) -> list[Resource]:
    """By what it is, since Source-Type is not always right."""
    said = _first(lines, "source") or ""
    urls = [url for name in _URLS for url in lines.get(name, []) if "://" in url]
    hosts: list[str | None] = [fields.host(_first(lines, "domain") or "")]
    more: list[Resource] = []
    kind, value = fields.resource(said) or (None, said)
    if kind is ResourceKind.IP:
        values["source_ip"] = value
        origin["source_ip"] = "xarf:Source"
    elif kind is ResourceKind.URL:
        urls.insert(0, value)
    elif kind is ResourceKind.HOST:
        hosts.insert(0, value)
    elif kind is not None:
        more.append(Resource(kind, Role.SOURCE, value))
    elif said:
        defects.append("bad-source-ip")
    values["reported_uri"] = fields.distinct(fields.undefang(url) for url in urls[:20])
    values["reported_domain"] = fields.distinct(iter(hosts))
    return more


def _first(lines: Lines, name: str) -> str | None:
    found = lines.get(name)
    return found[0] if found and found[0] else None

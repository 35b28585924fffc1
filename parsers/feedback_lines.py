"""The lines of a feedback part as fields, whatever was done to them: encoded twice, put into the part's own header,
all on one line, written as YAML, indented, folded in column 1.

What had to be undone is named, so that staff see why a report reads oddly. Must never invent a field: what no known
way of writing explains stays as it is.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from parsers import base64_text, envelope
from parsers.header_block import is_regular
from parsers.scan import FIELD, Headers, Part

SNIFFED = 4_000
_NAMES = (
    r"Feedback-Type|User-Agent|Version|Arrival-Date|Received-Date|Source-IP|Source-Port|Incidents|Reporting-MTA"
    r"|Original-Envelope-Id|Original-Mail-From|Original-Rcpt-To|Reported-Domain|Reported-URI|Authentication-Results"
    r"|Auth-Failure|Delivery-Result|DKIM-Domain|DKIM-Identity|DKIM-Selector|Identity-Alignment|Removal-Recipient"
)
_TYPE = re.compile(rb"^[\s-]{0,20}Feedback-Type[ \t]*:", re.IGNORECASE | re.MULTILINE)
_TYPE_FIELD = re.compile(r"^Feedback-Type:", re.IGNORECASE | re.MULTILINE)
_RUN_TOGETHER = re.compile(rf"[;,]?[ \t]+(?=(?:{_NAMES})[ \t]?:)".encode(), re.IGNORECASE)
_INDENTED = re.compile(rb"^(?:[ \t]+|-[ \t]+)(?=[!-9;-~]+[ \t]*:)", re.MULTILINE)
_ITEM = re.compile(rb"\r?\n[ \t]*-[ \t]+")
_ITEM_IN_COLUMN_1 = re.compile(rb"\n(?=-[ \t]+[^\s])")
_QUOTED = re.compile(rb"""\s*(["'])([^"'\r\n]*)\1\s*\Z""")


# What a body of plain fields has none of: values in quotes, lists below a name.
_YAML_VALUE = re.compile(rb":[ \t]*[\"']|\n[ \t]+-[ \t]")
_FIELD = re.compile(r"([!-9;-~]++): *+(.*+)\n")  # as scan's, of unfolded lines that are nothing but fields


class Lines(NamedTuple):
    """`fields`: (name, decoded value) in order."""

    fields: list[tuple[str, str]]
    defects: tuple[str, ...]


def is_feedback(part: Part) -> bool:
    """Fields of a feedback report in a part of another type, from its first line on."""
    if not part.content_type.startswith((b"text/plain", b"application/", b"text/feedback", b"message/x-")):
        return False
    beginning = envelope.decoded_body(part, SNIFFED).lstrip(b"\xef\xbb\xbf\r\n \t-")
    if FIELD.match(beginning) is None or _TYPE.search(beginning) is None:
        return False
    names = Headers(beginning, SNIFFED).fields.keys()
    return b"feedback-type" in names and not names.isdisjoint((b"user-agent", b"version"))


def read(part: Part, most: int) -> Lines:
    """At most `most` fields; of a body that has none, those in the part's header."""
    body = envelope.decoded_body(part)[: part.budget.limits.header_bytes]
    plain = _as_they_should_be(body)
    return Lines(plain[:most], ()) if plain else _undone(part, body, most)


def _as_they_should_be(body: bytes) -> list[tuple[str, str]]:
    """Where nothing has to be undone: ASCII, one field a line from column 1 on. Empty for everything else."""
    block = body.replace(b"\r\n", b"\n").rstrip(b"\n") + b"\n"
    if b"\r" in block or block.count(b":", 0, block.find(b"\n")) > 2:
        return []
    if (b'"' in block or b"'" in block or b"- " in block or b"-\t" in block) and _YAML_VALUE.search(block):
        return []
    text = envelope.plain_lines(block) if is_regular(block) else None
    if text is None or not _TYPE_FIELD.search(text):
        return []
    text = text.replace("\n ", " ")
    fields = _FIELD.findall(text)
    most = envelope.VALUE_CHARS
    if len(text) > most or " \n" in text:
        return [(name, value.strip()[:most]) for name, value in fields]
    return fields


def _undone(part: Part, body: bytes, most: int) -> Lines:
    defects: list[str] = []
    body = _plain(part, body, defects)
    fields = Headers(_laid_out(body, defects), len(body) + 1)
    found = fields.pairs()[:most]
    if fields.unfolded_in_column_1:
        defects.append("fold-in-column-1")
    if not any(name.lower() == b"feedback-type" for name, _ in found):
        above = [pair for pair in part.headers.pairs() if not pair[0].lower().startswith(b"content-")]
        if any(name.lower() == b"feedback-type" for name, _ in above):
            defects.append("fields-in-part-header")
            found = (above + found)[:most]
    values = [one for pair in found for one in _values(pair, defects)]
    decoded = [(name.decode("ascii"), envelope.decode(value, part.budget.guesses)) for name, value in values]
    return Lines(decoded, tuple(dict.fromkeys(defects)))


def _plain(part: Part, body: bytes, defects: list[str]) -> bytes:
    """The body without its transfer encodings, line ends as LF, no byte order mark."""
    longest = part.budget.limits.header_bytes
    if not FIELD.search(body) and FIELD.search(part.body[:20_000]):
        body = part.body[:longest]  # labelled base64, sent in the clear
        defects.append("wrong-transfer-encoding")
    elif not FIELD.search(body) and (again := base64_text.unwrapped(body)) is not None:
        body = again[:longest]
        defects.append("encoded-twice" if b"content-transfer-encoding" in part.headers else "missing-transfer-encoding")
    if body.startswith(b"\xef\xbb\xbf"):
        body = body[3:]
        defects.append("byte-order-mark")
    body = body.replace(b"\r\n", b"\n")
    if b"\r" in body:
        body = body.replace(b"\r", b"\n")
        defects.append("bare-cr-line-ends")
    return body


def _laid_out(body: bytes, defects: list[str]) -> bytes:
    """One field a line, from column 1 on."""
    if body.lstrip()[:3] == b"---" or _ITEM_IN_COLUMN_1.search(body):
        defects.append("yaml-fields")
        body = _ITEM_IN_COLUMN_1.sub(b"\n ", body)
    first = body.lstrip(b"\n- ").partition(b"\n")[0]
    if len(_RUN_TOGETHER.findall(first)) >= 2:
        defects.append("fields-on-one-line")
        body = _RUN_TOGETHER.sub(b"\n", body)
    if not FIELD.match(body.lstrip(b"\n-")) and len(_INDENTED.findall(body)) >= 2:
        defects.append("indented-fields")
        body = _INDENTED.sub(b"", body)
    return body


def _values(pair: tuple[bytes, bytes], defects: list[str]) -> list[tuple[bytes, bytes]]:
    """YAML again: a list below the name is one value each, quotes are no part of a value."""
    name, value = pair
    values = [value]
    if b"\n" in value and _ITEM.search(value):
        values = [one for one in _ITEM.split(b"\n" + value.lstrip()) if one.strip()]
        defects.append("yaml-fields")
    found: list[tuple[bytes, bytes]] = []
    for one in values:
        quoted = _QUOTED.match(one) if one.lstrip()[:1] in (b"'", b'"') else None
        if quoted:
            defects.append("quoted-values")
        found.append((name, quoted[2] if quoted else one))
    return found

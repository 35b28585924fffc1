"""Header fields that somebody copied out of a mail and pasted into a text: found, and put together again.

What pasting does to them: quote marks, no-break spaces, lines broken anywhere, indentation lost, an empty line
after each, all of them on one line. A line that is not `Name:` continues the one before. Must never take a few
labelled lines for a header: a Received line and one of From, Message-ID, Subject or Date have to be there.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from parsers import person

FIELD_LINES = 400  # of one block
FIELD_CHARS = 20_000

_NAME = re.compile(r"[ \t]{0,12}([A-Za-z][A-Za-z0-9-]{1,60})[ \t]{0,2}:(?=[ \t]|\Z)[ \t]*")
_KNOWN = (
    "Received|Return-Path|Delivered-To|X-Original-To|Envelope-To|From|To|Cc|Subject|Date|Message-ID|Message-Id|Reply-To"
    "|MIME-Version|Mime-Version|Content-Type|Content-Transfer-Encoding|DKIM-Signature|Authentication-Results"
    "|ARC-Seal|ARC-Message-Signature|ARC-Authentication-Results|Received-SPF|X-Received|X-Mailer|Sender|References"
    "|In-Reply-To|List-Unsubscribe|X-Originating-IP|User-Agent|Precedence|X-Spam-Status|X-Spam-Score"
)
_CLOSE = re.compile(rf"[ \t]{{0,12}}((?:{_KNOWN}|X-[A-Za-z0-9-]{{1,60}})):(?=\S)", re.IGNORECASE)
# In the middle of a line, where a field may begin after all line ends were lost.
_INSIDE = re.compile(rf"(?<=[\s;>)])(?=(?:{_KNOWN}): )")
_RECEIVED = re.compile(r"[ \t]{0,12}Received[ \t]{0,2}:", re.IGNORECASE)
_HAS_RECEIVED = re.compile(r"(?:^|[\s>|;])Received[ \t]{0,2}:", re.IGNORECASE)
_BESIDE = frozenset(("from", "message-id", "subject", "date"))


class Pasted(NamedTuple):
    """`header` as it should have been, one field a line; `body` what follows it; `oddities` as defects."""

    header: str
    body: str
    oddities: tuple[str, ...]


def blocks(text: str, most: int) -> list[Pasted]:
    """At most `most` header blocks of a text, in order."""
    if not _HAS_RECEIVED.search(text):
        return []
    written = person.lines(text)
    oddities: list[str] = []
    lines = [person.unquoted(line).rstrip() for line in written]
    if any(line.lstrip().startswith(">") for line in written):
        oddities.append("quoted")
    if "\u00a0" in text:
        oddities.append("no-break-spaces")
    lines = _apart(lines, oddities)
    lines = _single_spaced(lines, oddities)
    found: list[Pasted] = []
    at = 0
    while at < len(lines) and len(found) < most:
        if _field(lines[at]) is None:
            at += 1
            continue
        end, fields, wrapped = _run(lines, at)
        if fields and fields[0][1] == [""]:
            fields.pop(0)  # "Headers:", "Complete header:" above them
        names = {name.lower() for name, _ in fields}
        if "received" in names and not names.isdisjoint(_BESIDE):
            seen = (*oddities, *(("wrapped",) if wrapped else ()))
            header = "".join(f"{name}: {' '.join(pieces)[:FIELD_CHARS]}\r\n" for name, pieces in fields)
            found.append(Pasted(header, "\n".join(lines[end : end + FIELD_LINES]).strip("\n"), seen))
        at = max(end, at + 1)
    return found


def _field(line: str) -> tuple[str, str] | None:
    """(name, what follows the colon)."""
    hit = _NAME.match(line) or _CLOSE.match(line)
    return (hit[1], line[hit.end() :]) if hit else None


def _run(lines: list[str], first: int) -> tuple[int, list[tuple[str, list[str]]], bool]:
    """(first line after the block, (name, pieces of the value) in order, was a line broken without indentation)."""
    fields: list[tuple[str, list[str]]] = []
    wrapped = False
    at = first
    for at in range(first, min(first + FIELD_LINES, len(lines))):
        line = lines[at]
        if not line.strip():
            return at + 1, fields, wrapped
        if found := _field(line):
            fields.append((found[0], [found[1].strip()]))
        elif fields:
            wrapped = wrapped or line[:1] not in (" ", "\t")
            fields[-1][1].append(line.strip())
    return at + 1, fields, wrapped


def _apart(lines: list[str], oddities: list[str]) -> list[str]:
    """Fields that stand in one line, each in its own."""
    found: list[str] = []
    for line in lines:
        # The first of them may follow words of the person.
        pieces = _INSIDE.split(line) if line.count(": ") > 1 and _HAS_RECEIVED.search(line) else [line]
        if len(pieces) > 1 and any(_RECEIVED.match(piece) for piece in pieces):
            oddities.append("fields-on-one-line")
            found += [piece.strip() for piece in pieces if piece.strip()]
        else:
            found.append(line)
    return found


def _single_spaced(lines: list[str], oddities: list[str]) -> list[str]:
    """Without the empty line that stands after each line where HTML was made text."""
    begin = next((n for n, line in enumerate(lines) if _RECEIVED.match(line)), None)
    if begin is None:
        return lines
    after = lines[begin + 1 : begin + 8 : 2]
    if (
        len(after) < 3
        or any(line.strip() for line in after)
        or not all(line.strip() for line in lines[begin : begin + 7 : 2])
    ):
        return lines
    oddities.append("double-spaced")
    found: list[str] = []
    for number, line in enumerate(lines):
        before = lines[number - 1] if number else ""
        if line.strip() or not before.strip():
            found.append(line)
    return found

"""A forward in the text: who wrote the spam and what about, but no trace. A report without a source.

The blocks that Gmail, Outlook (old, new, on the web), Apple Mail, Thunderbird, Yahoo, Notes, QQ, NetEase and
others write above a forwarded text, in the languages of `forward_words`. A marker that says "forwarded" is
enough; one that says "original message", a rule, or labels alone count only where the message is no answer. Must
never take an address out of the text for a source: there is no Received line to show that it was one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from parsers import fields, forward_words, person, written_dates
from parsers.forward_words import folded
from parsers.message import Message
from parsers.report import Category, Kind, Original, Parsed, Report

DIALECT_OF = ("reply", "free_text")
NOT_IN_REPORTS = True
GENERAL = True
BLOCK_LINES = 16  # between the marker and the last label
LABEL_CHARS = 40
MARKER_CHARS = 100

_DASHES = "-—–_=*─━·~ \t"
_AROUND_LABEL = "*_|>【】[]•· \t"
_RULE = re.compile(r"[_─━—–-]{8,100}\Z")
_ADDRESS = re.compile(r"([^\s<>\[\]\"'(),;:|*]{1,64}@[^\s<>\[\]\"'(),;:|*]{1,253})")
_LINKED = re.compile(r"[<\[]mailto:[^<>\[\]\s]{1,320}[>\]]", re.IGNORECASE)
_BRACKETED = re.compile(
    r"[<\[(](?:mailto:)?([^\s<>\[\]\"'(),;:|*]{1,64}@[^\s<>\[\]\"'(),;:|*]{1,253})[>\])]", re.IGNORECASE
)
_SAID_AT = re.compile(r"(?<!\d)\d{1,2}[:.]\d{2}(?!\d)")
_SAID_IN = re.compile(r"(?<!\d)(?:(?:19|20)\d{2}(?!\d)|\d{1,2}[./-]\d{1,2}[./-]\d{2}(?!\d))")


class Block(NamedTuple):
    """What the lines above a forwarded text say; the languages that their labels may be in."""

    from_: str
    subject: str | None
    date: str | None
    languages: tuple[str, ...]


def recognises(message: Message) -> bool:
    return person.wrote(message) and _block(message) is not None


def read(message: Message) -> Parsed:
    block = _block(message) or Block("", None, None, ())
    defects = ["inline-forward"]
    when = written_dates.read(block.date, block.languages) if block.date else None
    if block.date and when is None:
        defects.append("unreadable-date")
    elif when and not when.zoned:
        defects.append("unknown-time-zone")
    address = _sender(block.from_)
    if address is None:
        defects.append("no-sender-address")
    original = Original(
        from_=address or block.from_ or None,
        subject=block.subject,
        date=when.value if when else None,
    )
    report = Report(category=Category.SPAM, original=original, defects=tuple(defects))
    return message.parsed(Kind.REPORT, (report,))


def _sender(said: str) -> str | None:
    """The address in brackets, else the first; a link beside it repeats it."""
    if bracketed := _BRACKETED.search(_LINKED.sub("", said)):
        return fields.address(bracketed[1])
    found = _BRACKETED.search(said) or _ADDRESS.search(said)
    return fields.address(found[1]) if found else None


def _block(message: Message) -> Block | None:
    """The first block that is one of a forward and not of an answer."""
    quoted = person.lines(message.text)
    lines = [person.unquoted(line) for line in quoted]
    forwarded, answered = person.forwards(message), person.replies(message)
    for number, line in enumerate(lines):
        says, rest = _marker(line)
        block = None
        if says or (says is False and not answered):
            if not answered or line == quoted[number]:  # quoted in an answer: part of what was said before
                block = _run_together(rest, 3) if rest else _labels(lines, number + 1, 2)
        elif answered:
            continue
        elif rest:
            block = _run_together(rest, 4)
        elif _RULE.match(line.strip()):
            block = _labels(lines, number + 1, 3)
        elif _label(line)[0] in ("from", "subject", "date"):
            block = _labels(lines, number, 3 if forwarded else 4)
        elif forwarded and not message.envelope.in_reply_to:
            block = _said(lines, quoted, number)
        if block:
            return block
    return None


def _marker(line: str) -> tuple[bool | None, str]:
    """(does it say forward: None where it is no marker that is known, what stands in the line behind it)."""
    stripped = line.strip(_DASHES)
    ruled = bool(stripped) and not line.strip()[:3].strip("-—–_=*─━")
    if not stripped or (len(stripped) > MARKER_CHARS and not ruled):
        return None, ""
    ends = min((at for at in (stripped.find(sign * 2) for sign in "-—–_=─━*") if at > 0), default=len(stripped))
    words = folded(stripped[:MARKER_CHARS][:ends].strip(_DASHES + ":：")).replace(":", "")
    says = forward_words.markers().get(words)
    if says is None and words.startswith(forward_words.BEGINNINGS):
        says = True
    return says, stripped[ends:].strip(_DASHES) if says is not None or ruled else ""


def _label(line: str) -> tuple[str | None, str]:
    """(what the label of the line means, its value). Also `| label | value |`, as tables come out as text."""
    beginning = line[: LABEL_CHARS + 20]
    at = min((found for sign in ":：︰" if (found := beginning.find(sign)) > 0), default=-1)
    column = beginning.find("|", 1)
    if column > 0 and (at < 0 or column < at):
        at = column
    if not 0 < at <= LABEL_CHARS + 10:
        return None, ""
    meaning = forward_words.labels().get(folded(line[:at].strip(_AROUND_LABEL)))
    return meaning, line[at + 1 :].strip(_AROUND_LABEL.replace("[", "").replace("]", "") + ";；")


def _labels(lines: list[str], first: int, fewest: int) -> Block | None:
    """The labelled lines from `first` on, at least `fewest` of them, the sender's among them."""
    found: dict[str, str] = {}
    sender_label = ""
    count = 0
    waiting: str | None = None
    for line in lines[first : first + BLOCK_LINES]:
        meaning, value = _label(line)
        if meaning is None:
            if waiting and line.strip():
                found[waiting], waiting = line.strip(_AROUND_LABEL), None
            elif line.strip() and (count >= 3 or not count):
                break
            continue
        count += 1
        if meaning == "from":
            sender_label = sender_label or folded(re.split(r"[:：︰|]", line, maxsplit=1)[0].strip(_AROUND_LABEL))
        waiting = meaning if not value and meaning not in found else None
        if value:
            found.setdefault(meaning, value)
    if count < fewest or "from" not in found or len(found) < fewest:
        return None
    return Block(found["from"], found.get("subject"), found.get("date"), _languages(sender_label))


@cache
def _languages(sender_label: str) -> tuple[str, ...]:
    """Those whose word for the sender this is: programs leave other labels untranslated, but not that one."""
    return tuple(
        row.language for row in forward_words.languages() if sender_label in {folded(word) for word in row.labels[0]}
    )


def _run_together(rest: str, fewest: int) -> Block | None:
    """Yahoo's plain text: `From: A <a@b>To: c@dSent: yesterdaySubject: what` in one line."""
    best: Block | None = None
    most = fewest - 1
    for language, pattern in _together():
        hits = list(_first_of_each(pattern, rest))
        found = {
            meaning: rest[end : hits[n + 1][1] if n + 1 < len(hits) else len(rest)].strip(" \u00a0;*")
            for n, (meaning, _, end) in enumerate(hits)
        }
        if len(found) > most and found.get("from"):
            most = len(found)
            best = Block(found["from"], found.get("subject"), found.get("date"), (language,))
    return best


def _first_of_each(pattern: re.Pattern[str], rest: str) -> Iterator[tuple[str, int, int]]:
    """(meaning, start and end of the label). The sender's stands first; what follows the subject is the subject."""
    seen: set[str] = set()
    for hit in pattern.finditer(rest):
        meaning = forward_words.labels()[folded(hit[1])]
        if meaning in seen or (not seen and hit.start() > 0):
            continue
        seen.add(meaning)
        yield meaning, hit.start(), hit.end()
        if meaning == "subject":
            return


@cache
def _together() -> tuple[tuple[str, re.Pattern[str]], ...]:
    patterns = []
    for row in forward_words.languages():
        words = sorted((word for words in row.labels for word in words), key=len, reverse=True)
        patterns.append((row.language, re.compile(rf"({'|'.join(map(re.escape, words))})[ \u00a0]?[:：]")))
    return tuple(patterns)


def _said(lines: list[str], quoted: list[str], number: int) -> Block | None:
    """Outlook for Mac forwards as others answer: `On 28/10/2021 12:46, "A" <a@b> wrote:`, then the text, indented."""
    line = lines[number].strip()
    if not _SAID_IN.search(line) or not _SAID_AT.search(line) or len(line) > 300:
        return None
    after_at = number + 1
    while not line.endswith((":", "：")) and after_at < min(number + 3, len(lines)):
        line = f"{line} {lines[after_at].strip()}"
        after_at += 1
    sender = _BRACKETED.search(line)
    if sender is None or not line.endswith((":", "：")) or len(line) > 400:
        return None
    after = next((text for text in quoted[after_at : after_at + 4] if text.strip()), "")
    if after.lstrip().startswith(">"):
        return None
    when = f"{line[: sender.start()]} {line[sender.end() :]}".strip()
    return Block(sender[0], None, when, tuple(row.language for row in forward_words.languages()))

"""What a person wrote, for the formats that read it out of the text: may they look at all, and at which lines.

Must never let quoted or automatic text pass for a person's: an answer to a notice of ours, a machine's
answer, and a message with mail attached (which says more than the text) are none of theirs.
"""

from __future__ import annotations

import re

from parsers import forward_words
from parsers.message import Message

LINES = 2_000
LINE_CHARS = 2_000
SUBJECT_CHARS = 200
_QUOTE = re.compile(r"(?:[ \t\u00a0]{0,3}[>|\uff1e]){1,20}[ \u00a0]?")
# `Fwd:`, `Fwd[2]:`, `[EXT] WG:`, `转发：`
_PREFIX = re.compile(r"\s{0,4}(?:\[[^\[\]]{1,40}\]\s{0,2}){0,2}([^\s:：\[][^:：\[]{0,20})(?:\[\d{1,3}\])?\s{0,2}[:：]")
_SAYS_FORWARDED = re.compile(r"\(f(?:wd|w)\)\s{0,4}\Z", re.IGNORECASE)


def wrote(message: Message) -> bool:
    """May the text be read for what it quotes?"""
    if message.root.content_type == b"multipart/report" or message.answers_notice or message.broken:
        return False
    if message.feedback_parts or message.delivery_parts or message.evidence_parts:
        return False
    return not (message.envelope.auto_submitted or "").strip().lower().startswith("auto-replied")


def unquoted(line: str) -> str:
    """Without the signs that mark a quoted line; what is indented stays so."""
    found = _QUOTE.match(line)
    return (line[found.end() :] if found else line).replace("\u00a0", " ").replace("\ufeff", "")


def lines(text: str) -> list[str]:
    return [line[:LINE_CHARS] for line in text.split("\n", LINES)[:LINES]]


def forwards(message: Message) -> bool:
    """Does the subject say that it is a forward, in whatever language?"""
    subject = message.envelope.subject or ""
    return _prefix(subject) in forward_words.forward_prefixes() or bool(_SAYS_FORWARDED.search(subject))


def replies(message: Message) -> bool:
    """Does the subject say that it is an answer, or, where it says nothing, do the header fields?"""
    if forwards(message):
        return False
    if _prefix(message.envelope.subject or "") in forward_words.reply_prefixes():
        return True
    return bool(message.envelope.in_reply_to or message.envelope.references)


def _prefix(subject: str) -> str:
    found = _PREFIX.match(subject[:SUBJECT_CHARS])
    return forward_words.folded(found[1]).rstrip(". ") if found else ""

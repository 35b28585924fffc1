"""A forward in the text: who wrote the spam and what about, but no trace. A report without a source.

English markers of Gmail, Outlook, Apple and Thunderbird, Chinese ones of QQ, NetEase and
Outlook. Must never take an address out of the text for a source: there is no Received line
to show that it was one.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from parsers import fields
from parsers.message import Message
from parsers.report import Category, Kind, Original, Parsed, Report

DIALECT_OF = "reply"
LINES = 2_000
BLOCK_LINES = 14  # between the marker and the last label

_MARKER = re.compile(
    r"[-—_ ]{0,60}(?:Begin forwarded message|Forwarded message|Original Message|Forwarded by [^\n]{1,80}"
    r"|原始邮件|原邮件|原始郵件|转发邮件信息|转发的邮件|轉寄的郵件)[:： ]?[-—_ ]{0,60}\Z",
    re.IGNORECASE,
)
_RULE = re.compile(r"[_-]{10,80}\Z")
_LABEL = re.compile(
    r"[*\s]{0,4}(From|Sent|Date|To|Cc|Subject|Reply-To|发件人|寄件者|发送时间|发送日期|日期|时间|收件人|抄送|主题|主旨)"
    r"[*\s]{0,4}[:：][*\s]{0,4}(.{0,1000})\Z",
    re.IGNORECASE,
)
_MEANING = {
    "from": "from",
    "发件人": "from",
    "寄件者": "from",
    "subject": "subject",
    "主题": "subject",
    "主旨": "subject",
    "date": "date",
    "sent": "date",
    "发送时间": "date",
    "发送日期": "date",
    "日期": "date",
    "时间": "date",
}
_FORWARD_SUBJECT = re.compile(r"\s{0,4}(?:fwd?|fw|转发|轉寄|转)\s{0,2}[:：]", re.IGNORECASE)
_ADDRESS = re.compile(r"([^\s<>\[\]\"'(),;:]{1,64}@[^\s<>\[\]\"'(),;:]{1,253})")


class Block(NamedTuple):
    """The lines that a mail program writes above a forwarded text."""

    from_: str | None
    subject: str | None
    date: str | None


def recognises(message: Message) -> bool:
    if message.root.content_type == b"multipart/report" or message.answers_notice:
        return False
    if message.feedback_parts or message.delivery_parts or message.evidence_parts:
        return False  # what is attached says more than what is quoted
    return _block(message) is not None


def read(message: Message) -> Parsed:
    block = _block(message) or Block(None, None, None)
    when = fields.time(block.date) if block.date else None
    found = _ADDRESS.search(block.from_ or "")
    original = Original(
        from_=fields.address(found[1]) if found else (block.from_ or None),
        subject=block.subject,
        date=when.value if when else None,
    )
    report = Report(category=Category.SPAM, original=original, defects=("inline-forward",))
    return message.parsed(Kind.REPORT, (report,))


def _block(message: Message) -> Block | None:
    """The first block that follows a marker; a bare rule or none counts only under a forward's subject."""
    lines = [line.lstrip("> \u00a0\t").rstrip() for line in message.text.split("\n", LINES)[:LINES]]
    says_forward = bool(_FORWARD_SUBJECT.match(message.envelope.subject or ""))
    for number, line in enumerate(lines):
        label = _LABEL.match(line)
        marked = bool(_MARKER.match(line)) or (says_forward and bool(_RULE.match(line)))
        bare = says_forward and label is not None and _MEANING.get(label[1].lower()) == "from"
        if (marked or bare) and (block := _labels(lines[number + (not bare) :])):
            return block
    return None


def _labels(lines: list[str]) -> Block | None:
    found: dict[str, str] = {}
    labels = 0
    for line in lines[:BLOCK_LINES]:
        label = _LABEL.match(line)
        if label is None:
            if line and labels >= 3:
                break
            continue
        labels += 1
        meaning = _MEANING.get(label[1].lower())
        if meaning:
            found.setdefault(meaning, label[2].strip("* \t"))
    if labels < 2 or "from" not in found:
        return None
    return Block(found.get("from"), found.get("subject"), found.get("date"))

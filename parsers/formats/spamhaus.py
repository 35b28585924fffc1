"""Spamhaus: an address or network was put on a block list (SBL), told by them or passed on by a data centre.

A listing, not a mail: there is no evidence, and the state holds when the notice is sent, so its Date counts
where the text has none. A removal is news for a person. Must never turn a listed network into one address.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from parsers import evidence, fields, notice
from parsers.message import Message
from parsers.moments import moment
from parsers.report import Category, Kind, Parsed, Report

DIALECT_OF = (
    *("forwarded", "inline", "pasted", "reply", "free_text"),
    *("google_safebrowsing", "honeypot", "csv_feed", "admin", "log_notice"),
)
NOT_IN_REPORTS = True
LISTINGS = 100

_REFERENCE = re.compile(r"\b(SBL\s?\d{3,9}|SBLCSS\w{0,10}|DROP)\b")
_SUBJECT = re.compile(r"\bSBL (?:Notify|Alert|listing)|spamhaus.{0,80}(?:list|alert|notif)", re.IGNORECASE)
_LISTED = re.compile(
    r"^[\s>*]{0,8}(?:IP\s?/\s?cidr|IP(?: address)?|CIDR|Listed (?:IP|range|network)|Network)\s{0,4}:\s{0,8}"
    r"([0-9A-Fa-f.:]{3,45})(/\d{1,3})?",
    re.IGNORECASE | re.MULTILINE,
)
_TITLED = re.compile(r"\b(?:IP|cidr)s?\s?:\s{0,3}\[?([0-9A-Fa-f.:]{3,45})\]?(/\d{1,3})?", re.IGNORECASE)
_BARE = re.compile(r"(?<![\d.])((?:\d{1,3}\.){3}\d{1,3})(/\d{1,2})?(?![\d.])")
_REMOVED = re.compile(r"\b(?:removed from|removal|delisted|has been removed|no longer listed)\b", re.IGNORECASE)
_KEPT = (("sbl ref", "SBL-Ref"), ("problem", "Problem"), ("reason", "Reason"), ("isp", "ISP"))
_TIMES = ("date", "listed", "listed on", "listing date", "added", "time", "timestamp", "date listed")


def recognises(message: Message) -> bool:
    if notice.for_others(message):
        return False
    subject = message.envelope.subject or ""
    text = notice.words(message)
    if "spamhaus" not in f"{subject} {text}".lower() or not _REFERENCE.search(f"{subject} {text}"):
        return False
    return bool(_SUBJECT.search(subject) or _LISTED.search(text))


def read(message: Message) -> Parsed:
    subject = message.envelope.subject or ""
    text = notice.words(message)
    if _REMOVED.search(subject):
        return message.parsed(Kind.ADMIN, defects=("listing-removed",))
    labels = dict(reversed(notice.labels(text)))
    kept = tuple((name, (labels[label][:300],)) for label, name in _KEPT if labels.get(label))
    if not any(name == "SBL-Ref" for name, _ in kept) and (found := _REFERENCE.search(f"{subject}\n{text}")):
        kept = (("SBL-Ref", (found[1],)), *kept)
    when = next((hit.value for name in _TIMES if name in labels and (hit := moment(labels[name]))), None)
    listed = _listed(subject, text)
    reports = [_report(address, mask, when, kept, message.envelope.date) for address, mask in listed]
    return message.parsed(Kind.REPORT, tuple(reports) or (_report(None, "", when, kept, message.envelope.date),))


def _listed(subject: str, text: str) -> list[tuple[str, str]]:
    """(address, mask) of each listing: from its line in the text, else from the subject."""
    for pattern, where in ((_LISTED, text), (_TITLED, subject), (_BARE, subject)):
        found: dict[tuple[str, str], None] = {}
        for hit in pattern.finditer(where):
            if address := fields.ip(hit[1].rstrip(".:")):
                found[(address, hit[2] or "")] = None
        if found:
            return list(found)[:LISTINGS]
    return []


def _report(
    address: str | None,
    mask: str,
    when: datetime | None,
    kept: tuple[tuple[str, tuple[str, ...]], ...],
    sent: datetime | None,
) -> Report:
    defects: list[str] = []
    stated: dict[str, Any] = {"category": Category.LISTING, "fields": kept}
    stated_by: dict[str, str] = {}
    if address and mask in ("", "/32", "/128"):
        stated["source_ip"], stated_by["source_ip"] = address, "text:listed address"
    elif address:
        stated["fields"] = (*kept, ("Listed-Network", (f"{address}{mask}",)))
        defects.append("whole-network")
    else:
        defects.append("no-address")
    if when or sent:
        stated["arrival_date"] = when or sent
        stated_by["arrival_date"] = "text:listing date" if when else "envelope:Date"
        if not when:
            defects.append("time-of-the-notice")
    return evidence.complete(stated, None, stated_by, defects)

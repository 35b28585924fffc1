"""Project Honey Pot's monitor mail: which of your addresses were seen, section by section, since the last one.

Counts over days and no evidence, so statistics: never a case alone. `none` says that a section is empty.
Must never read the help text below the sections.
"""

from __future__ import annotations

import re

from parsers import evidence, fields, notice
from parsers.message import Message
from parsers.moments import moment
from parsers.report import Category, Kind, Parsed, Report

DIALECT_OF = (
    *("forwarded", "inline", "pasted", "reply", "free_text"),
    *("csv_feed", "admin", "log_notice"),
)
NOT_IN_REPORTS = True
ROWS = 10_000

_SENDER = re.compile(r"@(?:[a-z0-9-]+\.)?projecthoneypot\.org\Z", re.IGNORECASE)
_NAMED = re.compile(r"project ?honey ?pot", re.IGNORECASE)
_ROW = re.compile(
    r"^[ \t>*-]{0,8}([0-9A-Fa-f.:]{3,45})[ \t]{1,8}\(([A-Z ,|]{1,12})\)([^\n]{0,200})(?:\n([^\n]{0,200}))?",
    re.MULTILINE,
)
_EMPTY = re.compile(r"^[ \t>*-]{0,8}none\s{0,4}$", re.MULTILINE | re.IGNORECASE)
# Harvester, spam server, dictionary attacker, comment spammer, rule breaker.
_KINDS = {
    "H": Category.DATA_HARVESTING,
    "S": Category.SPAM,
    "D": Category.SPAM,
    "C": Category.SPAM,
    "R": Category.DATA_HARVESTING,
}


def recognises(message: Message) -> bool:
    if notice.for_others(message):
        return False
    by_them = bool(_SENDER.search(message.envelope.from_ or "") or _SENDER.search(message.envelope.return_path or ""))
    if not by_them and not _NAMED.search(f"{message.envelope.subject or ''} {message.text[:2_000]}"):
        return False
    return bool(_ROW.search(message.text)) or (by_them and bool(_EMPTY.search(message.text)))


def read(message: Message) -> Parsed:
    text = notice.without_ticket(message.text)
    reports = tuple(report for hit in list(_ROW.finditer(text))[:ROWS] if (report := _report(hit)))
    return message.parsed(Kind.AGGREGATE, reports, defects=() if reports else ("no-rows",))


def _report(hit: re.Match[str]) -> Report | None:
    address = fields.ip(hit[1])
    if address is None:
        return None
    below = hit[4] or ""
    when = moment(hit[3].strip(" -:\t")) or (moment(below.strip(" -:\t")) if below.lstrip().startswith("-") else None)
    category = next((_KINDS[letter] for letter in hit[2] if letter in _KINDS), Category.OTHER)
    stated = {
        "category": category,
        "source_ip": address,
        "arrival_date": when.value if when else None,
        "fields": (("Type", (hit[2].strip(),)),),
    }
    stated_by = {name: "text:list" for name in ("source_ip", "arrival_date") if stated[name]}
    defects = ["statistics", *(["unknown-time-zone"] if when and not when.zoned else [])]
    return evidence.complete(stated, None, stated_by, defects)

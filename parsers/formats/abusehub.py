"""AbuseHUB (Netherlands): signed mail with tables. Its own, `abusehubcsv-...`, has a row for each incident.

The tables beside it are the sources' originals of the same incidents. Must never count those too, and never
give on the column with a complainant's address.
"""

from __future__ import annotations

import re
from dataclasses import replace

from parsers import notice, table
from parsers.archive import Sheet
from parsers.errors import LimitError, MalformedError
from parsers.message import Message
from parsers.report import Category, Kind, Parsed, Report

DIALECT_OF = (
    *("forwarded", "inline", "pasted", "reply", "free_text"),
    *("shadowserver", "acns", "spamhaus", "google_safebrowsing", "honeypot", "csv_feed", "admin", "log_notice"),
)
FORWARDED_TOO = True
NOT_IN_REPORTS = True

_SENDER = re.compile(r"@(?:[a-z0-9-]+\.)?abusehub\.nl\Z", re.IGNORECASE)
_OWN = re.compile(r"abusehub[ _-]?csv", re.IGNORECASE)
_COMPLAINANT = re.compile(r"recipient|complainant|rcpt", re.IGNORECASE)


def recognises(message: Message) -> bool:
    if message.answers_notice or message.evidence_parts:
        return False
    sheets = message.sheets
    if any(_OWN.match(sheet.name) for sheet in sheets.found):
        return True
    return bool(_SENDER.search(message.envelope.from_ or "")) and bool(sheets.found or sheets.problem)


def read(message: Message) -> Parsed:
    sheets = message.sheets
    if not sheets.found:
        raise MalformedError(f"the table in it cannot be got out: {sheets.problem}")
    own = [sheet for sheet in sheets.found if _OWN.match(sheet.name)]
    defects = [] if own else ["no-table-of-its-own"]
    reports: list[Report] = []
    for sheet in own or sheets.found:
        reports += _reports(sheet)
        if len(reports) > table.ROWS:
            raise LimitError(f"the attached tables have more than {table.ROWS} rows")
    if not reports:
        defects.append("no-rows")
    return message.parsed(Kind.REPORT if reports else Kind.AGGREGATE, tuple(reports), defects=tuple(defects))


def _reports(sheet: Sheet) -> list[Report]:
    kinds: dict[str, Category] = {}
    found: list[Report] = []
    for row in table.rows(sheet.data):
        category = kinds.get(row.kind)
        if category is None:
            category = kinds[row.kind] = _category(row.kind)
        report = table.report(row, category)
        if report is not None:
            kept = tuple((name, values) for name, values in report.fields if not _COMPLAINANT.search(name))
            found.append(replace(report, fields=kept))
    return found


def _category(kind: str) -> Category:
    """By the source's name for it: `Hotmail FBL`, `Shadowserver Open SNMP`, `NCSC Ebury Infections`."""
    if "fbl" in kind.lower():
        return Category.SPAM
    named = notice.category(kind, "")
    return named or (Category.VULNERABILITY if "shadowserver" in kind.lower() else Category.OTHER)

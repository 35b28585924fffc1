"""A table of incidents from anybody else: CERTs and CSIRTs, honeypot networks, reporters with a script.

Known by an attached CSV (bare, or in a zip or gzip) that has a column for the address and one for the time.
What happened is taken from the row's own words, else from the mail's. Must never claim tables about
something else: without both columns it is nobody's feed.
"""

from __future__ import annotations

from parsers import notice, table
from parsers.archive import Sheet
from parsers.errors import LimitError
from parsers.message import Message
from parsers.moments import Reading
from parsers.report import Category, Kind, Parsed, Report

DIALECT_OF = (
    *("forwarded", "inline", "pasted", "reply", "free_text"),
    *("admin", "log_notice"),
)
NOT_IN_REPORTS = True


def recognises(message: Message) -> bool:
    if notice.for_others(message):
        return False
    return any(_fits(sheet) for sheet in message.sheets.found)


def read(message: Message) -> Parsed:
    text = notice.without_ticket(message.text)
    told = notice.category(message.envelope.subject or "", text) or Category.OTHER
    reading = notice.reading(message, text)
    reports: list[Report] = []
    for sheet in message.sheets.found:
        if _fits(sheet):
            reports += _reports(sheet, told, reading)
        if len(reports) > table.ROWS:
            raise LimitError(f"the attached tables have more than {table.ROWS} rows")
    defects = [] if reports else ["no-rows"]
    if message.sheets.problem:
        defects.append("archive-not-read")
    return message.parsed(Kind.REPORT if reports else Kind.AGGREGATE, tuple(reports), defects=tuple(defects))


def _fits(sheet: Sheet) -> bool:
    row = next(table.rows(sheet.data), None)
    return row is not None and row.columns.time is not None


def _reports(sheet: Sheet, told: Category, reading: Reading) -> list[Report]:
    kinds: dict[str, Category] = {}
    found: list[Report] = []
    for row in table.rows(sheet.data):
        category = kinds.get(row.kind)
        if category is None:
            category = kinds[row.kind] = notice.category(row.kind, "") or told
        if report := table.report(row, category, reading):
            found.append(report)
    return found

"""Shadowserver's daily reports: a table attached (CSV, bare or in a zip), one exposed or infected host a row.

Columns differ from type to type and are read by their headings; times are UTC. Where the mail holds only a
link, a person has to fetch it. Must never follow the link, and never leave out rows without saying so: a
table beyond the limits is unreadable as a whole.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from parsers import table
from parsers.archive import Sheet
from parsers.errors import LimitError, MalformedError
from parsers.message import Message
from parsers.moments import Reading
from parsers.report import Category, Kind, Parsed, Report

DIALECT_OF = (
    *("forwarded", "inline", "pasted", "reply", "free_text"),
    *("acns", "spamhaus", "google_safebrowsing", "honeypot", "csv_feed", "admin", "log_notice"),
)
FORWARDED_TOO = True
NOT_IN_REPORTS = True

_SENDER = re.compile(r"@(?:[a-z0-9-]+\.)?shadowserver\.org\Z", re.IGNORECASE)
_SUBJECT = re.compile(r"\bshadowserver\b.{0,200}\breports?\b", re.IGNORECASE)
_ANSWER = re.compile(r"\s{0,4}(?:re|aw|sv|antw)\s?:", re.IGNORECASE)
_LINK = re.compile(r"https?://(?:[a-z0-9-]+\.)?(?:shadowserver\.org|dl\.)\S{1,500}", re.IGNORECASE)
_FILE = re.compile(r"\d{4}-\d{2}-\d{2}-([a-z0-9_]{2,60})", re.IGNORECASE)
_TITLE = re.compile(r"shadowserver(?: foundation)?[\s:-]{0,6}(.{2,100}?)\s{0,3}reports?\b", re.IGNORECASE)
_UTC = Reading(zone=timedelta())
# In this order. Everything else is an exposed service: most of the types, and the harmless reading.
_KINDS = (
    (Category.SPAMVERTISING, r"spam[_ ]?url"),
    (Category.PHISHING, r"phish"),
    (Category.MALWARE, r"malware[_ ]?url|sandbox"),
    (Category.LISTING, r"block ?list|black ?list"),
    (Category.LOGIN_ATTACK, r"brute"),
    (Category.DDOS, r"ddos|amplif"),
    (Category.PORT_SCAN, r"darknet|honeypot[_ ](?:http|rdp|ics|scan)|scanner"),
    (Category.INTRUSION, r"compromised|webshell|defac|hacked"),
    (Category.INFECTED_HOST, r"sinkhole|drone|botnet|bot\b|infect|trojan|c2|cc_ip|command|ransom|hash"),
)
_CATEGORIES = tuple((category, re.compile(words, re.IGNORECASE)) for category, words in _KINDS)
_ABOUT_SITES = frozenset((Category.SPAMVERTISING, Category.PHISHING, Category.MALWARE, Category.INTRUSION))


def recognises(message: Message) -> bool:
    if message.answers_notice or message.evidence_parts:
        return False
    subject = message.envelope.subject or ""
    by_them = bool(_SENDER.search(message.envelope.from_ or ""))
    if not by_them and (not _SUBJECT.search(subject) or _ANSWER.match(subject)):
        return False
    sheets = message.sheets
    return bool(sheets.found or sheets.problem) or (bool(_SUBJECT.search(subject)) and bool(_LINK.search(message.text)))


def read(message: Message) -> Parsed:
    sheets = message.sheets
    if not sheets.found:
        if sheets.problem:
            raise MalformedError(f"the table in it cannot be got out: {sheets.problem}")
        return message.parsed(Kind.ADMIN, defects=("only-a-link",))
    reports: list[Report] = []
    for sheet in sheets.found:
        reports += _reports(sheet, message.envelope.subject or "")
        if len(reports) > table.ROWS:
            raise LimitError(f"the attached tables have more than {table.ROWS} rows")
    defects = () if reports else ("no-rows",)
    return message.parsed(Kind.REPORT if reports else Kind.AGGREGATE, tuple(reports), defects=defects)


def _reports(sheet: Sheet, subject: str) -> list[Report]:
    named = _FILE.search(sheet.name) or _TITLE.search(subject)
    kind = named[1].strip() if named else ""
    category = next((one for one, words in _CATEGORIES if words.search(kind)), Category.VULNERABILITY)
    found: list[Report] = []
    for row in table.rows(sheet.data):
        if (report := table.report(row, category, _UTC)) is None:
            continue
        sites = table.sites(row) if category in _ABOUT_SITES else ()
        about = (("report_type", (kind[:100],)),) if kind else ()
        found.append(replace(report, fields=about + report.fields, resources=report.resources + sites))
    return found

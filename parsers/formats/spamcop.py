"""SpamCop: a user's report in text or as ARF, the daily summary, the alert.

The text names what the report is about (`Email from ADDRESS / DATE`, or a spamvertised site), and the mail
follows `[ Offending message ]`. In its ARF the source is at times in the text only. Summary and alert are
statistics without evidence. Must never make the address of the mail the source of a spamvertised report: that
one is about the site.
"""

from __future__ import annotations

import re

from parsers import envelope, evidence, feedback, fields, notice
from parsers.evidence import Evidence
from parsers.message import Message
from parsers.moments import Reading, moment
from parsers.report import Category, Kind, Parsed, Report, Resource, ResourceKind, Role
from parsers.scan import Part, within

DIALECT_OF = (
    *("arf", "forwarded", "inline", "pasted", "reply", "free_text"),
    *("jmrp", "abusix", "netcraft", "abusehub", "shadowserver", "acns"),
    *("spamhaus", "google_safebrowsing", "honeypot", "csv_feed", "admin", "log_notice"),
)
FORWARDED_TOO = True
ROWS = 10_000
SITES = 20

_SUBJECT = re.compile(r"\[\s?SpamCop[\s:]{0,3}\(?(.{1,500}?)\)?[\s,]{1,3}id:\s?(\d{1,20})\s?\]", re.IGNORECASE)
_STATISTICS = re.compile(r"\[\s?SpamCop\s?\]\s{0,4}(?:summary|alert)|SpamCop (?:summary report|alert)\b", re.IGNORECASE)
_SENDER = re.compile(r"@(?:reports|admin|msgid)\.spamcop\.net\Z", re.IGNORECASE)
_ANSWER = re.compile(r"\s{0,4}(?:re|aw|sv|antw)\s?:", re.IGNORECASE)
_BANNER = re.compile(r"^[ \t]{0,4}\[ ?SpamCop V[\d. ]{1,20}\]", re.MULTILINE | re.IGNORECASE)
_EMAIL = re.compile(r"^[ \t>]{0,8}Email from \[?([0-9A-Fa-f.:]{2,45})\]? / ([^\n]{5,80})", re.MULTILINE | re.IGNORECASE)
_SITE = re.compile(r"^[ \t>]{0,8}Spamvertised[^\n:]{0,30}:[ \t]{0,4}(\S{4,2000})", re.MULTILINE | re.IGNORECASE)
_SITE_IS = re.compile(r"^[ \t>]{0,8}(\S{4,2000}) is \[?([0-9A-Fa-f.:]{2,45})\]?[;,] ([^\n]{5,80})", re.MULTILINE)
_OFFENDING = re.compile(rb"^[ \t]{0,4}\[ ?Offending message ?\][ \t]*\r?\n", re.MULTILINE | re.IGNORECASE)
_ROW = re.compile(
    r"^[ \t]{0,8}"
    r"(?:IPv6 )?([0-9A-Fa-f.:]{3,45})[ \t]{1,30}([A-Z][a-z]{2})[ \t]{1,4}(\d{1,2})[ \t]{1,4}(\d{1,2})h/\d{1,5}"
    r"((?:[ \t]{1,12}\d{1,8}){0,6})",
    re.MULTILINE,
)
_ALONE = re.compile(r"^[ \t]{0,8}(?:IPv6 )?\[?([0-9A-Fa-f.:]{3,45})\]?[ \t]{0,8}$", re.MULTILINE)


def recognises(message: Message) -> bool:
    if message.answers_notice or message.delivery_parts:
        return False
    if message.root.content_type == b"multipart/report" and message.report_type not in (b"", b"feedback-report"):
        return False
    sender, subject = message.envelope.from_ or "", message.envelope.subject or ""
    if "spamcop" in sender.lower() and _SENDER.search(sender):
        return True
    if "spamcop" in subject.lower() and (_SUBJECT.search(subject) or _STATISTICS.search(subject)):
        # Somebody's answer carries our subject: then the report itself must be there, unquoted.
        return not _ANSWER.match(subject) or bool(_BANNER.search(message.text))
    return "SpamCop V" in message.text and bool(_BANNER.search(message.text)) and _about(message.text)


def read(message: Message) -> Parsed:
    text = notice.without_ticket(message.text)
    if not message.feedback_parts and not _about(text) and not _SUBJECT.search(message.envelope.subject or ""):
        rows = _rows(message, text)
        if rows or _STATISTICS.search(message.envelope.subject or ""):
            return message.parsed(Kind.AGGREGATE, rows, defects=() if rows else ("no-rows",))
        return message.parsed(Kind.ADMIN)
    shown = _shown(message)
    sites = _sites(message, text)
    if sites and not _EMAIL.search(text):
        return message.parsed(Kind.REPORT, (_spamvertised(sites, shown, text),))
    if message.feedback_parts:
        return message.parsed(Kind.REPORT, (_from_fields(message, shown, text),))
    return message.parsed(Kind.REPORT, (_from_text(message, shown, text),))


def _about(text: str) -> bool:
    return bool(_EMAIL.search(text) or _SITE.search(text) or _SITE_IS.search(text))


def _shown(message: Message) -> Evidence | None:
    """The reported mail: beside a feedback part, attached, or below its heading in the text."""
    if message.evidence_parts:
        return evidence.read(message.evidence_parts[0])
    for part in message.parts:
        if part.content_type == b"text/plain" and (found := _offending(part)):
            return found
    return None


def _offending(part: Part) -> Evidence | None:
    body = envelope.decoded_body(part)
    found = _OFFENDING.search(body)
    if not found:
        return None
    shown = evidence.of(within(body, found.end(), len(body), part))
    return shown if shown.headers.fields else None


def _from_text(message: Message, shown: Evidence | None, text: str) -> Report:
    stated, stated_by, defects = _stated(message, text)
    if shown is None:
        defects.append("missing-original")
    return evidence.complete({"category": Category.SPAM, **stated}, shown, stated_by, defects)


def _from_fields(message: Message, shown: Evidence | None, text: str) -> Report:
    """ARF: its fields count; the text fills the gap before the trace would."""
    stated, stated_by, _ = _stated(message, text)
    elsewhere = {name: (value, stated_by[name]) for name, value in stated.items()}
    return feedback.report(feedback.read(message.feedback_parts[0]), shown, elsewhere)


def _stated(message: Message, text: str) -> tuple[dict[str, object], dict[str, str], list[str]]:
    """(values, where from, defects): the line in the text, else the subject, which has no time."""
    stated: dict[str, object] = {}
    by: dict[str, str] = {}
    defects: list[str] = []
    line = _EMAIL.search(text)
    address = fields.ip(line[1]) if line else None
    if line and address:
        stated["source_ip"], by["source_ip"] = address, "text:Email from"
        if when := moment(line[2]):
            stated["arrival_date"], by["arrival_date"] = when.value, "text:Email from"
            if not when.zoned:
                defects.append("unknown-time-zone")
    elif (named := _SUBJECT.search(message.envelope.subject or "")) and (address := fields.ip(named[1].strip(" ()"))):
        stated["source_ip"], by["source_ip"] = address, "envelope:Subject"
    return stated, by, defects


def _sites(message: Message, text: str) -> list[str]:
    """The advertised URLs: named in the text, else in the subject."""
    found = [hit[1] for hit in _SITE.finditer(text)] or [
        hit[1] for hit in _SITE_IS.finditer(text) if fields.place(hit[1])
    ]
    named = _SUBJECT.search(message.envelope.subject or "")
    if not found and named and fields.place(named[1].strip(" ()")):
        found = [named[1].strip(" ()")]
    return list(dict.fromkeys(fields.undefang(one) for one in found))[:SITES]


def _spamvertised(sites: list[str], shown: Evidence | None, text: str) -> Report:
    """About the sites and the addresses they were seen at. The mail is the proof, its trace nobody's accusation."""
    resources: dict[Resource, None] = {}
    for url in sites:
        if place := fields.place(url):
            resources[Resource(place[0], Role.ADVERTISED, place[1])] = None
    when = None
    for line in list(_SITE_IS.finditer(text))[:SITES]:
        if address := fields.ip(line[2]):
            resources[Resource(ResourceKind.IP, Role.ADVERTISED, address)] = None
            when = when or moment(line[3])
    origin = [("reported_uri", "text:Spamvertised")]
    if when:
        origin.append(("arrival_date", "text:Spamvertised"))
    return Report(
        category=Category.SPAMVERTISING,
        arrival_date=when.value if when else None,
        reported_uri=tuple(sites),
        resources=tuple(resources),
        original=shown.original if shown else None,
        provenance=tuple(origin),
        defects=() if shown else ("missing-original",),
    )


def _rows(message: Message, text: str) -> tuple[Report, ...]:
    """A line of the summary, or an address of the alert: counts, no evidence."""
    found: list[Report] = []
    about = Reading(about=message.envelope.date)
    for hit in list(_ROW.finditer(text))[:ROWS]:
        if address := fields.ip(hit[1]):
            when = moment(f"{hit[2]} {hit[3]} {hit[4]}:00:00", about)
            count = sum(int(number) for number in hit[5].split())
            stated = {"category": Category.SPAM, "source_ip": address, "incidents": max(count, 1)}
            stated["arrival_date"] = when.value if when else None
            by = {"source_ip": "text:summary", **({"arrival_date": "text:summary"} if when else {})}
            found.append(evidence.complete(stated, None, by, ["statistics", "unknown-time-zone"]))
    if found:
        return tuple(found)
    alone = dict.fromkeys(address for hit in _ALONE.finditer(text) if (address := fields.ip(hit[1])))
    return tuple(
        evidence.complete(
            {"category": Category.SPAM, "source_ip": address}, None, {"source_ip": "text:alert"}, ["statistics"]
        )
        for address in list(alone)[:ROWS]
    )

"""Netcraft's takedown notices: X-ARF about a phishing or malware URL, or words only.

The site is what the report is about; the address of its host stands in the words beside it: `URL [ADDRESS]`,
`resolves to address ADDRESS.`. Subject `Issue N: ...`, answers to an address that holds the issue's number.
Must never fetch the URL or the Download-Link.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from parsers import envelope, evidence, fields, notice
from parsers.message import Message
from parsers.moments import moment
from parsers.report import Category, Kind, Parsed, Report, Resource, ResourceKind, Role
from parsers.xarf_types import category_of

DIALECT_OF = (
    *("xarf_flat", "forwarded", "inline", "pasted", "reply", "free_text"),
    *("abusehub", "shadowserver", "acns", "spamhaus"),
    *("google_safebrowsing", "honeypot", "csv_feed", "admin", "log_notice"),
)
NOT_IN_REPORTS = True
URLS = 20

_SENDER = re.compile(
    r"(?:takedown[\w.+-]{0,60}|[\w.+-]{1,60})@(?:[a-z0-9-]+\.)*netcraft\.(?:com|co\.uk)\Z", re.IGNORECASE
)
_ISSUE = re.compile(r"\bIssue\s{1,3}#?(\d{3,12})\b", re.IGNORECASE)
_LINES = re.compile(rb"^(?:Reported-From|User-Agent):[^\n]{0,200}netcraft", re.IGNORECASE | re.MULTILINE)
_TYPE = re.compile(rb"^Report-Type:", re.IGNORECASE | re.MULTILINE)
_URL = re.compile(r"(?:h(?:tt|xx)ps?|ftp)(?::|\[:\])//[^\s<>\"'|]{3,2000}", re.IGNORECASE)
_ANSWER = re.compile(r"\s{0,4}(?:re|aw|sv|antw|fwd?)\s?:", re.IGNORECASE)
_PLACE = re.compile(
    r"(?:\bhosted (?:at|on|by)|\baddress|\bresolv\w{2,4} to"
    r"|\bIP)[\s:]{1,4}(?:the )?(?:IP )?(?:address )?\[?([0-9A-Fa-f.:]{3,45})",
    re.IGNORECASE,
)
_AFTER_URL = re.compile(r"\s{1,4}[\[(]([0-9A-Fa-f.:]{3,45})[\])]")


def recognises(message: Message) -> bool:
    if message.answers_notice:
        return False
    if message.feedback_parts or message.delivery_parts:
        return False
    if _lines(message):
        return True
    if not _SENDER.match(message.envelope.from_ or "") or _ANSWER.match(message.envelope.subject or ""):
        return False
    return bool(_ISSUE.search(message.envelope.subject or "")) and bool(_sites(message.text))


def read(message: Message) -> Parsed:
    found = _lines(message)
    labels = {one.name: one.value for one in reversed(notice.labels(found))} if found else {}
    return message.parsed(Kind.REPORT, (_report(message, labels),))


def _lines(message: Message) -> str:
    """The part with the flat lines, where Netcraft wrote them."""
    for part in message.parts:
        if part.content_type.startswith(b"text/") and part.content_type != b"text/html":
            beginning = envelope.decoded_body(part, 16_000)
            if _TYPE.search(beginning) and _LINES.search(beginning):
                return envelope.text(part, 16_000)
    return ""


def _report(message: Message, labels: dict[str, str]) -> Report:
    source = labels.get("source", "")
    text = notice.without_ticket(message.text)
    address = fields.ip(source)
    urls = [
        one for name in ("source", "download link", "url") if fields.place(one := fields.undefang(labels.get(name, "")))
    ]
    urls = list(dict.fromkeys(urls or _sites(text)))[:URLS]
    when = moment(labels.get("date", ""))
    stated: dict[str, Any] = {
        "feedback_type": "xarf" if labels else None,
        "category": _category(message, labels),
        "version": labels.get("version"),
        "user_agent": labels.get("user agent"),
        "source_ip": address,
        "arrival_date": when.value if when else None,
        "reported_uri": tuple(urls),
        "reported_domain": fields.distinct(iter([fields.host(labels.get("domain", ""))])),
        "fields": _kept(message, labels),
    }
    stated_by = {name: where for name, where in _WHERE.items() if stated.get(name)}
    defects = [] if labels else ["missing-report-lines"]
    if when and not when.zoned:
        defects.append("unknown-time-zone")
    report = evidence.complete(stated, None, stated_by, defects)
    if address or not urls:
        return report
    seen = [Resource(ResourceKind.IP, Role.ADVERTISED, one) for one in _addresses(text)]
    return replace(report, resources=tuple(dict.fromkeys((*report.resources, *seen))))


_WHERE = {"source_ip": "xarf:Source", "arrival_date": "xarf:Date"}


def _category(message: Message, labels: dict[str, str]) -> Category:
    if kind := labels.get("report type"):
        return category_of(kind, labels.get("category"))
    told = notice.category(message.envelope.subject or "", message.text)
    return told if told in (Category.PHISHING, Category.MALWARE, Category.FRAUD) else Category.PHISHING


def _sites(text: str) -> list[str]:
    """URLs in the words, Netcraft's own left out."""
    found: dict[str, None] = {}
    for hit in _URL.finditer(text):
        url = fields.undefang(hit[0].rstrip(".,;)]"))
        place = fields.place(url)
        if place and not place[1].endswith(("netcraft.com", "netcraft.co.uk")):
            found[url] = None
    return list(found)[:URLS]


def _addresses(text: str) -> list[str]:
    """Where the site is: behind the URL, or said so."""
    found: dict[str, None] = {}
    for hit in list(_URL.finditer(text))[:100]:
        if (after := _AFTER_URL.match(text, hit.end())) and (address := fields.ip(after[1])):
            found[address] = None
    for hit in list(_PLACE.finditer(text))[:100]:
        if address := fields.ip(hit[1].rstrip(".:")):
            found[address] = None
    return list(found)[:URLS]


def _kept(message: Message, labels: dict[str, str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    placed = {"source", "date", "version", "user agent"}
    kept = [(name.title().replace(" ", "-"), (value[:300],)) for name, value in labels.items() if name not in placed]
    issue = _ISSUE.search(message.envelope.subject or "")
    return tuple(kept[:24]) or ((("Issue", (issue[1],)),) if issue else ())

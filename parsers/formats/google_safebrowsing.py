"""Google's Safe Browsing alerts for network owners: sites in an autonomous system that spread malware or phish.

A list of URLs, in the text under headings or as XML (`<list type=...><url_info url=... ip=...>`). Each URL is
a report about a site; an address beside it is where it was seen. Must never fetch one of them.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from parsers import envelope, evidence, fields, notice
from parsers.errors import LimitError
from parsers.markup import DOCUMENT_BYTES, MarkupError, tree
from parsers.message import Message
from parsers.moments import moment, moments
from parsers.report import Category, Kind, Parsed, Report, Resource, ResourceKind, Role

DIALECT_OF = (
    *("forwarded", "inline", "pasted", "reply", "free_text"),
    *("honeypot", "csv_feed", "admin", "log_notice"),
)
NOT_IN_REPORTS = True
URLS = 10_000

_SUBJECT = re.compile(r"\bSafe ?Browsing (?:alert|report|notification)", re.IGNORECASE)
_ANSWER = re.compile(r"\s{0,4}(?:re|aw|sv|antw)\s?:", re.IGNORECASE)
_XML = re.compile(rb"<url_info\s", re.IGNORECASE)
_URL = re.compile(r"(?:h(?:tt|xx)ps?|ftp)(?::|\[:\])//[^\s<>\"'|]{3,2000}", re.IGNORECASE)
_BARE = re.compile(r"[ \t*-]{0,6}((?:[a-z0-9_-]{1,63}(?:\.|\[\.\])){1,8}[a-z]{2,24}/[^\s|]{0,1000})", re.IGNORECASE)
_OWN = re.compile(r"(?:[a-z0-9-]+\.)*(?:google(?:apis|usercontent)?|stopbadware|withgoogle)\.[a-z.]{2,6}\Z")
_PHISHING = re.compile(r"phish|social engineering|deceptive", re.IGNORECASE)


class _Site(NamedTuple):
    url: str
    ip: str | None
    when: datetime | None
    category: Category


def recognises(message: Message) -> bool:
    if notice.for_others(message):
        return False
    subject = message.envelope.subject or ""
    if not _SUBJECT.search(subject) or _ANSWER.match(subject):
        return False
    return bool(_URL.search(message.text) or _BARE.search(message.text) or _xml(message))


def read(message: Message) -> Parsed:
    document = _xml(message)
    sites, defects = _of_xml(document) if document else ([], ())
    if not sites:
        sites = _of_text(notice.words(message))
    if len(sites) > URLS:
        raise LimitError(f"the list has more than {URLS} URLs")
    reports = tuple(_report(site) for site in sites)
    return message.parsed(Kind.REPORT if reports else Kind.AGGREGATE, reports, defects=defects)


def _xml(message: Message) -> bytes | None:
    for part in message.parts:
        if part.content_type.startswith((b"text/", b"application/xml")):
            body = envelope.decoded_body(part, DOCUMENT_BYTES)
            if _XML.search(body):
                return body
    return None


def _of_xml(document: bytes) -> tuple[list[_Site], tuple[str, ...]]:
    begins = document.find(b"<")
    try:
        root = tree(document[begins:])
    except MarkupError:
        return [], ("xml-not-read",)
    sent = moment(root.attributes.get("date", ""))
    found: list[_Site] = []
    for group in root.every("list") or [root]:
        category = _category(group.attributes.get("type", ""))
        for one in group.every("url_info"):
            when = moment(one.attributes.get("date", "")) or sent
            url = one.attributes.get("url", "")
            if fields.place(url):
                ip = fields.ip(one.attributes.get("ip", ""))
                found.append(_Site(fields.undefang(url), ip, when.value if when else None, category))
    return found, ()


def _of_text(text: str) -> list[_Site]:
    """A URL a line; a line without one that names a threat is the heading of what follows."""
    found: dict[str, _Site] = {}
    category = _category(text[:2_000])
    for line in text.split("\n", URLS * 2)[: URLS * 2]:
        hit = _URL.search(line) or _BARE.match(line)
        if hit is None:
            if re.search(r"malware|phish|social engineering|deceptive|unwanted", line, re.IGNORECASE):
                category = _category(line)
            continue
        url = fields.undefang(hit[hit.lastindex or 0].rstrip(".,;)"))
        url = url if "://" in url else f"http://{url}"
        place = fields.place(url)
        if place is None or _OWN.match(place[1]):
            continue
        rest = line[: hit.start()] + line[hit.end() :]
        when = next(moments(rest), None)
        ip = next(iter(notice.addresses(rest)), None)
        found.setdefault(url, _Site(url, ip, when.value if when else None, category))
    return list(found.values())


def _category(words: str) -> Category:
    return Category.PHISHING if _PHISHING.search(words) else Category.MALWARE


def _report(site: _Site) -> Report:
    """About the site. The address it was seen at is the host of the content, so it stands with it as advertised."""
    stated: dict[str, Any] = {"category": site.category, "arrival_date": site.when, "reported_uri": (site.url,)}
    stated_by = {"reported_uri": "text:list", **({"arrival_date": "text:list"} if site.when else {})}
    report = evidence.complete(stated, None, stated_by, [])
    if site.ip:
        seen = Resource(ResourceKind.IP, Role.ADVERTISED, site.ip)
        report = replace(report, resources=tuple(dict.fromkeys((*report.resources, seen))))
    return report

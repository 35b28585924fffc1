"""Notices that a machine wrote in plain words: fail2ban and its kin, honeypots, scanners, block lists, log excerpts.

The accused address is named in the subject, on a labelled line (`Source IP: x`), in a phrase or by every log
line; the time on a labelled line, in the last log line about it, or where the words say so. Claimed only where
words of abuse, an address and a machine's hand (log lines, labels, a listing) come together. Must never take
one address of several for the source: then all are candidates and none is stated.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, NamedTuple

from parsers import evidence, fields, notice, table
from parsers.accused import Accused, accused, times_by_address
from parsers.message import Message
from parsers.moments import Moment, Reading, moment, moments
from parsers.notice import Label
from parsers.report import Candidate, Category, Kind, Parsed, Report

DIALECT_OF = ("forwarded", "inline", "pasted", "reply", "free_text")
NOT_IN_REPORTS = True

INCIDENT_TIMES = (
    *(
        "timestamp",
        "time stamp",
        "date and time",
        "date/time",
        "event time",
        "event date",
        "incident time",
        "attack time",
    ),
    *("time of attack", "time of incident", "attack date", "incident date", "datetime", "date time", "detected"),
    *("detected at", "detection time", "discovered", "last seen", "last attempt", "last attack", "last event", "seen"),
    *("first seen", "first attempt", "recent infringement timestamp", "initial infringement timestamp", "start time"),
    *("start", "time", "when", "date", "occurred", "logged", "log time", "zeitpunkt", "zeit", "datum", "date et heure"),
    *("fecha", "hora", "čas", "data", "时间", "攻击时间", "日時", "report date", "reported at", "generated"),
)
# X-ARF's lines, which are read as what they are.
_FLAT = re.compile(r"^(?:Report-Type|Reported-From|Schema-URL)\s?:", re.MULTILINE | re.IGNORECASE)
SOURCE_PORTS = ("source port", "src port", "sport", "spt", "client port", "ip port", "quellport", "source tcp port")
URLS = ("url", "urls", "uri", "link", "infringing url", "phishing url", "malware url", "malicious url", "website")
_PERSONAL = re.compile(
    r"(?<![\w@./-])(?:i|my|me|we|our|us|please|pls|you|your|yours|ich|wir|mein|unser\w{0,2}|bitte)(?![\w@./-])",
    re.IGNORECASE,
)
_STATES = frozenset((Category.LISTING, Category.VULNERABILITY))  # they hold when the notice is sent


class Case(NamedTuple):
    """What was read before any report is made."""

    text: str
    category: Category
    accused: Accused
    labels: list[Label]
    reading: Reading
    logged: dict[str, list[Moment]]


def recognises(message: Message) -> bool:
    if notice.for_others(message) or notice.answered(message):
        return False
    return _case(message) is not None


def read(message: Message) -> Parsed:
    case = _case(message)
    if case is None:
        return message.parsed(Kind.UNKNOWN)
    if not case.accused.certain:
        return message.parsed(Kind.REPORT, (_undecided(case),))
    rows: dict[str | None, list[table.Row]] = {}
    for row in table.text_rows(case.text):
        rows.setdefault(fields.ip(row.at(row.columns.ip)), []).append(row)
    general = _general(case)
    common = _common(case, message.envelope.date)
    reports = []
    for address in case.accused.certain:
        own = rows.get(address, [])
        beside = _urls([row.at(row.columns.url) for row in own[:20]])
        stated = common | {"reported_uri": beside or common["reported_uri"]}
        reports.append(_report(address, case, stated, _own_time(address, case, own) or general))
    return message.parsed(Kind.REPORT, tuple(reports))


def _common(case: Case, sent: datetime | None) -> dict[str, Any]:
    """What holds for every address of the notice. `sent` stands in for the time of what is a state."""
    single = len(case.accused.certain) == 1
    port = next((fields.number(one.value, 65535) for one in case.labels if one.name in SOURCE_PORTS), None)
    return {
        "category": case.category,
        "source_port": (port or None) if single else None,
        "arrival_date": sent if case.category in _STATES else None,
        "reported_uri": _urls([one.value.split()[0] for one in case.labels if one.name in URLS]),
        "fields": _kept(case.labels),
    }


def _case(message: Message) -> Case | None:
    subject = message.envelope.subject or ""
    text = notice.words(message)
    if not text.strip() or notice.quotes_mail(text) or _FLAT.search(text):
        return None
    category = notice.category(subject, text)
    if category is None:
        return None
    labels = notice.labels(text)
    found = accused(subject, text, labels)
    if not found.certain and not found.possible:
        return None
    reading = notice.reading(message, text)
    case = Case(text, category, found, labels, reading, times_by_address(text, reading))
    return case if _by_machine(subject, case) else None


def _by_machine(subject: str, case: Case) -> bool:
    """Is there more than a person's words: a labelled source, log lines about it, a listing, a machine's phrase?"""
    if case.accused.neutral:
        by_one = notice.automatic(subject, case.text) or _labelled_time(case) is not None
        return by_one and notice.to_holder(subject, case.text)
    if case.accused.labelled:
        return notice.accuses(subject, case.text)
    named = case.accused.certain or case.accused.possible
    if any(address in case.logged for address in named) and not _said_by_person(subject, case):
        return True
    if not case.accused.titled:
        return False
    return case.category in _STATES or notice.automatic(subject, case.text) or _labelled_time(case) is not None


def _said_by_person(subject: str, case: Case) -> bool:
    """`198.51.100.7 attacked my server at 03:00 UTC, please stop it`: one line, and no log has such words."""
    if sum(map(len, case.logged.values())) != 1 or notice.automatic(subject, case.text):
        return False
    address = next(iter(case.logged))
    return any(address in line and _PERSONAL.search(line) for line in case.text.split("\n", notice.LINES))


def _report(address: str, case: Case, stated: dict[str, Any], timed: tuple[Moment, str] | None) -> Report:
    stated_by = {"source_ip": case.accused.where}
    defects: list[str] = []
    if stated["source_port"]:
        stated_by["source_port"] = "text:labelled port"
    if timed is not None:
        when, stated_by["arrival_date"] = timed
        stated["arrival_date"] = when.value
        defects += [] if when.zoned else ["unknown-time-zone"]
    elif stated["arrival_date"] is not None:
        stated_by["arrival_date"] = "envelope:Date"
        defects.append("time-of-the-notice")
    else:
        defects.append("no-time")
    return evidence.complete(stated | {"source_ip": address}, None, stated_by, defects)


def _undecided(case: Case) -> Report:
    """Several addresses, and nothing says which is meant: for a person."""
    candidates = tuple(Candidate("source_ip", one, 0.4) for one in case.accused.possible[:20])
    return Report(category=case.category, candidates=candidates, defects=("several-addresses",))


def _own_time(address: str, case: Case, rows: list[table.Row]) -> tuple[Moment, str] | None:
    """The time that belongs to this address: its row, the label of a notice about one, its last line."""
    if rows and (found := table.when_of(rows[0], case.reading)):
        return found, "text:table"
    if len(case.accused.certain) == 1 and (labelled := _labelled_time(case)):
        return labelled, "text:labelled time"
    if logged := case.logged.get(address):
        return max(logged, key=lambda one: one.value), "text:log line"
    return None


def _general(case: Case) -> tuple[Moment, str] | None:
    """The time of the notice as a whole, for addresses without one of their own."""
    if labelled := _labelled_time(case):
        return labelled, "text:labelled time"
    anywhere = sorted(moments(case.text, case.reading))
    zoned = [one for one in anywhere if one.zoned]
    return ((zoned or anywhere)[0], "text:time") if anywhere else None


def _labelled_time(case: Case) -> Moment | None:
    """The most telling label that holds a time. Above the log lines: they have labels of their own."""
    by_name: dict[str, str] = {}
    for one in case.labels[:200]:
        by_name.setdefault(one.name, one.value)
    for name in INCIDENT_TIMES:
        if name in by_name and (found := moment(by_name[name], case.reading)):
            return found
    return None


def _urls(named: list[str]) -> tuple[str, ...]:
    urls = (fields.undefang(one) for one in named)
    return tuple(dict.fromkeys(url[:2_000] for url in urls if fields.place(url)))[:20]


def _kept(labels: list[Label]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What else is labelled, for people; log lines full of colons are not."""
    kept: dict[str, str] = {}
    for one in labels[:60]:
        if one.name not in kept and len(one.name.split()) <= 4 and one.name.replace(" ", "").isalpha():
            kept[one.name] = one.value[:300]
    return tuple((name, (value,)) for name, value in list(kept.items())[:24])

"""The fields of message/feedback-report: RFC 5965, 6591 (authentication failures), 6692 (source port), 9991.

Shared by ARF and its dialects. Assertions of the reporter, read leniently: what is wrong
becomes a defect, what is unknown is kept as it stands. Must never let a repeated field
decide in silence: the first value counts, and the defect says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from parsers import evidence, feedback_lines, fields
from parsers.evidence import Evidence
from parsers.report import Category, Report
from parsers.scan import Part

UINT32 = 2**32 - 1
NOTHING: Mapping[str, tuple[Any, str]] = MappingProxyType({})
FIELDS_READ = 500
OTHER_VALUES = 50  # kept of one field that has no place of its own
VALUES = 200  # kept of a field that may be repeated
REQUIRED = ("feedback-type", "user-agent", "version")
_REQUIRED = frozenset(REQUIRED)
NAMED = (*REQUIRED, "arrival-date", "received-date", "source-ip", "source-port", "incidents", "reporting-mta")
ONCE_MORE = ("original-envelope-id", "original-mail-from", "auth-failure")
ONCE = frozenset((*NAMED, *ONCE_MORE, "delivery-result", "identity-alignment"))
REPEATED = ("original-rcpt-to", "reported-domain", "reported-uri", "authentication-results")
OWN_PLACE = frozenset((*NAMED, *ONCE_MORE, *REPEATED))
CATEGORIES = {
    "abuse": Category.SPAM,
    "fraud": Category.FRAUD,
    "virus": Category.MALWARE,
    "not-spam": Category.NOT_SPAM,
    "auth-failure": Category.AUTHENTICATION,
}


class Feedback(NamedTuple):
    """`values` by lower-case name, `spelt` the name as first written, `oddities` of how they were written."""

    values: dict[str, list[str]]
    spelt: dict[str, str]
    oddities: tuple[str, ...] = ()

    def first(self, name: str) -> str | None:
        found = self.values.get(name)
        return found[0] if found else None

    @property
    def type(self) -> str | None:
        value = self.first("feedback-type")
        return value.partition(";")[0].strip().lower() or None if value else None


def read(part: Part) -> Feedback:
    """Every field of the part, wherever empty lines stand in it, its transfer encoding undone."""
    lines = feedback_lines.read(part, FIELDS_READ)
    values: dict[str, list[str]] = {}
    spelt: dict[str, str] = {}
    for written, value in lines.fields:
        key = written.lower()
        if key in values:
            values[key].append(value)
        else:
            values[key], spelt[key] = [value], written
    return Feedback(values, spelt, lines.defects)


def report(feedback: Feedback, shown: Evidence | None, elsewhere: Mapping[str, tuple[Any, str]] = NOTHING) -> Report:
    """One report out of its fields and the evidence beside them.

    `elsewhere`: attribute of Report -> (value, where it stood), for what the provider states in another
    place than the field; it counts where the field has nothing, before the evidence does.
    """
    values, spelt, kind = feedback.values, feedback.spelt, feedback.type
    known = {name: found[0] for name, found in values.items() if found[0]}
    defects = _defects(feedback, kind, known, shown)
    others: list[tuple[str, tuple[str, ...]]] = []
    if not values.keys() <= OWN_PLACE:
        others = [(spelt[name], tuple(values[name][:OTHER_VALUES])) for name in values if name not in OWN_PLACE]
    stated: dict[str, Any] = {
        "feedback_type": kind,
        "category": CATEGORIES.get(kind or "", Category.OTHER),
        "version": known.get("version"),
        "user_agent": known.get("user-agent"),
        "original_envelope_id": known.get("original-envelope-id"),
        "reporting_mta": _mta(known.get("reporting-mta")),
        "auth_failure": _lower(known.get("auth-failure")),
        "fields": tuple(others),
    }
    for name, field, reader in _REPEATED_READERS:
        if field in values:
            stated[name] = fields.distinct(map(reader, values[field][:VALUES]))
    dated = "arrival-date" if "arrival-date" in known else "received-date"
    _check(known, known.get(dated), stated, defects)
    stated_by = {}
    for name, field in _STATED_BY:
        if stated.get(name) not in _NOTHING:
            stated_by[name] = f"feedback-report:{spelt[field or dated]}"
    for name, (value, where) in elsewhere.items():
        if stated.get(name) in _NOTHING:
            stated[name], stated_by[name] = value, where
            defects.append(f"missing-{name.replace('_', '-')}")
    return _with_login(evidence.complete(stated, shown, stated_by, defects))


def _with_login(found: Report) -> Report:
    """An outbound filter names the login in its Authentication-Results: the best key to a customer."""
    if found.identifiers.auth_login:
        return found
    login = evidence.login_named(found.authentication_results)
    if login is None:
        return found
    origin = (*found.provenance, ("auth_login", "feedback-report:Authentication-Results"))
    return replace(found, identifiers=replace(found.identifiers, auth_login=login), provenance=origin)


def _check(known: dict[str, str], dated: str | None, stated: dict[str, Any], defects: list[str]) -> None:
    """The fields that are numbers, addresses and times; what does not read as one is a defect and no value."""
    for name, field, reader in _READERS:
        if field in known:
            stated[name] = value = reader(known[field])
            if value is None:
                defects.append(f"bad-{field}")
    if dated:
        when = fields.time(dated)
        if when is None:
            defects.append("bad-arrival-date")
            return
        stated["arrival_date"] = when.value
        if not when.zoned:
            defects.append("unknown-time-zone")
        if not fields.is_usual(dated):
            defects.append("unusual-date")


def _defects(feedback: Feedback, kind: str | None, known: dict[str, str], shown: Evidence | None) -> list[str]:
    """`known`: the first value of each field, where it is not empty."""
    values = feedback.values
    found = list(feedback.oddities)
    total = sum(map(len, values.values()))
    if total >= FIELDS_READ:
        found.append("more-fields-than-read")
    if total > VALUES:
        found += [f"more-{name}-than-read" for name in REPEATED if len(values.get(name, ())) > VALUES]
    if not known.keys() >= _REQUIRED:
        found += [f"missing-{name}" for name in REQUIRED if name not in known]
    if total > len(values):
        found += [f"duplicate-{name}" for name in values if name in ONCE and len(values[name]) > 1]
    if "received-date" in values:
        found.append("arrival-date-and-received-date" if "arrival-date" in values else "received-date-for-arrival-date")
    if kind == "auth-failure" and "auth-failure" not in known:
        found.append("missing-auth-failure")
    if shown is None:
        found.append("missing-original")
    elif not shown.headers.regular and not shown.headers.fields:
        found.append("empty-original")
    return found


def _recipient(text: str) -> str | None:
    """Redacted recipients need not be addresses (RFC 6590): what stands there is kept."""
    return fields.address(text) or text.strip("<> ")[:320]


def _domain(text: str) -> str | None:
    return fields.host(text) or text.strip().lower()[:255]


def _mta(text: str | None) -> str | None:
    """`dns; mx.example.com` without its type."""
    return text.rpartition(";")[2].strip().lower().rstrip(".") or None if text else None


def _lower(text: str | None) -> str | None:
    return text.strip().lower() or None if text else None


_READERS: tuple[tuple[str, str, Callable[[str], Any]], ...] = (
    ("source_ip", "source-ip", fields.ip),
    ("source_port", "source-port", lambda text: fields.number(text, 65535)),
    ("incidents", "incidents", lambda text: fields.number(text, UINT32)),
    ("original_mail_from", "original-mail-from", fields.address),
)
_REPEATED_READERS: tuple[tuple[str, str, Callable[[str], str | None]], ...] = (
    ("original_rcpt_to", "original-rcpt-to", _recipient),
    ("reported_domain", "reported-domain", _domain),
    ("reported_uri", "reported-uri", str.strip),
    ("authentication_results", "authentication-results", str.strip),
)
_STATED_BY = (  # "": whichever field of the two the date was read from
    ("source_ip", "source-ip"),
    ("source_port", "source-port"),
    ("arrival_date", ""),
    ("original_mail_from", "original-mail-from"),
    ("original_rcpt_to", "original-rcpt-to"),
)
_NOTHING = (None, ())

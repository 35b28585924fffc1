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
from parsers.evidence import SMTP_AUTH, Evidence
from parsers.report import Category, Report
from parsers.scan import Part

UINT32 = 2**32 - 1
NOTHING: Mapping[str, tuple[Any, str]] = MappingProxyType({})
FIELDS_READ = 500
OTHER_VALUES = 50  # kept of one field that has no place of its own
VALUES = 200  # kept of a field that may be repeated
REQUIRED = ("feedback-type", "user-agent", "version")
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
    defects = _defects(feedback, shown)
    stated: dict[str, Any] = {
        "feedback_type": feedback.type,
        "category": CATEGORIES.get(feedback.type or "", Category.OTHER),
        "version": feedback.first("version"),
        "user_agent": feedback.first("user-agent"),
        "original_envelope_id": feedback.first("original-envelope-id"),
        "reporting_mta": _mta(feedback.first("reporting-mta")),
        "auth_failure": _lower(feedback.first("auth-failure")),
        "original_rcpt_to": _all(feedback, "original-rcpt-to", _recipient),
        "reported_domain": _all(feedback, "reported-domain", _domain),
        "reported_uri": _all(feedback, "reported-uri", str.strip),
        "authentication_results": _all(feedback, "authentication-results", str.strip),
        "fields": tuple(
            (feedback.spelt[name], tuple(values[:OTHER_VALUES]))
            for name, values in feedback.values.items()
            if name not in OWN_PLACE
        ),
        **_checked(feedback, defects),
    }
    stated_by = {
        name: f"feedback-report:{feedback.spelt[field]}"
        for name, field in (
            ("source_ip", "source-ip"),
            ("source_port", "source-port"),
            ("arrival_date", "arrival-date" if feedback.first("arrival-date") else "received-date"),
            ("original_mail_from", "original-mail-from"),
            ("original_rcpt_to", "original-rcpt-to"),
        )
        if stated.get(name) not in (None, ())
    }
    for name, (value, where) in elsewhere.items():
        if stated.get(name) in (None, ()):
            stated[name], stated_by[name] = value, where
            defects.append(f"missing-{name.replace('_', '-')}")
    return _with_login(evidence.complete(stated, shown, stated_by, defects))


def _with_login(found: Report) -> Report:
    """An outbound filter names the login in its Authentication-Results: the best key to a customer."""
    if found.identifiers.auth_login:
        return found
    login = next((hit[1] for one in found.authentication_results if (hit := SMTP_AUTH.search(one))), None)
    if login is None:
        return found
    origin = (*found.provenance, ("auth_login", "feedback-report:Authentication-Results"))
    return replace(found, identifiers=replace(found.identifiers, auth_login=login), provenance=origin)


_READERS: tuple[tuple[str, str, Callable[[str], Any]], ...] = (
    ("source_ip", "source-ip", fields.ip),
    ("source_port", "source-port", lambda text: fields.number(text, 65535)),
    ("incidents", "incidents", lambda text: fields.number(text, UINT32)),
    ("original_mail_from", "original-mail-from", fields.address),
)


def _checked(feedback: Feedback, defects: list[str]) -> dict[str, Any]:
    """The fields that are numbers, addresses and times; what does not read as one is a defect and no value."""
    found: dict[str, Any] = {}
    for name, field, reader in _READERS:
        text = feedback.first(field)
        if text:
            found[name] = reader(text)
            if found[name] is None:
                defects.append(f"bad-{field}")
    dates = feedback.first("arrival-date") or feedback.first("received-date")
    if dates:
        when = fields.time(dates)
        found["arrival_date"] = when.value if when else None
        if when is None:
            defects.append("bad-arrival-date")
        elif not when.zoned:
            defects.append("unknown-time-zone")
        if when and not fields.is_usual(dates):
            defects.append("unusual-date")
    return found


def _defects(feedback: Feedback, shown: Evidence | None) -> list[str]:
    found = list(feedback.oddities)
    if sum(map(len, feedback.values.values())) >= FIELDS_READ:
        found.append("more-fields-than-read")
    found += [f"more-{name}-than-read" for name in REPEATED if len(feedback.values.get(name, ())) > VALUES]
    found += [f"missing-{name}" for name in REQUIRED if not feedback.first(name)]
    found += [f"duplicate-{name}" for name, values in feedback.values.items() if name in ONCE and len(values) > 1]
    if "received-date" in feedback.values:
        both = "arrival-date" in feedback.values
        found.append("arrival-date-and-received-date" if both else "received-date-for-arrival-date")
    if feedback.type == "auth-failure" and not feedback.first("auth-failure"):
        found.append("missing-auth-failure")
    if shown is None:
        found.append("missing-original")
    elif not shown.headers.regular and not shown.headers.fields:
        found.append("empty-original")
    return found


def _all(feedback: Feedback, name: str, reader: Any) -> tuple[str, ...]:
    return fields.distinct(reader(value) for value in feedback.values.get(name, [])[:VALUES])


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

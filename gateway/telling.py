"""What may be told of a report: the facts and the redacted evidence that go into notices.

The one place where a report turns into text for others (design "Leaving the house"): by
default redacted, allow-listed headers; no body, no path of a link, nobody's address. Must
never send anything, nor let a complainant's or recipient's address through.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from gateway.recipients import private_strings
from notifier.notice import Evidence
from notifier.private import Sought, sought
from notifier.redact import Redactor
from parsers.contract import iso
from parsers.envelope import decode_headers
from parsers.report import Category, Parsed, Report

_ARF_TYPES = frozenset({"abuse", "fraud", "virus", "other"})
_NEAREST = {
    Category.SPAM: "abuse",
    Category.SPAMVERTISING: "abuse",
    Category.PHISHING: "fraud",
    Category.FRAUD: "fraud",
    Category.MALWARE: "virus",
}
_EVIDENCE = frozenset(Evidence.__slots__)
_SCHEMES = frozenset({"http", "https", "ftp"})


def facts(report: Report, received_at: datetime, feed: str | None) -> dict[str, object]:
    """The report's facts as templates know them: plain JSON values, times as ISO 8601 UTC. A feed is
    named, a person never. Findings stay in the house until a policy says which of them count: a label that
    one country asks for is no reproach in another."""
    told: dict[str, object] = {
        "category": report.category.value,
        "received_at": iso(received_at),
    }
    return told | ({"reporter": feed} if feed else {})


def evidence(
    parsed: Parsed, report: Report, redactor: Redactor, feed: str | None, public_domains: Collection[str]
) -> dict[str, Any]:
    """The evidence as it may leave the house, in plain JSON values (fields of notifier.notice.Evidence)."""
    headers = decode_headers(report.original.header_block) if report.original else []
    private = sought(private_strings(parsed, report, feed, public_domains, headers))
    return {
        "feedback_type": _arf_type(report),
        "source_ip": report.source_ip,
        "source_port": report.source_port,
        "arrival_date": iso(report.arrival_date),
        "incidents": report.incidents,
        "category": report.category.value,
        "reporting_mta": redactor.host(report.reporting_mta, private) if report.reporting_mta else None,
        "reported_domain": list(dict.fromkeys(redactor.host(one, private) for one in report.reported_domain)),
        "reported_uri": _sites(report.reported_uri, redactor, private),
        "headers": [list(pair) for pair in redactor.allow_listed(headers, private)],
    }


def evidence_from(stored: dict[str, Any]) -> Evidence:
    """The stored evidence as a notice carries it."""
    plain = {name: value for name, value in stored.items() if name in _EVIDENCE}
    lists = {"reported_domain": tuple(stored["reported_domain"]), "reported_uri": tuple(stored["reported_uri"])}
    headers = tuple((name, value) for name, value in stored["headers"])
    bodies = {name: tuple(stored.get(name, ())) for name in ("body", "attachments")}
    return Evidence(**(plain | lists | {"headers": headers, "arrival_date": moment(stored["arrival_date"])} | bodies))


def _arf_type(report: Report) -> str:
    """The type under which it leaves as ARF: what the reporter stated if RFC 5965 knows it, else the nearest."""
    stated = (report.feedback_type or "").lower()
    return stated if stated in _ARF_TYPES else _NEAREST.get(report.category, "other")


def moment(text: str | None) -> datetime | None:
    """A stored time, aware UTC."""
    return datetime.fromisoformat(text) if text else None


def _sites(uris: Iterable[str], redactor: Redactor, private: Sought) -> list[str]:
    """Scheme and host only: a path or query is often made for one recipient, and so is a long label of the host."""
    found = set()
    for uri in uris:
        try:
            parts = urlsplit(uri)
            host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
        except ValueError:  # a reporter may write anything there
            continue
        if parts.scheme in _SCHEMES and host:
            shown = redactor.host(host, private)
            found.add(f"{parts.scheme}://{f'[{shown}]' if ':' in shown else shown}{port}/")
    return sorted(found)

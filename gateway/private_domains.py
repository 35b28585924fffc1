"""Domains that may be one person's: of the complainant and of who got the mail, and the machines that show them.

A domain that somebody has alone, with a mail server of its own, names him wherever that server stands in the evidence.
Pure. Must never take for such a domain one of many people (`public`: large providers, the operator), of a desk or a
feed, nor what only the sender says of itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from notifier.private import ROLES
from parsers.fields import ip, registrable
from parsers.report import Parsed, Report
from parsers.trace import LINE_CHARS, hop

_MOST = 30  # domains of one report's recipients; more of them name none
_BY = re.compile(r"\sby\s([^;]{1,500})", re.IGNORECASE)
_WORD = re.compile(r"[0-9A-Fa-f:.]{4,45}")


def private_hosts(
    parsed: Parsed,
    report: Report,
    feed: str | None,
    addresses: Iterable[str],
    public: Collection[str],
    headers: Sequence[tuple[str, str]],
) -> list[str]:
    """As `notifier.private_hosts` has them: `@example.net`, and `@192.0.2.1` for addresses of hosts in such a domain.
    `addresses`: of the complainant and the recipients; `headers` of the reported mail, decoded."""
    reporter = parsed.envelope.from_ or ""
    domains = {domain for address in addresses if "@" in address and (domain := _of(address))}
    domains = {one for one in domains if one not in public}
    desk = feed is not None or reporter.partition("@")[0].lower() in ROLES
    if desk:
        domains.discard(_of(reporter))
    sender = _of(report.original.from_ or "") if report.original else ""
    if sender in domains and (desk or sender != _of(reporter)) and sender not in _receiving(report):
        domains.discard(sender)  # a mailing that names its own address as recipient
    if len(domains) > _MOST:
        domains &= {_of(reporter)}
    return [f"@{one}" for one in sorted(domains | set(_machines(report, domains, headers)))]


def _of(address: str) -> str:
    domain = address.rpartition("@")[2].lower()
    return registrable(domain) or domain


def _receiving(report: Report) -> set[str]:
    """The domains of hosts that took the mail from the source."""
    by = [one.by for one in report.trace if one.ip is not None and one.ip == report.source_ip and one.by]
    return {_of(name) for name in [*by, report.reporting_mta or ""]}


def _machines(report: Report, domains: Collection[str], headers: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The addresses of hosts in these domains, as far as Received lines show them; never the source's."""
    for name, value in headers:
        if name.lower() != "received":
            continue
        line = value[:LINE_CHARS]
        if not any(domain in line.lower() for domain in domains):
            continue
        one = hop(line)
        if one.ip is not None and {_of(host) for host in (one.helo, one.rdns) if host} & set(domains):
            yield from _spelt(one.ip, report.source_ip)
        if one.by is not None and _of(one.by) in domains and (said := _BY.search(line)):
            for word in _WORD.findall(said[1]):
                yield from _spelt(word.strip(".:"), report.source_ip)


def _spelt(address: str, source: str | None) -> Iterator[str]:
    found = ip(address)
    if found is not None and found != source:
        yield from {found, address.lower()}

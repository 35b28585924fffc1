"""Domains that may be one person's: of the complainant and of who got the mail, and the machines that show them.

A domain that somebody has alone, with a mail server of its own, names him wherever that server stands in the evidence.
Pure, and bounded. Must never take for such a domain one of many people (`public`: large providers, the operator), of a
desk or a feed, nor that of a sender who writes to itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

from parsers.fields import ip, registrable, scope
from parsers.report import Parsed, Report

# Mailboxes of RFC 2142 and their like, that speak for a network. `info` and `mail` are read by people.
DESKS = frozenset(
    ("abuse", "postmaster", "hostmaster", "noc", "security", "cert", "csirt", "soc", "fbl", "feedback", "complaints")
)
_MOST_TOLD = 50  # domains that the reporter or a server named
_MOST_WRITTEN = 30  # domains in the sender's To and Cc: of more nobody is named by one
_MOST_MACHINES = 20  # addresses
_LINE_CHARS = 2_000
_NAME = re.compile(r"[a-z0-9_-]{1,63}+(?:\.[a-z0-9_-]{1,63}+){1,9}+")
_V4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
_V6 = re.compile(r"(?<![0-9a-z:])(?:ipv6:)?([0-9a-f]{0,4}(?::[0-9a-f.]{0,15}){2,8})")


def of_many(parsed: Parsed, feed: str | None, public: Collection[str]) -> frozenset[str]:
    """The domains that name nobody: the public ones, and the reporter's where a feed or a desk speaks for it."""
    reporter = parsed.envelope.from_ or ""
    desk = feed is not None or reporter.partition("@")[0].lower() in DESKS
    return frozenset((*public, _of(reporter)) if desk else public)


def private_hosts(
    report: Report,
    told: Iterable[str],
    written: Iterable[str],
    public: Collection[str],
    headers: Sequence[tuple[str, str]],
) -> list[str]:
    """As `notifier.private` has them: `@example.net`, and of the hosts in it that the mail names `@mx.example.net`, and
    `@192.0.2.1` for their addresses.
    Addresses of the complainant and the recipients: `told` by the reporter or a server, the surest first, and `written`
    by the sender into To and Cc. `public` as `of_many` has them; `headers` of the reported mail, decoded."""
    sender = _sender(report)
    sure = [domain for domain in _domains(told, public) if domain not in sender][:_MOST_TOLD]
    perhaps = _domains(written, public).keys() - sender
    domains = {*sure, *(perhaps if len(perhaps) <= _MOST_WRITTEN else ())}
    if not domains:
        return []
    lines = list(_lines(domains, headers))
    machines = islice(dict.fromkeys(_machines(report, lines)), _MOST_MACHINES)
    names = islice(dict.fromkeys(name for line in lines for name in _below(domains, line)), _MOST_MACHINES)
    return [f"@{one}" for one in [*sorted(domains), *machines, *names]]


def _domains(addresses: Iterable[str], public: Collection[str]) -> dict[str, None]:
    """In order."""
    return {domain: None for one in addresses if "@" in one and (domain := _of(one)) and domain not in public}


def _of(address: str) -> str:
    domain = address.rpartition("@")[2].lower()
    return registrable(domain) or domain


def _sender(report: Report) -> set[str]:
    """The domain in From, where the server that sent the mail is in it by the name that was looked up: a mailing that
    names its own address as recipient. Else whoever wrote it may have put the recipient's there."""
    claimed = _of(report.original.from_ or "") if report.original else ""
    hosts = [hop.rdns for hop in report.trace if hop.ip is not None and hop.ip == report.source_ip and hop.rdns]
    return {claimed} & {_of(host) for host in hosts[:20]}


def _lines(domains: Collection[str], headers: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The Received lines that name a host of these domains, in lower case."""
    for name, value in headers:
        if name.lower() == "received":
            line = value[:_LINE_CHARS].partition(";")[0].lower()
            if any(domain in line for domain in domains):
                yield line


def _below(domains: Collection[str], line: str) -> Iterator[str]:
    return (name for name in _NAME.findall(line) if name not in domains and _of(name) in domains)


def _machines(report: Report, lines: Iterable[str]) -> Iterator[str]:
    """The addresses that stand in these lines, as written; never the source's."""
    for line in lines:
        for address in (*_V4.findall(line), *_V6.findall(line)):
            found = ip(address)
            if found is not None and found != report.source_ip and scope(found) == "global":
                yield from (found, address)

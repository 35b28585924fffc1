"""Which address a report is really about: the stated source against the reported mail's trace.

The hop that handed the mail to the reporter's own network is the source (RCV-1), never the first address
in the text; where that hop is one of our relays, the client behind it is (RCV-2). Must never choose
between two addresses of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from parsers import fields
from parsers.report import Hop, Report
from parsers.trace import handover

UNKNOWN_ZONE = "unknown-time-zone"  # the parsers' defect
# How far from UTC a clock of an unknown zone may be: its time was read as UTC.
EASTERNMOST, WESTERNMOST = timedelta(hours=14), timedelta(hours=12)
_CLOCKS = timedelta(minutes=10)  # of two hosts may differ by so much
_WRONG_CLOCK = timedelta(hours=24)  # what says that it was later than now, may have been so much earlier


@dataclass(frozen=True, slots=True)
class Source:
    """An address with what is needed to look it up. `at` aware UTC; `how`: where it was found, in words.

    `login_hop`: the line that our own relay wrote, if it handed the mail over. `unsure`: the time's zone is unknown,
    and UTC was taken. `other`: what a second clock says of the same moment.
    """

    ip: str
    port: int | None
    at: datetime | None
    how: str
    login_hop: Hop | None = None
    unsure: bool = False
    other: datetime | None = None


@dataclass(frozen=True, slots=True)
class Relayed:
    """Our own relay is the source, and nothing behind it could be used. `seen` tells what there was."""

    relay: str
    seen: str
    login_hop: Hop | None = None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two addresses that cannot both be the source, at least one of them ours."""

    stated: Source
    traced: Source


@dataclass(frozen=True, slots=True)
class Ours:
    """How to tell our addresses: `network` covers customers and own prefixes, `relay` our outbound relays."""

    network: Callable[[str], bool]
    relay: Callable[[str], bool]


def span(source: Source, received_at: datetime) -> tuple[datetime, datetime] | None:
    """From when to when it may have been, where the time's zone is unknown or its clock is ahead of ours."""
    at = source.at
    if at is None or not (source.unsure or at > received_at + _CLOCKS):
        return None
    first = min(at - EASTERNMOST, received_at - _WRONG_CLOCK) if at > received_at else at - EASTERNMOST
    last = min(at + WESTERNMOST, received_at) if source.unsure else received_at
    return first, max(first, last)


def find_source(report: Report, ours: Ours) -> Source | Relayed | Disagreement | None:
    """The source of a report, or None where it names no address at all."""
    stated = _behind_relay(_stated(report), report.trace, ours)
    traced = _behind_relay(_traced(report), report.trace, ours)
    if stated is None or traced is None:
        return stated or traced
    if isinstance(stated, Relayed) or isinstance(traced, Relayed):
        return _one_relayed(stated, traced, report, ours)
    if stated.ip == traced.ip:
        return _both(stated, traced)
    if ours.network(traced.ip):
        return Disagreement(stated, traced)
    # A foreign hop above the stated address is mostly the reporter's own forwarder: the statement stands.
    return stated


def _both(stated: Source, traced: Source) -> Source:
    """One address, from report and trace. Two ports are none: an address that is shared is not told apart by them."""
    port, how = stated.port or traced.port, f"{stated.how}, and {traced.how}"
    if stated.port and traced.port and stated.port != traced.port:
        port, how = None, f"{how}; two ports are named, {stated.port} and {traced.port}"
    known = stated if stated.at else traced
    hop = stated.login_hop or traced.login_hop
    return Source(stated.ip, port, known.at, how, hop, known.unsure, known.other)


def _one_relayed(
    stated: Source | Relayed, traced: Source | Relayed, report: Report, ours: Ours
) -> Source | Relayed | Disagreement:
    """At least one of the two ends at our relay: the other stands only if the trace shows it and it is ours."""
    if isinstance(stated, Relayed):
        if isinstance(traced, Relayed) or not ours.network(traced.ip):
            return stated
        at_relay = Source(stated.relay, None, traced.at, f"{stated.relay}, our relay, is the report's source address")
        return Disagreement(at_relay, traced)
    if not ours.network(stated.ip) or isinstance(traced, Source):
        return traced
    if _next_public(report.trace, traced.relay, ours) == stated.ip:
        return stated
    return Disagreement(stated, Source(traced.relay, None, stated.at, f"our relay {traced.relay} handed the mail over"))


def _next_public(trace: tuple[Hop, ...], relay: str, ours: Ours) -> str | None:
    """The first address behind our relay that is neither a relay's nor a private one, such as webmail's."""
    index = next(n for n, hop in enumerate(trace) if hop.ip == relay)
    behind = (hop.ip for hop in trace[index + 1 :] if hop.ip and not ours.relay(hop.ip))
    return next((ip for ip in behind if ours.network(ip) or fields.scope(ip) == "global"), None)


def _stated(report: Report) -> Source | None:
    """What the reporter's report says, unless the parsers took it from the trace themselves."""
    if not report.source_ip:
        return None
    origin = dict(report.provenance).get("source_ip", "")
    if "received" in origin.lower() and handover(report.trace) is not None:
        return None
    # What stands below the line that the reporter's border wrote may be the sender's own invention.
    first = handover(report.trace)
    seen = [
        hop for hop in report.trace[: len(report.trace) if first is None else first + 1] if hop.ip == report.source_ip
    ]
    port = report.source_port or next((hop.port for hop in seen if hop.port), None)
    when = _moment(report, next((hop for hop in seen if hop.time), None))
    how = f"{report.source_ip} is the report's source address"
    return Source(report.source_ip, port, when.at, how, None, when.unsure, when.other)


def _traced(report: Report) -> Source | None:
    """What the reported mail's Received lines say."""
    index = handover(report.trace)
    if index is None:
        return None
    hop = report.trace[index]
    port = hop.port or (report.source_port if hop.ip == report.source_ip else None)
    how = f"{hop.ip} handed the mail to {hop.by or 'the reporter'}"
    when = _moment(report, hop)
    return Source(hop.ip or "", port, when.at, how, None, when.unsure, when.other)


class _Moment(NamedTuple):
    """As in `Source`."""

    at: datetime | None
    unsure: bool = False
    other: datetime | None = None


def _moment(report: Report, hop: Hop | None) -> _Moment:
    """When it was, by what the report states and by the line of the address. A known zone beats an unknown one."""
    stated, unsure = report.arrival_date, UNKNOWN_ZONE in report.defects
    if hop is None or hop.time is None:
        return _Moment(stated, stated is not None and unsure)
    if stated is None or (unsure and hop.zoned):
        return _Moment(hop.time, not hop.zoned)
    return _Moment(stated, unsure, hop.time if hop.zoned and hop.time != stated else None)


def _behind_relay(source: Source | None, trace: tuple[Hop, ...], ours: Ours) -> Source | Relayed | None:
    """One step further down for as long as the address is a relay of ours: the next line is the relay's own."""
    if source is None or not ours.relay(source.ip):
        return source
    index = next((n for n, hop in enumerate(trace) if hop.ip == source.ip), None)
    if index is None:
        return Relayed(source.ip, "no Received line of it is there")
    first = handover(trace)
    if first is not None and first < index and not ours.relay(trace[first].ip or ""):
        return Relayed(source.ip, "its Received line stands below a stranger's, who may have made it up")
    for number, hop in enumerate(trace[index + 1 :], index + 1):
        if not _is_its_own(hop, trace[number - 1]):
            return Relayed(source.ip, f"the Received line below it is by {hop.by or 'nobody'}, and not its own")
        if hop.ip and ours.relay(hop.ip):
            continue
        return _client(source.ip, hop, source, ours)
    return Relayed(source.ip, "no Received line below it is there")


def _is_its_own(hop: Hop, above: Hop) -> bool:
    """Is it by the host that the line above calls by name? A relay that writes no line leaves the sender's on top."""
    names = [name for name in (above.helo, above.rdns) if name]
    return not names or any(hop.by and fields.same_organisation(name, hop.by) for name in names)


def _client(relay: str, hop: Hop, source: Source, ours: Ours) -> Source | Relayed:
    """Who gave the mail to our relay. A client outside our network is no customer's address; its login is shown."""
    login = f", logged in as {hop.login}" if hop.login else ""
    if hop.ip and ours.network(hop.ip):
        # Our own clock wrote this line: better than a time that went through the queue.
        how = f"{hop.ip} gave the mail to our relay {relay}{login}"
        if hop.time is None:
            return Source(hop.ip, hop.port, source.at, how, hop, source.unsure, source.other)
        return Source(hop.ip, hop.port, hop.time, how, hop, not hop.zoned)
    return Relayed(relay, f"the client behind it was {hop.ip or 'no address'}{login}", hop)

"""Whose resources a report is about: one entry for each that the queue shows or a case is filed under.

The source address, and each advertised host, drop-box or address that is ours. Decides on values alone.
Must never guess: two own addresses that disagree, a shared address without port, an unknown time where
history differs: each waits for a person, with its reason and with candidates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address

from gateway.attribution.holders import Found, Lookup, Nobody, day
from gateway.attribution.hosts import HostIndex
from gateway.attribution.prefixes import PrefixIndex
from gateway.attribution.source import Disagreement, Ours, Relayed, Source, find_source
from gateway.model import Attribution, AttributionReason, Holder
from parsers import fields
from parsers.report import Parsed, Report, Resource, ResourceKind, Role

FUTURE_LIMIT = timedelta(hours=24)  # RCV-6

# Bounds of the search for our resources in mail that no format claims.
TEXT_CHARS = 20_000
SUBJECT_CHARS = 1_000

_V4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\d)")
_V6 = re.compile(
    r"(?:(?<![0-9A-Za-z:])|(?<=IPv6:)|(?<=[g-z]:))(?:[0-9A-F]{0,4}:){2,7}[0-9A-F]{0,4}(?![0-9A-F])",
    re.IGNORECASE | re.ASCII,
)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){1,40}")


@dataclass(frozen=True, slots=True)
class Network:
    """What is ours: assignments, the operator's own networks, and its outbound relays (an address is a /32 or /128)."""

    prefixes: PrefixIndex
    hosts: HostIndex
    own_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    relays: tuple[IPv4Network | IPv6Network, ...] = ()

    def is_ours(self, ip: str) -> bool:
        return self.prefixes.covers(ip) or _inside(ip, self.own_networks)

    def is_relay(self, ip: str) -> bool:
        return _inside(ip, self.relays)


def attribute(report: Report, received_at: datetime, network: Network) -> tuple[Attribution, ...]:
    """The entries of a report, never none. `received_at` (aware UTC): when the message reached us.

    A source outside our networks is an entry only where nothing advertised is ours: the case is then made
    from the host. Advertised resources of strangers are no entries at all.
    """
    advertised = tuple(_advertised(report, received_at, network))
    source = _source(report, received_at, network)
    elsewhere = {AttributionReason.NOT_OURS, AttributionReason.NOT_PUBLIC, AttributionReason.NO_SOURCE}
    if advertised and source.reason in elsewhere:
        return advertised
    return (source, *advertised)


def names_ours(parsed: Parsed, network: Network) -> bool:
    """Does mail of no known format name an address or host of ours? Reads a bounded piece, in linear time."""
    text = f"{(parsed.envelope.subject or '')[:SUBJECT_CHARS]}\n{parsed.text[:TEXT_CHARS]}".replace("[.]", ".")
    addresses = (hit[0].strip() for pattern in (_V4, _V6) for hit in pattern.finditer(text))
    if any(network.is_ours(ip) for ip in addresses):
        return True
    return any(network.hosts.covers(hit[0]) for hit in _NAME.finditer(text))


# --- the source ------------------------------------------------------------------------


def _source(report: Report, received_at: datetime, network: Network) -> Attribution:
    found = find_source(report, Ours(network.is_ours, network.is_relay))
    if isinstance(found, Source):
        return _address(found, Role.SOURCE, received_at, network)
    if isinstance(found, Relayed):
        how = f"{found.relay} is our own relay: {found.seen}"
        return _entry(ResourceKind.IP, Role.SOURCE, found.relay, AttributionReason.OWN_RELAY, how)
    if isinstance(found, Disagreement):
        return _disagreement(found, network)
    how = "the report names no source address, and the reported mail's Received lines show none"
    return _entry(ResourceKind.IP, Role.SOURCE, "", AttributionReason.NO_SOURCE, how)


def _address(source: Source, role: Role, received_at: datetime, network: Network) -> Attribution:
    """The holder of one address at its time."""
    ip = source.ip
    if not network.is_ours(ip):
        if _is_public(ip):
            how = f"{source.how}; it is outside our networks"
            return _entry(ResourceKind.IP, role, ip, AttributionReason.NOT_OURS, how)
        how = f"{source.how}; private, loopback and multicast addresses belong to nobody"
        return _entry(ResourceKind.IP, role, ip, AttributionReason.NOT_PUBLIC, how)
    if source.at and source.at > received_at + FUTURE_LIMIT:
        candidates = _candidates(network.prefixes.lookup(ip, received_at, source.port))
        how = f"{source.how}, at {_time(source.at)}: more than 24 hours after the report came in"
        return _entry(ResourceKind.IP, role, ip, AttributionReason.IN_FUTURE, how, candidates)
    lookup = network.prefixes.lookup(ip, source.at, source.port)
    if isinstance(lookup, Nobody) and lookup.reason is AttributionReason.NOT_OURS:
        how = f"{source.how}; it is in our networks, but no customer ever had it"
        return _entry(ResourceKind.IP, role, ip, AttributionReason.NOT_ASSIGNED_THEN, how)
    return _looked_up(Resource(ResourceKind.IP, role, ip), source, lookup)


def _disagreement(found: Disagreement, network: Network) -> Attribution:
    """Both addresses are shown; the holders of both are candidates."""
    stated, traced = found.stated, found.traced
    candidates: dict[int, Holder] = {}
    for source in (stated, traced):
        for holder in _candidates(network.prefixes.lookup(source.ip, source.at, source.port)):
            candidates.setdefault(holder.account_id, Holder(holder.account_id, f"{source.ip}: {holder.why}"))
    how = f"{stated.how}, but {traced.how}"
    reason = AttributionReason.ADDRESSES_DISAGREE
    return _entry(ResourceKind.IP, Role.SOURCE, stated.ip, reason, how, tuple(candidates.values()))


# --- what is advertised ----------------------------------------------------------------


def _advertised(report: Report, received_at: datetime, network: Network) -> Iterator[Attribution]:
    """Each advertised host, drop-box or address that is or was ours, once."""
    seen: set[tuple[Role, str]] = set()
    at = _usable(report.arrival_date, received_at)
    for resource in report.resources:
        if resource.role is Role.RELAY or (resource.kind is ResourceKind.IP and resource.role is Role.SOURCE):
            continue
        place = _place(resource)
        if place is None or (place.role, place.value) in seen:
            continue
        seen.add((place.role, place.value))
        found = Source(place.value, None, at, f"{resource.value} is named as {resource.role.value}")
        if place.kind is ResourceKind.IP:
            if network.is_ours(place.value):
                yield _address(found, place.role, received_at, network)
        elif network.hosts.covers(_name(place)):
            yield _looked_up(place, found, network.hosts.lookup(_name(place), at))


def _usable(stated: datetime | None, received_at: datetime) -> datetime:
    """A site is advertised at the latest when we are told of it: without a possible time, that one counts."""
    return stated if stated and stated <= received_at + FUTURE_LIMIT else received_at


def _place(resource: Resource) -> Resource | None:
    """The host or address that stands for a resource; None where it has none (a telephone number)."""
    if resource.kind is ResourceKind.URL:
        place = fields.place(resource.value)
        return Resource(place[0], resource.role, place[1]) if place else None
    if resource.kind is ResourceKind.MAILBOX:
        return resource if "@" in resource.value else None
    return None if resource.kind is ResourceKind.PHONE else resource


def _name(place: Resource) -> str:
    """What hosts are looked up by: of a mailbox its domain."""
    return place.value.rpartition("@")[2]


# --- words -----------------------------------------------------------------------------


def _looked_up(resource: Resource, source: Source, lookup: Lookup) -> Attribution:
    when = f" on {_time(source.at)}" if source.at else ""
    if isinstance(lookup, Found):
        a = lookup.assignment
        port = f", port {source.port}" if a.port_first is not None else ""
        how = f"{source.how}; assigned as {a.resource}{port}{when}, held from {day(a.valid_from)}"
        reason = AttributionReason.ASSIGNED
        return Attribution(resource.kind, resource.role, resource.value, reason, a.account_id, a.id, how)
    port = "" if source.port is None else f" with port {source.port}"
    told_apart = "the report has no port" if source.port is None else f"port {source.port} does not tell them apart"
    why = {
        AttributionReason.NO_TIME: "it changed hands, and the report has no usable time",
        AttributionReason.NOT_ASSIGNED_THEN: f"nobody held it{port}{when}",
        AttributionReason.SHARED_ADDRESS: f"several held it at once{when}, and {told_apart}",
    }.get(lookup.reason, lookup.reason.value)
    how = f"{source.how}; {why}"
    return _entry(resource.kind, resource.role, resource.value, lookup.reason, how, lookup.candidates)


def _entry(
    kind: ResourceKind,
    role: Role,
    value: str,
    reason: AttributionReason,
    how: str,
    candidates: tuple[Holder, ...] = (),
) -> Attribution:
    return Attribution(kind, role, value, reason, how=how, candidates=candidates)


def _candidates(lookup: Lookup) -> tuple[Holder, ...]:
    if isinstance(lookup, Nobody):
        return lookup.candidates
    a = lookup.assignment
    return (Holder(a.account_id, f"holds {a.resource} from {day(a.valid_from)}"),)


def _time(at: datetime) -> str:
    return f"{at.day} {at:%b %Y %H:%M} UTC"


# --- addresses -------------------------------------------------------------------------


def _inside(ip: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    if not networks:
        return False
    try:
        address = ip_address(ip)
    except ValueError:
        return False
    return any(address in network for network in networks)


def _is_public(ip: str) -> bool:
    try:
        return fields.scope(ip) == "global"
    except ValueError:
        return False

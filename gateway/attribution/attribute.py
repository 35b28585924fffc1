"""Whose resources a report is about: one entry for each that the queue shows or a case is filed under.

The source address, and each advertised host, drop-box, number or address that is ours. Decides on values alone.
Must never guess: two own addresses that disagree, a shared address without port, an unknown time where
history differs: each waits for a person, with its reason and with candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from gateway.attribution.advertised import FUTURE_LIMIT, advertised, settled_by_source
from gateway.attribution.holders import Found, Lookup, Nobody, one_of
from gateway.attribution.identifiers import Named, named_in
from gateway.attribution.network import Network, names_ours
from gateway.attribution.prefixes import PrefixIndex
from gateway.attribution.relays import RelayMail, denied_by, record_of
from gateway.attribution.source import (
    EASTERNMOST,
    UNKNOWN_ZONE,
    WESTERNMOST,
    Disagreement,
    Ours,
    Relayed,
    Source,
    find_source,
    span,
)
from gateway.attribution.weigh import OPEN, weigh
from gateway.attribution.words import candidates_of, entry, looked_up, moment
from gateway.model import Attribution, AttributionReason, Holder
from parsers import fields
from parsers.report import Hop, Report, Resource, ResourceKind, Role

__all__ = ["FUTURE_LIMIT", "Network", "attribute", "names_ours"]


_EVER = datetime.min.replace(tzinfo=UTC)
_Sought = Source | Relayed | Disagreement | None


def attribute(
    report: Report, received_at: datetime, network: Network, records: Sequence[RelayMail] = ()
) -> tuple[Attribution, ...]:
    """The entries of a report, never none. `received_at` (aware UTC): when the message reached us; `records`: what
    our relays' logs have of mails like the reported one.

    A source outside our networks is an entry only where nothing advertised is ours: the case is then made
    from the host. Advertised resources of strangers are no entries at all.
    """
    source = _source(report, received_at, network, records)
    found = list(advertised(report, received_at, network, lambda at, role: _address(at, role, received_at, network)))
    found = settled_by_source(found, source, network)
    elsewhere = {AttributionReason.NOT_OURS, AttributionReason.NOT_PUBLIC, AttributionReason.NO_SOURCE}
    if found and source.reason in elsewhere:
        return tuple(found)
    return (source, *found)


# --- the source ------------------------------------------------------------------------


def _source(report: Report, received_at: datetime, network: Network, records: Sequence[RelayMail]) -> Attribution:
    found = find_source(report, Ours(network.is_ours, network.is_relay))
    login_hop = found.login_hop if isinstance(found, Source | Relayed) else None
    logged = record_of(report, records, login_hop) if isinstance(found, Relayed) or login_hop else None
    by_address = _by_address(report, received_at, network, found, logged)
    if logged is None and login_hop is not None and (other := denied_by(report, records, login_hop)):
        how = (
            f"{by_address.how}; but the log of our relay {other.relay} has {other.client_ip} as the client of this mail"
        )
        return by_address if by_address.account_id is None else _contradicted(by_address, how)
    if not network.identifiers and not _may_have_cfbl(report):  # reading a header costs more than the look-up
        return by_address
    named = named_in(report, network.cfbl_key, login_hop=login_hop)
    if logged is not None and logged.login:
        named = (Named("relay-log", logged.login.lower()), *named)
    times = _times(report, login_hop, logged)
    if max(times, default=received_at) > received_at + FUTURE_LIMIT and by_address.reason in OPEN:
        how = f"{by_address.how}; by its time it was more than 24 hours after the report came in"
        by_address = replace(by_address, reason=AttributionReason.IN_FUTURE, how=how)
    return weigh(by_address, network.identifiers.claims(named, times), network.owners.related)


def _contradicted(found: Attribution, how: str) -> Attribution:
    """By our own log of the mail: who held the address is a candidate."""
    reason, account = AttributionReason.IDENTIFIERS_CONTRADICT, found.account_id
    candidates = found.candidates if account is None else (Holder(account, found.how),)
    return replace(
        found, reason=reason, account_id=None, assignment_id=None, confidence=None, how=how, candidates=candidates
    )


def _times(report: Report, login_hop: Hop | None, logged: RelayMail | None) -> tuple[datetime, ...]:
    """When the mail was sent, by the surest clock: our relay's. Of an unknown zone the span; none: no time is known."""
    if logged is not None:
        return (logged.at,)
    if login_hop is not None and login_hop.time and login_hop.zoned:
        return (login_hop.time,)
    at = report.arrival_date
    if at is None or UNKNOWN_ZONE not in report.defects:
        return (at,) if at else ()
    return (at - EASTERNMOST, at, at + WESTERNMOST)


def _by_address(
    report: Report, received_at: datetime, network: Network, found: _Sought, logged: RelayMail | None
) -> Attribution:
    """What the address alone says, with its time and port."""
    if isinstance(found, Relayed) and logged is not None and logged.client_ip and network.is_ours(logged.client_ip):
        how = f"the log of our relay {logged.relay} names {logged.client_ip} as its client"
        line = found.login_hop  # says the zone, of which a log may be unsure when the clocks go back
        at = line.time if line is not None and line.time and line.zoned else logged.at
        found = Source(logged.client_ip, logged.client_port, at, how)
    if isinstance(found, Source):
        one = _address(found, Role.SOURCE, received_at, network)
        return _unless_several(one, found, report.trace, network)
    if isinstance(found, Relayed):
        how = f"{found.relay} is our own relay: {found.seen}"
        return entry(ResourceKind.IP, Role.SOURCE, found.relay, AttributionReason.OWN_RELAY, how)
    if isinstance(found, Disagreement):
        return _disagreement(found, network)
    how = "the report names no source address, and the reported mail's Received lines show none"
    return entry(ResourceKind.IP, Role.SOURCE, "", AttributionReason.NO_SOURCE, how)


def _unless_several(found: Attribution, source: Source, trace: tuple[Hop, ...], network: Network) -> Attribution:
    """One trace with addresses of several of our customers: a forged line, or one customer's server that took the
    mail from another's. Either way it is a person's to say."""
    if found.account_id is None:
        return found
    others: dict[int, Holder] = {}
    for hop in trace:
        if not hop.ip or hop.ip == source.ip or not network.prefixes.covers(hop.ip) or network.is_relay(hop.ip):
            continue
        lookup = network.prefixes.lookup(hop.ip, hop.time or source.at, hop.port)
        accounts = [lookup.account_id] if isinstance(lookup, Found) else [c.account_id for c in lookup.candidates]
        for account in accounts:
            if not network.owners.related(account, found.account_id):
                others.setdefault(account, Holder(account, f"held {hop.ip}, which the trace names too"))
    if not others:
        return found
    how = f"{found.how}; but the trace also names other addresses of ours, held by others"
    candidates = (Holder(found.account_id, found.how), *others.values())
    several = entry(found.kind, found.role, found.value, AttributionReason.SEVERAL_OWN, how, candidates[:10])
    return replace(several, at=found.at, port=found.port)


def _address(source: Source, role: Role, received_at: datetime, network: Network) -> Attribution:
    """The holder of one address at its time, by its port."""
    return replace(_held(source, role, received_at, network), at=source.at, port=source.port)


def _held(source: Source, role: Role, received_at: datetime, network: Network) -> Attribution:
    ip = source.ip
    if network.is_protected(ip):
        how = f"{source.how}; it is our own infrastructure, and never blamed as such"
        return entry(ResourceKind.IP, role, ip, AttributionReason.PROTECTED, how)
    if not network.is_ours(ip):
        if _is_public(ip):
            how = f"{source.how}; it is outside our networks"
            return entry(ResourceKind.IP, role, ip, AttributionReason.NOT_OURS, how)
        how = f"{source.how}; private, loopback and multicast addresses belong to nobody"
        return entry(ResourceKind.IP, role, ip, AttributionReason.NOT_PUBLIC, how)
    if source.at and source.at > received_at + FUTURE_LIMIT:
        candidates = candidates_of(network.prefixes.lookup(ip, received_at, source.port))
        how = f"{source.how}, at {moment(source.at)}: more than 24 hours after the report came in"
        return entry(ResourceKind.IP, role, ip, AttributionReason.IN_FUTURE, how, candidates)
    lookup = _holder(source, received_at, network.prefixes)
    if isinstance(lookup, Found) and (unread := _unread(source, received_at, network, lookup)):
        return entry(ResourceKind.IP, role, ip, AttributionReason.LEASES_UNREAD, unread, candidates_of(lookup))
    if isinstance(lookup, Nobody) and lookup.reason is AttributionReason.NOT_OURS:
        how = f"{source.how}; it is in our networks, but no customer ever had it"
        return entry(ResourceKind.IP, role, ip, AttributionReason.NOT_ASSIGNED_THEN, how)
    return looked_up(Resource(ResourceKind.IP, role, ip), source, lookup)


def _holder(source: Source, received_at: datetime, prefixes: PrefixIndex) -> Lookup:
    """The holder at the source's time. Where a zone is unknown, a clock is ahead of us or two clocks differ, only one
    who had it whichever is true."""
    at = source.at
    if at is None:
        return prefixes.lookup(source.ip, None, source.port)
    if unsure := span(source, received_at):
        return prefixes.within(source.ip, *unsure, source.port)
    found = prefixes.lookup(source.ip, at, source.port)
    if source.other is None:
        return found
    return one_of((found, prefixes.lookup(source.ip, source.other, source.port)))


def _unread(source: Source, received_at: datetime, network: Network, found: Found) -> str | None:
    """Why the holder by what was read may be the one before. Nobody's lease is above a narrower range, nor above a
    person's word about the same."""
    if not network.leases:
        return None
    held = found.assignment
    times = (
        span(source, received_at) or tuple(time for time in (source.at, source.other) if time) or (_EVER, received_at)
    )
    at = max(times)
    leases = network.unread(source.ip, min(times), at, held.last - held.first - held.manual)
    if leases is None:
        return None
    if gap := leases.gap(min(times), at):
        lost = f"what {leases.name} said from {moment(gap[0])} to {moment(gap[1])} was lost, and with it who had it"
        return f"{source.how}, at {moment(at)}; {lost}"
    if leases.until is None:
        return f"{source.how}, at {moment(at)}; the leases of {leases.name} were not read yet"
    read = f"the leases of {leases.name} were read as of {moment(leases.until)}, and somebody else may have it since"
    return f"{source.how}, at {moment(at)}; {read}"


def _disagreement(found: Disagreement, network: Network) -> Attribution:
    """Both addresses are shown; the holders of both are candidates."""
    stated, traced = found.stated, found.traced
    candidates: dict[int, Holder] = {}
    for source in (stated, traced):
        for holder in candidates_of(network.prefixes.lookup(source.ip, source.at, source.port)):
            candidates.setdefault(holder.account_id, Holder(holder.account_id, f"{source.ip}: {holder.why}"))
    how = f"{stated.how}, but {traced.how}"
    reason = AttributionReason.ADDRESSES_DISAGREE
    return entry(ResourceKind.IP, Role.SOURCE, stated.ip, reason, how, tuple(candidates.values()))


def _may_have_cfbl(report: Report) -> bool:
    return report.original is not None and b"cfbl-feedback-id" in report.original.header_block.lower()


def _is_public(ip: str) -> bool:
    try:
        return fields.scope(ip) == "global"
    except ValueError:
        return False

"""What a report says was advertised: each host, drop-box, address and telephone number that is ours, by itself (SES-7).

So a report reaches our customer though the source is foreign. Must never blame a large innocent domain, and the
first report about something waits until staff confirm it: anybody can write a link into a mail.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.attribution.holders import Found
from gateway.attribution.hosts import TELEPHONE
from gateway.attribution.network import Network
from gateway.attribution.source import UNKNOWN_ZONE, Source, span
from gateway.attribution.words import entry, looked_up
from gateway.model import Attribution, AttributionReason, Holder
from parsers import fields
from parsers.report import Report, Resource, ResourceKind, Role

FUTURE_LIMIT = timedelta(hours=24)  # RCV-6
_NOT_DIGITS = re.compile(r"[^0-9]")

Address = Callable[[Source, Role], Attribution]  # attributes an address like a source


def advertised(report: Report, received_at: datetime, network: Network, address: Address) -> Iterator[Attribution]:
    """Each advertised host, drop-box, number or address that is or was ours, once."""
    seen: set[tuple[Role, str]] = set()
    at = _usable(report.arrival_date, received_at)
    for resource in report.resources:
        if resource.role is Role.RELAY or (resource.kind is ResourceKind.IP and resource.role is Role.SOURCE):
            continue
        place = _place(resource)
        if place is None or (place.role, place.value) in seen:
            continue
        seen.add((place.role, place.value))
        how = f"{resource.value} is named as {resource.role.value}"
        source = Source(place.value, None, at, how, None, at == report.arrival_date and UNKNOWN_ZONE in report.defects)
        if place.kind is ResourceKind.IP:
            if network.is_ours(place.value):
                found = address(source, place.role)
                yield found if _by_hand(source, network) else _unless_first(found, place.value, network)
        elif network.hosts.covers(_name(place)):
            yield _named(place, source, received_at, network)


def _by_hand(source: Source, network: Network) -> bool:
    """Did a person say whose address it is? Then it needs no second word."""
    lookup = network.prefixes.lookup(source.ip, source.at, None)
    return isinstance(lookup, Found) and lookup.assignment.manual


def _named(place: Resource, source: Source, received_at: datetime, network: Network) -> Attribution:
    name, unsure = _name(place), span(source, received_at)
    lookup = network.hosts.within(name, *unsure) if unsure else network.hosts.lookup(name, source.at)
    found = looked_up(place, source, lookup)
    account = found.account_id
    if account is None or not isinstance(lookup, Found):
        return found
    held = lookup.assignment
    holder = (Holder(account, found.how),)
    if network.is_bystander(name.rpartition("@")[2]):
        how = f"{found.how}; it is one of the large domains that turn up in spam without having part in it"
        return entry(place.kind, place.role, place.value, AttributionReason.BYSTANDER, how, holder)
    return found if held.manual else _unless_first(found, held.resource, network)


def _unless_first(found: Attribution, confirmed_as: str, network: Network) -> Attribution:
    """What was found, or the entry that waits for staff to confirm it once. An address is confirmed by itself."""
    account = found.account_id
    if account is None or not network.confirm_first or (confirmed_as, account) in network.confirmed:
        return found
    how = f"{found.how}; nobody has confirmed yet that reports which advertise it are theirs"
    holder = (Holder(account, found.how),)
    reason = AttributionReason.FIRST_OF_KIND
    return replace(
        found, reason=reason, account_id=None, assignment_id=None, confidence=None, how=how, candidates=holder
    )


def settled_by_source(found: list[Attribution], source: Attribution, network: Network) -> list[Attribution]:
    """What waits for its first confirmation, where the mail itself came from the same customer: nothing to confirm."""
    settled = []
    for one in found:
        holder = one.candidates[0].account_id if one.reason is AttributionReason.FIRST_OF_KIND else None
        if holder is not None and source.account_id is not None and network.owners.related(holder, source.account_id):
            how = f"{one.how.partition('; nobody has confirmed')[0]}; the mail came from the same customer"
            settled.append(replace(one, reason=AttributionReason.ASSIGNED, account_id=holder, candidates=(), how=how))
        else:
            settled.append(one)
    return settled


def _usable(stated: datetime | None, received_at: datetime) -> datetime:
    """A site is advertised at the latest when we are told of it: without a possible time, that one counts."""
    return stated if stated and stated <= received_at + FUTURE_LIMIT else received_at


def _place(resource: Resource) -> Resource | None:
    """The host, address, mailbox or number that stands for a resource; None where it has none."""
    if resource.kind is ResourceKind.URL:
        place = fields.place(resource.value)
        return Resource(place[0], resource.role, place[1]) if place else None
    if resource.kind is ResourceKind.MAILBOX:
        return resource if "@" in resource.value else None
    return resource


def _name(place: Resource) -> str:
    """What a name is looked up by."""
    if place.kind is ResourceKind.PHONE:
        return f"{TELEPHONE}+{_NOT_DIGITS.sub('', place.value)}"
    return place.value

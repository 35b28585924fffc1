"""What nobody holds of our networks, and what two hold at once: for people who keep the assignments in order.

Must never change anything; a gap is no error, it only means that reports about it will wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network

from gateway.attribution.holders import holds
from gateway.attribution.packed import resource_text
from gateway.intake.customer_overlaps import contradictions
from gateway.intake.customers import AssignmentRow
from gateway.model import Assignment

_FAR = datetime.max.replace(tzinfo=UTC)


def gaps(networks: Iterable[IPv4Network | IPv6Network], held: Sequence[Assignment], at: datetime) -> Iterator[str]:
    """The parts of our networks that nobody holds at a time, as people write ranges."""
    for network in networks:
        here, end = int(network.network_address), int(network.broadcast_address)
        inside = sorted(
            (a.first, a.last) for a in held
            if a.family == network.version and a.first <= end and a.last >= here and holds(a, at)
        )  # fmt: skip
        for first, last in inside:
            if first > here:
                yield resource_text(network.version, here, first - 1)
            here = max(here, last + 1)
        if here <= end:
            yield resource_text(network.version, here, end)


def overlaps(held: Iterable[Assignment]) -> Iterator[tuple[Assignment, Assignment]]:
    """Pairs that claim the same addresses, ports and time for different accounts. What a person entered beside what
    a system brought is none: the person's word stands."""
    by_id = {a.id: a for a in held if a.valid_from < (a.valid_to or _FAR)}
    for one, other in contradictions(_row(a) for a in by_id.values()):
        first, second = by_id[one.line], by_id[other.line]  # a row's line is the assignment's number here
        if first.manual == second.manual and first.account_id != second.account_id:
            yield first, second


def _row(a: Assignment) -> AssignmentRow:
    return AssignmentRow(
        str(a.account_id), "", a.resource, a.family, a.first, a.last, a.port_first, a.port_last,
        a.valid_from, a.valid_to, a.id,
    )  # fmt: skip

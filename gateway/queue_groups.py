"""What waits, put together by what would solve it: one assignment, one look at a relay, one word about a network. Pure.

Must never decide: a bundle only says that its entries look alike.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.store.queue import Group
from parsers.fields import registrable
from parsers.report import ResourceKind

_AROUND = {4: 24, 6: 48}  # a network that one customer often holds as a whole


@dataclass(frozen=True, slots=True)
class Bundle:
    """Groups that one decision would probably place. `what`: the network or domain that they share, or empty;
    `perhaps`: the name of the customer who comes first for all of them, or empty; `seen`: reports in all."""

    what: str
    reason: str
    perhaps: str
    seen: int
    groups: list[Group]


def bundles(groups: Sequence[Group]) -> list[Bundle]:
    """The bundle with the most reports first; within it, the group with the most."""
    found: dict[tuple[str, str, str], list[Group]] = {}
    for group in groups:
        candidates = group.entry.candidates
        perhaps = candidates[0].name if candidates else ""
        key = (around(group.entry.kind, group.entry.value), group.entry.reason, perhaps)
        found.setdefault(key, []).append(group)
    made = [
        Bundle(what, reason, perhaps, sum(group.seen for group in together), together)
        for (what, reason, perhaps), together in found.items()
    ]
    return sorted(made, key=lambda bundle: (-bundle.seen, bundle.groups[0].entry.id))


def around(kind: str, value: str) -> str:
    """The network or registrable domain around a resource; empty where none is named."""
    if kind == ResourceKind.IP:
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            return ""
        return str(ipaddress.ip_network(f"{address}/{_AROUND[address.version]}", strict=False))
    name = value.rpartition("@")[2].partition("//")[2].partition("/")[0] or value.rpartition("@")[2]
    return registrable(name) or ""

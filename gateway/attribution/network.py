"""What is ours: everything that attribution may know, as one immutable value.

Made by `gateway.holdings` from the database and the settings. Must never be changed in place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_address

from gateway.attribution.hosts import HostIndex
from gateway.attribution.identifiers import IdentifierIndex
from gateway.attribution.packed import MOST_SOURCES
from gateway.attribution.prefixes import PrefixIndex
from parsers.report import Parsed

Networks = tuple[IPv4Network | IPv6Network, ...]

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
class Owners:
    """The tree: `customer_of` an account, `parent_of` a customer."""

    customer_of: Mapping[int, int] = field(default_factory=dict)
    parent_of: Mapping[int, int] = field(default_factory=dict)

    def related(self, one: int, other: int) -> bool:
        """Are two accounts one customer's, or is one of them above the other (SES-2)?"""
        if one == other:
            return True
        first, second = self._line(one), self._line(other)
        return bool(first and second) and (first[0] in second or second[0] in first)

    def _line(self, account: int) -> list[int]:
        line: list[int] = []
        here = self.customer_of.get(account)
        while here is not None and here not in line and len(line) < 16:
            line.append(here)
            here = self.parent_of.get(here)
        return line


@dataclass(frozen=True, slots=True)
class Leases:
    """A system that leases addresses. `until` (aware UTC): what it had written down by then is read; None: nothing
    was read to its end yet. `gaps`: (behind, until) of what was lost before it was read."""

    name: str
    until: datetime | None = None
    gaps: tuple[tuple[datetime, datetime], ...] = ()

    def gap(self, first: datetime, last: datetime) -> tuple[datetime, datetime] | None:
        """What was lost of a span of time."""
        return next((gap for gap in self.gaps if gap[0] < last and first <= gap[1]), None)

    def knows(self, first: datetime, last: datetime) -> bool:
        return self.until is not None and last <= self.until and self.gap(first, last) is None


@dataclass(frozen=True, slots=True)
class Network:
    """What is ours: assignments, the operator's own networks, its outbound relays (an address is a /32 or /128),
    its own infrastructure (`protected`), identifiers of accounts, the tree of customers, what staff confirmed
    ((name, account) of what is advertised), and large innocent domains."""

    prefixes: PrefixIndex
    hosts: HostIndex
    own_networks: Networks = ()
    relays: Networks = ()
    protected: Networks = ()
    identifiers: IdentifierIndex = field(default_factory=IdentifierIndex)
    owners: Owners = field(default_factory=Owners)
    confirm_first: bool = False
    confirmed: frozenset[tuple[str, int]] = frozenset()
    bystanders: frozenset[str] = frozenset()
    cfbl_key: bytes = b""
    leases: tuple[Leases, ...] = ()  # those with number n: the n-th, and all behind the last number with it

    def is_ours(self, ip: str) -> bool:
        return self.prefixes.covers(ip) or _inside(ip, self.own_networks)

    def is_relay(self, ip: str) -> bool:
        return _inside(ip, self.relays)

    def is_protected(self, ip: str) -> bool:
        return _inside(ip, self.protected)

    def unread(self, ip: str, first: datetime, last: datetime, width: int | None = None) -> Leases | None:
        """The system that leases the address and does not tell of all of that time yet: it alone may know who held it.
        `width`: where it leases ranges of at most so many addresses less one."""
        behind: dict[int, Leases] = {}
        for number, one in enumerate(self.leases, 1):
            if not one.knows(first, last):
                behind.setdefault(min(number, MOST_SOURCES), one)
        if not behind:
            return None
        return next((behind[n] for n in sorted(self.prefixes.sources(ip, last, width)) if n in behind), None)

    def is_bystander(self, name: str) -> bool:
        """Is it one of the large innocent domains, or below one?"""
        labels = name.split(".")
        return any(".".join(labels[n:]) in self.bystanders for n in range(len(labels)))


def names_ours(parsed: Parsed, network: Network) -> bool:
    """Does mail of no known format name an address or host of ours? Reads a bounded piece, in linear time."""
    text = f"{(parsed.envelope.subject or '')[:SUBJECT_CHARS]}\n{parsed.text[:TEXT_CHARS]}".replace("[.]", ".")
    addresses = (hit[0].strip() for pattern in (_V4, _V6) for hit in pattern.finditer(text))
    if any(network.is_ours(ip) for ip in addresses):
        return True
    return any(network.hosts.covers(hit[0]) for hit in _NAME.finditer(text))


def _inside(ip: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    if not networks:
        return False
    try:
        address = ip_address(ip)
    except ValueError:
        return False
    return any(address in network for network in networks)

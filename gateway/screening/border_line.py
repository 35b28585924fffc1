"""Which client handed a mail to our border, by the border's own Received line.

The lines are read from the top. Those that our own servers wrote about each other are passed over; the first one
about a stranger names the client, and everything below it may be invented. Must never believe a line below that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from gateway.setting_types import IpNetwork
from parsers.fields import scope
from parsers.trace import hop

_MOST_LINES = 10  # of our own servers, one after the other


@dataclass(frozen=True, slots=True)
class Client:
    """Who spoke to our border: its address, and the name it gave itself."""

    ip: str
    helo: str


def client(received: Sequence[str], hosts: frozenset[str], inside: Sequence[IpNetwork]) -> Client | None:
    """`received`: values, topmost first; `hosts`: names (and what is below them) that our servers write after `by`;
    `inside`: addresses at which they reach each other. None where the border's line is not there or names nobody."""
    for line in received[:_MOST_LINES]:
        one = hop(line)
        if not _is_one(one.by, hosts):
            return None
        if one.ip is None:
            if _is_one(one.helo, hosts):
                continue  # one of ours to another, by LMTP for instance
            return None  # handed in on the machine itself: whoever did also wrote what is below
        address = ip_address(one.ip)
        if scope(one.ip) == "loopback" or any(address in net for net in inside if net.version == address.version):
            continue
        return Client(one.ip, one.helo or "")
    return None


def _is_one(name: str | None, hosts: frozenset[str]) -> bool:
    return name is not None and any(name == host or name.endswith(f".{host}") for host in hosts)

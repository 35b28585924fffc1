"""The way of a reported mail, drawn: one place for each server, ours, theirs or unknown.

The drawing shortens long names; the list beside it has them whole. Must never say more than the Received lines do.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.queue_view import HopSeen

STEP, HEIGHT = 148, 64  # of the drawing, in its own units
_MOST = 12  # more hops than this only the list shows
_CHARS = 21

OURS, THEIRS, UNKNOWN = "ours", "theirs", "unknown"


@dataclass(frozen=True, slots=True)
class Spot:
    """One server. `x`: where its middle stands."""

    x: int
    whose: str
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """From the recipient's server on the left back to the first that is named. `cut`: hops that are not drawn."""

    spots: list[Spot]
    width: int
    height: int
    cut: int


def draw(hops: Sequence[HopSeen]) -> Drawing | None:
    """None where there is nothing to draw."""
    if not hops:
        return None
    named = [(hops[0].by or "?", THEIRS if hops[0].by else UNKNOWN, hops[0].by)]
    for place, hop in enumerate(hops[:_MOST]):
        by = hops[place + 1].by if place + 1 < len(hops) else ""
        named.append((hop.ip or by or "?", whose(hop), " ".join(filter(None, (hop.ip, by)))))
    spots = [
        Spot(STEP // 2 + place * STEP, kind, _short(name), title or name)
        for place, (name, kind, title) in enumerate(named)
    ]
    return Drawing(spots, STEP * len(spots), HEIGHT, max(0, len(hops) - _MOST))


def whose(hop: HopSeen) -> str:
    """Ours by our networks, theirs by a public address, else unknown."""
    if hop.ours:
        return OURS
    try:
        address = ipaddress.ip_address(hop.ip)
    except ValueError:
        return UNKNOWN
    return UNKNOWN if address.is_private and not _documents(address) else THEIRS


def _documents(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Ranges for documentation count as private for Python; here they stand for ordinary ones."""
    ranges = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
    return any(address in net for text in ranges if (net := ipaddress.ip_network(text)).version == address.version)


def _short(name: str) -> str:
    half = (_CHARS - 1) // 2
    return name if len(name) <= _CHARS else f"{name[:half]}…{name[-half:]}"

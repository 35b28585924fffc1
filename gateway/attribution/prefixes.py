"""Whose address it was: longest match over address ranges with validity times and ports.

All ranges of a family are cut into disjoint pieces once; a look-up is one bisection, then the few ranges
over that piece from the narrowest outwards (performance.md, bisect on flattened ranges). Built anew when
assignments change; must never be changed in place, so that readers need no lock.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from datetime import datetime
from socket import AF_INET, AF_INET6, inet_pton

from gateway.attribution.holders import Found, Lookup, Nobody, holder_at
from gateway.model import Assignment, AttributionReason

__all__ = ["Found", "Lookup", "Nobody", "PrefixIndex"]

_Level = tuple[Assignment, ...]
_Range = tuple[int, int, int]  # size, first, last: sorts the narrowest first


class PrefixIndex:
    """Immutable index of address assignments; those of hosts (family 0) are passed over."""

    __slots__ = ("_pieces",)

    def __init__(self, assignments: Iterable[Assignment]) -> None:
        ranges: dict[int, dict[_Range, list[Assignment]]] = {4: {}, 6: {}}
        for a in assignments:
            if a.family in ranges:
                ranges[a.family].setdefault((a.last - a.first, a.first, a.last), []).append(a)
        self._pieces = {
            family: _flatten({key: tuple(sorted(same, key=_order)) for key, same in of_family.items()})
            for family, of_family in ranges.items()
        }

    def lookup(self, ip: str, at: datetime | None, port: int | None) -> Lookup:
        """The holder of an address in normal form. `at` aware UTC, None: not known.

        `Nobody` with `NOT_OURS` where no assignment, of whatever time, covers the address, and with
        `NO_SOURCE` where `ip` is no address.
        """
        levels = self._levels(ip)
        if levels is None:
            return Nobody(AttributionReason.NO_SOURCE)
        return holder_at(levels, at, port) if levels else Nobody(AttributionReason.NOT_OURS)

    def covers(self, ip: str) -> bool:
        """Has anybody ever held the address?"""
        return bool(self._levels(ip))

    def _levels(self, ip: str) -> tuple[_Level, ...] | None:
        """The assignments over an address, narrowest range first; None: that is no address."""
        # inet_pton reads text and nothing else; it is ten times as fast as ipaddress.
        try:
            family, packed = (6, inet_pton(AF_INET6, ip)) if ":" in ip else (4, inet_pton(AF_INET, ip))
        except (OSError, ValueError):
            return None
        starts, levels = self._pieces[family]
        return levels[bisect_right(starts, int.from_bytes(packed)) - 1]


def _order(a: Assignment) -> tuple[datetime, int]:
    return a.valid_from, a.id


def _flatten(ranges: dict[_Range, _Level]) -> tuple[list[int], list[tuple[_Level, ...]]]:
    """Disjoint pieces: where each starts, and the ranges over it, narrowest first. The first starts below all."""
    opening = sorted(ranges, key=lambda r: r[1])
    closing = sorted(ranges, key=lambda r: r[2])
    starts: list[int] = [-1]
    pieces: list[tuple[_Level, ...]] = [()]
    active: list[_Range] = []
    opened = closed = 0
    while closed < len(closing):
        at = closing[closed][2] + 1
        if opened < len(opening):
            at = min(at, opening[opened][1])
        while closed < len(closing) and closing[closed][2] + 1 == at:
            del active[bisect_left(active, closing[closed])]
            closed += 1
        while opened < len(opening) and opening[opened][1] == at:
            insort(active, opening[opened])
            opened += 1
        starts.append(at)
        pieces.append(tuple([ranges[r] for r in active]))
    return starts, pieces

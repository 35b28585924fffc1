"""Whose address it was: longest match over address ranges with validity times and ports.

A big immutable base and a small overlay of what changed since: a change costs milliseconds, and the base is built
anew, in a thread, when the overlay has grown. An index is never changed in place: whoever has one in hand goes on
with it, and the next one is swapped in whole. The same answers come from the database alone
(`store.assignments`), and from a scan of the list in the tests.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from socket import AF_INET, AF_INET6, inet_pton

from gateway.attribution.holders import MOST_CANDIDATES, Found, Level, Lookup, Nobody, holder_at, holder_within
from gateway.attribution.packed import WHOLE, Ranges, Row, row_of
from gateway.model import Assignment, AttributionReason

__all__ = ["Found", "Lookup", "Nobody", "PrefixIndex"]

# The overlay beyond which a new base is worth its while.
_LEAST_OVERLAY = 10_000
_OVERLAY_SHARE = 0.05

_NOT_OURS = Nobody(AttributionReason.NOT_OURS)

Rows = Mapping[int, Sequence[Row]]  # family -> rows


class PrefixIndex:
    """Immutable index of address assignments; those of names (family 0) are passed over."""

    __slots__ = ("_changed", "_four", "_new_four", "_new_six", "_six")

    def __init__(self, assignments: Iterable[Assignment] = ()) -> None:
        rows: dict[int, list[Row]] = {4: [], 6: []}
        for a in assignments:
            if a.family in rows:
                rows[a.family].append(row_of(a))
        self.based_on(Ranges(4, _real(rows[4])), Ranges(6, _real(rows[6])), {})

    @classmethod
    def of_rows(cls, rows: Rows) -> PrefixIndex:
        """An index of rows as the store reads them. Takes seconds for millions: call it in a thread."""
        return cls().based_on(Ranges(4, _real(rows.get(4, ()))), Ranges(6, _real(rows.get(6, ()))), {})

    def based_on(self, four: Ranges, six: Ranges, changed: dict[int, tuple[int, Row]]) -> PrefixIndex:
        """Make it one of these two bases, and of what changed since (id -> family and row). For `PrefixIndex` only."""
        self._four, self._six = four, six
        self._changed = changed
        self._new_four = Ranges(4, [row for family, row in changed.values() if family == 4]) if changed else None
        self._new_six = Ranges(6, [row for family, row in changed.values() if family == 6]) if changed else None
        return self

    # --- asking ------------------------------------------------------------------------

    def lookup(self, ip: str, at: datetime | None, port: int | None) -> Lookup:
        """The holder of an address in normal form. `at` aware UTC, None: not known.

        `Nobody` with `NOT_OURS` where no assignment, of whatever time, covers the address, and with
        `NO_SOURCE` where `ip` is no address.
        """
        try:  # inet_pton reads text and nothing else; it is ten times as fast as ipaddress
            if ":" in ip:
                ranges, new, packed = self._six, self._new_six, inet_pton(AF_INET6, ip)
            else:
                ranges, new, packed = self._four, self._new_four, inet_pton(AF_INET, ip)
        except (OSError, ValueError):
            return Nobody(AttributionReason.NO_SOURCE)
        changed = new.find(packed) if new is not None else -1
        if changed < 0 and at is not None:
            row = ranges.holder(packed, at.timestamp())
            if row >= 0:
                return Found((ranges, row, ranges.accounts[row]))
            if row == -1:
                return _NOT_OURS
        levels = self._levels(ranges, ranges.find(packed), new, changed)
        return holder_at(levels, at, port) if levels else _NOT_OURS

    def within(self, ip: str, first: datetime, last: datetime, port: int | None) -> Lookup:
        """The holder where only the span of the time is known: whoever had it all the while. Slower than `lookup`."""
        try:
            levels = self._levels(*self._over(ip))
        except (OSError, ValueError):
            return Nobody(AttributionReason.NO_SOURCE)
        return holder_within(levels, first, last, port) if levels else _NOT_OURS

    def sources(self, ip: str, at: datetime, width: int | None = None) -> set[int]:
        """The systems that lease the address: of the assignments around a time, of every range over it not wider than
        `width` (addresses less one). Slow: for the few that ask about what has just happened."""
        try:
            levels = self._levels(*self._over(ip))
        except (OSError, ValueError):
            return set()
        near = (a for level in levels for a in level.near(at))
        return {a.source for a in near if width is None or a.last - a.first <= width} - {0}

    def covers(self, ip: str) -> bool:
        """Has anybody ever held the address?"""
        try:
            ranges, node, new, changed = self._over(ip)
        except (OSError, ValueError):
            return False
        return node >= 0 if changed < 0 else bool(self._levels(ranges, node, new, changed))

    def _over(self, ip: str) -> tuple[Ranges, int, Ranges | None, int]:
        """The base and the chain over an address in it, the overlay and the chain there. Raises OSError, ValueError."""
        if ":" in ip:
            ranges, new, packed = self._six, self._new_six, inet_pton(AF_INET6, ip)
        else:
            ranges, new, packed = self._four, self._new_four, inet_pton(AF_INET, ip)
        return ranges, ranges.find(packed), new, new.find(packed) if new is not None else -1

    def _levels(self, ranges: Ranges, node: int, new: Ranges | None, changed: int) -> list[Level]:
        """What lies over an address, narrowest range first, the overlay's rows in the place of those they changed."""
        # By size: of two ranges that overlap and are as wide, neither is the narrower.
        parts: dict[int, list[_Part]] = {}
        for of in ranges.chain(node):
            parts.setdefault(ranges.size(of), []).append(_Part(ranges, of, self._changed if changed >= 0 else {}))
        if new is not None and changed >= 0:
            for of in new.chain(changed):
                parts.setdefault(new.size(of), []).append(_Part(new, of, {}))
        levels = [_Range(of) for _, of in sorted(parts.items())]
        return [level for level in levels if any(True for _ in level.ever())]

    # --- changing ----------------------------------------------------------------------

    def patched(self, rows: Rows) -> PrefixIndex:
        """The index after these rows were added or changed (by id). A row that ends when it begins is gone."""
        changed = dict(self._changed)
        changed.update({row[6]: (family, row) for family, some in rows.items() for row in some})
        return PrefixIndex().based_on(self._four, self._six, changed)

    def with_assignment(self, a: Assignment) -> PrefixIndex:
        """The index as it would be with one more assignment: for previews."""
        return self.patched({a.family: [row_of(a)]}) if a.family else self

    @property
    def overgrown(self) -> bool:
        """Is it time to build the base anew?"""
        return len(self._changed) > max(_LEAST_OVERLAY, _OVERLAY_SHARE * (len(self._four) + len(self._six)))

    def merged(self) -> PrefixIndex:
        """The same assignments in a new base. Takes seconds for millions: call it in a thread."""
        rows = {
            ranges.family: [row for row in ranges.rows() if row[6] not in self._changed]
            for ranges in (self._four, self._six)
        }
        for family, row in self._changed.values():
            rows[family].append(row)
        return PrefixIndex.of_rows(rows)

    def since(self, base: PrefixIndex) -> Rows:
        """What this index knows of changes that `base`, from which it came, did not: to patch its `merged()` with."""
        rows: dict[int, list[Row]] = {4: [], 6: []}
        for number, (family, row) in self._changed.items():
            if base._changed.get(number) != (family, row):
                rows[family].append(row)
        return rows

    def __len__(self) -> int:
        """Assignments; those that the overlay changed count twice."""
        return len(self._four) + len(self._six) + len(self._changed)


def _real(rows: Sequence[Row]) -> list[Row]:
    """Without what never held."""
    return [row for row in rows if row[4] < row[5]]


class _Part:
    """One range's rows in one of the two, without those that the overlay has in its stead."""

    __slots__ = ("_gone", "_of", "_ranges")

    def __init__(self, ranges: Ranges, of: int, gone: Mapping[int, object]) -> None:
        self._ranges = ranges
        self._of = of
        self._gone = gone

    def then(self, at: float, port: int | None, *, fitting: bool) -> Iterator[Assignment]:
        for low, high, start, end in self._ranges.groups(self._of):
            fits = (low, high) == WHOLE or (port is not None and low <= port <= high)
            if fits == fitting:
                yield from self._seen(self._ranges.holding(start, end, at))

    def near(self, at: float) -> Iterator[Assignment]:
        for _, _, start, end in self._ranges.groups(self._of):
            yield from self._seen(self._ranges.around(start, end, at, MOST_CANDIDATES))

    def ever(self) -> Iterator[Assignment]:
        for _, _, start, end in self._ranges.groups(self._of):
            yield from self._seen(range(start, end))

    def _seen(self, rows: Iterable[int]) -> Iterator[Assignment]:
        for row in rows:
            if self._ranges.id(row) not in self._gone:
                found = self._ranges.assignment(row)
                if found.valid_to is None or found.valid_from < found.valid_to:
                    yield found


class _Range:
    """A level: the ranges of one size over an address, from base and overlay together; nearly always one."""

    __slots__ = ("_parts",)

    def __init__(self, parts: list[_Part]) -> None:
        self._parts = parts

    def then(self, at: datetime, port: int | None) -> list[Assignment]:
        time = at.timestamp()
        fitting = [a for part in self._parts for a in part.then(time, port, fitting=True)]
        if port is not None and fitting:
            return fitting
        return fitting + [a for part in self._parts for a in part.then(time, port, fitting=False)]

    def near(self, at: datetime) -> list[Assignment]:
        time = math.inf if at.year == 9999 else at.timestamp()
        return [a for part in self._parts for a in part.near(time)]

    def ever(self) -> Iterator[Assignment]:
        return (a for part in self._parts for a in part.ever())

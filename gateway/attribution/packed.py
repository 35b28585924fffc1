"""Millions of address assignments in arrays: about a hundred bytes each, and a look-up by two bisections.

One `Ranges` holds one family. Ranges are cut into disjoint pieces; each piece leads to a chain of the ranges over it,
narrowest first; each range has its port blocks, each port block its rows in order of time. Must never be changed
once built, so that readers need no lock; must never decide (`holders` does).
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime
from socket import AF_INET, AF_INET6, inet_ntop

from gateway.model import Assignment, Use

# first, last, port_first, port_last, valid_from, valid_to (seconds, inf: no end), id, account, flags
Row = tuple[int, int, int, int, float, float, int, int, int]

WHOLE = (0, 65535)
MANUAL, SHARED, PROTECTED = 1, 2, 4
_SOURCE_BITS = 3  # of the flags, the number of its source stands above them
MOST_SOURCES = 31  # numbers; more sources share the last
SPECIAL = SHARED | PROTECTED

# What a range's rows look like: of the whole address, one after the other; or anything that has to be weighed, such as
# a range beside another one of its size.
SUCCESSION, MIXED = 0, 1

_NONE, _CLOSELY = -1, -2
_LOW = (1 << 64) - 1
_WIDTH = {4: 4, 6: 16}  # bytes of an address
_FLAGS = {Use.EXCLUSIVE: 0, Use.SHARED: SHARED, Use.PROTECTED: PROTECTED}


def row_of(a: Assignment) -> Row:
    """An assignment of an address as it is packed."""
    ports = WHOLE if a.port_first is None or a.port_last is None else (a.port_first, a.port_last)
    end = math.inf if a.valid_to is None else a.valid_to.timestamp()
    flags = _FLAGS[a.use] | (MANUAL if a.manual else 0) | a.source << _SOURCE_BITS
    return (a.first, a.last, *ports, a.valid_from.timestamp(), end, a.id, a.account_id, flags)


def resource_text(family: int, first: int, last: int) -> str:
    """A range as people write it: address, prefix, or `a-b`."""
    kind, width = (AF_INET6, 16) if family == 6 else (AF_INET, 4)
    low = inet_ntop(kind, first.to_bytes(width))
    size = last - first + 1
    if size == 1:
        return low
    if size & (size - 1) == 0 and first % size == 0:
        return f"{low}/{8 * width - size.bit_length() + 1}"
    return f"{low}-{inet_ntop(kind, last.to_bytes(width))}"


class Ranges:
    """The assignments of one family. Built from rows, which it sorts in place."""

    __slots__ = (
        "_buckets", "_firsts", "_flags", "_group_row", "_high", "_id", "_kind", "_lasts", "_latest", "_low",
        "_node_next", "_node_range", "_nodes", "_port_first", "_port_last", "_range_group", "_range_row", "_starts",
        "_valid_from", "_valid_to", "_width", "accounts", "family",
    )  # fmt: skip

    def __init__(self, family: int, rows: list[Row]) -> None:
        self.family = family
        self._width = _WIDTH[family]
        rows.sort()
        bounds = self._keep_rows(rows)
        self._keep_pieces(bounds)

    def __len__(self) -> int:
        return len(self._id)

    # --- asking ------------------------------------------------------------------------

    def find(self, packed: bytes) -> int:
        """The chain over an address (network byte order); negative: none."""
        return self._nodes[self._piece(int.from_bytes(packed))]

    def holder(self, packed: bytes, at: float) -> int:
        """The row that holds an address at a time, where nothing is to be weighed; -1: nobody ever held the
        address; -2: it has to be looked at closely."""
        number = int.from_bytes(packed)
        if self._high is None:  # as in _piece: a call less is a tenth of the time
            top = number >> 16
            piece = bisect_right(self._starts, number, self._buckets[top], self._buckets[top + 1])
        else:
            top = number >> 64
            piece = bisect_right(self._high, top)
            if self._low[piece] and self._high[piece - 1] == top:
                piece = self._piece(number)
        row = self._latest[piece]
        if row < 0 or self._valid_from[row] <= at < self._valid_to[row]:
            return row
        return self._in_succession(self._nodes[piece], at)

    def _in_succession(self, node: int, at: float) -> int:
        while node >= 0:
            of = self._node_range[node]
            if self._kind[of] == MIXED:
                return _CLOSELY
            start = self._range_row[of]
            row = bisect_right(self._valid_from, at, start, self._range_row[of + 1]) - 1
            if row >= start and at < self._valid_to[row]:
                return row
            node = self._node_next[node]
        return _CLOSELY

    def _piece(self, number: int) -> int:
        """How many pieces start at or before an address. Of IPv6 the upper half decides nearly always."""
        if self._high is None:
            top = number >> 16
            return bisect_right(self._starts, number, self._buckets[top], self._buckets[top + 1])
        top = number >> 64
        end = bisect_right(self._high, top)
        first = bisect_left(self._high, top, 0, end)
        return bisect_right(self._low, number & _LOW, first + 1, end + 1) - 1

    def chain(self, node: int) -> Iterator[int]:
        """The ranges of a chain, narrowest first."""
        while node >= 0:
            yield self._node_range[node]
            node = self._node_next[node]

    def bounds(self, of: int) -> tuple[int, int]:
        """First and last address of a range."""
        start, end = of * self._width, (of + 1) * self._width
        return int.from_bytes(self._firsts[start:end]), int.from_bytes(self._lasts[start:end])

    def size(self, of: int) -> int:
        """One less than the addresses of a range."""
        first, last = self.bounds(of)
        return last - first

    def groups(self, of: int) -> Iterator[tuple[int, int, int, int]]:
        """(port_first, port_last, first row, row behind the last) of each port block of a range."""
        for group in range(self._range_group[of], self._range_group[of + 1]):
            yield self._port_first[group], self._port_last[group], self._group_row[group], self._group_row[group + 1]

    def holding(self, start: int, end: int, at: float) -> list[int]:
        """Those rows of one port block that hold at a time."""
        last = bisect_right(self._valid_from, at, start, end)
        return [row for row in range(start, last) if at < self._valid_to[row]] if last > start else []

    def around(self, start: int, end: int, at: float, most: int) -> range:
        """The rows of one port block that began nearest to a time."""
        middle = bisect_right(self._valid_from, at, start, end)
        return range(max(start, middle - most), min(end, middle + most))

    def id(self, row: int) -> int:
        return self._id[row]

    def assignment(self, row: int) -> Assignment:
        """A row as everybody else knows it."""
        group = bisect_right(self._group_row, row) - 1
        of = bisect_right(self._range_group, group) - 1
        first, last = self.bounds(of)
        ports = self._port_first[group], self._port_last[group]
        low, high = (None, None) if ports == WHOLE else ports
        flags, end = self._flags[row], self._valid_to[row]
        use = Use.PROTECTED if flags & PROTECTED else Use.SHARED if flags & SHARED else Use.EXCLUSIVE
        return Assignment(
            self._id[row], self.accounts[row], resource_text(self.family, first, last), self.family, first, last,
            low, high, datetime.fromtimestamp(self._valid_from[row], UTC),
            None if end == math.inf else datetime.fromtimestamp(end, UTC), manual=bool(flags & MANUAL), use=use,
            source=flags >> _SOURCE_BITS,
        )  # fmt: skip

    def rows(self) -> Iterator[Row]:
        """Every row again, to build another from."""
        for of in range(len(self._kind)):
            first, last = self.bounds(of)
            for low, high, start, end in self.groups(of):
                for row in range(start, end):
                    yield (
                        first, last, low, high, self._valid_from[row], self._valid_to[row],
                        self._id[row], self.accounts[row], self._flags[row],
                    )  # fmt: skip

    # --- building ----------------------------------------------------------------------

    def _keep_rows(self, rows: list[Row]) -> list[tuple[int, int]]:
        """The rows in their columns. Returns the ranges' bounds."""
        self._valid_from = array("d", (row[4] for row in rows))
        self._valid_to = array("d", (row[5] for row in rows))
        self._id = array("q", (row[6] for row in rows))
        self.accounts = array("I", (row[7] for row in rows))
        self._flags = bytes(row[8] for row in rows)
        self._port_first, self._port_last = array("H"), array("H")
        self._group_row, self._range_group, self._range_row = array("I"), array("I"), array("I")
        bounds: list[tuple[int, int]] = []
        before: tuple[int, int] | None = None
        ports: tuple[int, int] | None = None
        for number, row in enumerate(rows):
            here = row[0], row[1]
            if here != before:
                bounds.append(here)
                self._range_group.append(len(self._group_row))
                self._range_row.append(number)
                before, ports = here, None
            block = row[2], row[3]
            if block != ports:
                self._group_row.append(number)
                self._port_first.append(block[0])
                self._port_last.append(block[1])
                ports = block
        self._range_group.append(len(self._group_row))
        self._range_row.append(len(rows))
        self._group_row.append(len(rows))
        self._firsts = b"".join([first.to_bytes(self._width) for first, _ in bounds])
        self._lasts = b"".join([last.to_bytes(self._width) for _, last in bounds])
        self._kind = bytearray(self._kind_of(of) for of in range(len(bounds)))
        return bounds

    def _kind_of(self, of: int) -> int:
        group = self._range_group[of]
        if self._range_group[of + 1] != group + 1 or (self._port_first[group], self._port_last[group]) != WHOLE:
            return MIXED
        start, end = self._range_row[of], self._range_row[of + 1]
        if any(flags & SPECIAL for flags in self._flags[start:end]):
            return MIXED
        after = all(self._valid_to[row - 1] <= self._valid_from[row] for row in range(start + 1, end))
        return SUCCESSION if after else MIXED

    def _keep_pieces(self, bounds: list[tuple[int, int]]) -> None:
        """Where each disjoint piece starts, and the chain of the ranges over it. Before the first there is none."""
        self._node_range, self._node_next = array("I"), array("i")
        starts: list[int] = []
        self._nodes = array("i", [_NONE])
        closing = sorted(range(len(bounds)), key=lambda of: bounds[of][1])
        known: dict[int, int] = {}
        active: list[tuple[int, int]] = []  # (size, range): the narrowest first
        opened = closed = 0
        while closed < len(closing):
            at = bounds[closing[closed]][1] + 1
            if opened < len(bounds):
                at = min(at, bounds[opened][0])
            while closed < len(closing) and bounds[closing[closed]][1] + 1 == at:
                of = closing[closed]
                del active[bisect_left(active, (bounds[of][1] - bounds[of][0], of))]
                closed += 1
            while opened < len(bounds) and bounds[opened][0] == at:
                self._open(active, (bounds[opened][1] - bounds[opened][0], opened))
                opened += 1
            starts.append(at)
            self._nodes.append(self._node(active, known))
        self._keep_starts(starts)
        self._latest = array("i", map(self._latest_row, self._nodes))

    def _open(self, active: list[tuple[int, int]], one: tuple[int, int]) -> None:
        """One more range over what comes. Its neighbours of the same size and it are no succession any more."""
        place = bisect_left(active, one)
        for size, of in (*active[max(0, place - 1) : place], *active[place : place + 1]):
            if size == one[0]:
                self._kind[of] = self._kind[one[1]] = MIXED
        active.insert(place, one)

    def _latest_row(self, node: int) -> int:
        """Who nearly always holds a piece: the latest of its narrowest range."""
        if node < 0:
            return _NONE
        of = self._node_range[node]
        return self._range_row[of + 1] - 1 if self._kind[of] == SUCCESSION else _CLOSELY

    def _node(self, active: list[tuple[int, int]], known: dict[int, int]) -> int:
        """The chain of these ranges; what two pieces have in common is kept once."""
        node = _NONE
        for _, of in reversed(active):
            key = of << 32 | node + 1
            found = known.get(key)
            if found is None:
                found = known[key] = len(self._node_range)
                self._node_range.append(of)
                self._node_next.append(node)
            node = found
        return node

    def _keep_starts(self, starts: list[int]) -> None:
        beyond = 1 << 8 * self._width
        if starts and starts[-1] == beyond:  # the end of the highest address: nothing is asked there
            starts.pop()
            self._nodes.pop()
        self._starts: array[int] = array("I")
        self._buckets: list[int] = []  # of IPv4: how many pieces start below each /16
        self._high: list[int] | None = None  # of IPv6: the upper halves of the starts, as integers
        self._low: array[int] = array("Q", [0])  # and the lower ones, each one place further
        if self._width == 4:
            self._starts.extend(starts)
            for number, start in enumerate(starts):
                self._buckets += [number] * ((start >> 16) + 1 - len(self._buckets))
            self._buckets += [len(starts)] * ((1 << 16) + 1 - len(self._buckets))
            return
        self._high = [start >> 64 for start in starts]
        self._low.extend(start & _LOW for start in starts)

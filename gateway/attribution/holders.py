"""Who held a resource at a time, out of those who ever did: the rules that addresses and names share.

Works on levels, the narrowest first; each level is one range or one name with all its assignments. Must never
guess: two answers are no answer, and each `Nobody` says why and whom staff may ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from operator import itemgetter
from typing import Protocol

from gateway.model import Assignment, AttributionReason, Holder, Use

MOST_CANDIDATES = 10
MOST_HISTORY = 200  # assignments of one address up to which an unknown time is thought through


class Stored(Protocol):
    """Assignments kept as columns: a row becomes an `Assignment` only when somebody looks at it."""

    def assignment(self, row: int) -> Assignment: ...


class Found(tuple[Stored, int, int]):
    """The one holder: (columns, row, account). One is made for every look-up, so it is a tuple and reads on demand."""

    __slots__ = ()
    account_id = property(itemgetter(2))

    @property
    def assignment(self) -> Assignment:
        return self[0].assignment(self[1])


@dataclass(frozen=True, slots=True)
class _One:
    """An assignment that is no column."""

    one: Assignment

    def assignment(self, _row: int) -> Assignment:
        return self.one


class Nobody:
    """Why there is no holder. `candidates`: who may have been meant, likeliest first, at most `MOST_CANDIDATES`;
    thought of only when somebody asks, since most look-ups want the reason alone."""

    __slots__ = ("_who", "reason")

    def __init__(self, reason: AttributionReason, who: Callable[[], tuple[Holder, ...]] = tuple) -> None:
        self.reason = reason
        self._who = who

    @property
    def candidates(self) -> tuple[Holder, ...]:
        return self._who()


Lookup = Found | Nobody


class Level(Protocol):
    """All assignments of one range or one name."""

    def then(self, at: datetime, port: int | None) -> list[Assignment]:
        """Those that held at `at`. With a port, only those that may hold it, unless there are none."""
        ...

    def near(self, at: datetime) -> list[Assignment]:
        """Those nearest to `at`, some before and some after, where nobody held it; a bounded number."""
        ...

    def ever(self) -> Iterator[Assignment]: ...


@dataclass(frozen=True, slots=True)
class Rows:
    """A level that is a plain sequence."""

    rows: Sequence[Assignment]

    def then(self, at: datetime, port: int | None) -> list[Assignment]:
        held = [a for a in self.rows if holds(a, at)]
        if port is None:  # who holds ports makes the address a shared one: they must be seen
            return held
        return [a for a in held if fits(a, port)] or held

    def near(self, at: datetime) -> list[Assignment]:
        return sorted(self.rows, key=lambda a: _distance(a, at))[:MOST_CANDIDATES]

    def ever(self) -> Iterator[Assignment]:
        return iter(self.rows)


def holder_at(levels: Sequence[Level], at: datetime | None, port: int | None) -> Lookup:
    """The holder at `at` (aware UTC; None: not known). `port` counts only where an address is shared."""
    if at is None:
        return _holder_ever(levels, port)
    for level in levels:
        if then := level.then(at, port):
            return _among(then, port)

    def near() -> tuple[Holder, ...]:
        return holders(sorted((a for level in levels for a in level.near(at)), key=lambda a: _distance(a, at)), at)

    return Nobody(AttributionReason.NOT_ASSIGNED_THEN, near)


def holder_within(levels: Sequence[Level], first: datetime, last: datetime, port: int | None) -> Lookup:
    """The holder at a time of which only the span is known: one who had it from `first` to `last`, and alone."""
    turns = {first}
    for level in levels:
        for a in level.ever():
            turns.update(t for t in (a.valid_from, a.valid_to) if t is not None and first < t <= last)
    outcomes: dict[object, Lookup] = {}
    for time in sorted(turns)[:MOST_HISTORY]:
        outcome = holder_at(levels, time, port)
        outcomes.setdefault(outcome.account_id if isinstance(outcome, Found) else outcome.reason, outcome)
    if len(outcomes) == 1 and len(turns) <= MOST_HISTORY:
        return next(iter(outcomes.values()))
    return _no_time(outcomes.values())


def one_of(lookups: Sequence[Lookup]) -> Lookup:
    """What clocks that differ agree on: the first, unless by another one it was somebody else's, or nobody's."""
    named = {found.account_id if isinstance(found, Found) else None for found in lookups}
    return _no_time(lookups) if len(named) > 1 and isinstance(lookups[0], Found) else lookups[0]


def _no_time(lookups: Iterable[Lookup]) -> Nobody:
    found = [one.assignment for one in lookups if isinstance(one, Found)]
    return Nobody(AttributionReason.NO_TIME, lambda: holders(found, None))


def holds(a: Assignment, at: datetime) -> bool:
    return a.valid_from <= at and (a.valid_to is None or at < a.valid_to)


def fits(a: Assignment, port: int | None) -> bool:
    """May this assignment be the one for a port? The whole address always may."""
    return a.port_first is None or a.port_last is None or (port is not None and a.port_first <= port <= a.port_last)


def _holder_ever(levels: Sequence[Level], port: int | None) -> Lookup:
    """Without a time: found only where every time that had a holder had the same one."""
    ever = list(islice((a for level in levels for a in level.ever()), MOST_HISTORY + 1))
    if len(ever) > MOST_HISTORY:
        ever = [a for level in levels for a in level.near(datetime.max.replace(tzinfo=UTC))]
    else:
        plain = [Rows(tuple(level.ever())) for level in levels]
        times = {a.valid_from for a in ever} | {a.valid_to for a in ever if a.valid_to}
        outcomes: dict[object, Lookup] = {}
        for time in sorted(times):
            if any(holds(a, time) for a in ever):
                outcome = holder_at(plain, time, port)
                outcomes[outcome.account_id if isinstance(outcome, Found) else outcome.reason] = outcome
        if len(outcomes) == 1:
            return next(iter(outcomes.values()))
    latest_first = sorted(ever, key=lambda a: a.valid_from, reverse=True)
    return Nobody(AttributionReason.NO_TIME, lambda: holders(latest_first, None))


def _among(then: list[Assignment], port: int | None) -> Lookup:
    """One of those who held the same range at the same time: a port block is narrower than the whole address,
    and what a person entered stands above what a system brought."""
    whole = [a for a in then if a.port_first is None]
    blocks = [a for a in then if a.port_first is not None]
    if blocks and port is None:
        return Nobody(AttributionReason.SHARED_ADDRESS, lambda: holders(then, None))
    of_port = [a for a in blocks if fits(a, port)] or whole
    of_port = [a for a in of_port if a.manual] or of_port
    if not of_port:
        return Nobody(AttributionReason.NOT_ASSIGNED_THEN, lambda: holders(blocks, None))
    if any(a.use is Use.PROTECTED for a in of_port):
        return Nobody(AttributionReason.PROTECTED)
    if len({a.account_id for a in of_port}) > 1 or any(a.use is Use.SHARED for a in of_port):
        return Nobody(AttributionReason.SHARED_ADDRESS, lambda: holders(of_port, None))
    return Found((_One(of_port[0]), 0, of_port[0].account_id))


def holders(assignments: Iterable[Assignment], at: datetime | None) -> tuple[Holder, ...]:
    """Candidates for staff in the order given, each account once."""
    found: dict[int, Holder] = {}
    for a in assignments:
        if len(found) == MOST_CANDIDATES:
            break
        found.setdefault(a.account_id, Holder(a.account_id, _why(a, at)))
    return tuple(found.values())


def _why(a: Assignment, at: datetime | None) -> str:
    ports = "" if a.port_first is None else f" ports {a.port_first}-{a.port_last}"
    what = f"{a.resource}{ports}"
    if at and a.valid_to and a.valid_to <= at:
        return f"had {what} until {day(a.valid_to)}"
    if at and a.valid_from > at:
        return f"has {what} only since {day(a.valid_from)}"
    until = f" until {day(a.valid_to)}" if a.valid_to else ""
    return f"holds {what} from {day(a.valid_from)}{until}"


def _distance(a: Assignment, at: datetime) -> float:
    """Seconds between a time and the nearer end of a validity that does not contain it."""
    nearer = a.valid_from if a.valid_from > at else a.valid_to or at
    return abs((nearer - at).total_seconds())


def day(time: datetime) -> str:
    """`3 Nov 2026`, with the time where it is not midnight. UTC."""
    text = f"{time.day} {time:%b %Y}"
    return text if (time.hour, time.minute) == (0, 0) else f"{text} {time:%H:%M} UTC"

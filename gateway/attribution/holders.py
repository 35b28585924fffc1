"""Who held a resource at a time, out of those who ever did: the rules that addresses and hosts share.

Works on the assignments of one resource, narrowest first. Must never guess: two answers are no answer,
and each `Nobody` says why and whom staff may ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.model import Assignment, AttributionReason, Holder

MOST_CANDIDATES = 10


@dataclass(frozen=True, slots=True)
class Found:
    assignment: Assignment


@dataclass(frozen=True, slots=True)
class Nobody:
    """`candidates`: who may have been meant, likeliest first, at most `MOST_CANDIDATES`."""

    reason: AttributionReason
    candidates: tuple[Holder, ...] = ()


Lookup = Found | Nobody

# All assignments of one range or one name; the narrowest range or longest name comes first.
Levels = Sequence[Sequence[Assignment]]


def holder_at(levels: Levels, at: datetime | None, port: int | None) -> Lookup:
    """The holder at `at` (aware UTC; None: not known). `port` counts only where an address is shared."""
    if at is None:
        return _holder_ever(levels, port)
    for level in levels:
        then = [a for a in level if a.valid_from <= at and (a.valid_to is None or at < a.valid_to)]
        if then:
            return _among(then, port)
    ever = sorted((a for level in levels for a in level), key=lambda a: _distance(a, at))
    return Nobody(AttributionReason.NOT_ASSIGNED_THEN, holders(ever, at))


def _holder_ever(levels: Levels, port: int | None) -> Lookup:
    """Without a time: found only where every time that had a holder had the same one."""
    ever = [a for level in levels for a in level]
    times = {a.valid_from for a in ever} | {a.valid_to for a in ever if a.valid_to}
    outcomes: dict[object, Lookup] = {}
    for time in sorted(times):
        if any(a.valid_from <= time and (a.valid_to is None or time < a.valid_to) for a in ever):
            outcome = holder_at(levels, time, port)
            outcomes[outcome.assignment.account_id if isinstance(outcome, Found) else outcome] = outcome
    if len(outcomes) == 1:
        return next(iter(outcomes.values()))
    latest_first = sorted(ever, key=lambda a: a.valid_from, reverse=True)
    return Nobody(AttributionReason.NO_TIME, holders(latest_first, None))


def _among(then: list[Assignment], port: int | None) -> Lookup:
    """One of those who held the same range at the same time: a port block is narrower than the whole address."""
    if len(then) == 1 and then[0].port_first is None:  # nearly always
        return Found(then[0])
    whole = [a for a in then if a.port_first is None or a.port_last is None]
    blocks = [a for a in then if a.port_first is not None and a.port_last is not None]
    if blocks and port is None:
        return Nobody(AttributionReason.SHARED_ADDRESS, holders(then, None))
    inside = [a for a in blocks if port is not None and (a.port_first or 0) <= port <= (a.port_last or 0)]
    of_port = inside or whole
    if not of_port:
        return Nobody(AttributionReason.NOT_ASSIGNED_THEN, holders(blocks, None))
    if len({a.account_id for a in of_port}) > 1:
        return Nobody(AttributionReason.SHARED_ADDRESS, holders(of_port, None))
    return Found(of_port[0])


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

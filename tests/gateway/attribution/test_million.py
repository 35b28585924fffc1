"""Random questions over overlapping assignments: the index, patched and not, against a scan of the list.

Fifty thousand in the suite; `make million` asks all of them (ARFGATE_QUESTIONS=1000000).

The model looks at every assignment and knows nothing of pieces, chains, port groups or overlays.
"""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from gateway.attribution.packed import row_of
from gateway.attribution.prefixes import Found, PrefixIndex
from gateway.model import Assignment, Use
from gateway.model import AttributionReason as Why

JAN = datetime(2026, 1, 1, tzinfo=UTC)
ASKED = int(os.environ.get("ARFGATE_QUESTIONS", "50000"))
WORLDS = 250
FAR = 10_000  # hours: an end that no question reaches
BASES = {4: int(ip_address("192.0.2.0")), 6: int(ip_address("2001:db8::ffff:ffff:ffff:fff0"))}

HOURS = [JAN + timedelta(hours=hour) for hour in range(27)]
ADDRESSES = [
    (family, str(ip_address(number)), number) for family, base in BASES.items() for number in range(base - 1, base + 33)
]


def assignment(chance: random.Random, number: int) -> Assignment:
    """One of a small world: 32 addresses that straddle an IPv6 half, 24 hours, 8 ports."""
    family = 6 if chance.random() < 0.3 else 4
    if chance.random() < 0.7:
        size = 1 << chance.randrange(5)
        first = chance.randrange(32) // size * size
        last = first + size - 1
    else:
        first, last = sorted((chance.randrange(32), chance.randrange(32)))
    low, high = None, None
    if chance.random() < 0.3:
        low, high = sorted((chance.randrange(8), chance.randrange(8)))
    start = chance.randrange(20)
    end = None if chance.random() < 0.3 else JAN + timedelta(hours=start + chance.randrange(1, 12))
    use = chance.choices((Use.EXCLUSIVE, Use.SHARED, Use.PROTECTED), (20, 1, 1))[0]
    base, manual = BASES[family], chance.random() < 0.1
    return Assignment(
        number, chance.randrange(1, 6), "x", family, base + first, base + last, low, high,
        JAN + timedelta(hours=start), end, manual=manual, use=use,
    )  # fmt: skip


def plain(assignments: list[Assignment]) -> list[tuple]:
    """The list to scan: numbers, so that a million scans end today."""
    return [
        (
            a.family, a.first, a.last, a.port_first, a.port_last, (a.valid_from - JAN) // timedelta(hours=1),
            FAR if a.valid_to is None else (a.valid_to - JAN) // timedelta(hours=1), a.account_id, a.manual, a.use,
        )
        for a in assignments
    ]  # fmt: skip


def scan(held: list[tuple], family: int, number: int, hour: int, port: int | None) -> int | Why:
    """What is true of an address at an hour, by looking at everything."""
    over = [a for a in held if a[0] == family and a[1] <= number <= a[2]]
    if not over:
        return Why.NOT_OURS
    then = [a for a in over if a[5] <= hour < a[6]]
    if not then:
        return Why.NOT_ASSIGNED_THEN
    least = min(a[2] - a[1] for a in then)
    narrowest = [a for a in then if a[2] - a[1] == least]  # of ranges as wide as each other none is narrower
    blocks = [a for a in narrowest if a[3] is not None]
    if blocks and port is None:
        return Why.SHARED_ADDRESS
    fitting = [a for a in blocks if a[3] <= port <= a[4]] or [a for a in narrowest if a[3] is None]
    fitting = [a for a in fitting if a[8]] or fitting  # a person's word above a system's
    if not fitting:
        return Why.NOT_ASSIGNED_THEN
    if any(a[9] is Use.PROTECTED for a in fitting):
        return Why.PROTECTED
    accounts = {a[7] for a in fitting}
    if len(accounts) > 1 or any(a[9] is Use.SHARED for a in fitting):
        return Why.SHARED_ADDRESS
    return accounts.pop()


def changed(
    chance: random.Random, assignments: list[Assignment], numbers: Iterator[int]
) -> tuple[list[Assignment], list[Assignment]]:
    """(the list after a turn of leases, what changed): some end, some are withdrawn, some are new."""
    after, changes = [], []
    for a in assignments:
        if chance.random() < 0.15:
            changes.append(replace(a, valid_to=a.valid_from + timedelta(hours=chance.randrange(0, 6))))
            after.append(changes[-1])
        else:
            after.append(a)
    fresh = [assignment(chance, next(numbers)) for _ in range(chance.randrange(8))]
    # one that ends when it begins never held
    real = [a for a in after + fresh if a.valid_to is None or a.valid_from < a.valid_to]
    return real, changes + fresh


def rows(assignments: list[Assignment]) -> dict[int, list]:
    return {family: [row_of(a) for a in assignments if a.family == family] for family in (4, 6)}


def test_questions_are_answered_as_by_looking_at_every_assignment():
    chance = random.Random(20261121)
    seen: dict[object, int] = {}
    for world in range(WORLDS):
        numbers = itertools.count(1)
        held = [assignment(chance, next(numbers)) for _ in range(chance.randrange(4, 28))]
        index = PrefixIndex(held)
        if world % 2:  # every other world has changed since its index was built
            for _ in range(chance.randrange(1, 3)):
                held, changes = changed(chance, held, numbers)
                index = index.patched(rows(changes))
            if world % 4 == 1:
                index = index.merged()
        model = plain(held)
        for _ in range(ASKED // WORLDS):
            family, ip, number = ADDRESSES[int(chance.random() * len(ADDRESSES))]
            hour = int(chance.random() * 27)
            port = int(chance.random() * 11)
            port = None if port > 7 else port
            found = index.lookup(ip, HOURS[hour], port)
            got = found.account_id if isinstance(found, Found) else found.reason
            assert got == scan(model, family, number, hour, port), (world, ip, hour, port)
            seen[got] = seen.get(got, 0) + 1
    assert sum(seen.values()) == ASKED // WORLDS * WORLDS
    # none of the possible answers is a rarity, or the test would not try it
    wanted = (*range(1, 6), Why.NOT_OURS, Why.NOT_ASSIGNED_THEN, Why.SHARED_ADDRESS, Why.PROTECTED)
    assert min(seen[answer] for answer in wanted) > ASKED // 200, seen

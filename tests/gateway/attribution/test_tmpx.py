"""Longest match over ranges with times and ports; a plain scan of the list is the model."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.attribution.prefixes import Found, Lookup, Nobody, PrefixIndex
from gateway.model import Assignment
from gateway.model import AttributionReason as Why

JAN = datetime(2026, 1, 1, tzinfo=UTC)
NOV3 = datetime(2026, 11, 3, tzinfo=UTC)
NOV5 = datetime(2026, 11, 5, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def held(
    account: int,
    resource: str,
    ports: tuple[int, int] | None = None,
    start: datetime = JAN,
    end: datetime | None = None,
    number: int = 0,
) -> Assignment:
    if "-" in resource:
        first, last = (int(IPv4Address(part)) for part in resource.split("-"))
        family = 4
    else:
        net = ip_network(resource)
        family, first, last = net.version, int(net[0]), int(net[-1])
    return Assignment(number or account, account, resource, family, first, last, *(ports or (None, None)), start, end)


INDEX = PrefixIndex(
    [
        held(1, "192.0.2.0/24"),
        held(2, "192.0.2.0/26", end=NOV3),
        held(3, "192.0.2.0/26", start=NOV5),
        held(4, "192.0.2.7", start=NOV3, end=NOV5),
        held(5, "198.51.100.1", (1024, 2047)),
        held(6, "198.51.100.1", (2048, 4095)),
        held(7, "198.51.100.2", end=NOV3),
        held(8, "198.51.100.2", start=NOV5),
        held(9, "198.51.100.3", end=NOV3),
        held(10, "198.51.100.4"),
        held(11, "198.51.100.4", (5000, 5999)),
        held(12, "198.51.100.10-198.51.100.20"),
        held(13, "198.51.100.16/30"),
        held(14, "2001:db8::/32"),
        held(15, "2001:db8:1::/48"),
        held(16, "203.0.113.0/24"),
        held(17, "203.0.113.0/24", number=18),
        held(19, "0.0.0.0/32"),
        held(20, "255.255.255.255/32"),
        held(22, "198.51.100.30", number=40),
        held(22, "198.51.100.30", number=41, start=NOV3),
        held(23, "198.51.100.31"),
        held(24, "198.51.100.0/24", start=NOV5, end=NOW),
        held(25, "198.51.100.40-198.51.100.49"),
        held(26, "198.51.100.45-198.51.100.54"),
        held(27, "198.51.100.50-198.51.100.59", start=NOV5),
    ]
)

LOOKUPS = [
    # (name, address, time, port, account or reason)
    ("inside a /24", "192.0.2.200", NOW, None, 1),
    ("the narrower /26", "192.0.2.8", NOW, None, 3),
    ("its former holder then", "192.0.2.8", JAN, None, 2),
    ("between two holders the wider one", "192.0.2.8", NOV3, None, 1),
    ("the narrowest, in its two days", "192.0.2.7", NOV3 + timedelta(hours=1), None, 4),
    ("valid_to is excluded", "192.0.2.7", NOV5, None, 3),
    ("valid_from is included", "192.0.2.7", NOV3, None, 4),
    ("before anybody", "192.0.2.8", JAN - timedelta(seconds=1), None, Why.NOT_ASSIGNED_THEN),
    ("first address of a range", "192.0.2.0", NOW, None, 3),
    ("last address of a range", "192.0.2.255", NOW, None, 1),
    ("one behind it", "192.0.3.0", NOW, None, Why.NOT_OURS),
    ("one before it", "192.0.1.255", NOW, None, Why.NOT_OURS),
    ("shared, no port", "198.51.100.1", NOW, None, Why.SHARED_ADDRESS),
    ("shared, first block", "198.51.100.1", NOW, 1024, 5),
    ("shared, its last port", "198.51.100.1", NOW, 2047, 5),
    ("shared, second block", "198.51.100.1", NOW, 2048, 6),
    ("shared, port outside every block", "198.51.100.1", NOW, 80, Why.NOT_ASSIGNED_THEN),
    ("shared, port 0", "198.51.100.1", NOW, 0, Why.NOT_ASSIGNED_THEN),
    ("gap in history", "198.51.100.2", NOV3 + timedelta(days=1), None, Why.NOT_ASSIGNED_THEN),
    ("no time, two holders", "198.51.100.2", None, None, Why.NO_TIME),
    ("no time, narrower history differs", "192.0.2.8", None, None, Why.NO_TIME),
    ("no time, one holder", "192.0.2.200", None, None, 1),
    ("no time, one holder twice, under a later wider one", "198.51.100.30", None, None, 22),
    ("no time, shared with port", "198.51.100.1", None, 3000, 6),
    ("whole address beside a block, port in it", "198.51.100.4", NOW, 5000, 11),
    ("whole address beside a block, port outside", "198.51.100.4", NOW, 80, 10),
    ("whole address beside a block, no port", "198.51.100.4", NOW, None, Why.SHARED_ADDRESS),
    ("port is no matter where nothing is shared", "192.0.2.200", NOW, 80, 1),
    ("range a-b", "198.51.100.10", NOW - timedelta(days=30), None, 12),
    ("narrower prefix across a range", "198.51.100.17", NOW, None, 13),
    ("range goes on behind it", "198.51.100.20", NOW, None, 12),
    ("v6", "2001:db8:2::1", NOW, None, 14),
    ("v6, narrower", "2001:db8:1:ffff:ffff:ffff:ffff:ffff", NOW, None, 15),
    ("v6 outside", "2001:db9::1", NOW, None, Why.NOT_OURS),
    ("two holders of one range at one time", "203.0.113.9", NOW, None, Why.SHARED_ADDRESS),
    ("two ranges of one size", "198.51.100.47", NOW, None, Why.SHARED_ADDRESS),
    ("two ranges of one size, where only the first is", "198.51.100.44", NOW, None, 25),
    ("two ranges of one size, where only the second is", "198.51.100.50", JAN, None, 26),
    ("two ranges of one size, the later one", "198.51.100.52", NOW, None, Why.SHARED_ADDRESS),
    ("lowest address", "0.0.0.0", NOW, None, 19),
    ("highest address", "255.255.255.255", NOW, None, 20),
    ("no address", "mail.example.net", NOW, None, Why.NO_SOURCE),
    ("empty", "", NOW, None, Why.NO_SOURCE),
    ("NUL", "192.0.2.1\0", NOW, None, Why.NO_SOURCE),
]


def outcome(found: Lookup) -> int | Why:
    return found.assignment.account_id if isinstance(found, Found) else found.reason


@pytest.mark.parametrize(
    ("ip", "at", "port", "expected"), [case[1:] for case in LOOKUPS], ids=[case[0] for case in LOOKUPS]
)
def test_holder_of_an_address(ip: str, at: datetime | None, port: int | None, expected: int | Why) -> None:
    assert outcome(INDEX.lookup(ip, at, port)) == expected


def candidates(ip: str, at: datetime | None, port: int | None = None) -> list[tuple[int, str]]:
    found = INDEX.lookup(ip, at, port)
    assert isinstance(found, Nobody)
    return [(one.account_id, one.why) for one in found.candidates]


def test_gap_names_the_holders_before_and_after_nearest_first() -> None:
    assert candidates("198.51.100.3", NOV5 - timedelta(seconds=1)) == [
        (24, "has 198.51.100.0/24 only since 5 Nov 2026"),
        (9, "had 198.51.100.3 until 3 Nov 2026"),
    ]


def test_shared_address_names_all_holders_with_their_ports() -> None:
    assert candidates("198.51.100.1", NOW) == [
        (5, "holds 198.51.100.1 ports 1024-2047 from 1 Jan 2026"),
        (6, "holds 198.51.100.1 ports 2048-4095 from 1 Jan 2026"),
    ]
    assert [account for account, _ in candidates("198.51.100.1", NOW, 80)] == [5, 6]


def test_unknown_time_names_every_holder_the_latest_first() -> None:
    assert candidates("198.51.100.2", None)[0][0] in {24, 8}
    assert {account for account, _ in candidates("198.51.100.2", None)} == {7, 8, 24}


def test_candidates_are_few_whatever_the_history() -> None:
    index = PrefixIndex(
        [held(n, "192.0.2.1", start=JAN + timedelta(days=n), end=JAN + timedelta(days=n + 1)) for n in range(50)]
    )
    found = index.lookup("192.0.2.1", None, None)
    assert isinstance(found, Nobody)
    assert [one.account_id for one in found.candidates] == list(range(49, 39, -1))


SPANS = [
    # (name, address, first, last, port, account or reason)
    ("one holder all the while", "192.0.2.200", NOV3, NOW, None, 1),
    ("it changed hands at the end of the span", "192.0.2.7", NOV3, NOV5, None, Why.NO_TIME),
    ("a second before", "192.0.2.7", NOV3, NOV5 - timedelta(seconds=1), None, 4),
    ("a narrower range in between", "192.0.2.7", JAN, NOW, None, Why.NO_TIME),
    ("free for a while", "198.51.100.3", NOV3 - timedelta(hours=1), NOV3, None, Why.NO_TIME),
    ("free all the while", "198.51.100.3", NOV3, NOV3 + timedelta(hours=1), None, Why.NOT_ASSIGNED_THEN),
    ("shared all the while", "198.51.100.1", NOV3, NOW, None, Why.SHARED_ADDRESS),
    ("shared with port", "198.51.100.1", NOV3, NOW, 3000, 6),
    ("not ours", "192.0.3.0", NOV3, NOW, None, Why.NOT_OURS),
    ("no address", "mail.example.net", NOV3, NOW, None, Why.NO_SOURCE),
]


@pytest.mark.parametrize(
    ("ip", "first", "last", "port", "expected"), [case[1:] for case in SPANS], ids=[case[0] for case in SPANS]
)
def test_holder_where_only_the_span_of_the_time_is_known(ip, first, last, port, expected) -> None:
    assert outcome(INDEX.within(ip, first, last, port)) == expected
    assert outcome(PrefixIndex().patched(rows_of(INDEX)).within(ip, first, last, port)) == expected


def rows_of(index: PrefixIndex) -> dict[int, list]:
    return {4: list(index._four.rows()), 6: list(index._six.rows())}


def test_one_holder_over_two_periods_needs_no_time() -> None:
    index = PrefixIndex([held(1, "192.0.2.1", end=NOV3, number=1), held(1, "192.0.2.1", start=NOV5, number=2)])
    found = index.lookup("192.0.2.1", None, None)
    assert isinstance(found, Found)
    assert found.assignment.account_id == 1


def test_without_time_a_port_still_decides() -> None:
    index = PrefixIndex([held(5, "192.0.2.1", (1024, 2047)), held(6, "192.0.2.1", (2048, 4095))])
    assert outcome(index.lookup("192.0.2.1", None, 3000)) == 6
    assert outcome(index.lookup("192.0.2.1", None, None)) is Why.SHARED_ADDRESS


def test_covers_is_whoever_held_it_whenever() -> None:
    assert INDEX.covers("198.51.100.3")
    assert not INDEX.covers("192.0.3.0")
    assert not INDEX.covers("nonsense")


def test_empty_index_and_hosts_alone() -> None:
    host = Assignment(1, 1, "www.example.net", 0, 0, 0, None, None, JAN, None)
    for index in (PrefixIndex([]), PrefixIndex([host])):
        assert outcome(index.lookup("0.0.0.0", NOW, None)) is Why.NOT_OURS
        assert outcome(index.lookup("::", NOW, None)) is Why.NOT_OURS


# --- the model: look at every assignment ------------------------------------------------


def scan(assignments: list[Assignment], number: int, at: datetime, port: int | None) -> int | Why:
    over = [a for a in assignments if a.first <= number <= a.last]
    then = [a for a in over if a.valid_from <= at and (a.valid_to is None or at < a.valid_to)]
    if not then:
        return Why.NOT_ASSIGNED_THEN if over else Why.NOT_OURS
    least = min(a.last - a.first for a in then)
    narrowest = [a for a in then if a.last - a.first == least]
    blocks = [a for a in narrowest if a.port_first is not None]
    if blocks and port is None:
        return Why.SHARED_ADDRESS
    fitting = [a for a in blocks if a.port_first <= port <= a.port_last] or [
        a for a in narrowest if a.port_first is None
    ]
    accounts = {a.account_id for a in fitting}
    if not accounts:
        return Why.NOT_ASSIGNED_THEN
    return accounts.pop() if len(accounts) == 1 else Why.SHARED_ADDRESS


BASE = int(IPv4Address("192.0.2.0"))
DAYS = st.integers(0, 6)


@st.composite
def assignment(draw: st.DrawFn) -> Assignment:
    if draw(st.booleans()):
        size = 1 << draw(st.integers(0, 5))
        first = draw(st.integers(0, 31)) // size * size
        last = first + size - 1
    else:
        first, last = sorted((draw(st.integers(0, 31)), draw(st.integers(0, 31))))
    ports = draw(st.none() | st.tuples(st.integers(0, 3), st.integers(0, 3)))
    low, high = (None, None) if ports is None else (min(ports), max(ports))
    start = draw(DAYS)
    end = draw(st.none() | st.integers(1, 4))
    account = draw(st.integers(1, 4))
    until = None if end is None else JAN + timedelta(days=start + end)
    return Assignment(
        account, account, "x", 4, BASE + first, BASE + last, low, high, JAN + timedelta(days=start), until
    )


@settings(max_examples=300, deadline=None)
@given(st.lists(assignment(), max_size=12), st.integers(-1, 33), DAYS, st.none() | st.integers(0, 4))
def test_index_agrees_with_a_scan_of_the_list(
    assignments: list[Assignment], offset: int, day: int, port: int | None
) -> None:
    at = JAN + timedelta(days=day)
    found = PrefixIndex(assignments).lookup(str(IPv4Address(BASE + offset)), at, port)
    assert outcome(found) == scan(assignments, BASE + offset, at, port)


@settings(max_examples=30000, deadline=None)
@given(st.lists(assignment(), max_size=8), st.integers(0, 31), st.none() | st.integers(0, 4))
def test_without_a_time_only_what_was_true_at_every_time_is_found(
    assignments: list[Assignment], offset: int, port: int | None
) -> None:
    index = PrefixIndex(assignments)
    ip = str(IPv4Address(BASE + offset))
    found = index.lookup(ip, None, port)
    if isinstance(found, Found):
        for day in range(12):
            then = scan(assignments, BASE + offset, JAN + timedelta(days=day), port)
            over = [a for a in assignments if a.first <= BASE + offset <= a.last]
            at = JAN + timedelta(days=day)
            if any(a.valid_from <= at and (a.valid_to is None or at < a.valid_to) for a in over):
                assert then == found.assignment.account_id

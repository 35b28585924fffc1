"""Leases that were read up to a time: whatever happened after it, nobody is named whom a later lease could clear."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.attribution.attribute import attribute
from gateway.attribution.hosts import HostIndex
from gateway.attribution.network import Leases, Network
from gateway.attribution.packed import MOST_SOURCES
from gateway.attribution.prefixes import PrefixIndex
from gateway.model import Assignment
from gateway.model import AttributionReason as Why
from parsers.report import Report

T0 = datetime(2026, 11, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ADDRESS = "198.51.100.7"
RECEIVED = T0 + timedelta(hours=20)


def held(number, account, start, end=None, resource=ADDRESS, *, source=1, manual=False):
    net = ip_network(resource)
    bounds = int(net[0]), int(net[-1])
    return Assignment(
        number, account, resource, net.version, *bounds, None, None, start, end, manual=manual, source=source
    )


def asked(assignments, at, *leases):
    network = Network(PrefixIndex(assignments), HostIndex([]), (ip_network("198.51.100.0/24"),), leases=leases)
    (found,) = attribute(Report(source_ip=ADDRESS, arrival_date=at), RECEIVED, network)
    return found


@given(st.data())
def test_nobody_is_named_who_did_not_hold_it(data):
    """A true history, of which only what began or ended by the last reading is known."""
    turns = sorted(data.draw(st.sets(st.integers(0, 400), min_size=2, max_size=12)))
    history = [
        (account, T0 + first * MINUTE, T0 + last * MINUTE)
        for first, last in itertools.pairwise(turns)
        if (account := data.draw(st.integers(0, 3)))
    ]
    read = T0 + data.draw(st.integers(0, 420)) * MINUTE
    at = T0 + data.draw(st.integers(0, 420)) * MINUTE
    known = [
        held(number, account, start, end if end <= read else None)
        for number, (account, start, end) in enumerate(history, 1)
        if start <= read
    ]
    wide = [held(100, 9, T0, resource="198.51.100.0/28", source=0)]
    found = asked(known + (wide if known and data.draw(st.booleans()) else []), at, Leases("dhcp", read))
    truth = next((account for account, start, end in history if start <= at < end), None)
    if found.account_id is not None:
        assert found.account_id == (truth if truth is not None else 9)
    elif at <= read:
        assert truth is None
    if found.reason is Why.LEASES_UNREAD:
        assert at > read


def test_only_the_system_that_leases_the_address_is_waited_for():
    one = [held(1, 5, T0, source=2)]
    late, fresh = T0, RECEIVED
    assert asked(one, RECEIVED - MINUTE, Leases("a", late), Leases("b", fresh)).account_id == 5
    assert asked(one, RECEIVED - MINUTE, Leases("a", fresh), Leases("b", late)).reason is Why.LEASES_UNREAD
    never = asked(one, RECEIVED - MINUTE, Leases("a", fresh), Leases("b"))
    assert never.reason is Why.LEASES_UNREAD
    assert "the leases of b were not read yet" in never.how
    assert [c.account_id for c in never.candidates] == [5]


def test_what_a_person_entered_or_no_system_leases_waits_for_nobody():
    for one in (held(1, 5, T0, manual=True), held(1, 5, T0, source=0)):
        assert asked([one], RECEIVED - MINUTE, Leases("dhcp", T0)).account_id == 5


def test_a_report_without_a_time_may_be_of_this_moment():
    assert asked([held(1, 5, T0)], None, Leases("dhcp", RECEIVED - MINUTE)).reason is Why.LEASES_UNREAD
    assert asked([held(1, 5, T0)], None, Leases("dhcp", RECEIVED)).account_id == 5


def test_a_lease_that_ended_beside_a_wider_holder_waits_too():
    both = [held(1, 5, T0, T0 + 60 * MINUTE), held(2, 9, T0, resource="198.51.100.0/28", source=0)]
    assert asked(both, T0 + 90 * MINUTE, Leases("dhcp", T0 + 80 * MINUTE)).reason is Why.LEASES_UNREAD
    assert asked(both, T0 + 90 * MINUTE, Leases("dhcp", T0 + 100 * MINUTE)).account_id == 9


def test_the_number_of_a_source_survives_the_packing():
    for number in (0, 1, MOST_SOURCES):
        one = held(1, 5, T0, source=number, manual=True)
        assert PrefixIndex([one]).lookup(ADDRESS, T0, None).assignment == one


def test_of_more_systems_than_can_be_told_apart_the_last_are_waited_for_together():
    systems = [Leases(f"s{n}", RECEIVED) for n in range(MOST_SOURCES)]
    one = [held(1, 5, T0, source=MOST_SOURCES)]
    assert asked(one, RECEIVED - MINUTE, *systems).account_id == 5
    assert asked(one, RECEIVED - MINUTE, *systems, Leases("late", T0)).reason is Why.LEASES_UNREAD


def test_a_persons_word_about_a_wider_range_is_no_word_about_a_lease_in_it():
    ended, wide = held(1, 5, T0, T0 + 60 * MINUTE), held(2, 9, T0, resource="198.51.100.0/28", source=0, manual=True)
    assert asked([ended, wide], T0 + 90 * MINUTE, Leases("dhcp", T0 + 80 * MINUTE)).reason is Why.LEASES_UNREAD
    narrow = held(3, 9, T0 + 60 * MINUTE, source=0, manual=True)
    assert asked([ended, narrow], T0 + 90 * MINUTE, Leases("dhcp", T0 + 80 * MINUTE)).account_id == 9


@pytest.mark.parametrize("ahead", [1, 2, 8, 23])
def test_a_clock_that_is_ahead_waits_no_longer_than_the_next_reading(ahead):
    at, one = RECEIVED + timedelta(hours=ahead), [held(1, 5, T0 - timedelta(days=9))]
    assert asked(one, at, Leases("dhcp", RECEIVED - MINUTE)).reason is Why.LEASES_UNREAD
    assert asked(one, at, Leases("dhcp", RECEIVED + MINUTE)).account_id == 5


def test_of_what_was_lost_nobody_is_found_however_far_was_read_since():
    lost = Leases("dhcp", RECEIVED, ((T0 + 60 * MINUTE, T0 + 120 * MINUTE),))
    one = [held(1, 5, T0)]
    assert asked(one, T0 + 60 * MINUTE, lost).account_id == 5
    found = asked(one, T0 + 61 * MINUTE, lost)
    assert found.reason is Why.LEASES_UNREAD
    assert "what dhcp said from 20 Nov 2026 01:00 UTC to 20 Nov 2026 02:00 UTC was lost" in found.how
    assert asked(one, T0 + 121 * MINUTE, lost).account_id == 5
    assert asked(one, None, lost).reason is Why.LEASES_UNREAD

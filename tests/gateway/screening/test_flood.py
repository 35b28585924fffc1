"""Buckets and likeness as values: what passes, what waits, when it ends; what looks like one mailing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.screening.flood import Bucket, keys, network_of, take
from gateway.screening.likeness import groups, sketch

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY = "domain reporter.example"


def drain(times: int, an_hour: int = 10) -> tuple[Bucket, list[bool], int]:
    bucket, passed, trips = None, [], 0
    for _ in range(times):
        taken = take(bucket, KEY, an_hour, NOW)
        bucket = taken.bucket
        passed.append(taken.passes)
        trips += taken.trips
    assert bucket is not None
    return bucket, passed, trips


def test_so_many_pass_at_once_and_the_breaker_opens_once() -> None:
    _, passed, trips = drain(15)
    assert passed == [True] * 10 + [False] * 5
    assert trips == 1


def test_an_open_breaker_waits_until_the_bucket_is_half_full() -> None:
    bucket, _, _ = drain(11)
    assert not take(bucket, KEY, 10, NOW + timedelta(minutes=29)).passes
    closed = take(bucket, KEY, 10, NOW + timedelta(minutes=31))
    assert closed.passes
    assert closed.bucket.tripped_at is None


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    bucket, _, _ = drain(11)
    assert not take(bucket, KEY, 10, NOW - timedelta(days=1)).passes


@given(st.lists(st.integers(0, 600), max_size=200), st.integers(1, 50))
def test_in_no_hour_pass_more_than_twice_the_number(gaps: list[int], an_hour: int) -> None:
    bucket, at, passed = None, NOW, []
    for gap in gaps:
        at += timedelta(seconds=gap)
        taken = take(bucket, KEY, an_hour, at)
        bucket = taken.bucket
        if taken.passes:
            passed.append(at)
    for start in passed:
        assert sum(start <= one < start + timedelta(hours=1) for one in passed) <= 2 * an_hour


@pytest.mark.parametrize(
    ("address", "network"), [("203.0.113.9", "203.0.113.0/24"), ("2001:db8:1:2::5", "2001:db8:1::/48")]
)
def test_neighbours_share_a_network(address: str, network: str) -> None:
    assert network_of(address) == network


def test_a_report_counts_against_all_its_places() -> None:
    assert keys("reporter.example", "203.0.113.9", [2, 1, 2]) == (
        "domain reporter.example", "network 203.0.113.0/24", "account 1", "account 2",
    )  # fmt: skip
    assert keys(None, None, []) == ()


OFFER = "Dear customer, our great offer of the week is here: cheap watches and handbags, delivered to your door today. "


def test_one_mailing_is_one_group_though_names_and_numbers_differ() -> None:
    mails = [f"Hello {name}! {OFFER * 3} Your code is {name[::-1]}." for name in ("Ann", "Bob", "Christopher")]
    other = "Your account was suspended. Please confirm your password on our page within one day or lose your mail."
    assert groups([sketch(text) for text in (*mails, other, mails[0])]) == [1, 1, 1, 2, 1]


def test_what_says_too_little_is_like_nothing() -> None:
    assert sketch("Hi") is None
    assert groups([None, None]) == [1, 2]

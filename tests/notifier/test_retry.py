"""Pauses grow, jitter is the notice's own, and an end is an end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from notifier.notice import Deferred, Delivered, Refused, Why
from notifier.retry import PAUSES, next_attempt

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FIVE_DAYS = timedelta(days=5)
LATER = Deferred(Why.CONNECTION, "refused")


def test_what_was_delivered_or_refused_is_not_tried_again() -> None:
    for outcome in (Delivered("250 ok", "mx.example"), Refused(Why.RECIPIENT, "550")):
        assert next_attempt(1, outcome, START, START, give_up_after=FIVE_DAYS) is None


def test_the_pauses_grow_until_the_last_attempt_at_the_very_end() -> None:
    now, attempts, pauses = START, 1, []
    while (upcoming := next_attempt(attempts, LATER, now, START, give_up_after=FIVE_DAYS, key="k")) is not None:
        pauses.append(upcoming - now)
        now, attempts = upcoming, attempts + 1
    assert now == START + FIVE_DAYS
    for pause, least in zip(pauses, PAUSES, strict=False):
        assert least <= pause <= least * 1.2
    assert 25 < attempts < 45


def test_the_same_notice_plans_the_same_time_and_another_notice_another() -> None:
    def plan(key: str) -> datetime | None:
        return next_attempt(3, LATER, START, START, give_up_after=FIVE_DAYS, key=key)

    assert plan("a") == plan("a")
    assert plan("a") != plan("b")


def test_a_server_that_says_too_much_gets_a_longer_pause() -> None:
    upcoming = next_attempt(1, Deferred(Why.RATE, "450"), START, START, give_up_after=FIVE_DAYS)
    assert upcoming is not None
    assert upcoming - START >= timedelta(minutes=15)


def test_after_the_end_there_is_no_attempt() -> None:
    assert next_attempt(9, LATER, START + FIVE_DAYS, START, give_up_after=FIVE_DAYS) is None


def test_an_attempt_that_was_not_made_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="attempts is 0"):
        next_attempt(0, LATER, START, START, give_up_after=FIVE_DAYS)

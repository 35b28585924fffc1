"""Working time: weekends, holidays, days on which the clocks change, leap days; and clocks that run on it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.casework import clocks
from gateway.casework.business_time import after, between
from gateway.model import Clock, ClockState
from gateway.policies.classes import Calendar, ClassRule
from parsers.report import ResourceKind, Role

HOUR = timedelta(hours=1)
WEEK = Calendar()
BERLIN = Calendar(time_zone="Europe/Berlin", working_days=("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
HOLIDAYS = Calendar(holidays=frozenset({date(2026, 12, 24), date(2026, 12, 25), date(2026, 12, 28)}))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("calendar", "start", "hours", "end"),
    [
        (WEEK, "2026-03-06T18:00", 24, "2026-03-09T18:00"),  # Friday evening to Monday evening
        (WEEK, "2026-03-07T10:00", 2, "2026-03-09T02:00"),  # told on a Saturday
        (WEEK, "2026-03-05T00:00", 24, "2026-03-06T00:00"),
        (HOLIDAYS, "2026-12-23T12:00", 24, "2026-12-29T12:00"),
        (WEEK, "2028-02-28T12:00", 24, "2028-02-29T12:00"),  # a leap day is a day
        (WEEK, "2028-02-29T12:00", 48, "2028-03-02T12:00"),
        (BERLIN, "2026-03-28T12:00", 24, "2026-03-29T12:00"),  # the night has an hour less there, not in time
        (None, "2026-03-06T18:00", 24, "2026-03-07T18:00"),
        (None, "2028-02-28T12:00", 24, "2028-02-29T12:00"),
    ],
)
def test_the_end_is_where_a_person_would_put_it(calendar, start, hours, end):
    assert after(calendar, at(start), hours * HOUR) == at(end)
    assert between(calendar, at(start), at(end)) == hours * HOUR


def test_a_working_day_on_which_the_clocks_change_has_its_own_number_of_hours():
    sundays = Calendar(time_zone="Europe/Berlin", working_days=("sun",))
    assert between(sundays, at("2026-03-28T00:00"), at("2026-03-31T00:00")) == 23 * HOUR
    assert between(sundays, at("2026-10-24T00:00"), at("2026-10-27T00:00")) == 25 * HOUR


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([WEEK, BERLIN, HOLIDAYS]),
    st.integers(0, 60 * 24 * 1000).map(lambda minutes: at("2026-01-01T00:00") + timedelta(minutes=minutes)),
    st.integers(1, 60 * 24 * 20),
    st.integers(0, 60 * 24 * 20),
)
def test_what_was_added_lies_between_and_more_is_never_sooner(calendar, start, minutes, more):
    span = timedelta(minutes=minutes)
    end = after(calendar, start, span)
    assert end >= start + span
    assert between(calendar, start, end) == span
    assert after(calendar, start, span + timedelta(minutes=more)) >= end
    assert after(calendar, end, timedelta(minutes=more)) >= after(calendar, start, timedelta(minutes=more))


def test_a_class_that_counts_working_days_gives_its_whole_time_over_a_weekend():
    rule = ClassRule(name="mail", hours=24, business_days=True, calendar=WEEK)
    new = Clock((1, "mail"), ResourceKind.IP, Role.SOURCE, "192.0.2.7", id=1, case_id=1)
    friday = at("2026-03-06T18:00")
    running = clocks.delivered(new, friday, rule).clock
    assert (running.next_at, running.due_at) == (at("2026-03-09T06:00"), at("2026-03-09T18:00"))
    answered = clocks.answered(running, at("2026-03-07T12:00"), 8 * HOUR, rule, own_notice=True).clock
    assert answered.remaining == 18 * 3600
    again = clocks.answer_rejected(answered, at("2026-03-10T00:00"), 2 * HOUR, rule).clock
    assert again.due_at == at("2026-03-10T18:00")
    evening = at("2026-03-13T18:00")
    late = clocks.due(running, evening, evening, rule, settled=True, overdue=()).clock
    assert (late.state, late.due_at) == (ClockState.RUNNING, at("2026-03-16T06:00"))  # 12 working hours after it


def test_a_policy_gives_its_calendar_to_the_classes_that_count_so():
    from gateway.policies.policy import Policy  # noqa: PLC0415  only here

    policy = Policy.model_validate(
        {
            "name": "x", "version": 1, "calendar": {"time_zone": "Europe/Bucharest", "working_days": ["mon"]},
            "classes": {"a": {"hours": 2, "business_days": True}, "b": {"hours": 2}}, "cases": {},
        }
    )  # fmt: skip
    assert policy.classes["a"].working == policy.calendar
    assert policy.classes["b"].working is None

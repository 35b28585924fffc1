"""Strikes: windows, spending, the threat, new conduct; and that they equal a naive count for any order of complaints."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.casework.defence import Reporter
from gateway.casework.strikes import (
    Mark,
    MarkKind,
    MarkState,
    Standing,
    Strike,
    StrikeKind,
    StrikeState,
    falls,
    may_step,
    rung_of,
)
from gateway.policies.ladder import Ladder
from gateway.policies.policy import load

T0 = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
PAGEANT = load("pageant").ladder
DEFAULT = load().ladder


def mark(hours: float, key: str = "", **more: object) -> Mark:
    at = T0 + hours * HOUR
    values = {"conduct_at": at - HOUR, "policy": "pageant 1"} | more
    return Mark(key or f"k{hours}", at, Reporter("a@example.org", "example.org"), **values)


def standing(*hours: float, ladder: Ladder = PAGEANT) -> Standing:
    made = Standing(7)
    for one in hours:
        made.add(mark(one), ladder)
    return made


def numbers(of: Standing) -> list[int]:
    return [strike.number for strike in of.fresh]


@pytest.mark.duty("PAG-5")
@pytest.mark.parametrize(
    ("hours", "strikes"),
    [
        ((0, 1), []),
        ((0, 1, 71.9), [1]),
        ((0, 1, 72), []),  # (t - 72 h, t]: the first lies on the open end
        ((0, 1, 72.1), []),
        ((0, 100, 200, 300, 400, 719.9), [1]),  # six in 30 days
        ((0, 100, 200, 300, 400, 720), []),
        ((0, 1, 2, 3, 4), [1]),  # the fourth and fifth begin anew
        ((0, 1, 2, 3, 4, 5), [1, 2]),
        ((0, 0, 0), []),  # one complaint, told three times
    ],
)
def test_three_in_72_hours_or_six_in_30_days_are_a_strike(hours, strikes):
    assert numbers(standing(*hours)) == strikes


@pytest.mark.duty("PAG-5")
def test_a_complaint_counts_for_one_strike():
    made = standing(0, 1, 2, 3)
    assert [m.state for m in made.marks] == [MarkState.SPENT] * 3 + [MarkState.OPEN]
    assert made.changed == dict.fromkeys(("k0", "k1", "k2"), MarkState.SPENT)


@pytest.mark.duty("PAG-5")
def test_notices_of_activity_count_like_complaints():
    made = standing(0, 1)
    made.add(mark(2, kind=MarkKind.ACTIVITY, conduct_at=None), PAGEANT)
    assert numbers(made) == [1]


@pytest.mark.duty("PAG-5")
def test_the_same_complaint_twice_is_one():
    made = Standing(7)
    for hours in (0, 1, 2):
        made.add(mark(hours, key="same"), PAGEANT)
    assert made.fresh == []
    assert len(made.marks) == 1


@pytest.mark.duty("PAG-7")
def test_ten_within_72_hours_are_a_threat_whether_strikes_used_them_up_or_not():
    made = standing(*range(10))
    assert [(s.kind, s.number) for s in made.fresh] == [
        (StrikeKind.STRIKE, 1),
        (StrikeKind.STRIKE, 2),
        (StrikeKind.STRIKE, 3),
        (StrikeKind.THREAT, 0),
    ]
    assert len(made.fresh[-1].keys) == 10
    assert standing(*range(9)).fresh[-1].kind == StrikeKind.STRIKE


def test_a_threat_that_stands_is_not_declared_again():
    made = standing(*range(30))
    assert [s.kind for s in made.fresh].count(StrikeKind.THREAT) == 1


def test_a_void_complaint_counts_for_nothing_and_does_not_come_to_life_again():
    made = Standing(7, [mark(0, state=MarkState.VOID)])
    for hours in (0, 1, 2):
        made.add(mark(hours), PAGEANT)
    assert made.fresh == []


def warned(at: float | None) -> Strike:
    warned_at = T0 + at * HOUR if at is not None else None
    return Strike(StrikeKind.STRIKE, 1, T0, "default 1", "", state=StrikeState.TOLD, warned_at=warned_at, id=1)


@pytest.mark.duty("PAG-6")
@pytest.mark.parametrize(
    ("warned_at", "conduct", "counts"), [(10, 10.5, True), (10, 9.5, False), (None, 10.5, False), (10, None, False)]
)
def test_after_a_warning_only_new_conduct_counts(warned_at, conduct, counts):
    made = Standing(7, strikes=[warned(warned_at)])
    sent = T0 + conduct * HOUR if conduct is not None else None
    for hours in (11, 12, 13):
        made.add(mark(hours, conduct_at=sent), DEFAULT)
    assert numbers(made) == ([2] if counts else [])
    assert {m.state for m in made.marks} == {MarkState.SPENT if counts else MarkState.STALE}


@pytest.mark.duty("PAG-6")
def test_the_letter_of_the_policy_lets_one_mailing_climb():
    made = Standing(7, strikes=[warned(None)])
    for hours in (11, 12, 13):
        made.add(mark(hours, conduct_at=T0), PAGEANT)
    assert numbers(made) == [2]


def test_stale_complaints_still_make_a_threat():
    made = Standing(7, strikes=[warned(10)])
    for hours in range(11, 21):
        made.add(mark(hours, conduct_at=T0), DEFAULT)
    assert [s.kind for s in made.fresh] == [StrikeKind.THREAT]


def test_old_strikes_are_forgotten_where_the_policy_says_so():
    made = Standing(7, strikes=[warned(0)])
    year = 24 * 366
    for hours in (year, year + 1, year + 2):
        made.add(mark(hours), DEFAULT)
    assert numbers(made) == [1]


@pytest.mark.duty("PAG-6")
def test_each_strike_brings_the_next_rung_and_the_last_one_disables_mail():
    rungs = [rung_of(replace(warned(0), number=number), PAGEANT) for number in (1, 2, 3)]
    assert [rung.notice for rung in rungs] == ["first-warning", "final-warning", "enforced"]
    assert [kind.value for rung in rungs for kind in rung.actions] == ["disable-mail"]
    assert rung_of(replace(warned(0), number=4), PAGEANT) is None


def test_no_rung_is_begun_before_the_warning_below_it_has_arrived():
    below = replace(warned(None), state=StrikeState.TELLING)
    second = replace(warned(None), number=2, state=StrikeState.WAITING, id=2)
    assert not may_step(second, [below, second])
    assert may_step(second, [replace(below, state=StrikeState.TOLD), second])
    assert may_step(second, [second]), "the one below was annulled"
    assert may_step(replace(second, kind=StrikeKind.THREAT, number=0), [below])


def test_a_strike_falls_when_what_is_left_of_it_fills_no_window():
    strike = warned(0)
    marks = [mark(h, state=MarkState.SPENT) for h in (0, 1, 2)]
    assert not falls(strike, PAGEANT, marks)
    assert falls(strike, PAGEANT, [*marks[:2], replace(marks[2], state=MarkState.VOID)])
    four = [*marks, mark(3, state=MarkState.SPENT)]
    assert not falls(strike, PAGEANT, [*four[:3], replace(four[3], state=MarkState.VOID)])


# --- against a naive count ---------------------------------------------------------------------------------------


@dataclass
class Naive:
    """Every span (t - w, t] ending at a complaint, looked at anew for each arrival: what the words of the policy say."""

    ladder: Ladder
    known: dict[str, Mark] = field(default_factory=dict)
    spent: set[str] = field(default_factory=set)
    strikes: list[frozenset[str]] = field(default_factory=list)
    threats: int = 0

    def add(self, new: Mark) -> None:
        if new.key in self.known:
            return
        self.known[new.key] = new
        for window in self.ladder.windows:
            for end in sorted(m.at for m in self.known.values()):
                inside = {k for k, m in self.known.items() if k not in self.spent and end - window.length < m.at <= end}
                if len(inside) >= window.count:
                    self.strikes.append(frozenset(inside))
                    self.spent |= inside
                    break
            else:
                continue
            break
        threat = self.ladder.threat.window
        for end in [m.at for m in self.known.values()]:
            if len([m for m in self.known.values() if end - threat.length < m.at <= end]) >= threat.count:
                self.threats = 1


ARRIVALS = st.lists(st.tuples(st.integers(0, 900), st.integers(0, 30)), max_size=40)


@pytest.mark.duty("PAG-5")
@settings(max_examples=300, deadline=None)
@given(ARRIVALS)
def test_strikes_equal_a_naive_count_for_any_order_of_complaints(arrivals):
    made, naive = Standing(7), Naive(PAGEANT)
    for hours, key in arrivals:
        one = mark(hours, key=f"{hours}/{key}")
        made.add(one, PAGEANT)
        naive.add(one)
    strikes = [frozenset(s.keys) for s in made.fresh if s.kind == StrikeKind.STRIKE]
    assert strikes == naive.strikes
    assert [s.number for s in made.fresh if s.kind == StrikeKind.STRIKE] == list(range(1, len(strikes) + 1))
    assert sum(s.kind == StrikeKind.THREAT for s in made.fresh) == naive.threats


@settings(max_examples=100, deadline=None)
@given(ARRIVALS)
def test_no_complaint_is_in_two_strikes_and_none_is_outside_a_window(arrivals):
    made = Standing(7)
    for hours, key in arrivals:
        made.add(mark(hours, key=f"{hours}/{key}"), PAGEANT)
    by_key = {m.key: m for m in made.marks}
    ladder = [s for s in made.fresh if s.kind == StrikeKind.STRIKE]
    used = [key for s in ladder for key in s.keys]
    assert len(used) == len(set(used))
    for strike in ladder:
        times = sorted(by_key[key].at for key in strike.keys)
        assert any(len(times) >= w.count and times[-1] - times[0] < w.length for w in PAGEANT.windows)

"""Which case a complaint goes to, and what the desk remembers of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.casework import cases, clocks
from gateway.casework.cases import Complaint, Terms
from gateway.casework.clocks import Change
from gateway.casework.desk import Applied, Desk, Origin, Party
from gateway.casework.states import CaseTrigger, ClockTrigger, next_case_state
from gateway.model import Case, CaseState, Clock, ClockState
from gateway.policies.policy import ClassRule
from parsers.report import ResourceKind, Role

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REOPEN = 30 * DAY
RULE = ClassRule(name="mail", hours=24)
KEY = (7, "mail")


def complaint(value="192.0.2.7", conduct=None, account=7, cls="mail"):
    return Complaint(account, cls, ResourceKind.IP, Role.SOURCE, value, conduct)


def ended(state=CaseState.RESOLVED, at=T0):
    """A case that ended at `at`, and its one clock, resolved then."""
    case = Case(*KEY, state, T0 - DAY, id=3, resolved_at=at, policy="default 1")
    clock = Clock(
        KEY, ResourceKind.IP, Role.SOURCE, "192.0.2.7", state=ClockState.RESOLVED, id=4, case_id=3, resolved_at=at
    )
    return case, clock


def filed(what, case=None, clock=None, now=T0, contacts=1):
    return cases.file(what, case, clock, contacts, Terms("default 2", REOPEN), now=now)


def test_the_first_complaint_opens_a_case_under_the_present_policy():
    filing = filed(complaint())
    assert (filing.case.state, filing.case.opened_at, filing.case.policy) == (CaseState.OPEN, T0, "default 2")
    assert (filing.is_new_case, filing.supersedes) == (True, False)
    assert filing.change.clock.case_key == KEY


def test_a_resource_not_yet_notified_gets_a_clock_in_the_open_case():
    case = Case(*KEY, CaseState.OPEN, T0, id=3)
    filing = filed(complaint("192.0.2.8"), case)
    assert (filing.case, filing.is_new_case) == (case, False)
    assert filing.change.clock.case_id == 3
    assert len(filing.change.notices) == 1


@pytest.mark.parametrize("state", [CaseState.RESOLVED, CaseState.CLOSED])
@pytest.mark.parametrize("conduct", [None, T0 - HOUR, T0])
def test_earlier_and_undated_evidence_never_reopens(state, conduct):
    case, clock = ended(state)
    filing = filed(complaint(conduct=conduct), case, clock, now=T0 + DAY)
    assert (filing.case, filing.change.clock, filing.change.notices) == (case, clock, ())


@pytest.mark.parametrize("state", [CaseState.RESOLVED, CaseState.CLOSED])
def test_conduct_after_the_end_reopens_for_thirty_days(state):
    case, clock = ended(state)
    last = T0 + REOPEN
    filing = filed(complaint(conduct=last), case, clock, now=last)
    assert (filing.case.state, filing.case.id, filing.case.resolved_at) == (CaseState.OPEN, 3, None)
    assert filing.change.trigger == ClockTrigger.NEW_CONDUCT
    assert filing.change.clock.round == 2


@pytest.mark.parametrize("state", [CaseState.RESOLVED, CaseState.CLOSED])
def test_after_thirty_days_another_case_is_opened(state):
    case, clock = ended(state)
    late = T0 + REOPEN + timedelta(seconds=1)
    filing = filed(complaint(conduct=late), case, clock, now=late)
    assert (filing.is_new_case, filing.supersedes, filing.case.id) == (True, True, None)
    assert (filing.change.clock.id, filing.change.clock.case_id, filing.change.clock.round) == (None, None, 1)


def test_a_new_resource_in_a_resolved_case_opens_it_even_with_undated_evidence():
    case, _ = ended()
    filing = filed(complaint("192.0.2.8"), case, None, now=T0 + DAY)
    assert (filing.case.state, filing.case.resolved_at) == (CaseState.OPEN, None)
    assert filing.change.notices


@settings(max_examples=300, deadline=None)
@given(
    state=st.sampled_from([CaseState.RESOLVED, CaseState.CLOSED]),
    conduct=st.one_of(st.none(), st.integers(-5000, 90_000)),
    received=st.integers(0, 90_000),
)
def test_a_case_reopens_only_for_later_conduct_and_within_thirty_days(state, conduct, received):
    case, clock = ended(state)
    now = T0 + timedelta(minutes=received)
    when = None if conduct is None else T0 + timedelta(minutes=conduct)
    filing = filed(complaint(conduct=when), case, clock, now=now)
    in_time = now - T0 <= REOPEN
    assert (filing.case.id == 3) == in_time
    reopened = filing.case.id == 3 and filing.case.state == CaseState.OPEN
    assert reopened == (in_time and when is not None and when > T0)


def test_a_case_is_resolved_with_its_last_clock_only():
    case = Case(*KEY, CaseState.OPEN, T0, id=3)
    _, resolved = ended()
    open_one = replace(resolved, state=ClockState.ANSWERED, value="192.0.2.8")
    assert cases.settle(case, [resolved, open_one], T0) == case
    after = cases.settle(case, [resolved, replace(open_one, state=ClockState.RESOLVED)], T0 + HOUR)
    assert (after.state, after.resolved_at) == (CaseState.RESOLVED, T0 + HOUR)
    assert next_case_state(after.state, CaseTrigger.CLOSED) == CaseState.CLOSED


# --- the desk -----------------------------------------------------------------------------


@pytest.fixture
def desk():
    return Desk({7: Party(7, "main", "alder", "Alder", "en", ("ops@alder.example",))})


def put(desk, what, now=T0):
    return desk.file(what, Terms("default 1", REOPEN), Origin(), now=now)


def test_what_a_batch_files_first_the_next_one_sees(desk):
    first, second = put(desk, complaint()), put(desk, complaint())
    assert len(first.notices) == 1
    assert second.notices == ()
    assert [applied.opens_case for applied in desk.applied] == [True, False]
    assert list(desk.cases) == [KEY]


def test_each_class_of_an_account_has_its_own_case(desk):
    put(desk, complaint())
    put(desk, complaint(cls="content"))
    assert set(desk.cases) == {KEY, (7, "content")}
    assert [clock.case_key for clock in desk.of_case(KEY)] == [KEY]


def test_a_superseded_case_leaves_the_desk_with_its_clocks(desk):
    case, clock = ended()
    desk.cases[KEY], desk.clocks[clock.key] = case, clock
    put(desk, complaint(), now=T0 + REOPEN + DAY)
    assert desk.superseded == [3]
    assert desk.cases[KEY].id is None
    assert [c.id for c in desk.of_case(KEY)] == [None]


def test_only_what_changed_is_marked_to_be_written(desk):
    case, clock = ended()
    desk.cases[KEY], desk.clocks[clock.key] = case, clock
    put(desk, complaint(), now=T0 + DAY)
    assert (desk.changed_cases, desk.changed_clocks) == (set(), set())
    assert len(desk.applied) == 1  # the event is written all the same
    desk.apply(Applied(Change(replace(clock, role=Role.RELAY), ClockTrigger.EVIDENCE, "")))
    assert desk.changed_clocks == {clock.key}


def test_the_desk_settles_a_case_when_its_last_clock_is_resolved(desk):
    put(desk, complaint())
    put(desk, complaint("192.0.2.8"))
    for clock in desk.of_case(KEY):
        assert desk.cases[KEY].state == CaseState.OPEN
        desk.apply(Applied(clocks.resolved(clock, T0 + HOUR, "seen")))
        desk.settle(KEY, T0 + HOUR)
    assert desk.cases[KEY].state == CaseState.RESOLVED

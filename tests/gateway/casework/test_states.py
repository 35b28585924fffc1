"""docs/states.md says what the tables say, and the tables say what the code does, cell by cell."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.casework import cases, clocks, states
from gateway.casework.cases import Complaint, Terms
from gateway.casework.clocks import Change, Proposal
from gateway.casework.states import CASE, CLOCK, CaseTrigger, ClockTrigger, NotAllowedError, worst
from gateway.model import ActionKind, Case, CaseState, Clock, ClockState
from gateway.policies.policy import ClassRule
from parsers.report import ResourceKind, Role

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "states.md"
T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
RULE = ClassRule(name="mail", hours=24)
BLOCK = (Proposal(ActionKind.BLOCK_ADDRESS),)
REOPEN = timedelta(days=30)
S, T = ClockState, ClockTrigger


def rendered(document: str) -> str:
    """The document with its two tables as the code renders them."""
    for name, table in zip(("clock", "case"), states.markdown().split("\n\n"), strict=True):
        opening = f"<!-- {name}: rendered -->\n"
        pattern = re.compile(re.escape(opening) + r".*?<!-- end -->", re.DOTALL)
        document, found = pattern.subn(lambda _, o=opening, t=table: f"{o}{t}\n<!-- end -->", document)
        assert found == 1
    return document


def test_the_document_shows_the_tables_of_the_code(rewrite):
    document = DOCUMENT.read_text(encoding="utf-8")
    if rewrite:
        DOCUMENT.write_text(rendered(document), encoding="utf-8")
        return
    assert document == rendered(document)


@pytest.mark.parametrize("word", [*S, *T, *CaseState, *CaseTrigger])
def test_the_document_explains_every_state_and_trigger(word):
    explained = re.compile(rf"^- (?:`[a-z-]+`, )*`{word.value}`[:,]", re.MULTILINE)
    assert explained.search(DOCUMENT.read_text(encoding="utf-8"))


def test_both_tables_have_every_cell():
    assert set(CLOCK) == {(state, trigger) for state in S for trigger in T}
    assert set(CASE) == {(state, trigger) for state in CaseState for trigger in CaseTrigger}


# --- the clock's table, walked ------------------------------------------------------------


def clock_in(state: ClockState) -> Clock:
    """A clock as it is when it comes into this state by itself."""
    new = Clock((1, "mail"), ResourceKind.IP, Role.SOURCE, "192.0.2.7", id=1, case_id=1)
    running = clocks.delivered(new, T0, RULE).clock
    answered = clocks.answered(running, T0 + HOUR, 8 * HOUR, own_notice=True).clock
    reminded = replace(running, step=1, next_at=running.due_at)
    return {
        S.WAITING: new,
        S.RUNNING: running,
        S.ANSWERED: answered,
        S.OVERDUE: replace(reminded, state=S.OVERDUE, step=2, next_at=None),
        S.UNREACHABLE: clocks.bounced(new, 1, "550").clock,
        S.RESOLVED: clocks.resolved(answered, T0 + 2 * HOUR, "seen").clock,
    }[state]


def by_time(clock: Clock, step: int) -> Change | None:
    """What the clock's own time brings when it was set to come now."""
    late = replace(clock, next_at=T0 + 30 * HOUR, step=step)
    return clocks.due(late, T0 + 30 * HOUR, T0 + 30 * HOUR, RULE, settled=True, overdue=BLOCK)


def after_rejection(clock: Clock) -> Change:
    return clocks.answered(replace(clock, answer_used=True), T0 + 3 * HOUR, 8 * HOUR, own_notice=True)


DONE_BY: dict[ClockTrigger, Callable[[Clock], Change | None]] = {
    T.EVIDENCE: lambda c: clocks.evidence(c, None, 2),
    T.NEW_CONDUCT: lambda c: clocks.evidence(c, T0 + 9 * HOUR, 2),
    T.ACCEPTED: lambda c: clocks.accepted(c, T0 + HOUR, timedelta(minutes=15), RULE),
    T.DELIVERED: lambda c: clocks.accepted(c, T0 + HOUR, timedelta(0), RULE),
    T.BOUNCED: lambda c: clocks.bounced(c, 2, "550"),
    T.NO_CONTACT: lambda c: clocks.bounced(c, 1, "550"),
    T.TOLD: lambda c: clocks.delivered(c, T0 + HOUR, RULE, T.TOLD),
    T.ANSWER: lambda c: clocks.answered(c, T0 + 3 * HOUR, 8 * HOUR, own_notice=True),
    T.LATE_ANSWER: after_rejection,
    T.REJECTED: lambda c: clocks.answer_rejected(c, T0 + 3 * HOUR, 2 * HOUR, RULE),
    T.REMINDER: lambda c: by_time(c, 0),
    T.DUE: lambda c: by_time(c, 1),
    T.EXTENDED: lambda c: clocks.extended(c, T0 + 3 * HOUR, 5, "holiday", RULE),
    T.UNDELIVERABLE: lambda c: by_time(c, 0),
    T.RESOLVED: lambda c: clocks.resolved(c, T0 + 3 * HOUR, "seen"),
}


@pytest.mark.parametrize("trigger", T)
@pytest.mark.parametrize("state", S)
def test_each_cell_of_the_clocks_table_is_what_the_code_does(state, trigger):
    clock, expected = clock_in(state), CLOCK[(state, trigger)]
    assert clock.state == state
    try:
        change = DONE_BY[trigger](clock)
    except NotAllowedError:
        change = None
    if expected is None:  # refused, or time brings something else
        assert change is None or (change.trigger != trigger and change.clock.state == CLOCK[(state, change.trigger)])
    else:
        assert change is not None
        assert change.clock.state == expected


def test_new_conduct_where_nobody_can_be_told_any_more_ends_unreachable():
    change = clocks.evidence(clock_in(S.RESOLVED), T0 + 9 * HOUR, 0)
    assert CLOCK[(CLOCK[(S.RESOLVED, T.NEW_CONDUCT)], T.NO_CONTACT)] == change.clock.state == S.UNREACHABLE
    assert change.alarm


# --- the case's table, walked -------------------------------------------------------------


def filed(case: Case, clock: Clock | None) -> cases.Filing:
    complaint = Complaint(1, "mail", ResourceKind.IP, Role.SOURCE, "192.0.2.7", None)
    return cases.file(complaint, case, clock, 1, Terms("default 1", REOPEN), now=T0 + HOUR)


@pytest.mark.parametrize("trigger", CaseTrigger)
@pytest.mark.parametrize("state", CaseState)
def test_each_cell_of_the_cases_table_is_what_the_code_does(state, trigger):
    case = Case(1, "mail", state, T0, id=5, resolved_at=None if state == CaseState.OPEN else T0)
    expected, resolved = CASE[(state, trigger)], clock_in(S.RESOLVED)
    if trigger in (CaseTrigger.EVIDENCE, CaseTrigger.NEW_CLOCK):
        filing = filed(case, resolved if trigger == CaseTrigger.EVIDENCE else None)
        if expected is None:  # it takes nothing any more: another case does
            assert filing.is_new_case
            assert filing.supersedes
        else:
            assert (filing.case.state, filing.case.id) == (expected, 5)
    elif trigger == CaseTrigger.ALL_RESOLVED:
        assert cases.settle(case, [resolved, resolved], T0).state == (expected or state)
    elif expected is None:
        with pytest.raises(NotAllowedError, match=state.value):
            states.next_case_state(state, trigger)
    else:
        assert states.next_case_state(state, trigger) == expected


def test_a_case_is_shown_by_its_worst_clock():
    order = [S.OVERDUE, S.UNREACHABLE, S.RUNNING, S.ANSWERED, S.WAITING, S.RESOLVED]
    for index, state in enumerate(order):
        assert worst(order[index:][::-1]) == state
    assert worst([]) is None


def test_who_asks_for_what_the_state_does_not_allow_gets_a_sentence():
    with pytest.raises(NotAllowedError, match="a clock that is 'resolved' cannot take 'extended'"):
        clocks.extended(clock_in(S.RESOLVED), T0, 5, "", RULE)

"""One clock's life, step by step, with the times that a customer would count on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.casework import clocks
from gateway.casework.clocks import Proposal
from gateway.casework.states import ClockTrigger, NotAllowedError
from gateway.model import ActionKind, Clock, ClockState
from gateway.policies.policy import ClassRule
from notifier.notice import NoticeKind
from parsers.report import ResourceKind, Role

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
ALARM = 8 * HOUR
NONE = timedelta(0)
RULE = ClassRule(name="mail", hours=24)
BLOCK = (Proposal(ActionKind.BLOCK_ADDRESS),)
THREE = ClassRule(name="mail", hours=24, reminder_at=(0.25, 0.5, 0.75))
NEVER = ClassRule(name="mail", hours=24, reminder_at=())
NEW = Clock((1, "mail"), ResourceKind.IP, Role.SOURCE, "192.0.2.7", id=1, case_id=1)


def running(rule=RULE, at=T0):
    return clocks.delivered(NEW, at, rule).clock


def answered(at=T0 + 3 * HOUR, clock=None):
    return clocks.answered(clock or running(), at, ALARM, own_notice=True).clock


def due(clock, at, rule=RULE, read_to=None, settled=True):
    return clocks.due(clock, at, read_to or at, rule, settled=settled, overdue=BLOCK)


# --- the start ----------------------------------------------------------------------------


def test_a_resource_never_notified_gets_a_notice_to_the_first_contact():
    change = clocks.opened(NEW, 2)
    assert [(n.kind, n.step, n.contact) for n in change.notices] == [(NoticeKind.COMPLAINT, "start", 0)]
    assert change.clock.state == ClockState.WAITING
    assert change.clock.due_at is None


def test_a_customer_without_contacts_is_unreachable_and_alarms():
    change = clocks.opened(NEW, 0)
    assert (change.clock.state, change.notices, change.alarm) == (ClockState.UNREACHABLE, (), True)


def test_direct_acceptance_starts_the_whole_time_with_its_reminder_at_half():
    clock = clocks.accepted(NEW, T0, NONE, RULE).clock
    assert (clock.state, clock.notified_at) == (ClockState.RUNNING, T0)
    assert (clock.next_at, clock.due_at) == (T0 + 12 * HOUR, T0 + 24 * HOUR)


def test_through_a_relay_the_time_starts_when_the_bounce_grace_ends():
    waiting = clocks.accepted(NEW, T0, 15 * MINUTE, RULE)
    assert (waiting.clock.state, waiting.clock.due_at, waiting.trigger) == (
        ClockState.WAITING, None, ClockTrigger.ACCEPTED,
    )  # fmt: skip
    assert due(waiting.clock, T0 + 14 * MINUTE) is None
    started = due(waiting.clock, T0 + 40 * MINUTE)
    assert started.trigger == ClockTrigger.DELIVERED
    assert started.clock.due_at == T0 + 15 * MINUTE + 24 * HOUR


def test_a_success_report_starts_the_time_within_the_grace():
    waiting = clocks.accepted(NEW, T0, 15 * MINUTE, RULE).clock
    clock = clocks.delivered(waiting, T0 + MINUTE, RULE).clock
    assert (clock.state, clock.starts_at, clock.due_at) == (ClockState.RUNNING, None, T0 + MINUTE + 24 * HOUR)


def test_a_second_delivery_of_a_round_changes_nothing():
    clock = running()
    assert clocks.delivered(clock, T0 + 5 * HOUR, RULE).clock == clock
    assert clocks.accepted(clock, T0 + 5 * HOUR, 15 * MINUTE, RULE).clock == clock


def test_telling_an_unreachable_customer_by_telephone_starts_the_time():
    unreachable = clocks.opened(NEW, 0).clock
    clock = clocks.delivered(unreachable, T0, RULE, ClockTrigger.TOLD).clock
    assert (clock.state, clock.due_at) == (ClockState.RUNNING, T0 + 24 * HOUR)


# --- steps --------------------------------------------------------------------------------


def test_the_reminder_comes_at_half_time_and_keeps_the_end():
    assert due(running(), T0 + 12 * HOUR - MINUTE) is None
    change = due(running(), T0 + 12 * HOUR)
    assert [(n.kind, n.step) for n in change.notices] == [(NoticeKind.REMINDER, "reminder-1")]
    assert (change.clock.step, change.clock.next_at, change.clock.due_at) == (1, T0 + 24 * HOUR, T0 + 24 * HOUR)


def test_past_the_end_it_is_overdue_and_a_block_is_proposed():
    reminded = due(running(), T0 + 12 * HOUR).clock
    change = due(reminded, T0 + 24 * HOUR)
    assert (change.clock.state, change.clock.next_at) == (ClockState.OVERDUE, None)
    assert change.actions == BLOCK
    assert change.notices[0].kind == NoticeKind.OVERDUE


def test_a_late_reminder_moves_the_end_by_its_delay():
    change = due(running(), T0 + 20 * HOUR)
    assert change.clock.due_at == change.clock.next_at == T0 + 32 * HOUR


def test_a_reminder_that_went_out_late_moves_the_end():
    reminded = due(running(), T0 + 12 * HOUR).clock
    assert clocks.reminder_sent(reminded, T0 + 12 * HOUR + timedelta(seconds=30), RULE) == reminded
    assert clocks.reminder_sent(reminded, T0 + 17 * HOUR, RULE).due_at == T0 + 29 * HOUR


def test_three_late_reminders_keep_their_distances_and_none_is_skipped():
    clock, steps, at = running(THREE), [], T0 + 20 * HOUR
    while clock.state == ClockState.RUNNING:
        change = due(clock, at, THREE)
        steps.append((change.notices[0].step.partition("-2026")[0], at - T0))
        clock, at = change.clock, change.clock.next_at
    assert steps == [
        ("reminder-1", 20 * HOUR), ("reminder-2", 26 * HOUR), ("reminder-3", 32 * HOUR), ("overdue", 38 * HOUR),
    ]  # fmt: skip


def test_a_policy_without_reminders_goes_straight_to_the_end():
    assert running(NEVER).next_at == T0 + 24 * HOUR
    assert due(running(NEVER), T0 + 24 * HOUR, NEVER).trigger == ClockTrigger.DUE


def test_a_policy_with_fewer_reminders_than_before_leaves_the_end_alone():
    third = replace(running(THREE), step=3)
    assert clocks.reminder_sent(third, T0 + 20 * HOUR, RULE) == third
    assert due(replace(third, next_at=third.due_at), T0 + 24 * HOUR).trigger == ClockTrigger.DUE


@pytest.mark.parametrize(
    ("read_to", "settled"),
    [(T0 + 12 * HOUR - MINUTE, True), (None, True), (T0 + 13 * HOUR, False)],
    ids=["mailboxes read too little", "never read", "notice before not out"],
)
def test_no_step_before_the_answers_are_read_and_the_notice_before_is_out(read_to, settled):
    assert clocks.due(running(), T0 + 13 * HOUR, read_to, RULE, settled=settled, overdue=BLOCK) is None


# --- bounces ------------------------------------------------------------------------------


@pytest.mark.parametrize("clock", [NEW, running(), due(running(), T0 + 12 * HOUR).clock])
def test_a_bounce_voids_the_time_and_tells_the_next_contact(clock):
    change = clocks.bounced(clock, 2, "550 5.1.1")
    void = change.clock
    assert (void.state, void.contact, void.step) == (ClockState.WAITING, 1, 0)
    assert (void.due_at, void.next_at, void.starts_at, void.notified_at) == (None,) * 4
    assert [(n.kind, n.contact) for n in change.notices] == [(NoticeKind.COMPLAINT, 1)]
    assert change.cancels_actions


def test_the_next_contact_gets_the_whole_time():
    void = clocks.bounced(running(), 2, "550").clock
    assert clocks.accepted(void, T0 + 30 * HOUR, NONE, RULE).clock.due_at == T0 + 54 * HOUR


def test_the_next_contact_may_answer_though_an_answer_of_another_was_rejected():
    again = clocks.answer_rejected(answered(), T0 + 5 * HOUR, 2 * HOUR, RULE).clock
    void = clocks.bounced(again, 2, "550").clock
    told = clocks.accepted(void, T0 + 6 * HOUR, NONE, RULE).clock
    assert clocks.answered(told, T0 + 7 * HOUR, ALARM, own_notice=True).clock.state == ClockState.ANSWERED


def test_the_last_bounce_leaves_nobody_and_alarms():
    change = clocks.bounced(replace(running(), contact=1), 2, "550")
    assert (change.clock.state, change.clock.due_at, change.notices) == (ClockState.UNREACHABLE, None, ())
    assert change.alarm


@pytest.mark.parametrize("clock", [answered(), clocks.resolved(answered(), T0, "seen").clock])
def test_a_bounce_does_not_resurrect_what_was_answered(clock):
    change = clocks.bounced(clock, 2, "550")
    assert (change.clock, change.notices) == (clock, ())


# --- answers ------------------------------------------------------------------------------


def test_an_answer_stops_the_time_and_staff_are_reminded_of_it():
    clock = answered(T0 + 3 * HOUR)
    assert (clock.state, clock.due_at, clock.next_at) == (ClockState.ANSWERED, None, T0 + 11 * HOUR)
    assert clock.resolved_at == T0 + 3 * HOUR
    alarm = due(clock, T0 + 11 * HOUR)
    assert (alarm.alarm, alarm.clock.next_at, alarm.clock.state) == (True, None, ClockState.ANSWERED)


def test_an_answer_may_come_before_the_acceptance_is_known():
    clock = answered(T0 + MINUTE, NEW)
    assert clocks.accepted(clock, T0, NONE, RULE).clock == clock
    assert clocks.accepted(clock, T0, 15 * MINUTE, RULE).clock == clock


@pytest.mark.parametrize("clock", [NEW, running(at=T0 + 9 * HOUR)], ids=["not notified", "notified later"])
def test_an_answer_to_another_resource_stops_only_what_was_notified_before(clock):
    change = clocks.answered(clock, T0 + 8 * HOUR, ALARM, own_notice=False)
    assert (change.clock, change.trigger) == (clock, ClockTrigger.LATE_ANSWER)
    stopped = clocks.answered(running(), T0 + 8 * HOUR, ALARM, own_notice=False)
    assert stopped.clock.state == ClockState.ANSWERED


@pytest.mark.parametrize(
    ("at", "left"), [(T0 + 3 * HOUR, 21 * HOUR), (T0 + 23 * HOUR, 2 * HOUR), (T0 + 40 * HOUR, 2 * HOUR)]
)
def test_a_rejected_answer_leaves_the_rest_of_the_time_at_least_two_hours(at, left):
    now = T0 + 50 * HOUR
    clock = clocks.answer_rejected(answered(at), now, 2 * HOUR, RULE).clock
    assert (clock.state, clock.due_at, clock.resolved_at) == (ClockState.RUNNING, now + left, None)


def test_after_a_rejected_answer_a_second_one_stops_nothing():
    again = clocks.answer_rejected(answered(), T0 + 5 * HOUR, 2 * HOUR, RULE).clock
    change = clocks.answered(again, T0 + 6 * HOUR, ALARM, own_notice=True)
    assert (change.clock, change.trigger, change.alarm) == (again, ClockTrigger.LATE_ANSWER, True)


def test_overdue_again_after_a_rejected_answer_is_said_again():
    first = due(due(running(), T0 + 12 * HOUR).clock, T0 + 24 * HOUR)
    again = clocks.answer_rejected(answered(T0 + 25 * HOUR, first.clock), T0 + 26 * HOUR, 2 * HOUR, RULE).clock
    second = due(again, T0 + 28 * HOUR)
    assert second.trigger == ClockTrigger.DUE
    assert second.notices[0].step != first.notices[0].step  # the key: it goes out once for each end


@pytest.mark.parametrize("clock", [NEW, running(), clocks.resolved(running(), T0, "seen").clock])
def test_only_an_answer_can_be_rejected(clock):
    with pytest.raises(NotAllowedError, match="answer-rejected"):
        clocks.answer_rejected(clock, T0, 2 * HOUR, RULE)


# --- staff --------------------------------------------------------------------------------


def test_more_time_counts_from_the_end_or_from_now_where_that_is_past():
    assert clocks.extended(running(), T0 + HOUR, 6, "moving", RULE).clock.due_at == T0 + 30 * HOUR
    late = due(due(running(), T0 + 12 * HOUR).clock, T0 + 24 * HOUR).clock
    change = clocks.extended(late, T0 + 30 * HOUR, 6, "moving", RULE)
    assert (change.clock.state, change.clock.due_at, change.clock.next_at) == (
        ClockState.RUNNING, T0 + 36 * HOUR, T0 + 36 * HOUR,
    )  # fmt: skip
    assert change.cancels_actions


def test_more_time_keeps_the_reminder():
    clock = clocks.extended(running(), T0 + HOUR, 6, "moving", RULE).clock
    reminded = due(clock, T0 + 12 * HOUR)
    assert reminded.trigger == ClockTrigger.REMINDER
    assert reminded.clock.due_at == T0 + 30 * HOUR


def test_resolving_keeps_the_time_that_the_customer_stated():
    assert clocks.resolved(answered(T0 + 3 * HOUR), T0 + 9 * HOUR, "seen").clock.resolved_at == T0 + 3 * HOUR
    assert clocks.resolved(running(), T0 + 9 * HOUR, "seen").clock.resolved_at == T0 + 9 * HOUR


# --- more evidence ------------------------------------------------------------------------


@pytest.mark.parametrize("clock", [NEW, running(), answered(), clocks.resolved(answered(), T0, "seen").clock])
def test_undated_and_earlier_evidence_is_counted_only(clock):
    for conduct in (None, T0 - HOUR, T0 + 3 * HOUR):
        change = clocks.evidence(clock, conduct, 2)
        assert (change.clock, change.notices, change.trigger) == (clock, (), ClockTrigger.EVIDENCE)


@pytest.mark.parametrize("clock", [answered(), clocks.resolved(answered(), T0 + 9 * HOUR, "seen").clock])
def test_conduct_after_the_resolution_begins_a_new_round_with_the_first_contact(clock):
    change = clocks.evidence(replace(clock, contact=1, answer_used=True), T0 + 4 * HOUR, 2)
    fresh = change.clock
    assert (fresh.id, fresh.case_id, fresh.round) == (clock.id, clock.case_id, clock.round + 1)
    assert (fresh.state, fresh.contact, fresh.answer_used, fresh.step) == (ClockState.WAITING, 0, False, 0)
    assert (fresh.due_at, fresh.resolved_at, fresh.answered_at, fresh.remaining) == (None,) * 4
    assert [n.kind for n in change.notices] == [NoticeKind.REOPENED]

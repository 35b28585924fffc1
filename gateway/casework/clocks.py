"""One clock's life, as pure functions: (clock, what happened, policy, now) -> Change.

A Change says what the clock is afterwards and what must go out with it; whoever stores it
does both in one transaction. `now` is an argument; nothing here reads a clock, a table or
a mailbox. Rules: design "Clock" and "Case"; duty SES-4. Durations come from the policy's
class in hours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.casework.business_time import after, between
from gateway.casework.states import ClockTrigger, next_clock_state
from gateway.model import ActionKind, Clock, ClockState
from gateway.policies.classes import ClassRule
from gateway.policies.rules import Approval
from notifier.notice import NoticeKind

_ON_TIME = timedelta(minutes=1)  # between claiming a step and its notice's acceptance; more moves the end


@dataclass(frozen=True, slots=True)
class Planned:
    """A notice to one contact of the customer about one clock. Its idempotency key is made from
    (clock, round, step, kind, target), so that planning it twice stores it once."""

    kind: NoticeKind
    step: str
    contact: int  # index in the customer's contacts, in order of trial


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the policy wants done to a resource, and how many persons must agree: none, one or two."""

    kind: ActionKind
    approval: Approval = "one"


@dataclass(frozen=True, slots=True)
class Change:
    """What follows from one trigger. `why` is the sentence of the event row."""

    clock: Clock
    trigger: ClockTrigger
    why: str
    notices: tuple[Planned, ...] = ()
    actions: tuple[Proposal, ...] = ()
    cancels_actions: bool = False
    alarm: bool = False
    escalates: bool = False  # said to be solved, and it went on (SES-5)
    was_solved_at: datetime | None = None  # since when that was said


def opened(clock: Clock, contacts: int, given_up_at: datetime | None = None) -> Change:
    """A resource that was never notified: its clock waits for the first notice (contact 0). Where there is no
    contact, its time starts at `given_up_at` all the same (None: never by itself)."""
    if contacts == 0:
        unreachable = replace(clock, state=ClockState.UNREACHABLE, next_at=given_up_at)
        return Change(unreachable, ClockTrigger.NO_CONTACT, "no contact is known", alarm=True)
    return Change(clock, ClockTrigger.EVIDENCE, "first report on this resource", (_start(clock),))


def _start(clock: Clock) -> Planned:
    """The notice from whose arrival on the clock runs."""
    return Planned(NoticeKind.COMPLAINT if clock.round == 1 else NoticeKind.REOPENED, "start", clock.contact)


def evidence(clock: Clock, conduct_at: datetime | None, contacts: int, given_up_at: datetime | None = None) -> Change:
    """Another report on a resource that has a clock: counted, unless it shows conduct after the
    stated resolution (SES-5), which begins a new round and escalates. Undated evidence never reopens."""
    settled_at = clock.resolved_at if clock.state in (ClockState.RESOLVED, ClockState.ANSWERED) else None
    if conduct_at is None or settled_at is None or conduct_at <= settled_at:
        return Change(clock, ClockTrigger.EVIDENCE, "counted: this resource is already in hand")
    fresh = Clock(
        clock.case_key,
        clock.kind,
        clock.role,
        clock.value,
        clock.policy,
        id=clock.id,
        case_id=clock.case_id,
        round=clock.round + 1,
    )
    change = opened(fresh, contacts, given_up_at)
    why = f"conduct at {conduct_at:%Y-%m-%d %H:%M}Z, after it was said to be resolved"
    change = replace(change, trigger=ClockTrigger.NEW_CONDUCT, why=why, alarm=True)
    return replace(change, escalates=True, was_solved_at=settled_at)


def accepted(clock: Clock, at: datetime, grace: timedelta, rule: ClassRule) -> Change:
    """The server took the notice that starts the clock: it runs at once, or after the bounce grace."""
    if grace > timedelta(0) and clock.state in (ClockState.WAITING, ClockState.UNREACHABLE):
        waiting = replace(clock, starts_at=at + grace, next_at=at + grace)
        return Change(waiting, ClockTrigger.ACCEPTED, f"handed to the relay; counts as received at {at + grace:%H:%M}Z")
    return delivered(clock, at, rule)


def delivered(clock: Clock, at: datetime, rule: ClassRule, trigger: ClockTrigger = ClockTrigger.DELIVERED) -> Change:
    """The customer has the notice (or was told, `trigger` TOLD): the time starts, once a round."""
    state = next_clock_state(clock.state, trigger)
    if state != ClockState.RUNNING or clock.state == ClockState.RUNNING:
        return Change(clock, trigger, "noted: this clock had started before")
    due_at = after(rule.working, at, rule.time)
    first = after(rule.working, at, rule.time * _marks(rule)[0])
    running = replace(clock, state=state, notified_at=at, starts_at=None, due_at=due_at, next_at=first)
    return Change(running, trigger, f"the customer has until {due_at:%Y-%m-%d %H:%M}Z")


def bounced(clock: Clock, contacts: int, why: str, given_up_at: datetime | None = None) -> Change:
    """The notice that started (or was to start) the clock did not arrive: the time is void, pending
    Actions fall, and the next contact gets a notice with a full clock of its own. Where nobody is left,
    the time starts at `given_up_at` all the same (None: never by itself)."""
    last = clock.contact + 1 >= contacts
    trigger = ClockTrigger.NO_CONTACT if last else ClockTrigger.BOUNCED
    state = next_clock_state(clock.state, trigger)
    if state == clock.state and state in (ClockState.ANSWERED, ClockState.RESOLVED):
        return Change(clock, trigger, f"noted, already {state}: {why}")
    void = replace(clock, state=state, step=0, starts_at=None, notified_at=None, due_at=None, next_at=None)
    if last:
        void = replace(void, next_at=given_up_at)
        return Change(void, trigger, f"{why}; nobody is left to tell", cancels_actions=True, alarm=True)
    void = replace(void, contact=clock.contact + 1, answer_used=False)  # all of it anew, an answer too
    said = f"{why}; the next contact is told"
    return Change(void, trigger, said, (_start(void),), cancels_actions=True, alarm=True)  # AR-5: who expects it?


def answered(
    clock: Clock,
    at: datetime,
    alarm: timedelta,
    rule: ClassRule | None = None,
    *,
    own_notice: bool,
    since: datetime | None = None,
) -> Change:
    """The customer answered: the clock stops if it was notified before (or the answer is to its own
    notice), once a round. `since`: from when on it is said to be solved, at latest the answer's own time. Staff are
    reminded of it after `alarm`."""
    if clock.answer_used and clock.state != ClockState.ANSWERED:
        return Change(clock, ClockTrigger.LATE_ANSWER, "another answer: noted, the time goes on", alarm=True)
    if clock.state in (ClockState.RESOLVED, ClockState.ANSWERED):
        return Change(clock, ClockTrigger.ANSWER, f"another answer: noted, already {clock.state}")
    if not own_notice and (clock.notified_at is None or clock.notified_at > at):
        return Change(clock, ClockTrigger.LATE_ANSWER, "an answer from before this resource was notified: noted")
    remaining = between(rule.working if rule else None, at, clock.due_at).total_seconds() if clock.due_at else None
    stopped = replace(
        clock,
        state=next_clock_state(clock.state, ClockTrigger.ANSWER),
        answered_at=at,
        resolved_at=min(since, at) if since else at,
        remaining=remaining,
        due_at=None,
        starts_at=None,
        next_at=at + alarm,
    )
    return Change(stopped, ClockTrigger.ANSWER, "the customer answered: staff decide whether it is resolved")


def answer_rejected(clock: Clock, now: datetime, minimum: timedelta, rule: ClassRule) -> Change:
    """Staff hold the answer insufficient: the rest of the time comes back, at least `minimum`, and the
    customer is told."""
    state = next_clock_state(clock.state, ClockTrigger.REJECTED)
    left = timedelta(seconds=clock.remaining) if clock.remaining is not None else rule.time
    due_at = max(after(rule.working, now, left), now + minimum)
    running = replace(
        clock, state=state, due_at=due_at, next_at=due_at, resolved_at=None, answer_used=True,
        step=len(rule.reminder_at), notified_at=clock.notified_at or now,
    )  # fmt: skip
    notice = Planned(NoticeKind.ANSWER_REJECTED, f"answer-rejected-{now:%Y%m%dT%H%M%SZ}", running.contact)
    why = f"answer rejected: the time runs on until {due_at:%Y-%m-%d %H:%M}Z"
    return Change(running, ClockTrigger.REJECTED, why, (notice,))


def extended(clock: Clock, now: datetime, hours: float, reason: str, rule: ClassRule) -> Change:
    """Staff give more time, counted from the present end (or from now where that is past)."""
    state = next_clock_state(clock.state, ClockTrigger.EXTENDED)
    due_at = max(clock.due_at or now, now) + timedelta(hours=hours)
    step = min(clock.step, len(rule.reminder_at))
    next_at = clock.next_at if step < len(rule.reminder_at) and clock.next_at else due_at
    longer = replace(clock, state=state, step=step, due_at=due_at, next_at=next_at)
    why = f"extended by {hours:g} h until {due_at:%Y-%m-%d %H:%M}Z: {reason}"
    return Change(longer, ClockTrigger.EXTENDED, why, cancels_actions=True)


def resolved(clock: Clock, at: datetime, why: str, prevention: str = "", stated: datetime | None = None) -> Change:
    """Staff hold the resource resolved; what had not been carried out yet falls. `why` is what was done,
    `prevention` what keeps it from coming back, `stated` since when the customer says it has been solved: at
    latest the answer's own time."""
    latest = clock.resolved_at or at
    done = replace(
        clock,
        state=next_clock_state(clock.state, ClockTrigger.RESOLVED),
        resolved_at=min(stated, latest) if stated else latest,
        due_at=None,
        starts_at=None,
        next_at=None,
        resolution=why or clock.resolution,
        prevention=prevention or clock.prevention,
    )
    said = f"{why}; so that it does not come back: {prevention}" if prevention else why
    return Change(done, ClockTrigger.RESOLVED, said, cancels_actions=True)


def may_lift(clock: Clock) -> bool:
    """Whether a block of its resource may go: it is resolved *and* something keeps it from coming back (SES-4)."""
    return clock.state == ClockState.RESOLVED and bool(clock.prevention.strip())


def due(
    clock: Clock,
    now: datetime,
    read_to: datetime | None,
    rule: ClassRule,
    *,
    settled: bool,
    overdue: tuple[Proposal, ...],
) -> Change | None:
    """What time alone brings, or None. `read_to`: all answer mailboxes were read to this point;
    `settled`: the last step's notice has gone out (or failed for good); `overdue`: what the policy wants
    done when the time is up.

    A step is claimed only after every answer mailbox was read to a point past it, and the one before
    went out at its full distance: a late reminder moves the end, two steps never come at once.
    """
    if clock.next_at is None or clock.next_at > now:
        return None
    if clock.state == ClockState.ANSWERED:
        why = "an answer waits for somebody to judge it"
        return Change(replace(clock, next_at=None), ClockTrigger.ANSWER, why, alarm=True)
    if clock.starts_at is not None:
        return delivered(clock, clock.starts_at, rule)
    if clock.state == ClockState.UNREACHABLE:
        return _undeliverable(clock, now, rule)
    if clock.state != ClockState.RUNNING or clock.due_at is None:
        return None
    if read_to is None or read_to < clock.next_at or not settled:
        return None
    if clock.step < len(rule.reminder_at):
        reminded = _at_full_distance(replace(clock, step=clock.step + 1), now, rule)
        notice = Planned(NoticeKind.REMINDER, f"reminder-{reminded.step}", clock.contact)
        return Change(
            reminded, ClockTrigger.REMINDER, f"reminder; the time ends at {reminded.due_at:%Y-%m-%d %H:%M}Z", (notice,)
        )
    late = replace(clock, state=next_clock_state(clock.state, ClockTrigger.DUE), step=clock.step + 1, next_at=None)
    notice = Planned(NoticeKind.OVERDUE, f"overdue-{clock.due_at:%Y%m%dT%H%M%SZ}", clock.contact)  # once for each end
    return Change(late, ClockTrigger.DUE, "no resolution within the time", (notice,), overdue)


def _undeliverable(clock: Clock, now: datetime, rule: ClassRule) -> Change:
    """Nobody could be told for as long as the policy waits: a dead contact is no immunity."""
    change = delivered(clock, now, rule, ClockTrigger.UNDELIVERABLE)
    return replace(change, why=f"nobody could be told, the time runs all the same: {change.why}", alarm=True)


def rejection_sent(clock: Clock, late: timedelta) -> Clock:
    """That an answer was rejected went out `late` after it was decided: what was left of the time is moved."""
    if clock.state != ClockState.RUNNING or clock.due_at is None or not clock.answer_used or late <= _ON_TIME:
        return clock
    return replace(clock, due_at=clock.due_at + late, next_at=clock.next_at + late if clock.next_at else None)


def reminder_sent(clock: Clock, at: datetime, rule: ClassRule) -> Clock:
    """A reminder was accepted at `at`: if that was late, what follows moves to keep its full distance."""
    counted = 0 < clock.step <= len(rule.reminder_at)  # else the policy has fewer reminders now
    if clock.state != ClockState.RUNNING or clock.due_at is None or not counted or clock.answer_used:
        return clock
    moved = _at_full_distance(clock, at, rule)
    is_late = moved.next_at is not None and clock.next_at is not None and moved.next_at - clock.next_at > _ON_TIME
    return moved if is_late else clock


def _at_full_distance(clock: Clock, at: datetime, rule: ClassRule) -> Clock:
    """The clock after its reminder number `step` went out at `at`: the next step keeps its distance from
    this one, so that what was late moves the end and is never made up for."""
    marks, calendar = _marks(rule), rule.working
    here, there = marks[clock.step - 1], marks[clock.step]
    is_last = clock.step == len(rule.reminder_at)
    planned = clock.due_at if is_last or clock.notified_at is None else after(
        calendar, clock.notified_at, rule.time * there
    )  # fmt: skip
    next_at = max(planned or at, after(calendar, at, rule.time * (there - here)))
    due_at = max(clock.due_at or next_at, after(calendar, next_at, rule.time * (1 - there)))
    return replace(clock, next_at=next_at, due_at=due_at)


def _marks(rule: ClassRule) -> tuple[float, ...]:
    """The fractions of the time at which something happens; the last is the end."""
    return (*rule.reminder_at, 1.0)

"""Whatever happens to a clock, in whatever order and however late: the promises to the customer hold.

A small world drives the real functions as the ticker, the outbox and the correspondence do:
it keeps the time, what is still to be sent, and how far the answer mailboxes were read. After
every single change it asks whether a promise was broken.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.casework import clocks
from gateway.casework.clocks import Change, Planned, Proposal
from gateway.casework.states import CLOCK, ClockTrigger, NotAllowedError
from gateway.model import ActionKind, Clock, ClockState
from gateway.policies.policy import ClassRule
from notifier.notice import STARTS, NoticeKind
from parsers.report import ResourceKind, Role

GIVE_UP = timedelta(hours=30)
T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CONTACTS = 3
S, T = ClockState, ClockTrigger
OVERTAKES = {T.ANSWER, T.RESOLVED, T.BOUNCED, T.NO_CONTACT, T.NEW_CONDUCT}  # as the store's desk
STILL = {S.ANSWERED, S.RESOLVED}
REVIVES = {T.REJECTED, T.NEW_CONDUCT}


class World:
    def __init__(self, rule: ClassRule, grace: timedelta) -> None:
        self.rule, self.grace = rule, grace
        self.now = self.read_to = T0
        self.clock = Clock((1, "mail"), ResourceKind.IP, Role.SOURCE, "192.0.2.7", id=1, case_id=1)
        self.pending: list[tuple[int, Planned]] = []  # (round, notice)
        self.rejected_at = T0
        self.told_rejected_at: datetime | None = None
        self.keys: set[tuple[int, str, NoticeKind, int]] = set()
        self.steps: list[str] = []  # of this term: from the start of the time to its end
        self.reminded_at: datetime | None = None
        self.started_at = T0
        self._take(clocks.opened(self.clock, CONTACTS))

    # --- what can happen ---

    def wait(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    def read_mailboxes(self, _: int) -> None:
        self.read_to = self.now

    def tick(self, _: int) -> None:
        settled = all(n.kind not in (NoticeKind.REMINDER, NoticeKind.ANSWER_REJECTED) for _, n in self.pending)
        change = clocks.due(self.clock, self.now, self.read_to, self.rule, settled=settled, overdue=BLOCK)
        if change is not None:
            self._check_step(change)
            self._take(change)

    def send(self, _: int) -> None:
        sent, self.pending = self.pending, []
        for round_, notice in sent:
            if round_ != self.clock.round or notice.contact != self.clock.contact:
                continue
            if notice.kind in STARTS:
                self._take(clocks.accepted(self.clock, self.now, self.grace, self.rule))
            elif notice.kind == NoticeKind.REMINDER:
                before = self.clock
                self.clock = clocks.reminder_sent(self.clock, self.now, self.rule)
                assert self.clock.due_at is None or self.clock.due_at >= before.due_at
                self.reminded_at = self.now
            elif notice.kind == NoticeKind.ANSWER_REJECTED:
                self.clock = clocks.rejection_sent(self.clock, self.now - self.rejected_at)
                self.told_rejected_at = self.now

    def bounce(self, _: int) -> None:
        self.pending = [(r, n) for r, n in self.pending if n.kind not in STARTS]
        given_up_at = self.now + GIVE_UP
        change = clocks.bounced(self.clock, CONTACTS, "550", given_up_at)
        if change.clock.state not in STILL:
            waits = given_up_at if change.clock.state == S.UNREACHABLE else None
            assert (change.clock.due_at, change.clock.next_at, change.clock.starts_at) == (None, waits, None)
        self._take(change)

    def success_report(self, _: int) -> None:
        if self.clock.starts_at is not None:
            self._take(clocks.delivered(self.clock, self.now, self.rule))

    def answer(self, own: int) -> None:
        self._take(clocks.answered(self.clock, self.now, timedelta(hours=8), own_notice=own % 2 == 0))

    def reject(self, _: int) -> None:
        with suppress(NotAllowedError):
            change = clocks.answer_rejected(self.clock, self.now, timedelta(hours=2), self.rule)
            self.rejected_at, self.told_rejected_at = self.now, None
            self._take(change)

    def extend(self, minutes: int) -> None:
        self._ask(lambda: clocks.extended(self.clock, self.now, minutes / 60 + 0.1, "asked", self.rule))

    def resolve(self, _: int) -> None:
        self._take(clocks.resolved(self.clock, self.now, "seen"))

    def undated(self, _: int) -> None:
        before = self.clock
        self._take(clocks.evidence(self.clock, None, CONTACTS))
        assert self.clock == before

    def report(self, minutes_ago: int) -> None:
        conduct = self.now - minutes_ago * MINUTE
        before, settled_at = self.clock, self.clock.resolved_at if self.clock.state in STILL else None
        self._take(clocks.evidence(self.clock, conduct, CONTACTS))
        assert (self.clock.round > before.round) == (settled_at is not None and conduct > settled_at)

    # --- what must hold ---

    def _ask(self, decide) -> None:
        with suppress(NotAllowedError):
            self._take(decide())

    def _check_step(self, change: Change) -> None:
        """Before a step of the policy: its time came, the answers were read, the one before kept its distance."""
        if change.trigger not in (T.REMINDER, T.DUE):
            return
        assert self.clock.next_at is not None
        assert self.clock.next_at <= min(self.now, self.read_to)
        if self.clock.answer_used:  # what was left, at least two hours, from when the customer was told
            assert self.told_rejected_at is not None
            assert self.now - self.told_rejected_at >= timedelta(hours=2) - MINUTE
        marks = [0.0, *self.rule.reminder_at, 1.0]
        if not self.clock.answer_used and change.trigger == T.DUE:
            assert self.now >= self.started_at + self.rule.time
        if self.reminded_at is not None and not self.clock.answer_used:
            done = len([s for s in self.steps if s.startswith("reminder")])
            distance = self.rule.time * (marks[done + 1] - marks[done])
            assert self.now - self.reminded_at >= distance - MINUTE

    def _take(self, change: Change) -> None:
        before, after = self.clock, change.clock
        assert after.state == CLOCK[(before.state, change.trigger)]
        if before.state in STILL and change.trigger not in REVIVES:
            assert after.state in STILL
            assert not change.notices
        if after.state in STILL | {S.WAITING, S.UNREACHABLE}:
            assert after.due_at is None
        if after.state == S.RUNNING:
            assert after.due_at is not None
            assert after.next_at is not None
            assert after.next_at <= after.due_at
        if before.state == after.state == S.RUNNING:
            assert after.due_at >= before.due_at  # given time is never taken away
        if after.state != before.state or after.round != before.round:
            self._new_term(before, after, change)
        self._plan(after, change)
        self.clock = after

    def _new_term(self, before: Clock, after: Clock, change: Change) -> None:
        if after.state == S.RUNNING and before.state in (S.WAITING, S.UNREACHABLE):
            self.started_at, self.steps, self.reminded_at = after.notified_at, [], None
        elif change.trigger in (T.REJECTED, T.NEW_CONDUCT, T.EXTENDED):
            self.steps = [s for s in self.steps if s.startswith("reminder") and change.trigger == T.EXTENDED]
            self.reminded_at = self.reminded_at if change.trigger == T.EXTENDED else None

    def _plan(self, after: Clock, change: Change) -> None:
        if change.trigger in OVERTAKES:
            self.pending = []
        for notice in change.notices:
            key = (after.round, notice.step, notice.kind, notice.contact)
            assert key not in self.keys  # the same thing is never said twice
            self.keys.add(key)
            self.pending.append((after.round, notice))
            if notice.kind in {*STARTS, NoticeKind.ANSWER_REJECTED}:
                continue
            expected = [f"reminder-{n + 1}" for n in range(len(self.rule.reminder_at))]
            if after.answer_used:
                expected = []  # what is left of the time is not divided again
            self.steps.append(notice.step.partition("-2026")[0])
            assert self.steps == [*expected, "overdue"][: len(self.steps)]


BLOCK = (Proposal(ActionKind.BLOCK_ADDRESS),)
RULES = st.builds(
    lambda hours, marks: ClassRule(name="mail", hours=hours, reminder_at=marks),
    st.sampled_from([2, 24, 36.5]),
    st.sampled_from([(), (0.5,), (0.25, 0.5, 0.75), (0.9, 0.95)]),
)
MOSTLY = ["wait", "tick", "send", "read_mailboxes"]
ALSO = ["bounce", "success_report", "answer", "reject", "extend", "resolve", "undated", "report"]
HAPPENS = st.lists(
    st.tuples(st.sampled_from(3 * MOSTLY + ALSO), st.one_of(st.integers(0, 90), st.integers(0, 3000))), max_size=60
)


@settings(max_examples=400, deadline=None)
@given(RULES, st.sampled_from([0, 15, 1440]), HAPPENS)
def test_no_order_of_events_breaks_a_promise(rule: ClassRule, grace: int, happens: Sequence[tuple[str, int]]):
    world = World(rule, grace * MINUTE)
    for what, minutes in happens:
        getattr(world, what)(minutes)


def punctually_to_the_end(world: World) -> None:
    world.send(0)
    while world.clock.state == S.RUNNING:
        world.send(0)
        world.now = max(world.now, world.clock.next_at)
        world.read_mailboxes(0)
        world.tick(0)


@settings(max_examples=200, deadline=None)
@given(RULES, st.lists(HAPPENS, min_size=1, max_size=3))
def test_nor_does_one_after_the_time_was_up(rule: ClassRule, happens: Sequence[Sequence[tuple[str, int]]]):
    world = World(rule, timedelta(0))
    for some in happens:
        punctually_to_the_end(world)
        for what, minutes in some[:6]:
            getattr(world, what)(minutes)
    punctually_to_the_end(world)


@settings(max_examples=150, deadline=None)
@given(
    RULES, st.lists(st.integers(1, 5000), min_size=30, max_size=30), st.lists(st.booleans(), min_size=30, max_size=30)
)
def test_with_nothing_but_time_every_step_comes_once_and_in_order(rule, pauses, sends):
    """However late ticks and sending are, the whole sequence is said, one step at a time."""
    world = World(rule, timedelta(0))
    world.send(0)
    for minutes, sent in zip(pauses, sends, strict=True):
        world.wait(minutes)
        world.read_mailboxes(0)
        world.tick(0)
        if sent:
            world.send(0)
    punctually_to_the_end(world)
    reminders = [f"reminder-{n + 1}" for n in range(len(rule.reminder_at))]
    assert world.steps == [*reminders, "overdue"]
    assert world.clock.state == S.OVERDUE


@settings(max_examples=150, deadline=None)
@given(RULES, HAPPENS, st.lists(st.integers(0, 3000), max_size=20))
def test_time_alone_never_resurrects_what_was_resolved(rule, happens, pauses):
    world = World(rule, 15 * MINUTE)
    for what, minutes in happens:
        getattr(world, what)(minutes)
    world.resolve(0)
    resolved = world.clock
    for minutes in pauses:
        for what in ("wait", "read_mailboxes", "tick", "send", "bounce", "success_report", "answer", "undated"):
            getattr(world, what)(minutes)
    assert world.clock == resolved
    assert world.pending == []

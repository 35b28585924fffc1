"""What staff decide about a case's clocks: resolved, closed, more time, an answer rejected, told by telephone.

Each is one transaction through the Desk, like every other change, with who and why in its
events. Raises NotAllowedError with a sentence where the state does not allow it. Must never
send: notices go to the outbox.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import case_notices, fines, outcomes, staff_strikes
from gateway.casework import clocks
from gateway.casework.clocks import Change
from gateway.casework.desk import Applied, Desk, Origin
from gateway.casework.states import CaseTrigger, ClockTrigger, NotAllowedError, next_case_state
from gateway.house import House
from gateway.model import Case, CaseKey, CaseState, Cause, Clock, ClockState
from gateway.policies.policy import Policy
from gateway.store import cases as case_store
from gateway.store import desk as desk_store
from gateway.store import events, notices, reporters
from gateway.store.events import Event

DISMISSING = frozenset({Cause.MISATTRIBUTED, Cause.FALSE})

Decide = Callable[[Clock], Change | None]
About = Callable[[Clock], dict[str, object]]  # what notices tell of the decision


@dataclass(frozen=True, slots=True)
class Solved:
    """What staff hold true: what was done (`resolution`), what keeps it from coming back (`prevention`), since when
    (`since`, as the customer states it), and of which resource alone (None: all of the case)."""

    resolution: str
    prevention: str = ""
    since: datetime | None = None
    resource: str | None = None


async def resolve(house: House, number: str, solved: Solved, *, who: str, cause: Cause | None = None) -> Case:
    """Its clocks are resolved, and with the last one the case; with a cause it is closed too, or dismissed where
    the cause says that the customer had nothing to do with it."""
    now = house.clock()
    if cause is not None and solved.resource is not None:
        raise NotAllowedError("a case is closed as a whole: leave out --resource, or the cause")

    def done(clock: Clock) -> Change | None:
        if solved.resource not in (None, clock.value):
            return None
        return clocks.resolved(clock, now, solved.resolution, solved.prevention, solved.since)

    async with house.database.writing() as connection:
        desk, key = await _laid_out(connection, number)
        if cause not in DISMISSING:
            stated(house.policy_of(desk.cases[key]), solved)
        before = dict(desk.clocks)
        _decide(desk, key, number, done, who)
        desk.settle(key, now)
        await desk_store.save(connection, desk, now)
        await case_notices.resolved(house, connection, desk, key, before, dismissed=cause in DISMISSING)
        if cause is None:
            await outcomes.case_ended(house, connection, desk.cases[key], who=who)
            return desk.cases[key]
        trigger = CaseTrigger.DISMISSED if cause in DISMISSING else CaseTrigger.CLOSED
        state = next_case_state(desk.cases[key].state, trigger)
        case = replace(desk.cases[key], state=state, cause=cause, resolved_at=now)
        if cause in DISMISSING:  # before the case itself: whoever moves a strike on waits for nobody who has its case
            await staff_strikes.void_case(house, connection, case.id or 0, who=who, why=cause.value)
        await case_store.end(connection, case)
        await fines.case_ended(house, connection, case, who=who)
        await outcomes.case_ended(house, connection, case, who=who)
        said = f"{cause.value}: {solved.resolution}" if solved.resolution else cause.value
        await events.add(connection, [Event(now, who, f"case {state.value}", said, case_id=case.id)])
        if cause is Cause.FALSE:
            await reporters.judge_case(connection, case.id or 0, reporters.FALSE)
    return case


def stated(policy: Policy, solved: Solved) -> None:
    """Nothing is solved without a statement. Raises NotAllowedError where it is not said what was done, or, where the
    policy wants to know that, what keeps it from coming back."""
    if not (solved.resolution.strip() or solved.prevention.strip()):
        raise NotAllowedError("nothing counts as solved without a statement: say what was done")
    if policy.answer.needs_prevention and not solved.prevention.strip():
        raise NotAllowedError(
            f"policy {policy.name} holds nothing resolved before something keeps it from coming back (SES-4): "
            "say it with --prevention"
        )


async def extend(house: House, number: str, hours: float, *, who: str, why: str) -> Case:
    """More time for the clocks that run or are over."""
    now = house.clock()
    wanted = {ClockState.RUNNING, ClockState.OVERDUE}

    def longer(clock: Clock) -> Change | None:
        if clock.state not in wanted:
            return None
        return clocks.extended(clock, now, hours, why, house.rule(clock))

    return await _each(house, number, longer, who)


async def reject_answer(house: House, number: str, *, who: str, why: str) -> Case:
    """The answer does not show that it is solved: the time runs on, and the customer is told `why`."""
    now = house.clock()

    def again(clock: Clock) -> Change | None:
        if clock.state != ClockState.ANSWERED:
            return None
        minimum = timedelta(hours=house.policy_of(clock).answer.rejected_minimum_hours)
        change = clocks.answer_rejected(clock, now, minimum, house.rule(clock))
        return replace(change, why=f"{change.why}: {why}")

    def tell(clock: Clock) -> dict[str, object]:
        return house.consequence(clock) | {"reason": why, "decided_at": now.isoformat()}

    return await _each(house, number, again, who, tell)


async def told(house: House, number: str, *, who: str, why: str) -> Case:
    """Staff reached the customer by other means: the clocks of those not yet notified start now."""
    now = house.clock()
    wanted = {ClockState.UNREACHABLE, ClockState.WAITING}

    def start(clock: Clock) -> Change | None:
        if clock.state not in wanted:
            return None
        rule = house.rule(clock)
        change = clocks.delivered(clock, now, rule, ClockTrigger.TOLD)
        return replace(change, why=f"told by {who}: {why}; {change.why}")

    return await _each(house, number, start, who)


async def retry(house: House, number: str, *, who: str, why: str) -> int:
    """What kept the case's notices from going out is put right: they are tried again. Returns how many."""
    now = house.clock()
    async with house.database.writing() as connection:
        case_id = case_store.case_id_of(number)
        count = await notices.retry(connection, case_id, now)
        if count == 0:
            raise NotAllowedError(f"case {number} has no failed notice; 'arfgate case show {number}' lists them")
        await events.add(connection, [Event(now, who, "notices tried again", f"{count}: {why}", case_id=case_id)])
    return count


async def _each(house: House, number: str, decide: Decide, who: str, about: About | None = None) -> Case:
    """Apply a decision to every clock of the case that it concerns; there must be one."""
    now = house.clock()
    async with house.database.writing() as connection:
        desk, key = await _laid_out(connection, number)
        _decide(desk, key, number, decide, who, about)
        await desk_store.save(connection, desk, now)
        return desk.cases[key]


def _decide(desk: Desk, key: CaseKey, number: str, decide: Decide, who: str, about: About | None = None) -> None:
    changes = [change for clock in desk.of_case(key) if (change := decide(clock)) is not None]
    if not changes:
        states = ", ".join(f"{clock.value} is {clock.state.value}" for clock in desk.of_case(key))
        raise NotAllowedError(f"case {number} has no clock for this: {states or 'it has none'}")
    for change in changes:
        desk.apply(Applied(change, Origin(about(change.clock) if about else {}, who=who)))


async def _laid_out(connection: AsyncConnection, number: str) -> tuple[Desk, CaseKey]:
    """The desk with this one case. Raises NotAllowedError where there is none, or nothing can be decided any more."""
    desk = await desk_store.load_cases(connection, [case_store.case_id_of(number)])
    if not desk.cases:
        raise NotAllowedError(f"there is no case {number}; 'arfgate case list --all' shows them")
    key, case = next(iter(desk.cases.items()))
    if case.state in (CaseState.DISMISSED, CaseState.MERGED):
        raise NotAllowedError(f"case {number} is {case.state.value}: nothing can be decided about it")
    return desk, key

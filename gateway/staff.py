"""What staff decide about a case: resolved, closed, dismissed, more time, an answer rejected, told by telephone.

Each is one transaction through the Desk, like every other change, with who and why in its
events. Raises NotAllowedError with a sentence where the state does not allow it. Must never
send: notices go to the outbox.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from gateway.casework import clocks
from gateway.casework.clocks import Change
from gateway.casework.desk import Applied, Desk, Origin
from gateway.casework.states import CaseTrigger, ClockTrigger, NotAllowedError, next_case_state
from gateway.house import House
from gateway.model import Case, CaseState, Cause, Clock, ClockState
from gateway.store import cases as case_store
from gateway.store import desk as desk_store
from gateway.store import events, notices
from gateway.store.events import Event

_DISMISSING = frozenset({Cause.MISATTRIBUTED, Cause.FALSE})


async def resolve(house: House, number: str, *, who: str, why: str, cause: Cause | None = None) -> Case:
    """Every clock of the case is resolved, and so is the case; with a cause it is closed too, or dismissed
    where the cause says that the customer had nothing to do with it."""
    now = house.clock()
    case = await _each(house, number, lambda c: clocks.resolved(c, now, why), who, settle=cause is None)
    if cause is None:
        return case
    trigger = CaseTrigger.DISMISSED if cause in _DISMISSING else CaseTrigger.CLOSED
    async with house.database.writing() as connection:
        state = next_case_state(case.state, trigger)
        await case_store.end(connection, case, state, cause, now)
        said = f"{cause.value}: {why}" if why else cause.value
        await events.add(connection, [Event(now, who, f"case {state.value}", said, case_id=case.id)])
    return replace(case, state=state, resolved_at=now)


async def extend(house: House, number: str, hours: float, *, who: str, why: str) -> Case:
    """More time for the clocks that run or are over."""
    now = house.clock()
    wanted = {ClockState.RUNNING, ClockState.OVERDUE}

    def longer(clock: Clock) -> Change | None:
        if clock.state not in wanted:
            return None
        return clocks.extended(clock, now, hours, why, house.rule(clock.case_key[1]))

    return await _each(house, number, longer, who)


async def reject_answer(house: House, number: str, *, who: str, why: str) -> Case:
    """The answer does not show that it is solved: the time runs on."""
    now = house.clock()
    minimum = timedelta(hours=house.policy.answer.rejected_minimum_hours)

    def again(clock: Clock) -> Change | None:
        if clock.state != ClockState.ANSWERED:
            return None
        change = clocks.answer_rejected(clock, now, minimum, house.rule(clock.case_key[1]))
        return replace(change, why=f"{change.why}: {why}")

    return await _each(house, number, again, who)


async def told(house: House, number: str, *, who: str, why: str) -> Case:
    """Staff reached the customer by other means: the clocks of those not yet notified start now."""
    now = house.clock()
    wanted = {ClockState.UNREACHABLE, ClockState.WAITING}

    def start(clock: Clock) -> Change | None:
        if clock.state not in wanted:
            return None
        rule = house.rule(clock.case_key[1])
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


async def _each(
    house: House, number: str, decide: Callable[[Clock], Change | None], who: str, *, settle: bool = True
) -> Case:
    """Apply a decision to every clock of the case that it concerns; there must be one."""
    now = house.clock()
    async with house.database.writing() as connection:
        desk = await desk_store.load_cases(connection, [case_store.case_id_of(number)])
        key = _only(desk, number)
        changes = [change for clock in desk.of_case(key) if (change := decide(clock)) is not None]
        if not changes:
            states = ", ".join(sorted({clock.state.value for clock in desk.of_case(key)}))
            raise NotAllowedError(f"case {number} has no clock for this: its clocks are {states or 'none'}")
        for change in changes:
            desk.apply(Applied(change, Origin(who=who)))
        if settle:
            desk.settle(key, now)
        await desk_store.save(connection, desk, now)
        return desk.cases[key]


def _only(desk: Desk, number: str) -> tuple[int, str]:
    if not desk.cases:
        raise NotAllowedError(f"there is no case {number}; 'arfgate case list --all' shows them")
    key, case = next(iter(desk.cases.items()))
    if case.state in (CaseState.DISMISSED, CaseState.MERGED):
        raise NotAllowedError(f"case {number} is {case.state.value}: nothing can be decided about it")
    return key

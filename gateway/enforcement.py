"""Carries approved Actions out, and lifts them: chooses connectors, claims, calls, writes what came of it.

An Action is `done` only when every connector said so; what no connector takes is asked of staff. A step is claimed
before its connector is called and its outcome is committed before the next: a kill repeats at most that one call,
under the same key. Failures wait as notices do, and end in an alarm. Must never act while everything is paused, on a
protected address, or on what nobody approved who had to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import surroundings
from gateway.casework import actions as rules
from gateway.casework.actions import Action, Trigger
from gateway.connectors.contract import Connector, Done, Entry, Never, NotNow, Order, Outcome, Phase
from gateway.house import House
from gateway.model import ActionState
from gateway.store import action_steps as steps
from gateway.store import actions as store
from gateway.store import events, switches
from gateway.store.action_steps import Step
from notifier.notice import Deferred, Why
from notifier.retry import next_attempt

_BATCH = 50
EXPIRED = "its time is over"

log = structlog.get_logger()


async def run(house: House) -> int:
    """Everything that is to be carried out or lifted now. Returns how many connectors were called."""
    async with house.database.writing() as connection:
        if await switches.is_paused(connection):
            return 0
        now = house.clock()
        for action in await store.expired(connection, now, _BATCH):
            await lift(house, connection, action, events.SYSTEM, EXPIRED)
        for action in await store.unrouted(connection, _BATCH):
            await route(house, connection, action)
        mine = [name for name, connector in house.connectors.items() if house.serves(connector)]
        claimed = await steps.claim(connection, house.node, mine, now, _BATCH)
    queues: dict[str, list[Step]] = {}
    for step in claimed:
        queues.setdefault(step.connector, []).append(step)
    await asyncio.gather(*(_one_by_one(house, queue, now) for queue in queues.values()))
    return len(claimed)


async def route(house: House, connection: AsyncConnection, action: Action) -> None:
    """An approved action gets a step for each connector that takes it; staff are asked where none does."""
    now = house.clock()
    action = surroundings.guarded(house, action)
    if len(action.approvals) < action.needed:
        to = rules.next_state(action.id, action.state, Trigger.MORE_TO_AGREE)
        why = f"{action.account} is a protected customer: two persons must agree"
        await store.move(connection, action, to, who=events.SYSTEM, why=why, now=now, approval="two")
        return
    around = await surroundings.of(house, connection, action)
    if refused := rules.refusals(action, around):
        await store.move(
            connection, action, ActionState.CANCELLED, who=events.SYSTEM, why=refused[0], now=now, routed=True
        )
        await _alarm(connection, action, now, f"not carried out: {refused[0]}")
        return
    names = [name for name, connector in house.connectors.items() if connector.takes(action.kind, action.target)]
    await steps.plan(connection, action.id, Phase.DO, names, now)
    await store.mark(connection, action, routed=True)
    if not names:
        trigger = Trigger.CARRIED_OUT if action.kind in rules.LISTED else Trigger.NOBODY_CARRIES
        why = (
            "it is on the block list" if action.kind in rules.LISTED else "no connector takes it: carry it out by hand"
        )
        to = rules.next_state(action.id, action.state, trigger)
        await store.move(connection, action, to, who=events.SYSTEM, why=why, now=now)


async def lift(house: House, connection: AsyncConnection, action: Action, who: str, why: str) -> ActionState:
    """Undo it: every connector that did, or may have done, its part gets a step; without one it is undone (or, never
    having been carried out, cancelled) at once. Returns the state it has now."""
    now = house.clock()
    await steps.cancel(connection, action.id, Phase.DO)
    did = [step for step in await steps.of(connection, action.id) if step.phase is Phase.DO and _began(step)]
    names = list(dict.fromkeys(step.connector for step in did))
    if names:
        await steps.plan(connection, action.id, Phase.UNDO, names, now)
        await store.mark(connection, action, lifting=True)
        await store.say(connection, action, now, who, "to be undone", why)
        if gone := [name for name in names if name not in house.connectors]:
            await _alarm(connection, action, now, f"{', '.join(gone)}: no longer a connector; undo it there by hand")
        return action.state
    begun = action.state in (ActionState.DONE, ActionState.FAILED, ActionState.APPROVED)
    to = ActionState.UNDONE if begun else ActionState.CANCELLED
    await store.move(connection, action, to, who=who, why=why, now=now)
    return to


def _began(step: Step) -> bool:
    return step.state == steps.DONE or step.attempts > 0 or step.claimed_by is not None


async def _one_by_one(house: House, queue: Sequence[Step], claimed_at: datetime) -> None:
    for number, step in enumerate(queue):
        slow = house.clock() - claimed_at > steps.CLAIM / 2  # soon another node may claim the rest
        if house.stopping or slow or not await _carry_out(house, house.connectors[step.connector], step):
            async with house.database.writing() as connection:
                await steps.unclaim(connection, [one.id for one in queue[number:]])
            return


async def _carry_out(house: House, connector: Connector, step: Step) -> bool:
    """False: everything was paused meanwhile."""
    async with house.database.writing() as connection:
        if await switches.is_paused(connection):
            return False
        action = await store.find(connection, step.action_id)
        if not _still_wanted(action, step):
            await steps.forget(connection, [step.id])
            return True
        order = await _order(house, connection, action, step)

    async def standing() -> Sequence[Entry]:
        async with house.database.reading() as connection:
            return await steps.in_force(connection, connector.name, step)

    try:
        outcome = await connector.carry_out(order, standing)
    except Exception as error:  # a bug in one connector must not keep the others from their work
        log.exception("connector failed", connector=connector.name, action=action.id)
        outcome = NotNow(f"{type(error).__name__}: {error}")
    async with house.database.writing() as connection:
        await _write(house, connection, connector, step, outcome)
    return True


def _still_wanted(action: Action, step: Step) -> bool:
    if step.phase is Phase.UNDO:
        return action.lifting
    return action.state is ActionState.APPROVED and not action.lifting


async def _order(house: House, connection: AsyncConnection, action: Action, step: Step) -> Order:
    around = await surroundings.of(house, connection, action)
    return Order(
        key=step.key,
        number=action.id,
        phase=step.phase,
        kind=action.kind,
        target=action.target,
        why=action.why,
        case=action.case,
        account=action.account,
        expires_at=action.expires_at,
        reachable=tuple(around.reachable),
    )


async def _write(house: House, connection: AsyncConnection, connector: Connector, step: Step, outcome: Outcome) -> None:
    """Commit what came of one call, and what it means for the action."""
    now = house.clock()
    action = await store.find(connection, step.action_id)
    what = f"{step.phase.value} by {connector.name}"
    if isinstance(outcome, Done):
        await steps.done(connection, step, now, outcome.answer)
        await store.say(connection, action, now, events.SYSTEM, f"{what}: done", outcome.answer)
        await _settle(connection, action, step, now)
        return
    again = _next(connector, step, outcome, now)
    await steps.not_done(connection, step, again, outcome.answer)
    log.warning(
        "action not carried out", action=action.id, connector=connector.name, answer=outcome.answer, again=again
    )
    if again is not None:
        return
    await store.say(connection, action, now, events.SYSTEM, f"{what}: failed", outcome.answer)
    if step.phase is Phase.DO and action.state is ActionState.APPROVED:
        to = rules.next_state(action.id, action.state, Trigger.GAVE_UP)
        await store.move(connection, action, to, who=events.SYSTEM, why=outcome.answer, now=now)
    await _alarm(connection, action, now, f"{what} failed for good: {outcome.answer}")


def _next(connector: Connector, step: Step, outcome: NotNow | Never, now: datetime) -> datetime | None:
    if isinstance(outcome, Never):
        return None
    give_up = timedelta(hours=connector.give_up_hours)
    deferred = Deferred(Why.SERVER, outcome.answer)
    return next_attempt(step.attempts + 1, deferred, now, step.created_at, give_up_after=give_up, key=step.key)


async def _settle(connection: AsyncConnection, action: Action, step: Step, now: datetime) -> None:
    """The action itself is done (or undone) once the last of its connectors is."""
    of_phase = [one for one in await steps.of(connection, action.id) if one.phase is step.phase]
    if any(one.state not in (steps.DONE, steps.CANCELLED) for one in of_phase):
        return
    undone = step.phase is Phase.UNDO
    if not undone and action.state is not ActionState.APPROVED:
        return  # it was lifted, or given up, meanwhile
    to = rules.next_state(action.id, action.state, Trigger.UNDONE if undone else Trigger.CARRIED_OUT)
    names = ", ".join(one.connector for one in of_phase if one.state == steps.DONE)
    await store.move(connection, action, to, who=events.SYSTEM, why=f"by {names}", now=now, lifting=False)


async def _alarm(connection: AsyncConnection, action: Action, now: datetime, why: str) -> None:
    log.warning("alarm", action=action.id, kind=action.kind.value, target=action.target, case=action.case, why=why)
    await store.say(connection, action, now, events.SYSTEM, "alarm", why)

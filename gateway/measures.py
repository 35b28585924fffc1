"""What staff decide about Actions: proposed, approved, rejected, done by hand, tried again, undone; and the plan they
see before.

Each is one transaction, with who and why in its events. Raises NotAllowedError with a sentence where the state, the
person or what is protected does not allow it. Must never carry anything out: `enforcement` does.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import enforcement, lifting, surroundings
from gateway.casework import actions as rules
from gateway.casework.actions import Action, Plan, Trigger, first_state
from gateway.casework.states import NotAllowedError
from gateway.connectors.contract import Phase
from gateway.house import House
from gateway.model import ActionKind, ActionState
from gateway.store import action_steps as steps
from gateway.store import actions as store


async def plan(house: House, number: int) -> tuple[Action, Plan]:
    """What would happen: what, why, whom it hits, what stays reachable, how it is undone."""
    async with house.database.writing() as connection:
        action = surroundings.guarded(house, await store.find(connection, number))
        return action, rules.plan(action, await surroundings.of(house, connection, action))


async def propose(  # noqa: PLR0913  (what, to what, until when, and who wants it why)
    house: House,
    connection: AsyncConnection,
    kind: ActionKind,
    target: str,
    *,
    who: str,
    why: str,
    expires_at: datetime | None = None,
) -> Action:
    """Staff want something done that no clock asked for. What the policy lets happen by itself is approved at once.
    Raises NotAllowedError: protected, not possible, or under way already."""
    now = house.clock()
    if standing := await store.on_target(connection, [kind], target):
        raise NotAllowedError(f"{target}: action {standing[0].id} ({standing[0].state.value}) does this already")
    approval = house.policy.actions.approval_for(kind)
    key = await store.key_for(connection, kind, target)
    row = {
        "key": key, "kind": kind.value, "state": first_state(approval).value, "approval": approval, "target": target,
        "why": why, "created_at": now, "created_by": who, "expires_at": expires_at,
    }  # fmt: skip
    made = await store.plan(connection, [row])
    if key not in made:
        raise NotAllowedError(f"{target}: somebody else wants this done too, just now; 'arfgate action list' shows it")
    action = await store.find(connection, made[key])
    _refuse(action, await surroundings.of(house, connection, action))
    await store.say(connection, action, now, who, "proposed", why)
    return action


async def approve(house: House, number: int, *, who: str, why: str) -> Action:
    """One person agrees. With the last one who has to, it goes to the connectors, or staff are asked."""
    async with house.database.writing() as connection:
        action = await store.find(connection, number)
        return await agree(house, connection, action, who=who, why=why)


async def agree(house: House, connection: AsyncConnection, action: Action, *, who: str, why: str) -> Action:
    """As `approve`, within a transaction."""
    action = surroundings.guarded(house, action)
    to = rules.approve(action, who)
    _refuse(action, await surroundings.of(house, connection, action))
    await store.agree(connection, action, who, why, house.clock())
    if to is ActionState.APPROVED:
        await _move(house, connection, action, to, who, why)
        await enforcement.route(house, connection, await store.find(connection, action.id))
    return surroundings.guarded(house, await store.find(connection, action.id))


async def reject(house: House, number: int, *, who: str, why: str) -> Action:
    """It will not be done."""
    return await _decide(house, number, Trigger.REJECTED, who, why)


async def done(house: House, number: int, *, who: str, why: str) -> Action:
    """It was carried out by hand."""
    async with house.database.writing() as connection:
        action = await store.find(connection, number)
        if action.state is ActionState.APPROVED:
            raise NotAllowedError(f"action {number} is approved: its connectors have it in hand")
        await steps.cancel(connection, number, Phase.DO)
        to = rules.next_state(number, action.state, Trigger.CARRIED_OUT)
        if to is not action.state:
            await _move(house, connection, action, to, who, why)
        return await store.find(connection, number)


async def retry(house: House, number: int, *, who: str, why: str) -> Action:
    """What kept its connectors from it is put right: those that had failed try again, under a key of their own."""
    async with house.database.writing() as connection:
        action = await store.find(connection, number)
        of_it = await steps.of(connection, number)
        failed = [step for step in of_it if step.state == steps.FAILED]
        phase = Phase.UNDO if action.lifting else Phase.DO
        names = list(dict.fromkeys(step.connector for step in failed if step.phase is phase))
        if not names:
            raise NotAllowedError(f"action {number} is {action.state.value}, and no connector of it has failed")
        await steps.forget(connection, [step.id for step in failed if step.phase is phase])
        await steps.plan(connection, number, phase, names, house.clock())
        if phase is Phase.DO:
            await _move(house, connection, action, rules.next_state(number, action.state, Trigger.RETRY), who, why)
        else:
            await store.say(connection, action, house.clock(), who, "to be undone again", why)
        return await store.find(connection, number)


async def undo(house: House, number: int, *, who: str, why: str, by_hand: bool = False) -> Action:
    """Lift it: once every connector has, or at once where none did its part. `by_hand`: it was lifted already, by
    staff, and no connector needs to."""
    async with house.database.writing() as connection:
        action = await store.find(connection, number)
        to = rules.next_state(number, action.state, Trigger.UNDONE)
        if by_hand:
            await steps.cancel(connection, number, Phase.DO)
            await steps.cancel(connection, number, Phase.UNDO)
            await store.mark(connection, action, lifting=False)
            await _move(house, connection, action, to, who, f"by hand: {why}")
        elif action.lifting:
            raise NotAllowedError(f"action {number} is being undone already")
        else:
            await lifting.check(house, connection, action)
            await enforcement.lift(house, connection, action, who, why)
        return await store.find(connection, number)


async def _decide(house: House, number: int, trigger: Trigger, who: str, why: str) -> Action:
    async with house.database.writing() as connection:
        action = await store.find(connection, number)
        await _move(house, connection, action, rules.next_state(number, action.state, trigger), who, why)
        return await store.find(connection, number)


async def _move(house: House, connection: AsyncConnection, action: Action, to: ActionState, who: str, why: str) -> None:
    if not await store.move(connection, action, to, who=who, why=why, now=house.clock()):
        raise NotAllowedError(f"action {action.id}: somebody else decided about it just now; look again")


def _refuse(action: Action, around: rules.Surroundings) -> None:
    if refused := rules.refusals(action, around):
        raise NotAllowedError(f"action {action.id} must not be carried out: {'; '.join(refused)}")

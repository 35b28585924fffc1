"""May a block go? Where the policy asks for both, only once its resource is resolved *and* something keeps it from
coming back (SES-4).

A granted review lifts it too, and what turned out to be misattributed or false. Must never
stand in the way of writing down what staff lifted by hand.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casework.actions import Action
from gateway.casework.clocks import may_lift
from gateway.casework.states import NotAllowedError
from gateway.house import House
from gateway.model import CaseState
from gateway.store import appeals
from gateway.store import desk as desk_store
from gateway.store.cases import case_id_of


async def check(house: House, connection: AsyncConnection, action: Action) -> None:
    """Raises NotAllowedError where the action must stay."""
    if action.case is None:
        return
    desk = await desk_store.load_cases(connection, [case_id_of(action.case)])
    case = next(iter(desk.cases.values()), None)
    clock = next((clock for clock in desk.clocks.values() if clock.value == action.target), None)
    if case is None or clock is None or case.state == CaseState.DISMISSED or may_lift(clock):
        return
    policy = house.book.of_label(case.policy)
    if not policy.answer.needs_prevention or await appeals.was_granted(connection, case.id or 0):
        return
    raise NotAllowedError(
        f"policy {policy.label} lifts a block when it is resolved and something keeps it from coming back (SES-4): "
        f"arfgate case resolve {case.number} --resource {clock.value} --reason ... --prevention ..."
    )

"""Staff take a case up again: what was held resolved went on, and nobody reported it.

It is filed as conduct of now, exactly like a report of it would be: a new round, the customer told anew, the policy's
steps for what comes back. Must never decide by itself that something went on.
"""

from __future__ import annotations

from gateway import staff_cases
from gateway.casework.states import NotAllowedError
from gateway.house import House
from gateway.model import Case, ClockState
from gateway.store import cases
from parsers.report import Role


async def reopen(house: House, number: str, *, who: str, why: str, resource: str | None = None) -> Case:
    """The resolved resources of the case (or this one alone) get a new round. Returns the case in which they are now:
    another one where the time in which a case reopens is over. Raises NotAllowedError."""
    async with house.database.reading() as connection:
        found = await cases.shown(connection, number)
    if found is None:
        raise NotAllowedError(f"there is no case {number}; 'arfgate case list --all' shows them")
    again = [
        clock
        for clock in found["clocks"]
        if clock.state == ClockState.RESOLVED.value and resource in (None, "", clock.value)
    ]
    if not again:
        raise NotAllowedError(f"case {number} has no resolved resource to take up again")
    line: cases.CaseLine = found["case"]
    case: Case | None = None
    for clock in again:
        case = await staff_cases.enter(
            house, line.customer, line.cls, clock.value, who=who, why=why, role=Role(clock.role),
            conduct_at=house.clock(),
        )  # fmt: skip
    assert case is not None
    return case

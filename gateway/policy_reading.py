"""Policies for people who read them: every version that is known here, by name and number, with what it says.

Must never make a version hold: the settings do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.house import House
from gateway.policies.book import edition, from_text
from gateway.policies.policy import Policy, PolicyError, shipped
from gateway.store import policies


@dataclass(frozen=True, slots=True)
class Reading:
    """`state`: default | own (of single customers) | before | shipped. `since` None: it never held here. `policy` None:
    this version of arfgate understands it no longer, for the reason `wrong`."""

    name: str
    version: int
    state: str
    text: str
    since: datetime | None = None
    customers: tuple[str, ...] = ()
    policy: Policy | None = None
    wrong: str = ""

    @property
    def label(self) -> str:
        return f"{self.name} {self.version}"


async def readings(house: House) -> list[Reading]:
    """What holds first, then what held before, the latest first, then what comes with arfgate."""
    async with house.database.reading() as connection:
        stored = await policies.versions(connection)
        assigned = await policies.assigned(connection)
    now = [policy.label for policy in house.book.current.values()]
    order = {"default": 0, "own": 1, "before": 2}
    held = [_held(house, one, now, assigned) for one in reversed(stored)]
    names = {one.label for one in held}
    others = [edition(name) for name in shipped()]
    found = sorted(held, key=lambda one: order[one.state])
    return found + [
        Reading(one.policy.name, one.policy.version, "shipped", one.text, policy=one.policy)
        for one in others
        if one.policy.label not in names
    ]


def _held(house: House, one: policies.Version, now: list[str], assigned: Mapping[str, str]) -> Reading:
    state = "before" if one.label not in now else "default" if one.label == house.policy.label else "own"
    having = () if state == "before" else tuple(sorted(key for key, name in assigned.items() if name == one.name))
    try:
        policy, wrong = from_text(one.text, one.label), ""
    except PolicyError as error:
        policy, wrong = None, str(error)
    return Reading(one.name, one.version, state, one.text, one.since, having, policy, wrong)

"""What staff decide about a held message: released to be worked on, or dropped.

One transaction each, with who and why in the events. Raises NotAllowedError with a sentence where it does not wait.
"""

from __future__ import annotations

from gateway.casework.states import NotAllowedError
from gateway.house import House
from gateway.model import Cleared
from gateway.store import events, held
from gateway.store.events import Event


async def release(house: House, message_id: int, *, who: str, why: str) -> None:
    """A person stands for it: it is worked on like new mail, and accepted whatever is missing."""
    now = house.clock()
    async with house.database.writing() as connection:
        if not await held.decide(connection, message_id, held.RELEASED, who, now):
            raise NotAllowedError(f"message {message_id} does not wait; 'arfgate held list' shows what does")
        await held.again(connection, message_id, Cleared.HELD.value)
        await events.add(connection, [Event(now, who, "held report released", why, message_id=message_id)])


async def drop(house: House, message_id: int, *, who: str, why: str) -> None:
    """Nothing will come of it: its reports are rejected."""
    now = house.clock()
    async with house.database.writing() as connection:
        if not await held.decide(connection, message_id, held.DROPPED, who, now):
            raise NotAllowedError(f"message {message_id} does not wait; 'arfgate held list' shows what does")
        await held.drop_reports(connection, message_id, f"{who}: {why}")
        await events.add(connection, [Event(now, who, "held report dropped", why, message_id=message_id)])

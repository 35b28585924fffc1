"""Reviews that customers ask for, as rows. Must never decide one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import ActionState
from gateway.store import events
from gateway.store.events import Event
from gateway.store.tables import actions, appeals
from gateway.store.text import storable


async def open_(connection: AsyncConnection, case_id: int, said: str, *, who: str, now: datetime) -> bool:
    """A review is asked for, unless one of the case waits already: then it is only noted. True: a new one."""
    event = Event(now, who, "review asked for", said, case_id=case_id)
    await events.add(connection, [event])
    waits = select(appeals.c.id).where(appeals.c.waiting == case_id).with_for_update()
    if (await connection.execute(waits)).scalar_one_or_none() is not None:
        return False
    row = {"case_id": case_id, "waiting": case_id, "state": "open", "said": said, "opened_at": now, "opened_by": who}
    await connection.execute(insert(appeals), storable([row | {"why": ""}]))
    return True


async def decide(
    connection: AsyncConnection, case_id: int, *, granted: bool, who: str, why: str, now: datetime
) -> dict[str, Any] | None:
    """Decide the one that waits, once. None: none does."""
    state = "granted" if granted else "refused"
    done = await connection.execute(
        update(appeals)
        .where(appeals.c.waiting == case_id)
        .values(state=state, waiting=None, decided_at=now, decided_by=who, why=why)
        .returning(*appeals.c)
    )
    row = done.mappings().one_or_none()
    if row is None:
        return None
    await events.add(connection, [Event(now, who, f"review {state}", why, case_id=case_id)])
    return dict(row)


async def of_case(connection: AsyncConnection, case_id: int | None = None) -> list[dict[str, Any]]:
    """Those of a case, or all that wait, oldest first."""
    query = select(appeals).order_by(appeals.c.id)
    query = query.where(appeals.c.waiting.is_not(None) if case_id is None else appeals.c.case_id == case_id)
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def enforced(connection: AsyncConnection, case_ids: Collection[int]) -> dict[int, list[datetime]]:
    """When what was carried out in these cases was decided: {case: times}, without those in which nothing was."""
    found: dict[int, list[datetime]] = {}
    if not case_ids:
        return found
    done = actions.c.state == ActionState.DONE.value
    columns = (actions.c.id, actions.c.case_id, actions.c.decided_at, actions.c.created_at)
    for row in await connection.execute(select(*columns).where(actions.c.case_id.in_(sorted(case_ids)), done)):
        found.setdefault(row.case_id, []).append(row.decided_at or row.created_at)
    return found


async def to_lift(connection: AsyncConnection, case_id: int) -> list[int]:
    """The numbers of the actions that were carried out in a case and still hold."""
    done = actions.c.state == ActionState.DONE.value
    query = select(actions.c.id).where(actions.c.case_id == case_id, done).order_by(actions.c.id)
    return list((await connection.execute(query)).scalars())


async def was_granted(connection: AsyncConnection, case_id: int) -> bool:
    """Whether staff granted a review of this case."""
    query = select(appeals.c.id).where(appeals.c.case_id == case_id, appeals.c.state == "granted").limit(1)
    return (await connection.execute(query)).scalar_one_or_none() is not None

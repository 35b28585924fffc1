"""What was published of cases, as rows (SES-12). Must never decide what may be shown."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store import events
from gateway.store.events import Event
from gateway.store.inserts import inserting
from gateway.store.tables import publications
from gateway.store.text import storable


async def publish(connection: AsyncConnection, case_id: int, page: str, *, who: str, why: str, now: datetime) -> None:
    """Remember the page as it is shown from now on; an older one of the case is replaced."""
    values = storable({"at": now, "who": who, "why": why, "page": page, "withdrawn_at": None, "withdrawn_by": None})
    statement = inserting(connection, publications).values(case_id=case_id, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["case_id"], set_=values))
    await events.add(connection, [Event(now, who, "case published", why, case_id=case_id)])


async def withdraw(connection: AsyncConnection, case_id: int, *, who: str, why: str, now: datetime) -> bool:
    """Take it back. False: it is not published."""
    shown = (publications.c.case_id == case_id) & publications.c.withdrawn_at.is_(None)
    done = await connection.execute(update(publications).where(shown).values(withdrawn_at=now, withdrawn_by=who))
    if done.rowcount == 0:
        return False
    await events.add(connection, [Event(now, who, "publication withdrawn", why, case_id=case_id)])
    return True

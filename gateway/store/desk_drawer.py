"""What staff keep for themselves: named views of lists, and texts that they use again.

Must never hold a case's data.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store import events
from gateway.store.events import Event
from gateway.store.tables import canned_answers, saved_views
from gateway.store.text import storable

_MOST = 100


@dataclass(frozen=True, slots=True)
class SavedView:
    """A list under filters. `owner` None: for everybody."""

    id: int
    place: str
    name: str
    query: str
    owner: str | None
    made_by: str


@dataclass(frozen=True, slots=True)
class Canned:
    """A text that is used again."""

    id: int
    name: str
    text: str
    made_by: str
    at: datetime


async def views(connection: AsyncConnection, place: str, who: str) -> list[SavedView]:
    """Those of this person and of everybody, by name."""
    columns = [saved_views.c[name] for name in SavedView.__dataclass_fields__]
    mine = or_(saved_views.c.owner == who, saved_views.c.owner.is_(None))
    query = select(*columns).where(saved_views.c.place == place, mine)
    return [SavedView(*row) for row in await connection.execute(query.order_by(saved_views.c.name).limit(_MOST))]


async def save_view(connection: AsyncConnection, view: dict[str, Any], now: datetime) -> None:
    """Columns of the table but `at`. One of the same name and owner is replaced."""
    same = (saved_views.c.place == view["place"], saved_views.c.name == view["name"])
    of = saved_views.c.owner.is_(None) if view["owner"] is None else saved_views.c.owner == view["owner"]
    await connection.execute(delete(saved_views).where(*same, of))
    await connection.execute(insert(saved_views), storable(view | {"at": now}))
    said = f"{view['name']}: {view['place']}?{view['query']}"
    await events.add(connection, [Event(now, view["made_by"], "view saved", said)])


async def drop_view(connection: AsyncConnection, number: int, *, who: str, everybodys: bool, now: datetime) -> bool:
    """Forget a view of one's own; with `everybodys` also one that all see. False: there is none that this may be."""
    mine = saved_views.c.owner == who
    allowed = or_(mine, saved_views.c.owner.is_(None)) if everybodys else mine
    gone = await connection.execute(delete(saved_views).where(saved_views.c.id == number, allowed))
    if gone.rowcount:
        await events.add(connection, [Event(now, who, "view forgotten", f"view {number}")])
    return bool(gone.rowcount)


async def canned(connection: AsyncConnection) -> list[Canned]:
    """All of them, by name."""
    columns = [canned_answers.c[name] for name in Canned.__dataclass_fields__]
    return [Canned(*row) for row in await connection.execute(select(*columns).order_by(canned_answers.c.name))]


async def write_canned(connection: AsyncConnection, name: str, text: str, *, who: str, now: datetime) -> None:
    """Keep a text under its name; one of the same name is replaced."""
    row = {"name": name, "text": text, "made_by": who, "at": now}
    inserting = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = inserting(canned_answers).on_conflict_do_update(
        index_elements=["name"], set_={"text": row["text"], "made_by": who, "at": now}
    )
    await connection.execute(statement, storable(row))
    await events.add(connection, [Event(now, who, "text kept", f"{name}: {text}")])


async def drop_canned(connection: AsyncConnection, number: int, *, who: str, now: datetime) -> bool:
    """False: there is none."""
    gone = await connection.execute(delete(canned_answers).where(canned_answers.c.id == number))
    if gone.rowcount:
        await events.add(connection, [Event(now, who, "text forgotten", f"text {number}")])
    return bool(gone.rowcount)

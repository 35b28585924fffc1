"""The audit trail: every state-changing call of the store adds its Event in the same transaction.

Must never be updated or deleted from; must never hold a secret or a whole mail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.tables import due_alarms, events
from gateway.store.text import storable

SYSTEM = "arfgate"
ALARM = "alarm"
"""What needs a person: such an event goes to staff by itself. `data["alarm"]` may say more of it (what, command, key,
kind, facts of the notice); None there: staff are told otherwise."""


@dataclass(frozen=True, slots=True)
class Event:
    """Who did what, when (UTC) and why, about which rows."""

    at: datetime
    who: str
    what: str
    why: str = ""
    message_id: int | None = None
    report_id: int | None = None
    case_id: int | None = None
    clock_id: int | None = None
    notice_id: int | None = None
    data: dict[str, Any] = field(default_factory=dict)


_NAMES = tuple(Event.__dataclass_fields__)


async def add(connection: AsyncConnection, rows: Sequence[Event]) -> None:
    """Write the events, in order, in one statement; a second where there is an alarm among them."""
    if rows:
        await connection.execute(
            insert(events), storable([{name: getattr(row, name) for name in _NAMES} for row in rows])
        )
    alarms = [row for row in rows if row.what == ALARM and row.data.get("alarm", {}) is not None]
    if alarms:
        await connection.execute(insert(due_alarms), storable([_due(row) for row in alarms]))


def _due(row: Event) -> dict[str, Any]:
    said = row.data.get("alarm", {})
    return {"at": row.at, "why": row.why, "case_id": row.case_id, "message_id": row.message_id, "said": said}


async def of_case(connection: AsyncConnection, case_id: int) -> list[Event]:
    """A case's events, oldest first."""
    found = await connection.execute(select(events).where(events.c.case_id == case_id).order_by(events.c.id))
    return [Event(**{k: v for k, v in row.items() if k != "id"}) for row in found.mappings()]

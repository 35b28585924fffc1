"""Alarms: one event and one line in the log each, and a mail or a chat message to the operator's staff, as many an hour
as the settings allow.

Whatever writes an event "alarm", wherever, has it sent: the store keeps it as due in the same transaction, and `send`
plans what goes out. Must never hold anything of a legal matter, and never say the same twice in an hour.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.channels import TO_ALARMS
from gateway.house import House
from gateway.screening.flood import take
from gateway.store import alarms as store
from gateway.store import events, flood, notices
from gateway.store.events import ALARM, Event
from notifier.notice import NoticeKind

_BUCKET = "mail to staff"
_BATCH = 100

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Alarm:
    """`what` in three words, `why` in a sentence, `command` to look; `key`: the same key is sent once an hour."""

    key: str
    what: str
    why: str
    command: str = ""
    kind: NoticeKind = NoticeKind.STAFF_ALARM
    message_id: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)


async def tell(house: House, connection: AsyncConnection, alarms: Sequence[Alarm], now: datetime) -> None:  # noqa: ARG001  (as all that tell)
    """Write the alarms down; `send` does the rest. A fixed number of statements."""
    if not alarms:
        return
    for alarm in alarms:
        log.warning("alarm", what=alarm.what, why=alarm.why)
    await events.add(connection, [_event(alarm, now) for alarm in alarms])


def _event(alarm: Alarm, now: datetime) -> Event:
    said = {"key": alarm.key, "what": alarm.what, "why": alarm.why, "command": alarm.command, "kind": alarm.kind.value}
    data = {"alarm": said | {"facts": alarm.facts}}
    return Event(now, events.SYSTEM, ALARM, f"{alarm.what}: {alarm.why}", message_id=alarm.message_id, data=data)


async def send(house: House) -> int:
    """Plan what is to be sent of the alarms that were given. Returns how many were looked at."""
    async with house.database.reading() as connection:
        if not await store.any_due(connection):
            return 0
    settings = house.settings.alarms
    to = [settings.address] if settings.address else []
    to += [TO_ALARMS] if settings.webhook else []
    now = house.clock()
    async with house.database.writing() as connection:
        due = await store.take(connection, _BATCH)
        bucket = (await flood.buckets(connection, [_BUCKET])).get(_BUCKET) if to else None
        rows: list[dict[str, Any]] = []
        said: set[str] = set()
        for one in due if to else ():
            key = f"{_key(one)}/{now:%Y-%m-%d-%H}"
            if key in said:
                continue
            taken = take(bucket, _BUCKET, settings.hourly, now)
            bucket = taken.bucket
            said.add(key)
            rows += [_row(one, key, place, now) for place in to if taken.passes]
        if bucket is not None:
            await flood.write(connection, [bucket], now)
        await notices.plan(connection, rows)
    return len(due)


def _key(one: dict[str, Any]) -> str:
    if named := one["said"].get("key"):
        return f"staff:{named}"
    same = f"{one['case_id']}/{one['why']}"
    return f"staff:{hashlib.sha256(same.encode()).hexdigest()[:24]}"


def _row(one: dict[str, Any], key: str, to: str, now: datetime) -> dict[str, Any]:
    said = one["said"]
    look = f"arfgate case show {one['case_id']}" if one["case_id"] else ""
    facts = {
        "what": said.get("what") or "Alarm",
        "why": said.get("why") or one["why"],
        "command": said.get("command") or look,
    }
    kind = NoticeKind(said.get("kind") or NoticeKind.STAFF_ALARM.value)
    key = key if to != TO_ALARMS else f"{key}/chat"
    return notices.planned(kind, key, to, facts | said.get("facts", {}), now)

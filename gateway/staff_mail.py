"""Alarms: one event, one line in the log, and a mail to the operator's staff, as many an hour as the settings allow.

Must never hold anything of a legal matter, and never say the same twice in an hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.house import House
from gateway.screening.flood import take
from gateway.store import events, flood, notices
from gateway.store.events import Event
from notifier.notice import NoticeKind

_BUCKET = "mail to staff"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Alarm:
    """`what` in three words, `why` in a sentence, `command` to look; `key`: the same key is mailed once an hour."""

    key: str
    what: str
    why: str
    command: str = ""
    kind: NoticeKind = NoticeKind.STAFF_ALARM
    message_id: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)


async def tell(house: House, connection: AsyncConnection, alarms: Sequence[Alarm], now: datetime) -> None:
    """Write the alarms down and plan their mails. A fixed number of statements."""
    if not alarms:
        return
    for alarm in alarms:
        log.warning("alarm", what=alarm.what, why=alarm.why)
    await events.add(
        connection, [Event(now, events.SYSTEM, "alarm", f"{a.what}: {a.why}", message_id=a.message_id) for a in alarms]
    )
    to = house.settings.alarms.address
    if to is None:
        return
    bucket = (await flood.buckets(connection, [_BUCKET])).get(_BUCKET)
    rows = []
    for alarm in alarms:
        taken = take(bucket, _BUCKET, house.settings.alarms.hourly, now)
        bucket = taken.bucket
        if taken.passes:
            facts = {"what": alarm.what, "why": alarm.why, "command": alarm.command} | alarm.facts
            key = f"staff:{alarm.key}/{now:%Y-%m-%d-%H}"
            rows.append(notices.planned(alarm.kind, key, to, facts, now))
    if bucket is not None:
        await flood.write(connection, [bucket], now)
    await notices.plan(connection, rows)

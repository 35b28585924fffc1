"""What was sent and added, as imported, and what was complained about, bounced and left, per day.

A complaint is one evidence of one complainant: twins and repeats count once. Must never judge a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casework.rates import Alert, Day
from gateway.store import events
from gateway.store.events import Event
from gateway.store.tables import accounts, attributions, reports, suppressions, volumes
from gateway.store.tables import events as event_rows
from gateway.store.text import storable

_COUNTED = ("accepted", "recorded")
_TOLD = "rate"


async def import_volumes(
    connection: AsyncConnection, rows: Sequence[dict[str, Any]], *, who: str, now: datetime
) -> tuple[int, int]:
    """Volumes (account_id, campaign, day, sent, added). Returns how many are new, and how many changed."""
    ids = sorted({row["account_id"] for row in rows})
    found = await connection.execute(select(volumes).where(volumes.c.account_id.in_(ids)))
    known = {(row.account_id, row.campaign, row.day): row for row in found}
    fresh: dict[tuple[int, str, str], dict[str, Any]] = {}
    changed = 0
    for row in rows:
        key = row["account_id"], row["campaign"], row["day"]
        old = known.get(key)
        if old is None:
            fresh[key] = row
        elif (old.sent, old.added) != (row["sent"], row["added"]):
            changed += 1
            values = {"sent": row["sent"], "added": row["added"]}
            await connection.execute(update(volumes).where(volumes.c.id == old.id).values(**values))
    if fresh:
        await connection.execute(insert(volumes), storable(list(fresh.values())))
    await events.add(connection, [Event(now, who, "volumes imported", f"{len(fresh)} days new, {changed} changed")])
    return len(fresh), changed


async def days(
    connection: AsyncConnection, account_ids: Iterable[int], since: date, names: dict[int, str]
) -> list[Day]:
    """Each day with anything on it, by account and campaign (empty: all of the account's mail), in order of time.
    Three statements."""
    ids = sorted(set(account_ids))
    found: dict[tuple[int, str, str], Day] = {}

    def add(account: int, campaign: str, day: str, **counts: int) -> None:
        one = found.get((account, campaign, day)) or Day(names[account], campaign, day)
        more = {name: getattr(one, name) + count for name, count in counts.items()}
        found[account, campaign, day] = replace(one, **more)

    for account, campaign, day in await _complaints(connection, ids, since):
        for name in {campaign, ""}:
            add(account, name, day, complaints=1)
    for account, cause, day in await _left(connection, ids, since):
        add(account, "", day, **({"bounces": 1, "unknown": 1} if cause == "bounce" else {"opt_outs": 1}))
    sent = await connection.execute(
        select(volumes).where(volumes.c.account_id.in_(ids), volumes.c.day >= since.isoformat())
    )
    for row in sent:
        add(row.account_id, row.campaign, row.day)
        key = row.account_id, row.campaign, row.day
        found[key] = replace(found[key], sent=row.sent, added=row.added)
    return sorted(found.values(), key=lambda d: (d.account, d.campaign, d.day))


async def tell(connection: AsyncConnection, alerts: Sequence[Alert], now: datetime) -> list[Alert]:
    """Keep as events what was not told before. Returns that."""
    wanted = {f"{a.day.account} {a.day.campaign} {a.day.day}: {a.what}": a for a in alerts}
    rows = await connection.execute(
        select(event_rows.c.why).where(event_rows.c.what == _TOLD, event_rows.c.why.in_(sorted(wanted)))
    )
    known = set(rows.scalars())
    fresh = {why: alert for why, alert in wanted.items() if why not in known}
    said = [Event(now, events.SYSTEM, _TOLD, why, data={"level": a.level}) for why, a in fresh.items()]
    await events.add(connection, said)
    return list(fresh.values())


async def _complaints(connection: AsyncConnection, ids: list[int], since: date) -> list[tuple[int, str, str]]:
    """(account, campaign, day) of each distinct complaint."""
    rows = await connection.execute(
        select(
            attributions.c.account_id, reports.c.campaign, reports.c.received_at, reports.c.complainant,
            reports.c.fingerprint,
        )
        .join(reports, reports.c.id == attributions.c.report_id)
        .where(
            attributions.c.account_id.in_(ids), reports.c.verdict.in_(_COUNTED),
            reports.c.received_at >= datetime(since.year, since.month, since.day, tzinfo=UTC),
        )
    )  # fmt: skip
    distinct = {
        (r.account_id, r.complainant, r.fingerprint): (r.account_id, r.campaign or "", f"{r.received_at:%Y-%m-%d}")
        for r in rows
    }
    return list(distinct.values())


async def _left(connection: AsyncConnection, ids: list[int], since: date) -> list[tuple[int, str, str]]:
    """(account, cause, day) of each address that bounced or opted out: of the customer's first account."""
    rows = await connection.execute(
        select(accounts.c.id, suppressions.c.customer_id, suppressions.c.cause, suppressions.c.at)
        .join(suppressions, suppressions.c.customer_id == accounts.c.customer_id)
        .where(
            accounts.c.id.in_(ids), accounts.c.name == "main", suppressions.c.cause != "complaint",
            suppressions.c.at >= datetime(since.year, since.month, since.day, tzinfo=UTC),
        )
    )  # fmt: skip
    return [(row.id, row.cause, f"{row.at:%Y-%m-%d}") for row in rows]

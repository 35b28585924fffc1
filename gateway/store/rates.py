"""What was sent and added, as imported, and what was complained about, bounced and left, per day.

A complaint is one evidence of one complainant: twins and repeats count once. Must never judge a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casework.rates import Alert, Day
from gateway.store import events, responses, switches
from gateway.store.events import Event
from gateway.store.figures import Figures, midnight
from gateway.store.tables import attributions, reports, volumes
from gateway.store.tables import events as event_rows
from gateway.store.text import storable

_COUNTED = ("accepted", "recorded")
_TOLD = "rate"
_IMPORTING, _TELLING = "volumes imported", "rates told"  # switches: one node at a time
_REMEMBERED = timedelta(days=60)  # longer than days are looked at

_Key = tuple[int, str, str]  # account, campaign, day


async def import_volumes(
    connection: AsyncConnection, rows: Sequence[dict[str, Any]], *, who: str, now: datetime
) -> tuple[int, int]:
    """Volumes (account_id, campaign, day, sent, added), one import after another. Returns how many are new, and how
    many changed."""
    await switches.hold(connection, _IMPORTING)
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
    connection: AsyncConnection,
    account_ids: Iterable[int],
    since: date,
    names: dict[int, str],
    sent_since: date | None = None,
) -> list[Day]:
    """Each day with anything on it, by account and campaign (empty: all of the account's mail), in order of time.
    `sent_since`: volumes are read from an earlier day on, to compare with. Three statements."""
    ids = sorted(set(account_ids))
    found: dict[tuple[int, str, str], Day] = {}

    def add(account: int, campaign: str, day: str, **counts: int) -> None:
        for name in {campaign, ""}:
            one = found.get((account, name, day)) or Day(names[account], name, day)
            more = {what: getattr(one, what) + count for what, count in counts.items()}
            found[account, name, day] = replace(one, **more)

    for account, campaign, day, many in await _complaints(connection, ids, since):
        add(account, campaign, day, complaints=many)
    for one in await responses.counted(connection, ids, since):
        if one.cause == responses.BOUNCE:
            unknown = one.count if one.status == responses.NO_SUCH_MAILBOX else 0
            add(one.account_id, one.campaign, one.day, bounces=one.count, unknown=unknown)
        else:
            add(one.account_id, one.campaign, one.day, opt_outs=one.count)
    first = (sent_since or since).isoformat()
    sent = await connection.execute(select(volumes).where(volumes.c.account_id.in_(ids), volumes.c.day >= first))
    volume = {(row.account_id, row.campaign, row.day): (row.sent, row.added) for row in sent}
    for (account, campaign, day), (count, added) in _with_totals(volume).items():
        known = found.get((account, campaign, day)) or Day(names[account], campaign, day)
        found[account, campaign, day] = replace(known, sent=count, added=added)
    return sorted(found.values(), key=lambda d: (d.account, d.campaign, d.day))


def _with_totals(volume: dict[_Key, tuple[int, int | None]]) -> dict[_Key, tuple[int, int | None]]:
    """Also an account's day of which only the campaigns were imported: what these are together."""
    totals: dict[_Key, tuple[int, int | None]] = {}
    for (account, campaign, day), (count, added) in volume.items():
        key = account, "", day
        if campaign and key not in volume:
            before, more = totals.get(key, (0, None))
            totals[key] = before + count, more if added is None else added + (more or 0)
    return volume | totals


async def with_volumes(connection: AsyncConnection, since: date) -> list[int]:
    """Accounts of which volumes are known from that day on."""
    rows = await connection.execute(
        select(volumes.c.account_id).where(volumes.c.day >= since.isoformat()).distinct().order_by(volumes.c.account_id)
    )
    return list(rows.scalars())


async def tell(connection: AsyncConnection, alerts: Sequence[Alert], now: datetime) -> list[Alert]:
    """Keep as events what was not told before, also by another node at this moment. Returns that."""
    if not alerts:
        return []
    await switches.hold(connection, _TELLING)
    rows = await connection.execute(
        select(event_rows.c.data).where(event_rows.c.what == _TOLD, event_rows.c.at >= now - _REMEMBERED)
    )
    known = {data.get("key") for data in rows.scalars()}
    fresh = {alert.key: alert for alert in alerts if alert.key not in known}
    said = [
        Event(
            now, events.SYSTEM, _TOLD, f"{a.day.account} {a.day.campaign} {a.day.day}: {a.what}".replace("  ", " "),
            data={"level": a.level, "key": key},
        )
        for key, a in fresh.items()
    ]  # fmt: skip
    await events.add(connection, said)
    return list(fresh.values())


async def _complaints(connection: AsyncConnection, ids: list[int], since: date) -> list[tuple[int, str, str, int]]:
    """(account, campaign, day, distinct complaints that came first on it)."""
    came = select(reports.c.id).where(reports.c.received_at >= midnight(since)).offset(0).subquery()  # by their time:
    first = (await connection.execute(select(func.min(came.c.id)))).scalar() or 0  # by their ids all would be looked at
    # not as a parameter: PostgreSQL plans by how many there are
    known: BindParameter[int] = bindparam(None, first, literal_execute=True)
    placed = (  # by the index of an account's reports, from there on
        select(attributions.c.account_id, attributions.c.report_id)
        .where(attributions.c.account_id.in_(ids), attributions.c.report_id >= known)
        .offset(0)
        .subquery()
    )
    distinct = (
        select(
            placed.c.account_id, func.coalesce(func.min(reports.c.campaign), "").label("campaign"),
            func.min(reports.c.received_at).label("first_at"),
        )
        .join(reports, reports.c.id == placed.c.report_id)
        .where(reports.c.verdict.in_(_COUNTED), reports.c.received_at >= midnight(since))
        .group_by(placed.c.account_id, reports.c.complainant, reports.c.fingerprint)
        .subquery()
    )  # fmt: skip
    day = Figures(is_sqlite=connection.dialect.name == "sqlite").day(distinct.c.first_at)
    by = (distinct.c.account_id, distinct.c.campaign, day)
    return [tuple(row) for row in await connection.execute(select(*by, func.count()).group_by(*by))]

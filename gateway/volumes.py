"""Volumes from a CSV, and the rates that follow from them: imported whole or not at all; staff are told once.

Columns: `customer`, `account`, `campaign`, `day` (2026-01-31), `sent`, `added`. Must never open a case: a rate is a
reason to look.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import staff_mail
from gateway.casework.rates import Alert, Day, alerts, whole
from gateway.house import House
from gateway.policies.rates import Rates
from gateway.staff_mail import Alarm
from gateway.store import customers, parties, rates, switches

COLUMNS = ("customer", "account", "campaign", "day", "sent", "added")
_MOST = 2_000_000_000
_SINCE = timedelta(days=31)
_LATELY = timedelta(days=3)  # what may still change
_BEFORE = timedelta(days=14)  # volumes that additions are compared with
_HOUR = timedelta(hours=1)
_WATCHED = "rates_watched"
_MOST_AT_ONCE = 500  # accounts

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class View:
    """A customer's rates: each day of each account and campaign, and of all accounts together; the bounds of its
    policy; what is beyond them."""

    customer: str
    bounds: Rates
    days: tuple[Day, ...]
    alerts: tuple[Alert, ...]


class VolumesError(Exception):
    """Nothing was imported. The text has one line per problem."""


async def import_file(house: House, path: Path, who: str) -> tuple[int, int, list[Alert]]:
    """(days new, days changed, what is beyond the policy's bounds and was not told before). Raises VolumesError."""
    rows = _read(path)
    async with house.database.writing() as connection:
        ids = {name: await customers.account_named(connection, name) for name in {row["name"] for row in rows}}
        if unknown := sorted(name for name, account in ids.items() if account is None):
            raise VolumesError(f"{path.name}: there is no customer {', '.join(unknown[:10])}; nothing was imported")
        found = [{"account_id": ids[row["name"]]} | {k: row[k] for k in COLUMNS[2:]} for row in rows]
        new, changed = await rates.import_volumes(connection, found, who=who, now=house.clock())
    return new, changed, await watch(house, sorted({i for i in ids.values() if i is not None}))


async def run(house: House) -> int:
    """Once an hour: the last days of every account of which it is known what it sends. Always 0: nothing is left."""
    now = house.clock()
    async with house.database.reading() as connection:
        before = await switches.read(connection, _WATCHED)
    if before is not None and now - datetime.fromisoformat(before) < _HOUR:
        return 0
    async with house.database.writing() as connection:
        if not await switches.claim(connection, _WATCHED, before, now.isoformat()):
            return 0  # another node was faster
        ids = await rates.with_volumes(connection, (now - _LATELY).date())
    for start in range(0, len(ids), _MOST_AT_ONCE):
        await watch(house, ids[start : start + _MOST_AT_ONCE], _LATELY)
    return 0


async def watch(house: House, account_ids: Sequence[int], back: timedelta = _SINCE) -> list[Alert]:
    """Look at the last days of these accounts; what is beyond the bounds of their policies is told, once."""
    now = house.clock()
    async with house.database.writing() as connection:
        views = await views_of(house, connection, account_ids, back)
        told = await rates.tell(connection, [alert for view in views for alert in view.alerts], now)
        await staff_mail.tell(house, connection, [_alarm(alert) for alert in told if alert.level == "alarm"], now)
    for alert in told:
        log.warning("rate", account=alert.day.account, campaign=alert.day.campaign, day=alert.day.day, what=alert.what)
    return told


async def views_of(
    house: House, connection: AsyncConnection, account_ids: Sequence[int], back: timedelta
) -> list[View]:
    """Days, bounds and alerts of these accounts, by customer. Five statements."""
    since = (house.clock() - back).date()
    names = await customers.names(connection, account_ids)
    days = await rates.days(connection, account_ids, since, names, since - _BEFORE)
    found = await parties.of_accounts(connection, list(account_ids))
    views = []
    for customer, some in groupby(sorted(found.values(), key=lambda p: (p.customer, p.account)), lambda p: p.customer):
        held = list(some)
        own = {names[party.account_id] for party in held}
        theirs = [day for day in days if day.account in own]
        theirs = [*whole(theirs, customer), *theirs]
        bounds = house.policy_for(held[0]).rates
        shown = tuple(day for day in theirs if day.day >= since.isoformat())
        views.append(View(customer, bounds, shown, tuple(beyond(theirs, bounds))))
    return views


async def of_customer(house: House, name: str, back: timedelta = _SINCE) -> View:
    """The rates of a customer, or of one of its accounts, per day. Raises LookupError."""
    async with house.database.reading() as connection:
        chosen = await customers.accounts_of(connection, name)
        if not chosen:
            raise LookupError(f"there is no customer {name!r}; `arfgate customer list` shows them")
        (view,) = await views_of(house, connection, sorted(chosen), back)
    return view


def beyond(days: Sequence[Day], bounds: Rates) -> list[Alert]:
    """The alerts of days in order, each account and campaign by itself."""
    return [a for _, some in groupby(days, lambda d: (d.account, d.campaign)) for a in alerts(list(some), bounds)]


def _alarm(alert: Alert) -> Alarm:
    day = alert.day
    about = f"{day.account}, {day.campaign}" if day.campaign else day.account
    command = f"arfgate customer rates {day.account.split()[0]}"
    return Alarm(f"rate/{alert.key}", "Rate beyond its bound", f"{about} on {day.day}: {alert.what}", command)


def _read(path: Path) -> list[dict[str, Any]]:
    problems: list[str] = []
    rows: list[dict[str, Any]] = []
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            table = csv.DictReader(file, strict=True)
            unknown = [name for name in table.fieldnames or () if name not in COLUMNS]
            if unknown or "customer" not in (table.fieldnames or ()) or "day" not in (table.fieldnames or ()):
                raise VolumesError(f"{path.name}: the first line names the columns: {', '.join(COLUMNS)}")
            for row in table:
                try:
                    rows.append(_row({k: (v or "").strip() for k, v in row.items() if k}))
                except ValueError as error:
                    problems.append(f"{path.name}, line {table.line_num}: {error}")
    except (OSError, csv.Error) as error:
        raise VolumesError(f"{path}: cannot be read: {error}") from None
    if not rows and not problems:
        problems.append(f"{path.name}: there is nothing below the header")
    if problems:
        raise VolumesError("\n".join([*problems[:50], f"nothing was imported from {path.name}"]))
    return rows


def _row(cells: dict[str, str]) -> dict[str, Any]:
    name = cells["customer"] + (f"/{cells['account']}" if cells.get("account", "main") not in {"", "main"} else "")
    numbers = {column: _number(column, cells.get(column, "")) for column in ("sent", "added")}
    if numbers["sent"] is None and numbers["added"] is None:
        raise ValueError("sent and added are both empty")
    try:
        day = date.fromisoformat(cells["day"]).isoformat()
    except ValueError:
        raise ValueError(f"day {cells['day'][:40]!r} is no date: write 2026-01-31") from None
    return {"name": name, "campaign": " ".join(cells.get("campaign", "").lower().split())[:300], "day": day} | numbers


def _number(column: str, text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) < _MOST):
        raise ValueError(f"{column} {text[:40]!r} is no number of mails")
    return int(text)

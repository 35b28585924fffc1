"""Volumes from a CSV, and the rates that follow from them: imported whole or not at all; staff are told once.

Columns: `customer`, `account`, `campaign`, `day` (2026-01-31), `sent`, `added`. Must never open a case: a rate is a
reason to look.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import structlog

from gateway.casework.rates import Alert, Day, alerts
from gateway.house import House
from gateway.store import customers, rates

COLUMNS = ("customer", "account", "campaign", "day", "sent", "added")
_MOST = 2_000_000_000
_SINCE = timedelta(days=31)

log = structlog.get_logger()


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


async def watch(house: House, account_ids: Sequence[int]) -> list[Alert]:
    """Look at the last month of these accounts; what is beyond the bounds is an event and a line in the log, once."""
    now = house.clock()
    async with house.database.writing() as connection:
        names = await customers.names(connection, account_ids)
        days = await rates.days(connection, account_ids, (now - _SINCE).date(), names)
        told = await rates.tell(connection, beyond(house, days), now)
    for alert in told:
        log.warning("rate", account=alert.day.account, campaign=alert.day.campaign, day=alert.day.day, what=alert.what)
    return told


def beyond(house: House, days: Sequence[Day]) -> list[Alert]:
    """The alerts of days in order, each account and campaign by itself."""
    rules = house.policy.rates
    return [a for _, some in groupby(days, lambda d: (d.account, d.campaign)) for a in alerts(list(some), rules)]


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

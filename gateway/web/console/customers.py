"""Customers: the tree of resellers and customers, a search, and one of them with what it has and what it did.

Must never decide anything about one: cases, strikes and fines have their own pages and commands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway import staff_strikes, volumes
from gateway.casework.rates import Alert, Day
from gateway.policies.rates import Rates
from gateway.staff_strikes import Standing
from gateway.store import assignments, charges, customers, directory, rates
from gateway.web import charts
from gateway.web.charts import Chart, TimeLine
from gateway.web.visit import Place, Role, Visit

_LINES = 100  # customers on one page
_HELD = 300  # assignments in the table
_DRAWN = 40  # rows of the time line
_CASES = 50
_CHARGES = 100  # lines of the ledger that are shown, the latest
_DAYS = 30


@dataclass(frozen=True, slots=True)
class Complaints:
    """Complaints per day, as share of the mails sent where that is known (`shares`), else as numbers. `bounds`: name
    and height of the policy's thresholds in the drawing."""

    rows: list[tuple[str, int, int | None, float | None]]
    chart: Chart
    shares: bool
    bounds: list[tuple[str, float, float]]
    alerts: list[Alert]


async def listing(visit: Visit) -> Response:
    """`?q=`: a word of key, name or contact, or an address or host; `?after=KEY`: the page after that customer."""
    words, after = visit.asked("q"), visit.asked("after")
    async with visit.house.database.reading() as connection:
        if words:
            found, more = await directory.search(connection, words, after, _LINES, visit.house.clock())
        else:
            found, more = await directory.top(connection, after, _LINES)
    following = found[-1].key if more else None
    return visit.show("console/customers.html", branches=found, following=following, words=words, after=after)


async def one(visit: Visit) -> Response:
    """One customer: contacts, addresses over time, complaints, strikes, charges, cases."""
    house, now = visit.house, visit.house.clock()
    days = min(max(visit.asked_number("days") or _DAYS, 7), 366)
    since = (now - timedelta(days=days - 1)).date()
    async with house.database.reading() as connection:
        found = await directory.one(connection, visit.text("key"))
        if found is None:
            raise HTTPException(404)
        ids = [account.id for account in found["accounts"]]
        names = await customers.names(connection, ids)
        held = await assignments.of_account(connection, ids, _HELD)
        counted = await rates.days(connection, ids, since, names)
        owed, all_lines = await charges.owed(connection, ids)
        lines = await charges.latest(connection, ids, _CHARGES)
        its_cases = await directory.cases_of(connection, ids, _CASES)
    policy = house.book.of_customer(found["policy"])
    starts = [(since + timedelta(days=n)).isoformat() for n in range(days)]
    return visit.show(
        "console/customer.html",
        customer=found,
        policy=policy,
        names=names,
        held=held,
        most_held=_HELD,
        whole=assignments.WHOLE,
        drawn=_drawn(held, now),
        complaints=_complaints(counted, starts, policy.rates, volumes.beyond(counted, policy.rates)),
        days=days,
        standings=[await _standing(visit, names[account]) for account in ids[:10]],
        lines=lines,
        all_lines=all_lines,
        owed=owed,
        cases=its_cases,
    )


PLACES = (
    Place("/customers", listing, Role.VIEWER, personal=True),
    Place("/customers/{key}", one, Role.VIEWER, personal=True),
)


async def _standing(visit: Visit, account: str) -> Standing:
    return await staff_strikes.standing(visit.house, account)


def _drawn(held: Sequence[Any], now: datetime) -> TimeLine | None:
    """The latest assignments, those of one resource in one row."""
    shown = sorted(held[:_DRAWN], key=lambda row: (row.first, row.resource, row.port_first, row.valid_from))
    if not shown:
        return None
    first = min(row.valid_from for row in shown)
    spans = [(_name(row), row.valid_from, row.valid_to, row.use) for row in shown]
    return charts.time_line(spans, min(first, now - timedelta(days=30)), now)


def _name(row: Any) -> str:
    whole = (row.port_first, row.port_last) == assignments.WHOLE
    return str(row.resource) if whole else f"{row.resource}:{row.port_first}"


def _complaints(counted: Sequence[Day], starts: Sequence[str], rules: Rates, beyond: list[Alert]) -> Complaints:
    number: dict[str, int] = {}
    sent: dict[str, int] = {}
    for day in counted:
        if not day.campaign:  # campaigns are parts of it
            number[day.day] = number.get(day.day, 0) + day.complaints
            if day.sent is not None:
                sent[day.day] = sent.get(day.day, 0) + day.sent
    rows = []
    for start in starts:
        count, mails = number.get(start, 0), sent.get(start)
        rows.append((start, count, mails, count / mails if mails else None))
    if not sent:
        chart = charts.lines({"none": [], "complaints": [count for _, count, *_ in rows]}, starts)
        return Complaints(rows, chart, shares=False, bounds=[], alerts=beyond)
    limits = {"warn": rules.complaints_warn, "alarm": rules.complaints_alarm}
    shares = [share for *_, share in rows]
    top = max([share for share in shares if share is not None] + [rules.complaints_alarm])
    chart = charts.lines({"none": [], "complaints": shares}, starts, "share", least_top=top)
    end = charts.top_of([top], "share")
    bounds = [(name, charts.threshold(limit, end), limit) for name, limit in limits.items()]
    return Complaints(rows, chart, shares=True, bounds=bounds, alerts=beyond)

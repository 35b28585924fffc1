"""The audit trail: who did what, when and why, under filters in the address, and as CSV.

Must never show what is about a matter of the legal lane to anybody but its named staff.
"""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from starlette.responses import Response

from gateway.spreadsheets import guarded
from gateway.store import access, audit
from gateway.store.audit import Asked, Done
from gateway.store.cases import case_id_of
from gateway.web.visit import Place, Role, Visit

_LINES = 100  # on one page
_MOST_ROWS = 10_000  # of a CSV
_FILTERS = ("who", "what", "case", "since", "until")
_COLUMNS = ("id", "at", "who", "what", "why", "case", "message_id", "report_id")


async def listing(visit: Visit) -> Response:
    """`?who=&what=&case=&since=2026-01-31&until=`; `before=ID`: the page after that event."""
    asked, error = _asked(visit)
    found = await _page(visit, asked, visit.asked_number("before"), _LINES + 1)
    given = {name: visit.asked(name) for name in _FILTERS}
    kept = urlencode({name: value for name, value in given.items() if value})
    following = found[_LINES - 1].id if len(found) > _LINES else None
    return visit.show(
        "console/audit.html",
        422 if error else 200,
        events=found[:_LINES],
        following=following,
        form=given,
        kept=kept,
        most=_MOST_ROWS,
        error=error,
    )


async def table(visit: Visit) -> Response:
    """The same as CSV, newest first; no cell is a formula."""
    asked, _ = _asked(visit)
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(_COLUMNS)
    for done in await _page(visit, asked, visit.asked_number("before"), _MOST_ROWS):
        cells = (getattr(done, name) for name in _COLUMNS)
        rows.writerow([guarded(_cell(value)) for value in cells])
    return visit.download(text.getvalue().encode("utf-8", "replace"), "arfgate-audit.csv")


async def looks(visit: Visit) -> Response:
    """Who looked at which page with personal data: `?who=&path=&before=ID`."""
    who, path, before = visit.asked("who"), visit.asked("path"), visit.asked_number("before")
    async with visit.house.database.reading() as connection:
        found = await access.listed(connection, who=who or None, path=path or None, before=before, limit=_LINES + 1)
    given = {"who": who, "path": path}
    return visit.show(
        "console/looks.html",
        looks=found[:_LINES],
        following=found[_LINES - 1].id if len(found) > _LINES else None,
        form=given,
        kept=urlencode({name: value for name, value in given.items() if value}),
    )


PLACES = (
    Place("/audit/looks", looks, Role.ADMIN, personal=True),
    Place("/audit", listing, Role.APPROVER, personal=True),
    Place("/audit.csv", table, Role.APPROVER, personal=True),
)


async def _page(visit: Visit, asked: Asked, before: int | None, limit: int) -> list[Done]:
    legal = visit.visitor is not None and visit.visitor.legal
    async with visit.house.database.reading() as connection:
        return await audit.page(connection, asked, legal=legal, before=before, limit=limit)


def _asked(visit: Visit) -> tuple[Asked, str]:
    """What is looked for, and what cannot be understood of it."""
    try:
        since, until = _day(visit.asked("since")), _day(visit.asked("until"))
        ended = until + timedelta(days=1) if until else None
    except (ValueError, OverflowError):
        return Asked(), "That is no day: write it as 2026-01-31."
    case = visit.asked("case")
    return Asked(visit.asked("who"), visit.asked("what"), case_id_of(case) if case else None, since, ended), ""


def _day(text: str) -> datetime | None:
    return datetime.fromisoformat(text[:10]).replace(tzinfo=UTC) if text else None


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)

"""The cases as staff read them: the list with the time left, and one case with all that happened in it.

Must never show evidence as anything but text, nor a body at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.store import cases
from gateway.store.cases import CaseLine
from gateway.web.visit import Place, Role, Visit

_LINES = 200  # on one page
_EVENTS = 500  # the last ones
_REPORTS = 50


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """`share` of the full time that is left, 0 to 1; `text` as people say it: `23:10 h left`, `2:05 h late`."""

    share: float
    text: str
    late: bool


def time_left(notified_at: datetime | None, due_at: datetime | None, now: datetime) -> TimeLeft | None:
    """None where no clock runs."""
    if due_at is None:
        return None
    minutes = int((due_at - now).total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    late = minutes < 0
    full = (due_at - notified_at).total_seconds() if notified_at else 0
    share = max(0.0, min(1.0, (due_at - now).total_seconds() / full)) if full > 0 else float(not late)
    return TimeLeft(round(share, 3), f"{hours}:{rest:02d} h {'late' if late else 'left'}", late)


async def listing(visit: Visit) -> Response:
    """`?all=1`: ended ones too; `?before=ID`: the page after that case."""
    everything, first = visit.asked("all") == "1", visit.asked_number("before")
    async with visit.house.database.reading() as connection:
        found = await cases.listed(connection, only_open=not everything, limit=_LINES + 1, before=first)
    shown, now = found[:_LINES], visit.house.clock()
    lines = [(line, time_left(line.notified_at, line.due_at, now)) for line in _first_due_first(shown)]
    following = shown[-1].id if len(found) > _LINES else None
    return visit.show("console/cases.html", lines=lines, everything=everything, following=following)


def _first_due_first(lines: list[CaseLine]) -> list[CaseLine]:
    """What runs out next stands on top; without a clock, the newest first."""
    return sorted(lines, key=lambda line: (line.due_at is None, line.due_at.timestamp() if line.due_at else -line.id))


async def one(visit: Visit) -> Response:
    """A case with everything in it."""
    number = visit.text("number")
    async with visit.house.database.reading() as connection:
        case = await cases.shown(connection, number)
    if case is None:
        raise HTTPException(404)
    now = visit.house.clock()
    bars = [(clock, time_left(clock.notified_at, clock.due_at, now)) for clock in case["clocks"]]
    findings = {
        (said["code"], said["evidence"]): None
        for report in case["reports"]
        for said in report["parsed"].get("findings", ())
    }
    told = case | {
        "bars": bars,
        "findings": list(findings),
        "reports": case["reports"][-_REPORTS:],
        "all_reports": len(case["reports"]),
        "events": case["events"][-_EVENTS:],
        "all_events": len(case["events"]),
    }
    return visit.show("console/case.html", **told)


PLACES = (
    Place("/cases", listing, Role.VIEWER),
    Place("/case/{number}", one, Role.VIEWER, personal=True),
)

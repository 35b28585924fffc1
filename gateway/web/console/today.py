"""Today: what runs out next, what waits for a person, what failed, and who fell silent. The first page of the day.

Must never hold a figure that leads nowhere: each stands beside the page where it is worked off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.responses import Response

from gateway import silence
from gateway.model import Case, CaseState
from gateway.store import mailboxes, today
from gateway.store.today import Deadline
from gateway.web.bars import time_left
from gateway.web.visit import Place, Role, Visit

_NEXT, _ALARMS, _FAILED = 10, 20, 10
_SOON = timedelta(hours=6)
_WIDTH, _EDGE = 960, 12  # of the strip, in its own units
_MARKS = (1, 2, 3, 6, 12, 24, 48, 96, 168, 336)  # hours between marks


@dataclass(frozen=True, slots=True)
class Strip:
    """Deadlines on a line from now: (x, deadline), and marks (x, hours from now)."""

    width: int
    spots: list[tuple[int, Deadline]]
    marks: list[tuple[int, int]]


async def page(visit: Visit) -> Response:
    house = visit.house
    now = house.clock()
    async with house.database.reading() as connection:
        following = await today.deadlines(connection, _NEXT)
        soon = await today.running_out(connection, now + _SOON)
        waiting = await today.waiting(connection)
        failed = await today.failed(connection)
        unsent = await today.failed_notices(connection, _FAILED)
        alarms = await today.alarms(connection, _ALARMS)
        feeds = silence.feeds(await today.heard(connection), now)
        boxes = silence.mailboxes((await mailboxes.all_of(connection)).values(), now)
    return visit.show(
        "console/today.html",
        strip=strip(following, now),
        following=[(one, time_left(one.notified_at, one.due_at, now)) for one in following],
        soon=soon,
        waiting=waiting,
        failed=failed,
        unsent=[(row, _number(row.case_id, row.opened_at)) for row in unsent],
        alarms=[(row, _number(row.case_id, row.opened_at)) for row in alarms],
        silent=[*boxes, *feeds],
        most=today.MOST,
    )


def strip(following: Sequence[Deadline], now: datetime) -> Strip | None:
    """The next deadlines as a line that ends a little after the last of them; what is over stands at its beginning."""
    if not following:
        return None
    span = max(max(one.due_at for one in following) - now, timedelta(hours=1)).total_seconds() * 1.04
    room = _WIDTH - 2 * _EDGE

    def at(seconds: float) -> int:
        return _EDGE + round(room * min(1.0, max(0.0, seconds / span)))

    step = next((hours for hours in _MARKS if span / 3600 / hours <= 8), max(_MARKS[-1], round(span / 3600 / 8)))
    marks = [(at(hours * 3600), hours) for hours in range(0, int(span // 3600) + 1, step)]
    return Strip(_WIDTH, [(at((one.due_at - now).total_seconds()), one) for one in following], marks)


def _number(case_id: int | None, opened_at: datetime | None) -> str:
    if case_id is None or opened_at is None:
        return ""
    return Case(0, "", CaseState.OPEN, opened_at, id=case_id).number


PLACES = (Place("/today", page, Role.VIEWER),)

"""Reporters: who reports, how often rightly, what staff think of it, and the word that staff give.

Must never decide how far a report is believed: screening does, by what is kept here.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway import identities, reporting
from gateway.reporting import NoReporterError
from gateway.screening.reporters import Trust
from gateway.store import reporters
from gateway.web.visit import Place, Role, Visit, whole

_RECENT = timedelta(days=90)
_LINES = 200  # the busiest
_SWITCHES = ("opens_cases", "may_reply", "raw_forwarding")
_FORM = ("trust", "weight", "throttle", "alias", "blocked", *_SWITCHES, "reason")
_MOST_WEIGHT = 100.0


class _FormError(ValueError):
    """A field that cannot be meant; the text says which."""


async def listing(visit: Visit) -> Response:
    """Counts of the last 90 days; `?all=1`: of all time, and feeds that never reported."""
    everything = visit.asked("all") == "1"
    since = None if everything else visit.house.clock() - _RECENT
    found = await reporting.listed(visit.house, everything=everything, since=since, limit=_LINES)
    return visit.show("console/reporters.html", reporters=found, everything=everything, most=_LINES)


async def one(visit: Visit) -> Response:
    return await _show(visit)


async def decide(visit: Visit) -> Response:
    """Staff's word, with its reason."""
    try:
        values = _values(visit)
        await reporting.decide(visit.house, visit.text("key"), values, visit.who, visit.field("reason"))
    except NoReporterError as error:
        raise HTTPException(404) from error
    except _FormError as error:
        return await _show(visit, str(error), 422)
    return visit.go(visit.request.url.path.removesuffix("/decide"))


async def judge(visit: Visit) -> Response:
    """What became of one report's claim."""
    report, judgement, why = whole(visit.field("report")), visit.field("judgement"), visit.field("reason")
    if judgement not in {reporters.FALSE, reporters.DISPUTED, reporters.RIGHT} or report is None or not why:
        return await _show(visit, "Name the report, what became of it, and why.", 422)
    async with visit.house.database.writing() as connection:
        known = await reporters.judge(connection, report, judgement, visit.who, why, visit.house.clock())
    if not known:
        return await _show(visit, "There is no report of that number.", 422)
    return visit.go(visit.request.url.path.removesuffix("/judge"))


PLACES = (
    Place("/reporters", listing, Role.VIEWER, personal=True),
    Place("/reporters/{key}", one, Role.VIEWER, personal=True),
    Place("/reporters/{key}/decide", decide, Role.APPROVER, "POST"),
    Place("/reporters/{key}/judge", judge, Role.ANALYST, "POST"),
)


async def _show(visit: Visit, error: str = "", status: int = 200) -> Response:
    try:
        found = await reporting.shown(visit.house, visit.text("key"))
    except NoReporterError as wrong:
        raise HTTPException(404) from wrong
    return visit.show(
        "console/reporter.html",
        status,
        reporter=found,
        levels=[level.value for level in Trust],
        said=identities.in_one_line,
        form=visit.plain(_FORM),
        error=error,
    )


def _values(visit: Visit) -> dict[str, Any]:
    """The columns that the form sets: what is left as it is, is not in it. Raises _FormError."""
    if not visit.field("reason"):
        raise _FormError("Say why: the reason is kept, and shown with each verdict.")
    trust = visit.field("trust")
    if trust not in set(Trust):
        raise _FormError("Choose how far it is believed.")
    values: dict[str, Any] = {"trust": trust, "blocked": visit.field("blocked") == "yes"}
    if weight := visit.field("weight"):
        try:
            values["weight"] = float(weight)
        except ValueError:
            raise _FormError("A weight is a number such as 2.") from None
        if not 0 <= values["weight"] <= _MOST_WEIGHT:
            raise _FormError(f"A weight is between 0 and {_MOST_WEIGHT:g}.")
    if throttle := visit.field("throttle"):
        values["throttle"] = None if throttle == "-" else whole(throttle)
        if throttle != "-" and (values["throttle"] is None or values["throttle"] > 1_000_000):
            raise _FormError("Most reports an hour is a number such as 50, or - for no limit.")
    for name in _SWITCHES:
        if visit.field(name) in {"yes", "no"}:
            values[name] = visit.field(name) == "yes"
    return values

"""Mute rules: what is counted and not forwarded, why and until when; made and ended here.

Must never decide: `gateway.muting` does.
"""

from __future__ import annotations

from starlette.responses import Response

from gateway import muting
from gateway.casework.mutes import MuteKind
from gateway.muting import MuteError
from gateway.store import mutes
from gateway.web.visit import Place, Role, Visit

_FORM = ("kind", "value", "days", "reason")


async def listing(visit: Visit) -> Response:
    return await _show(visit)


async def add(visit: Visit) -> Response:
    kind, days = visit.field("kind"), visit.field("days")
    try:
        held = int(days) if days.isascii() and days.isdecimal() and len(days) < 6 else 0
        await muting.add(visit.house, kind, visit.field("value"), held, who=visit.who, why=visit.field("reason"))
    except MuteError as error:
        return await _show(visit, str(error), 422)
    return visit.go("/mutes")


async def end(visit: Visit) -> Response:
    """A rule that ended meanwhile is no mistake: the list shows it."""
    await muting.lift(visit.house, visit.number("rule"), who=visit.who)
    return visit.go("/mutes")


PLACES = (
    Place("/mutes", listing, Role.VIEWER),
    Place("/mutes/add", add, Role.ANALYST, "POST"),
    Place("/mutes/{rule}/end", end, Role.ANALYST, "POST"),
)


async def _show(visit: Visit, error: str = "", status: int = 200) -> Response:
    async with visit.house.database.reading() as connection:
        rules = await mutes.overview(connection)
    now = visit.house.clock()
    holding = [rule for rule in rules if rule["lifted_at"] is None and rule["expires_at"] > now]
    return visit.show(
        "console/mutes.html",
        status,
        holding=holding,
        over=[rule for rule in rules if rule not in holding],
        kinds=[kind.value for kind in MuteKind],
        most_days=muting.MOST_DAYS,
        form=visit.plain(_FORM),
        error=error,
    )

"""Sources of assignments: when each was read last, what that changed, and what went wrong.

Must never read a source: the service and `arfgate assignment import` do.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway import sources
from gateway.store import source_runs
from gateway.web.visit import Place, Role, Visit

COUNTS = ("new", "changed", "ended", "unchanged", "identifiers", "mails", "placed")  # of a run's report
_LINES = 100  # of what a run found wrong


async def listing(visit: Visit) -> Response:
    return visit.show("console/sources.html", sources=await sources.overview(visit.house), counts=COUNTS)


async def one(visit: Visit) -> Response:
    """The runs of a source, the latest first."""
    name = visit.text("name")
    seen = next((one for one in await sources.overview(visit.house) if one.state.name == name), None)
    if seen is None:
        raise HTTPException(404)
    async with visit.house.database.reading() as connection:
        runs = await source_runs.history(connection, name)
    return visit.show("console/source.html", seen=seen, runs=runs, counts=COUNTS, most=_LINES)


PLACES = (
    Place("/sources", listing, Role.VIEWER),
    Place("/sources/{name}", one, Role.VIEWER),
)

"""The command field: one word in, and the page of what it names; where it names several things, a list.

Must never search without a bound.
"""

from __future__ import annotations

from starlette.responses import Response

from gateway.store.find import find
from gateway.web.visit import Place, Role, Visit


async def search(visit: Visit) -> Response:
    text = visit.asked("q")
    async with visit.house.database.reading() as connection:
        found = await find(connection, text)
    if len(found) == 1:
        return visit.go(found[0].path)
    return visit.show("console/find.html", text=text, found=found)


PLACES = (Place("/find", search, Role.VIEWER, personal=True),)

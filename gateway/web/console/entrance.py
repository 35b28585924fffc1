"""Coming in: the token of the settings is changed for a cookie and leaves the address."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.web.visit import Place, Visit


async def enter(visit: Visit) -> Response:
    answer = visit.go("/queue")
    if visit.site.door.knows(visit.asked("token")):
        visit.site.door.let_in(answer)
    elif visit.visitor is None:
        raise HTTPException(403, visit.site.door.how_to_come_in(visit.house.settings))
    return answer


PLACES = (Place("/", enter, None),)

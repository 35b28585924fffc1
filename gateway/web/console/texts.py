"""Texts at hand: what staff write again and again, kept under a name, to be put before a reason or a note.

Must never send anything: a text goes out only with a decision.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.store import desk_drawer
from gateway.web.visit import Place, Role, Visit

_NAME_CHARS, _TEXT_CHARS = 60, 4000


async def listing(visit: Visit) -> Response:
    async with visit.house.database.reading() as connection:
        texts = await desk_drawer.canned(connection)
    return visit.show("console/texts.html", texts=texts, analyst=visit.may(Role.ANALYST))


async def write(visit: Visit) -> Response:
    """One of the same name is replaced."""
    name, text = " ".join(visit.field("name").split())[:_NAME_CHARS], visit.field("text", _TEXT_CHARS)
    if not name or not text:
        raise HTTPException(422, "A text has a name and words.")
    async with visit.house.database.writing() as connection:
        await desk_drawer.write_canned(connection, name, text, who=visit.who, now=visit.house.clock())
    return visit.go("/texts")


async def drop(visit: Visit) -> Response:
    async with visit.house.database.writing() as connection:
        if not await desk_drawer.drop_canned(connection, visit.number("text"), who=visit.who, now=visit.house.clock()):
            raise HTTPException(404)
    return visit.go("/texts")


PLACES = (
    Place("/texts", listing, Role.VIEWER),
    Place("/texts", write, Role.ANALYST, "POST"),
    Place("/texts/{text}/forget", drop, Role.ANALYST, "POST"),
)

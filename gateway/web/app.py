"""The web application: every table of pages behind one check of role, proof and size.

Must never answer a page whose table names a role to somebody who has not got it. What a page does is in
`console` (staff), `portal` (customers and reporters); what no answer may lack is in `guard`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from gateway.accounts import AccountError, TooOftenError
from gateway.house import House
from gateway.queue import NoEntryError, QueueError
from gateway.store import access
from gateway.store.database import StoreError
from gateway.web import console, evidence, portal, static_files
from gateway.web.api import application as api
from gateway.web.api.routes import MOST_MAIL
from gateway.web.console.sign_in import ask
from gateway.web.door import place_of
from gateway.web.guard import Front, Guard
from gateway.web.site import Site
from gateway.web.visit import Place, Visit

PLACES: tuple[Place, ...] = (*console.PLACES, *portal.PLACES, *evidence.PLACES)
_MOST_FIELDS = 1100
_SENTENCES = {404: "There is no such page.", 405: "This page cannot be used in that way."}


def application(house: House) -> FastAPI:
    """The application that uvicorn serves."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.house = house
    site = Site(house)
    errors = _Errors(site)
    for place in PLACES:
        app.router.routes.append(Route(place.path, _behind_the_door(site, place), methods=[place.method]))
    app.router.routes.append(Route("/static/{name}", static_files.answer, methods=["GET"]))
    app.mount(api.PREFIX, api.application(site))
    app.add_exception_handler(HTTPException, errors.http)
    app.add_exception_handler(RequestValidationError, errors.address)
    app.add_exception_handler(QueueError, errors.cannot)
    app.add_exception_handler(AccountError, errors.cannot)
    app.add_exception_handler(StoreError, errors.database)
    most = max(MOST_MAIL, *(_most_body(house, place) for place in PLACES))
    app.add_middleware(Guard, refuse=errors.sentence, most_body=most, front=Front.of(house.settings))
    return app


def _behind_the_door(site: Site, place: Place) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        visit = Visit(request, site, place, await site.door.visitor(request, busy=not place.live))
        if place.role is not None:
            if visit.visitor is None and place.method == "GET":
                return await ask(visit)
            _only_for(visit, place)
        if place.method == "POST":
            await _take_form(site, visit)
        if place.personal and visit.visitor is not None:
            await _note(visit)
        if visit.visitor is not None and place.role is not None:
            visit.counts = await site.counts(fresh=place.method == "POST")
        try:
            return await place.answer(visit)
        finally:
            await visit.form.close()

    return answer


def _only_for(visit: Visit, place: Place) -> None:
    if visit.visitor is None:
        raise HTTPException(403, "You are not signed in any more. Sign in, then do it again.")
    if not visit.may(place.role or max(type(visit.visitor.role))):
        raise HTTPException(403, "Your account may not do this. Somebody with a higher role can.")
    if place.legal and not visit.visitor.legal:
        raise HTTPException(403, "The legal lane is open to named staff only.")


async def _note(visit: Visit) -> None:
    """That somebody looks at personal data, before it is shown."""
    where = place_of(visit.request).address
    async with visit.house.database.writing() as connection:
        await access.add(connection, visit.who, visit.request.url.path, where, visit.house.clock())


async def _take_form(site: Site, visit: Visit) -> None:
    """Read the form and check that it came from a page of ours. Raises HTTPException."""
    length = int(visit.request.headers.get("content-length", "0"))  # the guard let digits only pass
    portal, place = site.house.settings.portal, visit.place
    if length > _most_body(site.house, place):
        raise HTTPException(413, "That is too much for this form.")
    if place.uploads and site.uploading.locked():
        raise HTTPException(503, "Too many people are sending something at this moment. Please try again in a minute.")
    try:
        async with asyncio.timeout(portal.upload_seconds), site.uploading if place.uploads else nullcontext():
            files = portal.upload_files if place.uploads else place.files
            visit.form = await visit.request.form(max_files=files, max_fields=_MOST_FIELDS)
    except TimeoutError:
        raise HTTPException(408, "The form took too long to arrive. Please send it again.") from None
    if visit.place.role is not None and not site.door.sent_by_us(visit.request, visit.field("proof")):
        raise HTTPException(403, "This form is out of date. Open the page again and repeat it.")


def _most_body(house: House, place: Place) -> int:
    """Bytes of a form: what the place says, with uploads what the settings say and room for the fields."""
    return house.settings.portal.upload_bytes + place.most_body if place.uploads else place.most_body


class _Errors:
    """What went wrong, as a page with one sentence and never more."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def sentence(self, request: Request, status: int, text: str) -> Response:
        return HTMLResponse(self.site.sentence(request, status, text).encode("utf-8", "replace"), status)

    async def http(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        own = error.detail if error.status_code in {403, 408, 409, 413, 422, 429, 503} else ""
        told = own or _SENTENCES.get(error.status_code, "That cannot be done here.")
        return self.sentence(request, error.status_code, told)

    async def address(self, request: Request, _: Exception) -> Response:
        return self.sentence(request, 404, _SENTENCES[404])

    async def cannot(self, request: Request, error: Exception) -> Response:
        status = 404 if isinstance(error, NoEntryError) else 429 if isinstance(error, TooOftenError) else 422
        return self.sentence(request, status, str(error))

    async def database(self, request: Request, error: Exception) -> Response:
        return self.sentence(request, 503, str(error))

"""The interface for programs as an application of its own under /api/v1: routes, the document that describes them,
and errors as JSON with one sentence.

Must never tell more of a bug than that there was one.
"""

from __future__ import annotations

import json

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import Response

from gateway.queue import DecidedError, NoEntryError, QueueError
from gateway.store.database import StoreError
from gateway.web.api import routes
from gateway.web.api.access import bearer, holds_key
from gateway.web.site import Site

PREFIX = "/api/v1"
_MOST_PROBLEMS = 5


def application(site: Site) -> FastAPI:
    """To be mounted at PREFIX."""
    app = FastAPI(title="arfgate", version="1", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.site = site
    app.include_router(routes.router)

    @app.get("/openapi.json", include_in_schema=False)
    async def described(request: Request) -> Response:
        """To everybody who is signed in, or has a key."""
        if await site.door.visitor(request) is None:
            await holds_key(request, await bearer(request))
        return _said(200, app.openapi() | {"servers": [{"url": PREFIX}]})

    app.add_exception_handler(StarletteHTTPException, _http)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(QueueError, _cannot)
    app.add_exception_handler(StoreError, _database)
    return app


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    answer = _said(error.status_code, {"detail": str(error.detail)})
    answer.headers.update(error.headers or {})
    return answer


async def _unreadable(_: Request, error: Exception) -> Response:
    """Where and why, never what was sent: that may be anything."""
    assert isinstance(error, RequestValidationError)
    where = [f"{'.'.join(str(part) for part in one['loc'])[:100]}: {one['msg']}" for one in error.errors()]
    return _said(422, {"detail": "; ".join(where[:_MOST_PROBLEMS])})


async def _cannot(_: Request, error: Exception) -> Response:
    status = 404 if isinstance(error, NoEntryError) else 409 if isinstance(error, DecidedError) else 422
    return _said(status, {"detail": str(error)})


async def _database(_: Request, error: Exception) -> Response:
    return _said(503, {"detail": str(error)})


def _said(status: int, value: object) -> Response:
    """ASCII only: what was sent may hold half a character."""
    return Response(json.dumps(value).encode(), status, media_type="application/json")

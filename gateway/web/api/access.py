"""Who calls: the key in `Authorization: Bearer`, its role, and the look that is written down.

Must never read a cookie: a browser that is signed in must not be made to call by another page.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import StringConstraints

from gateway.accounts import key_of
from gateway.house import House
from gateway.roles import Role
from gateway.store import access, users
from gateway.web.door import place_of
from gateway.web.site import Site
from gateway.web.visit import Visitor

_USED_EVERY = timedelta(minutes=1)
_KEY_CHARS = 200
_SMALL_BODY = 64 * 1024
Text = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]

bearer = HTTPBearer(auto_error=False, description="A key that `arfgate user token` made.")
_Given = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


def site_of(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


def house_of(request: Request) -> House:
    return site_of(request).house


HouseGiven = Annotated[House, Depends(house_of)]


def caller(least: Role, *, personal: bool = False, most_body: int = _SMALL_BODY) -> Any:
    """A dependency: who calls, with this role at least. `personal`: the look is written down."""
    return Depends(_check(least, personal=personal, most_body=most_body))


def _check(least: Role, *, personal: bool, most_body: int) -> Callable[..., Awaitable[Visitor]]:
    async def check(request: Request, given: _Given) -> Visitor:
        visitor = await holds_key(request, given)
        if visitor.role < least:
            raise HTTPException(403, f"This key is for a {visitor.role.word}; here a {least.word} is needed.")
        if int(request.headers.get("content-length", "0")) > most_body:  # the guard let digits only pass
            raise HTTPException(413, "That is too much.")
        if personal:
            house = house_of(request)
            async with house.database.writing() as connection:
                await access.add(connection, visitor.name, request.url.path, place_of(request).address, house.clock())
        return visitor

    return check


async def holds_key(request: Request, given: HTTPAuthorizationCredentials | None) -> Visitor:
    """Whose key it is. Raises HTTPException (401)."""
    visitor = await _known(request, given)
    if visitor is None:
        told = {"www-authenticate": "Bearer"}
        raise HTTPException(401, "Send a key that holds as 'Authorization: Bearer KEY'.", headers=told)
    return visitor


async def _known(request: Request, given: HTTPAuthorizationCredentials | None) -> Visitor | None:
    if given is None or len(given.credentials) > _KEY_CHARS:
        return None
    site = site_of(request)
    now = site.house.clock()
    async with site.house.database.reading() as connection:
        found = await users.token_with(connection, key_of(given.credentials), now)
    if found is None:
        return None
    token, user = found
    if token.used_at is None or now - token.used_at >= _USED_EVERY:
        async with site.house.database.writing() as connection:
            await users.token_used(connection, token.id, now)
    return site.door.visitor_of(user, None, token.role)

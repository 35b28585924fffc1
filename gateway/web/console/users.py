"""The accounts of staff, for admins: who there is, what each may do, where each is signed in.

Must never show or set a password: a new person gets a link that signs in once.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway import accounts
from gateway.accounts import AccountError
from gateway.roles import WORDS, role_of
from gateway.setting_types import is_loopback
from gateway.store import sessions, users
from gateway.store.events import Event
from gateway.store.users import User
from gateway.web.visit import Place, Role, Visit

_FORM = ("name", "email", "role")


async def listing(visit: Visit) -> Response:
    return await _list(visit)


async def add(visit: Visit) -> Response:
    values = {"name": visit.field("name"), "email": visit.field("email"), "role": _role(visit)}
    try:
        user = await accounts.add(visit.house, values | {"legal": visit.field("legal") == "yes"}, visit.who)
    except AccountError as error:
        return await _list(visit, str(error))
    return visit.go(f"/users/{user.id}?done=added")


async def show(visit: Visit) -> Response:
    return await _one(visit, await _user(visit))


async def change(visit: Visit) -> Response:
    user = await _user(visit)
    wanted = {
        "role": _role(visit),
        "email": visit.field("email"),
        "legal": visit.field("legal") == "yes",
        "disabled": visit.field("disabled") == "yes",
    }
    changed = {name: value for name, value in wanted.items() if value != getattr(user, name)}
    if changed:
        try:
            await accounts.change(visit.house, user, changed, visit.who)
        except AccountError as error:
            return await _one(visit, user, str(error))
    return visit.go(f"/users/{user.id}?done=changed")


async def make_link(visit: Visit) -> Response:
    user = await _user(visit)
    if user.disabled:
        return await _one(visit, user, "A closed account cannot be signed in.")
    return await _one(visit, user, link=_address(visit, await accounts.link(visit.house, user, visit.who)))


async def drop_second(visit: Visit) -> Response:
    user = await _user(visit)
    await accounts.drop_totp(visit.house, user, visit.who)
    return visit.go(f"/users/{user.id}?done=second")


async def end_session(visit: Visit) -> Response:
    user = await _user(visit)
    said = Event(visit.house.clock(), visit.who, "session ended", data={"account": user.name})
    async with visit.house.database.writing() as connection:
        await sessions.end(connection, visit.number("session"), user.id, said)
    return visit.go(f"/users/{user.id}?done=session")


PLACES = (
    Place("/users", listing, Role.ADMIN),
    Place("/users", add, Role.ADMIN, "POST"),
    Place("/users/{user}", show, Role.ADMIN),
    Place("/users/{user}/change", change, Role.ADMIN, "POST"),
    Place("/users/{user}/link", make_link, Role.ADMIN, "POST"),
    Place("/users/{user}/second/drop", drop_second, Role.ADMIN, "POST"),
    Place("/users/{user}/sessions/{session}/end", end_session, Role.ADMIN, "POST"),
)


def _role(visit: Visit) -> Role:
    try:
        return role_of(visit.field("role"))
    except ValueError as error:
        raise HTTPException(422, "Choose a role.") from error


def _address(visit: Visit, token: str) -> str:
    """The link under the name by which this page was opened."""
    url = visit.request.url
    host = url.netloc if is_loopback(url.hostname or "") else (url.hostname or "")
    return f"{url.scheme}://{host}/sign-in/{token}"


async def _user(visit: Visit) -> User:
    async with visit.house.database.reading() as connection:
        user = await users.numbered(connection, visit.number("user"))
    if user is None:
        raise HTTPException(404)
    return user


async def _list(visit: Visit, error: str = "") -> Response:
    async with visit.house.database.reading() as connection:
        found = await users.listed(connection)
        recent = await sessions.listed(connection, None, 50)
    return visit.show(
        "console/users.html",
        422 if error else 200,
        users=found,
        recent=recent,
        roles=WORDS,
        form=visit.plain(_FORM),
        error=error,
    )


async def _one(visit: Visit, user: User, error: str = "", link: str = "") -> Response:
    async with visit.house.database.reading() as connection:
        where = [session for session, _ in await sessions.listed(connection, user.id, 30)]
    return visit.show(
        "console/user.html",
        422 if error else 200,
        user=user,
        sessions=where,
        roles=WORDS,
        link=link,
        error=error,
        done=visit.asked("done"),
    )

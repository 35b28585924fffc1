"""One's own account: password, second factor, where one is signed in, keys of one's programs.

What would let a thief of the browser stay asks for the password again. Must never show a key or code a second time.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway import accounts, totp
from gateway.accounts import AccountError
from gateway.passwords import WeakPasswordError
from gateway.store import sessions, users
from gateway.store.events import Event
from gateway.store.users import User
from gateway.web.visit import Place, Role, Visit
from gateway.web.words import LANGUAGES

_PASSWORD_CHARS = 1025


async def show(visit: Visit) -> Response:
    return await _page(visit)


async def change_password(visit: Visit) -> Response:
    user = await _user(visit)
    new = visit.field("new", _PASSWORD_CHARS)
    if not await _is_password(visit, user):
        return await _page(visit, "This is not your password of now.")
    if new != visit.field("again", _PASSWORD_CHARS):
        return await _page(visit, "The two new passwords differ.")
    try:
        await accounts.set_password(
            visit.house, visit.site.door.passwords, user, new, who=visit.who, but=_session(visit)
        )
    except WeakPasswordError as error:
        return await _page(visit, f"{str(error)[:1].upper()}{str(error)[1:]}.")
    return visit.go("/account?done=password")


async def second(visit: Visit) -> Response:
    """The page that sets the second factor up: nothing is kept before its form comes back with a code."""
    return await _second(visit, totp.new_seed())


async def set_second(visit: Visit) -> Response:
    user, seed = await _user(visit), visit.field("seed")
    if not totp.is_seed(seed):
        raise HTTPException(422, "This is no key of ours. Open the page again.")
    if not await _is_password(visit, user):
        return await _second(visit, seed, "This is not your password of now.")
    try:
        codes = await accounts.set_totp(visit.house, user, seed, visit.field("code"))
    except AccountError as error:
        return await _second(visit, seed, str(error))
    return visit.show("console/recovery_codes.html", codes=codes)


async def drop_second(visit: Visit) -> Response:
    user = await _user(visit)
    if not await _is_password(visit, user):
        return await _page(visit, "This is not your password of now.")
    await accounts.drop_totp(visit.house, user, visit.who)
    return visit.go("/account?done=second")


async def end_session(visit: Visit) -> Response:
    user = await _user(visit)
    said = Event(visit.house.clock(), visit.who, "session ended", data={"account": user.name})
    async with visit.house.database.writing() as connection:
        await sessions.end(connection, visit.number("session"), user.id, said)
    return visit.go("/account?done=session")


async def end_token(visit: Visit) -> Response:
    user = await _user(visit)
    said = Event(visit.house.clock(), visit.who, "key ended", data={"account": user.name})
    async with visit.house.database.writing() as connection:
        await users.end_token(connection, user.id, visit.number("token"), said)
    return visit.go("/account?done=key")


async def language(visit: Visit) -> Response:
    """Of the pages in this browser; whoever chose none gets what the browser asks for."""
    answer = visit.go("/account?done=language")
    visit.site.speak(visit.request, answer, visit.field("language"))
    return answer


PLACES = (
    Place("/account", show, Role.VIEWER),
    Place("/account/language", language, Role.VIEWER, "POST"),
    Place("/account/password", change_password, Role.VIEWER, "POST"),
    Place("/account/second", second, Role.VIEWER),
    Place("/account/second", set_second, Role.VIEWER, "POST"),
    Place("/account/second/drop", drop_second, Role.VIEWER, "POST"),
    Place("/account/sessions/{session}/end", end_session, Role.VIEWER, "POST"),
    Place("/account/keys/{token}/end", end_token, Role.VIEWER, "POST"),
)


async def _user(visit: Visit) -> User:
    assert visit.visitor is not None
    async with visit.house.database.reading() as connection:
        user = await users.numbered(connection, visit.visitor.user_id)
    if user is None:
        raise HTTPException(404)
    return user


async def _is_password(visit: Visit, user: User) -> bool:
    """Whoever signs on elsewhere has none and need not type one. Counted like a sign-in."""
    if user.password_hash is None:
        return True
    return await accounts.is_password(
        visit.house, visit.site.door.passwords, user, visit.field("password", _PASSWORD_CHARS)
    )


def _session(visit: Visit) -> int | None:
    return visit.visitor.session if visit.visitor else None


async def _page(visit: Visit, error: str = "") -> Response:
    user = await _user(visit)
    async with visit.house.database.reading() as connection:
        mine = [session for session, _ in await sessions.listed(connection, user.id, 30)]
        keys = await users.tokens_of(connection, user.id)
        left = await users.codes_left(connection, user.id)
    return visit.show(
        "console/account.html",
        422 if error else 200,
        languages=LANGUAGES,
        user=user,
        sessions=mine,
        keys=keys,
        codes_left=left,
        mine=_session(visit),
        error=error,
        done=visit.asked("done"),
    )


async def _second(visit: Visit, seed: str, error: str = "") -> Response:
    user = await _user(visit)
    address = totp.address_of(seed, user.name, f"arfgate {visit.house.settings.operator.domain}")
    drawing, side = totp.qr_path(address)
    return visit.show(
        "console/second_factor.html",
        422 if error else 200,
        user=user,
        seed=seed,
        address=address,
        drawing=drawing,
        side=side,
        error=error,
    )

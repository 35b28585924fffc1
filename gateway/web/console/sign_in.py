"""Coming in and going out: name and password, the code of the second step, a one-time link, signing out.

Must never tell whether an account exists, nor lead to a page that is not ours.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway import accounts
from gateway.accounts import SignInError, TooOftenError
from gateway.store import sessions, users
from gateway.store.events import Event
from gateway.store.users import User
from gateway.web.door import place_of
from gateway.web.visit import Place, Role, Visit

_PASSWORD_CHARS = 1024


async def ask(visit: Visit, error: str = "", status: int = 403) -> Response:
    """The sign-in page in the place of a page that needs an account; it leads back there."""
    async with visit.house.database.reading() as connection:
        empty = not await users.any_yet(connection)
    sign_on = visit.house.settings.sign_on
    return visit.show(
        "console/sign_in.html",
        status,
        error=error,
        empty=empty,
        name=visit.field("name"),
        back=_back(visit),
        sign_on=sign_on.title if sign_on.issuer else None,
    )


async def home(visit: Visit) -> Response:
    assert visit.visitor is not None
    return visit.go(visit.site.rail(visit.visitor)[0][0])


async def form(visit: Visit) -> Response:
    return await ask(visit, status=200) if visit.visitor is None else visit.go("/")


async def password(visit: Visit) -> Response:
    try:
        user = await accounts.with_password(
            visit.house,
            visit.site.door.passwords,
            visit.field("name"),
            visit.field("password", _PASSWORD_CHARS + 1),
            place_of(visit.request),
        )
    except SignInError as error:
        return await ask(visit, str(error), _status(error))
    if user.totp is not None:
        return _ask_code(visit, user)
    return await come_in(visit, user, "password")


async def code(visit: Visit) -> Response:
    user = await visit.site.door.halfway(visit.field("half"))
    if user is None:
        return await ask(visit, "That took too long. Begin again.")
    try:
        await accounts.with_code(visit.house, user, visit.field("code"), place_of(visit.request))
    except SignInError as error:
        return _ask_code(visit, user, str(error), _status(error))
    return await come_in(visit, user, "password")


async def link(visit: Visit) -> Response:
    """Works once, so that it may stand in a terminal or a mail."""
    try:
        user = await accounts.with_link(visit.house, visit.text("token"), place_of(visit.request))
    except SignInError as error:
        if visit.visitor is not None:  # opened twice by whom it let in
            return visit.go("/")
        raise HTTPException(_status(error), str(error)) from error
    return await come_in(visit, user, "link")


async def come_in(visit: Visit, user: User, how: str, page: str | None = None) -> Response:
    """A session for this browser, and on to the page that was wanted."""
    key = await accounts.begin(visit.house, user, how, place_of(visit.request))
    answer = visit.go(page or _back(visit))
    visit.site.door.let_in(visit.request, answer, key)
    return answer


async def leave(visit: Visit) -> Response:
    assert visit.visitor is not None
    said = Event(visit.house.clock(), visit.who, "signed out", data={"account": visit.who})
    async with visit.house.database.writing() as connection:
        await sessions.end(connection, visit.visitor.session or 0, visit.visitor.user_id, said)
    answer = visit.go("/sign-in")
    visit.site.door.let_out(visit.request, answer)
    return answer


PLACES = (
    Place("/", home, Role.VIEWER),
    Place("/sign-in", form, None),
    Place("/sign-in", password, None, "POST"),
    Place("/sign-in/code", code, None, "POST"),
    Place("/sign-in/{token}", link, None),
    Place("/sign-out", leave, Role.VIEWER, "POST"),
)


def _ask_code(visit: Visit, user: User, error: str = "", status: int = 200) -> Response:
    half = visit.site.door.half(user)
    return visit.show("console/sign_in_code.html", status, half=half, back=_back(visit), error=error)


def _back(visit: Visit) -> str:
    """The page that was wanted: one of ours, or the first."""
    if visit.place.method == "POST":
        wanted = visit.field("back")
    elif visit.place.role is None:
        wanted = visit.asked("back")
    else:
        query = visit.request.url.query
        wanted = visit.request.url.path + (f"?{query}" if query else "")
    return page_of_ours(wanted)


def page_of_ours(wanted: str) -> str:
    """The path if it is one of ours to go back to, else that of the first page."""
    ours = wanted.startswith("/") and wanted[1:2] not in {"/", "\\"} and wanted.isascii() and wanted.isprintable()
    return wanted[:600] if ours and not wanted.startswith("/sign-") else "/"


def _status(error: SignInError) -> int:
    return 429 if isinstance(error, TooOftenError) else 403

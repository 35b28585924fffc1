"""Who stands behind a request: the session that its cookie names, in the database that all nodes share.

The cookie holds a random key and nothing else; the database holds its digest. Each form carries a proof bound to
that cookie, since other programs on this machine may share its host name. SameSite is Lax, so that a link to a case
in a mail opens it; what changes something is a form with its proof. Must never let in by anything but a session.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from gateway.accounts import From, key_of
from gateway.house import House
from gateway.passwords import Passwords
from gateway.roles import Role
from gateway.store import sessions, users
from gateway.store.users import User
from gateway.web.visit import Visitor

COOKIE = "arfgate-in"
_MOST_CHARS = 1024  # of what a stranger sends to be compared
_HALFWAY = timedelta(minutes=5)  # between password and code


class Door:
    """Made once for the application."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._key = house.key("web")
        self.passwords = Passwords()

    async def visitor(self, request: Request, *, busy: bool = True) -> Visitor | None:
        """Who stands behind the request; None: nobody whom we know. `busy`: it counts as something that was done."""
        key = self._cookie(request)
        if not key:
            return None
        now, idle = self._house.clock(), timedelta(minutes=self._house.settings.web.idle_minutes)
        async with self._house.database.reading() as connection:
            found = await sessions.found(connection, key_of(key), idle, now)
        if found is None:
            return None
        session, user = found
        if busy and sessions.is_stale(session, now):
            async with self._house.database.writing() as connection:
                await sessions.seen(connection, session.id, now)
        return self.visitor_of(user, session.id)

    def visitor_of(self, user: User, session: int | None, role: Role | None = None) -> Visitor:
        """`role`: of a program's key, where it is lower. The legal lane is open to whom both the settings and the
        account name."""
        named = {address.lower() for address in self._house.settings.legal.staff}
        legal = user.legal and user.email.lower() in named
        return Visitor(user.name, min(user.role, role or user.role), legal, user.email, user.id, session)

    def let_in(self, request: Request, answer: Response, key: str) -> None:
        """Give the browser the key of its session, for as long as it stays open."""
        secure = request.url.scheme == "https"
        answer.set_cookie(cookie_name(request), key, httponly=True, samesite="lax", path="/", secure=secure)

    def let_out(self, request: Request, answer: Response) -> None:
        secure = request.url.scheme == "https"
        answer.delete_cookie(cookie_name(request), httponly=True, samesite="lax", path="/", secure=secure)

    def form_proof(self, request: Request) -> str:
        """What each form of this browser carries."""
        return self.sign("form", self._cookie(request))

    def sent_by_us(self, request: Request, proof: str) -> bool:
        """Does a form come from a page that we gave to this browser?"""
        return _same(proof[:_MOST_CHARS], self.form_proof(request))

    def half(self, user: User) -> str:
        """Says that the password of this account was right a moment ago: what the second step carries."""
        until = int((self._house.clock() + _HALFWAY).timestamp())
        return f"{user.id}.{until}.{self._half_sign(user, until)}"

    async def halfway(self, half: str) -> User | None:
        """Whose password was right; None: nobody's, or too long ago, or it was changed since."""
        number, _, rest = half[:_MOST_CHARS].partition(".")
        until, _, proof = rest.partition(".")
        if not (_is_number(number) and _is_number(until)) or int(until) < self._house.clock().timestamp():
            return None
        async with self._house.database.reading() as connection:
            user = await users.numbered(connection, int(number))
        if user is None or user.disabled or not _same(proof, self._half_sign(user, int(until))):
            return None
        return user

    def _half_sign(self, user: User, until: int) -> str:
        return self.sign("half", f"{user.id} {until} {user.password_hash}")

    def _cookie(self, request: Request) -> str:
        return request.cookies.get(cookie_name(request), "")[:_MOST_CHARS]

    def sign(self, what: str, text: str) -> str:
        """Proof that a text of one kind was ours."""
        return hmac.digest(self._key, f"{what}\n{text}".encode("utf-8", "replace"), hashlib.sha256).hex()


def cookie_name(request: Request) -> str:
    """Over https only this very host can have set it."""
    return f"__Host-{COOKIE}" if request.url.scheme == "https" else COOKIE


def place_of(request: Request) -> From:
    """From where, as the guard found it."""
    return From(request.client.host if request.client else "", request.headers.get("user-agent", ""))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 15


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())

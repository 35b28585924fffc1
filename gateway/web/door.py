"""Who may come in: whoever knows the token of the settings. One cookie, nothing stored.

The cookie proves that the token was known and holds neither it nor a secret of ours; each
form carries a proof bound to the cookie, since other programs on this machine may share its
host name. Must never tell by its timing how wrong a guess is.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from starlette.requests import Request
from starlette.responses import Response

from gateway.settings import Settings
from gateway.web.visit import Role, Visitor

COOKIE = "arfgate-in"
_MOST_CHARS = 1024  # of what a stranger sends to be compared


class Door:
    """`token`: the setting web.token (None: nobody comes in); `key`: for what the page signs."""

    def __init__(self, token: str | None, key: bytes) -> None:
        self._token = token
        self._key = key

    def knows(self, token: str) -> bool:
        """Is this the token?"""
        if self._token is None or len(token) > _MOST_CHARS:
            return False
        return hmac.compare_digest(token.encode("utf-8", "replace"), self._token.encode())

    def let_in(self, answer: Response) -> None:
        """Give the browser its cookie, for as long as it stays open."""
        number = secrets.token_urlsafe(16)
        answer.set_cookie(COOKIE, f"{number}.{self._sign('in', number)}", httponly=True, samesite="strict", path="/")

    def is_in(self, request: Request) -> bool:
        """Does the request carry a cookie that we gave, under the token of now?"""
        number, _, proof = request.cookies.get(COOKIE, "")[:_MOST_CHARS].partition(".")
        return bool(number) and self._token is not None and _same(proof, self._sign("in", number))

    def visitor(self, request: Request) -> Visitor | None:
        """Who stands behind the request; None: nobody whom we know."""
        return Visitor("console", Role.ADMIN) if self.is_in(request) else None

    def how_to_come_in(self, settings: Settings) -> str:
        web = settings.web
        where = f"in the file {web.token_file}" if web.token_file else "in the setting web.token"
        return f"Open this page as http://{web.host}:{web.port}/?token=TOKEN. The token is {where}."

    def form_proof(self, request: Request) -> str:
        """What each form of this browser carries."""
        return self._sign("form", request.cookies.get(COOKIE, ""))

    def sent_by_us(self, request: Request, proof: str) -> bool:
        """Does a form come from a page that we gave to this browser?"""
        return _same(proof[:_MOST_CHARS], self.form_proof(request))

    def _sign(self, what: str, text: str) -> str:
        token = hashlib.sha256((self._token or "").encode()).hexdigest()
        return hmac.digest(self._key, f"{what}\n{token}\n{text}".encode("utf-8", "replace"), hashlib.sha256).hex()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())

"""Stands before the page: this machine only, small requests only, strict headers on every answer.

Refuses other Host names (a foreign site's name that points here, DNS rebinding), other
machines, and what is no form. Catches every bug, so that no traceback leaves the house.
Must never look at what a request wants.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.setting_types import is_loopback

_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; "
        "form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
    "x-robots-tag": "noindex, nofollow, noarchive",
}
_CHANGES_NOTHING = frozenset({"GET", "HEAD"})

log = structlog.get_logger(module=__name__)

Refuse = Callable[[int, str], Response]


class Guard:
    """ASGI. `refuse` makes the page of an error from status and sentence; `most_body`: bytes of the largest form."""

    def __init__(self, app: ASGIApp, refuse: Refuse, most_body: int) -> None:
        self.app = app
        self.refuse = refuse
        self.most_body = most_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
            await send(message)

        refused = self._refused(scope)
        if refused is not None:
            await refused(scope, receive, guarded)
            return
        try:
            await self.app(scope, receive, guarded)
        except Exception:  # a bug: logged with its place, told without
            log.exception("page failed", method=scope["method"], path=scope["path"])
            if not begun:
                answer = self.refuse(500, "Something went wrong here. Nothing was changed; the log says what it was.")
                await answer(scope, receive, guarded)

    def _refused(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        client = scope.get("client")
        if client is None or not is_loopback(client[0]):
            return self.refuse(403, "This page is for this machine only. From another one, use an SSH tunnel.")
        if not is_loopback(_host_name(headers.get("host", ""))):
            return self.refuse(403, "Open this page under 127.0.0.1 or localhost; it answers to no other name.")
        if scope["method"] in _CHANGES_NOTHING:
            return None
        if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return self.refuse(403, "This form was sent from another page. Open the page itself and do it there.")
        length = headers.get("content-length", "" if "transfer-encoding" in headers else "0")
        if not length.isascii() or not length.isdecimal():
            return self.refuse(411, "The request does not say how long it is.")
        if len(length) > 9 or int(length) > self.most_body:
            return self.refuse(413, "That is too much text for this form.")
        return None


def _host_name(host: str) -> str:
    """The name of a Host header without its port; an SSH tunnel may end at any port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]

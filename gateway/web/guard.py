"""Stands before the page: this machine and the named reverse proxy only, small requests only, strict headers on
every answer.

Refuses other Host names (a foreign site's name that points here, DNS rebinding), other machines, and what is no
form. Tells the application from which address and over which scheme a request came. Catches every bug, so that no
traceback leaves the house. Must never look at what a request wants, nor believe a forwarding header of a stranger.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.setting_types import IpNetwork, is_loopback
from gateway.settings import Settings

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
_MOST_HOPS = 20  # of X-Forwarded-For

log = structlog.get_logger(module=__name__)

Refuse = Callable[[Request, int, str], Response]


@dataclass(frozen=True, slots=True)
class Front:
    """Under which name the page is served to others, and by which proxies. `host` None: to nobody."""

    host: str | None
    proxies: tuple[IpNetwork, ...]

    @classmethod
    def of(cls, settings: Settings) -> Front:
        parts = urlsplit(settings.public_url or "")
        return cls(parts.hostname if parts.scheme == "https" else None, settings.web.trusted_proxies)

    def is_proxy(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self.proxies)

    def visitor(self, peer: str, forwarded: str) -> str:
        """The last address of X-Forwarded-For that is no proxy of ours: what stands before it, anybody may write."""
        named = [part.strip() for part in forwarded.split(",")[-_MOST_HOPS:] if part.strip()]
        address = next((one for one in reversed(named) if not self.is_proxy(one)), peer)
        try:
            return str(ipaddress.ip_address(address))
        except ValueError:
            return peer


class Guard:
    """ASGI. `refuse` makes the page of an error, from request, status and sentence; `most_body`: bytes of the largest
    form."""

    def __init__(self, app: ASGIApp, refuse: Refuse, most_body: int, front: Front) -> None:
        self.app = app
        self.refuse = refuse
        self.most_body = most_body
        self.front = front

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False
        scope = dict(scope)  # the application sees who really asks

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
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
                told = "Something went wrong here. Nothing was changed; the log says what it was."
                answer = self.refuse(Request(scope), 500, told)
                await answer(scope, receive, guarded)

    def _refused(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        refused = self._from_elsewhere(scope, headers)
        if refused is None and scope["method"] not in _CHANGES_NOTHING:
            refused = self._no_form(headers)
        return self.refuse(Request(scope), *refused) if refused else None

    def _no_form(self, headers: Headers) -> tuple[int, str] | None:
        if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return 403, "This form was sent from another page. Open the page itself and do it there."
        length = headers.get("content-length", "" if "transfer-encoding" in headers else "0")
        if not length.isascii() or not length.isdecimal():
            return 411, "The request does not say how long it is."
        if len(length) > 9 or int(length) > self.most_body:
            return 413, "That is too much text for this form."
        return None

    def _from_elsewhere(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        """Sets client and scheme of the scope to what they really are."""
        peer = (scope.get("client") or ("",))[0]
        host = _host_name(headers.get("host", "")).lower()
        by_proxy = self.front.is_proxy(peer)
        if not by_proxy and not is_loopback(peer):
            return 403, "This page is for this machine only. From another one, use an SSH tunnel."
        if by_proxy and host == self.front.host:
            if headers.get("x-forwarded-proto", "").split(",")[-1].strip().lower() != "https":
                return 403, "Open this page over https; the reverse proxy says in X-Forwarded-Proto that it is."
            scope["client"] = (self.front.visitor(peer, ",".join(headers.getlist("x-forwarded-for"))), 0)
            scope["scheme"] = "https"
            return None
        if by_proxy and "x-forwarded-for" in headers:
            return 403, "The reverse proxy has to pass the Host header of public_url on as it is."
        scope["scheme"] = "http"
        if not is_loopback(peer) or not is_loopback(host):
            own = f", or under https://{self.front.host}" if self.front.host else ""
            return 403, f"Open this page under 127.0.0.1 or localhost{own}; it answers to no other name."
        return None


def _host_name(host: str) -> str:
    """The name of a Host header without its port; an SSH tunnel may end at any port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]

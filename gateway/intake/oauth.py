"""Access tokens for mailboxes: asked for by OAuth 2, kept until shortly before they end, asked for once at a time.

Microsoft 365 as an application (RFC 6749 section 4.4), Google with a service account (RFC 7523: an assertion signed
with RS256), anybody else with a refresh token (section 6). Must never show a token or a secret, nor send one anywhere
but to the address that the settings name or the provider's own.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from gateway.mailbox_sections import Mailbox
from notifier.headers import clean
from notifier.http import Answered, Call, HttpClient, NotFetched

_EARLY = timedelta(minutes=5)  # renewed before it ends: a poll may take a while
_UNSAID = timedelta(minutes=50)  # where the server does not say how long it lasts
_MICROSOFT = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
_MICROSOFT_SCOPE = "https://outlook.office365.com/.default"
_GOOGLE = "https://oauth2.googleapis.com/token"
_GOOGLE_SCOPE = "https://mail.google.com/"
_SECONDS = 20.0  # for an answer of the token server
_LARGEST = 64 * 1024  # bytes of it
_LARGEST_KEY = 64 * 1024
_ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class TokenRefused(Exception):  # noqa: N818  the name says what happened
    """There is no token. `problem` and `next_step` are for people, `setting` is the one to look at first."""

    def __init__(self, problem: str, next_step: str, setting: str) -> None:
        super().__init__(f"{problem}; {next_step}")
        self.problem, self.next_step, self.setting = problem, next_step, setting


@dataclass(frozen=True)
class Grant:
    """What a mailbox's token is asked for with. `form(now)` is what is sent; it holds secrets."""

    token_url: str
    form: Callable[[datetime], Mapping[str, str]] = field(repr=False)
    setting: str = "oauth_secret_file"  # where a refusal has its cause, most likely


class TokenSource:
    """The token of one mailbox. `clock` gives aware UTC."""

    def __init__(self, grant: Grant, http: HttpClient, clock: Callable[[], datetime]) -> None:
        self._grant = grant
        self._http = http
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token: str | None = None
        self._until: datetime | None = None

    async def token(self) -> str:
        """A token that lasts a while yet. Raises TokenRefused."""
        async with self._lock:
            if self._token is None or self._until is None or self._clock() >= self._until:
                self._token, lasts = await self._ask()
                self._until = self._clock() + max(lasts - _EARLY, lasts / 2)
            return self._token

    def forget(self) -> None:
        """The server refused the token: the next one is a new one."""
        self._token = None

    async def _ask(self) -> tuple[str, timedelta]:
        url = self._grant.token_url
        form = urlencode(self._grant.form(self._clock())).encode("ascii")
        call = Call(form, {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}, _LARGEST)
        answer = await self._http.post(url, call, seconds=_SECONDS, allow_hosts=_own_host(url))
        if isinstance(answer, NotFetched) or answer.status != 200:
            wrong = answer.detail if isinstance(answer, NotFetched) else f"{url}: status {answer.status}{_said(answer)}"
            step = f"check {self._grant.setting}, the application's id, and that this machine gets there"
            raise TokenRefused(f"no token: {wrong}", step, self._grant.setting)
        said = _object(answer)
        token, lasts = said.get("access_token"), said.get("expires_in")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise TokenRefused(f"{url} gave no access_token", "check oauth_token_url", "oauth_token_url")
        seconds = float(lasts) if isinstance(lasts, int | float | str) and str(lasts).isdigit() else None
        return token, timedelta(seconds=min(seconds, 86_400.0)) if seconds else _UNSAID


def sources(boxes: Sequence[Mailbox], http: HttpClient, clock: Callable[[], datetime]) -> dict[str, TokenSource]:
    """For each mailbox that is opened with a token. Raises ValueError: a Google key that is none."""
    return {box.name: TokenSource(grant(box), http, clock) for box in boxes if box.login != "password"}


def grant(box: Mailbox) -> Grant:
    """How this mailbox's token is had. Raises ValueError."""
    secret = box.oauth_secret.get_secret_value() if box.oauth_secret else ""
    if box.login == "google":
        return _google(box)
    form = {"client_id": box.oauth_client_id or ""}
    if box.login == "microsoft":
        scope = box.oauth_scope or _MICROSOFT_SCOPE
        form |= {"grant_type": "client_credentials", "client_secret": secret, "scope": scope}
        own = _MICROSOFT.format(tenant=quote(box.oauth_tenant or "", safe=""))
        return Grant(box.oauth_token_url or own, lambda _now: form)
    refresh = box.oauth_refresh.get_secret_value() if box.oauth_refresh else ""
    form |= {"grant_type": "refresh_token", "refresh_token": refresh}
    form |= {"client_secret": secret} if secret else {}
    form |= {"scope": box.oauth_scope} if box.oauth_scope else {}
    return Grant(box.oauth_token_url or "", lambda _now: form, "oauth_refresh_file")


def _google(box: Mailbox) -> Grant:
    where = f'oauth_key_file of mailbox "{box.name}"'
    try:
        key = json.loads(box.oauth_key_file.read_bytes()[:_LARGEST_KEY]) if box.oauth_key_file else {}
        issuer, pem = str(key["client_email"]), str(key["private_key"]).encode()
        private = serialization.load_pem_private_key(pem, password=None)
    except OSError as error:
        raise ValueError(f"{where} cannot be read ({error.strerror}); check its owner and mode") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{where} is not the JSON key of a Google service account; download it anew") from error
    if not isinstance(private, rsa.RSAPrivateKey):
        raise ValueError(f"{where} holds no RSA key; download it anew")  # noqa: TRY004  a wrong value, not a wrong type
    url = box.oauth_token_url or _GOOGLE
    claims = {"iss": issuer, "sub": box.user, "scope": box.oauth_scope or _GOOGLE_SCOPE, "aud": url}

    def form(now: datetime) -> dict[str, str]:
        return {"grant_type": _ASSERTION, "assertion": _signed(claims, now, private)}

    return Grant(url, form, "oauth_key_file")


def _signed(claims: Mapping[str, Any], now: datetime, key: rsa.RSAPrivateKey) -> str:
    """A JSON Web Token (RFC 7519) for one hour, signed with RS256 (RFC 7518 section 3.3)."""
    at = int(now.timestamp())
    parts = ({"alg": "RS256", "typ": "JWT"}, {**claims, "iat": at, "exp": at + 3600})
    text = ".".join(_base64url(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    return f"{text}.{_base64url(key.sign(text.encode('ascii'), padding.PKCS1v15(), hashes.SHA256()))}"


def _object(answer: Answered) -> dict[str, Any]:
    """The JSON object of an answer, empty where it is none."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _said(answer: Answered) -> str:
    """`, invalid_grant, the token expired`: what a token server says is wrong (RFC 6749 section 5.2)."""
    found = _object(answer)
    words = (found.get("error"), found.get("error_description"))
    return "".join(f", {clean(word, 200)}" for word in words if isinstance(word, str))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _own_host(url: str) -> tuple[str, ...]:
    """A token server on this machine is the operator's word; the settings allow plain HTTP there only."""
    parts = urlsplit(url)
    if parts.scheme != "http":
        return ()
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return (f"{host}:{parts.port or 80}",)

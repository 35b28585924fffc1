"""Signing in by OpenID Connect: authorization code with PKCE, the ID token checked against the provider's keys.

The provider says who somebody is; which of its groups make which role, the settings say. Must never link somebody to
an account that was not made by this sign-on, take a token signed otherwise than the settings say, nor keep one.
OpenID Connect Core 1.0 section 3.1; RFC 7636 (PKCE).
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from gateway import accounts
from gateway.accounts import AccountError, SignInError
from gateway.house import House
from gateway.roles import Role
from gateway.store import users
from gateway.store.events import Event
from gateway.store.users import User
from gateway.web_sections import SignOn
from notifier.http import Call, Fetched, HttpClient, NotFetched

_LEEWAY_SECONDS = 60
_ANSWER_SECONDS = 10.0
_MOST_BYTES = 256 * 1024
_METADATA = "/.well-known/openid-configuration"

log = structlog.get_logger(module=__name__)


@dataclass(frozen=True, slots=True)
class Errand:
    """What the browser takes along while it is at the provider's: `state` comes back, the others stay with us."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Back:
    """What it comes back with, and `redirect`, the address that it was sent to."""

    code: str
    errand: Errand
    redirect: str


def new_errand() -> Errand:
    return Errand(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))


async def address(house: House, errand: Errand, redirect: str) -> str:
    """Where the browser is sent. Raises SignInError."""
    how = house.settings.sign_on
    async with aclosing(_Provider(house)) as provider:
        metadata = await provider.metadata()
    challenge = base64.urlsafe_b64encode(hashlib.sha256(errand.verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": how.client_id,
        "redirect_uri": redirect,
        "scope": " ".join(how.scopes),
        "state": errand.state,
        "nonce": errand.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    end = str(metadata["authorization_endpoint"])
    return f"{end}{'&' if '?' in end else '?'}{urlencode(query)}"


async def somebody(house: House, back: Back) -> User:
    """Whose account it is; the first time it is made. Raises SignInError."""
    async with aclosing(_Provider(house)) as provider:
        claims = await provider.claims(back)
    how = house.settings.sign_on
    role = role_of(how, claims)
    if role is None:
        log.warning("sign-on without a role", subject=str(claims["sub"])[:80])
        raise SignInError("Your company account gives you no role here. An admin of arfgate knows which group does.")
    subject = f"{how.issuer} {claims['sub']}"
    async with house.database.reading() as connection:
        user = await users.of_subject(connection, subject)
    user = user or await _new(house, claims, subject, role)
    if user.disabled:
        raise SignInError("This account is closed.")
    await _follow(house, user, role)
    return user


def role_of(how: SignOn, claims: Mapping[str, Any]) -> Role | None:
    """The highest role that one of the claim's values stands for."""
    said = claims.get(how.role_claim)
    values = (
        {said}
        if isinstance(said, str)
        else {v for v in said if isinstance(v, str)}
        if isinstance(said, list)
        else set()
    )
    groups = {
        Role.ADMIN: how.admins,
        Role.APPROVER: how.approvers,
        Role.ANALYST: how.analysts,
        Role.VIEWER: how.viewers,
    }
    return next((role for role, named in groups.items() if values & set(named)), None)


async def _new(house: House, claims: Mapping[str, Any], subject: str, role: Role) -> User:
    email = str(claims.get("email") or "") if claims.get("email_verified") is True else ""
    name = str(claims.get(house.settings.sign_on.name_claim) or claims.get("email") or claims["sub"])
    values = {"name": name, "email": email[:200], "role": role, "subject": subject}
    try:
        return await accounts.add(house, values, "sign-on")
    except AccountError as error:
        log.warning("sign-on without an account", why=str(error))
        raise SignInError(
            "An account of your name is there already, or your name cannot be one. Ask an admin."
        ) from error


async def _follow(house: House, user: User, role: Role) -> None:
    """The provider's groups of now decide."""
    if role is not user.role:
        said = Event(
            house.clock(), "sign-on", "account changed", f"{user.name}: role {role.word}", data={"account": user.name}
        )
        async with house.database.writing() as connection:
            await users.change(connection, user, {"role": role}, said)


class _Provider:
    """The provider's documents, over a client of its own: people sign in seldom."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._how = house.settings.sign_on
        self._http = HttpClient(house.resolver, house.clock)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def metadata(self) -> Mapping[str, Any]:
        """OpenID Connect Discovery 1.0 section 4. Raises SignInError."""
        issuer = self._how.issuer or ""
        found = await self._document(issuer.rstrip("/") + _METADATA)
        missing = [name for name in ("authorization_endpoint", "token_endpoint", "jwks_uri") if not found.get(name)]
        if found.get("issuer") != issuer or missing:
            raise self._trouble(f"the provider's document names issuer {found.get('issuer')!r}, and lacks {missing}")
        return found

    async def claims(self, back: Back) -> Mapping[str, Any]:
        """What a checked ID token says. Raises SignInError."""
        metadata = await self.metadata()
        token = await self._id_token(metadata, back)
        keys = await self._document(str(metadata["jwks_uri"]))
        wanted = jwt.JWTClaimsRegistry(
            now=lambda: int(self._house.clock().timestamp()),
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "value": str(self._how.issuer)},
            aud={"essential": True, "value": str(self._how.client_id)},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": back.errand.nonce},
        )
        try:
            read = jwt.decode(token, KeySet.import_key_set(cast("Any", keys)), algorithms=[self._how.algorithm])
            wanted.validate(read.claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise self._trouble(f"the ID token is refused: {type(error).__name__}: {error}") from error
        claims: dict[str, Any] = read.claims
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (several or "azp" in claims) and claims.get("azp") != self._how.client_id:
            raise self._trouble("the ID token is for somebody else (azp)")
        return claims

    async def _id_token(self, metadata: Mapping[str, Any], back: Back) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": back.code,
            "redirect_uri": back.redirect,
            "client_id": str(self._how.client_id),
            "code_verifier": back.errand.verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self._how.secret is not None:
            secret = self._how.secret.get_secret_value()
            if "client_secret_basic" in metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
                both = urlencode({str(self._how.client_id): secret}).replace("=", ":", 1)  # RFC 6749 section 2.3.1
                headers["Authorization"] = f"Basic {base64.b64encode(both.encode()).decode()}"
            else:
                form["client_secret"] = secret
        call = Call(urlencode(form).encode(), headers, _MOST_BYTES)
        url = str(metadata["token_endpoint"])
        said = await self._http.post(url, call, seconds=_ANSWER_SECONDS, allow_hosts=self._how.hosts)
        if isinstance(said, NotFetched):
            raise self._trouble(said.detail)
        try:
            return str(json.loads(said.body)["id_token"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise self._trouble(f"the token endpoint answered {said.status} without an ID token") from error

    async def _document(self, url: str) -> Mapping[str, Any]:
        found = await self._http.get_json(url, allow_hosts=self._how.hosts)
        if not isinstance(found, Fetched) or not isinstance(found.data, dict):
            raise self._trouble(found.detail if isinstance(found, NotFetched) else f"{url}: no document")
        return found.data

    def _trouble(self, why: str) -> SignInError:
        log.warning("sign-on failed", why=why)
        return SignInError("Signing in with the company account did not work. The log of arfgate says why.")

"""The sections of arfgate.toml about the console: where it listens, how long one stays signed in, sign-on elsewhere.

As in `sections`. Must never connect to anything.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints, ValidationInfo, field_validator

from gateway.sections import Section
from gateway.setting_types import FilePath, HostPortList, NetworkList, Port, Text, TextList, secret_from_file

_HttpUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$", max_length=300)]


class Web(Section):
    """The console, the pages of customers and reporters, and the interface for programs."""

    enabled: bool = True
    """Serve them."""
    host: Text = "127.0.0.1"
    """Address to listen on. Another one than this machine's own needs public_url (https) and trusted_proxies."""
    port: Port = 8025
    """TCP port."""
    trusted_proxies: NetworkList = ()
    """Addresses of the reverse proxy that serves public_url over https. Its X-Forwarded-For and X-Forwarded-Proto are
    believed, nobody else's; one on this machine is "127.0.0.1"."""
    idle_minutes: Annotated[int, Field(ge=5, le=60 * 24 * 7)] = 240
    """Minutes without a page after which one is signed out."""
    session_hours: Annotated[int, Field(ge=1, le=24 * 30)] = 24
    """Hours after which one signs in again whatever one does."""


class SignOn(Section):
    """Signing in by OpenID Connect: the accounts of your own house. Off without an issuer."""

    issuer: _HttpUrl | None = None
    """Address of the provider, as its discovery document states it."""
    client_id: Text | None = None
    """Name of this application at the provider. Its redirect address is PUBLIC_URL/sign-on/back."""
    secret_file: FilePath | None = None
    """File that holds the client secret."""
    secret: SecretStr | None = None
    """The client secret. Or use `secret_file`. Without one the client is public: PKCE is used in both cases."""
    title: Text = "Sign in with your company account"
    """What the button says."""
    scopes: TextList = ("openid", "email", "profile")
    """What is asked for; some providers give groups only where "groups" is among them."""
    name_claim: Text = "preferred_username"
    """Claim that becomes the account's name; without it the e-mail address is taken."""
    role_claim: Text = "groups"
    """Claim that decides the role: a text or a list of texts."""
    viewers: TextList = ()
    """Values of that claim that make a viewer. Who has several is what the highest says; who has none stays out."""
    analysts: TextList = ()
    """Values that make an analyst."""
    approvers: TextList = ()
    """Values that make an approver."""
    admins: TextList = ()
    """Values that make an admin."""
    hosts: HostPortList = ()
    """Hosts of the provider with private addresses, "host:port"; without TLS too, so only where nobody listens in."""
    algorithm: Literal["RS256", "PS256", "ES256", "EdDSA"] = "RS256"
    """How the provider signs its ID tokens; nothing else is taken."""

    @field_validator("client_id")
    @classmethod
    def _with_issuer(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("issuer") and not value:
            raise ValueError("is missing; the provider gives one when the application is registered there")
        return value

    @field_validator("secret", mode="before")
    @classmethod
    def _secret(cls, value: object, info: ValidationInfo) -> object:
        return secret_from_file(value, info, "secret_file", required=False)

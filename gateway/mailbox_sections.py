"""The section of arfgate.toml for a mailbox: where it is, how we log in, what happens to its mail.

As in `sections`. Must never show a secret.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints, ValidationInfo, field_validator, model_validator

from gateway.model import MailboxRole
from gateway.sections import Section, absent
from gateway.setting_types import Address, FilePath, Host, MailboxName, Port, Text, is_loopback, secret_from_file

TokenUrl = Annotated[str, StringConstraints(pattern=r"^(https://|http://(127\.0\.0\.1|\[::1\]|localhost)[:/])[^\s#]+$")]


class Mailbox(Section):
    """One mailbox that is read by IMAP."""

    name: MailboxName
    """Short name, used on the command line and in ARFGATE_MAILBOXES__NAME__PASSWORD."""
    role: MailboxRole
    """Which address it serves: "abuse", "postmaster" or "isp-desk"."""
    host: Host
    """IMAP server."""
    security: Literal["tls", "starttls", "plain"] = "tls"
    """"tls" (encrypted from the first byte), "starttls", or "plain" (for a server on this machine)."""
    allow_plain: bool = False
    """Permit "plain" to another machine: password and mail travel readable. Use it on a private line only."""
    port: Port = Field(default_factory=lambda data: 993 if data["security"] == "tls" else 143)
    """TCP port; default 993 for tls, else 143."""
    user: Text
    """Login name."""
    address: Address | None = None
    """Its mail address, where that is not the login name; `arfgate check --intake` writes to it."""
    login: Literal["password", "microsoft", "google", "refresh-token"] = "password"
    """How we log in: "password"; or by OAuth 2 (XOAUTH2): as an application of Microsoft 365 ("microsoft"), with a
    Google service account ("google"), or with a "refresh-token" of any provider."""
    oauth_client_id: Text | None = None
    """Id of the application (microsoft, refresh-token)."""
    oauth_tenant: Text | None = None
    """Id or domain of the Microsoft 365 tenant (microsoft)."""
    oauth_secret_file: FilePath | None = None
    """File that holds the client secret (microsoft, refresh-token)."""
    oauth_secret: SecretStr | None = None
    """The same. Or use `oauth_secret_file`, or the environment variable ARFGATE_MAILBOXES__NAME__OAUTH_SECRET."""
    oauth_key_file: FilePath | None = None
    """The JSON key of a Google service account (google)."""
    oauth_refresh_file: FilePath | None = None
    """File that holds the refresh token (refresh-token)."""
    oauth_refresh: SecretStr | None = None
    """The same. Or use `oauth_refresh_file`, or the environment variable ARFGATE_MAILBOXES__NAME__OAUTH_REFRESH."""
    oauth_token_url: TokenUrl | None = None
    """Where tokens are asked for; default: Microsoft's or Google's own address. refresh-token needs it."""
    oauth_scope: Text | None = None
    """What the token is for; default: mail of Microsoft 365 or Google."""
    password_file: FilePath | None = None
    """File that holds the password, relative to this file; better than `password`."""
    password: SecretStr | None = Field(default_factory=absent)
    """The password. Or use `password_file`, or the environment variable ARFGATE_MAILBOXES__NAME__PASSWORD."""
    verify: bool = True
    """Verify the server's certificate. false lets anybody on the line read the mail and the password."""
    ca_file: FilePath | None = None
    """PEM file of a certificate authority to trust for this server."""
    folder: Text = "INBOX"
    """Folder that is read."""
    junk_folder: Text | None = None
    """A second folder to read, such as "Junk": reports are often taken for spam."""
    processed: Text = "Processed"
    """Folder for mail that is stored."""
    failed: Text = "Failed"
    """Folder for mail that could not be read; it is stored nonetheless."""
    after: Literal["move", "keep", "delete"] = "move"
    """What happens to a mail once it is stored: "move", "keep" where it is, or "delete"."""
    poll_seconds: Annotated[int, Field(ge=1, le=3600)] = 60
    """Seconds between two looks, 1 to 3600."""
    idle: bool = True
    """Also wake up as soon as the server says that there is mail (IMAP IDLE)."""
    timeout_seconds: Annotated[int, Field(ge=1, le=600)] = 30
    """Seconds to wait for an answer of the server."""

    @field_validator("allow_plain")
    @classmethod
    def _no_plain_password(cls, value: bool, info: ValidationInfo) -> bool:
        if info.data.get("security") == "plain" and not value and not is_loopback(info.data.get("host", "")):
            raise ValueError('security = "plain" to another machine sends the password readable; use security = "tls"')
        return value

    @field_validator("password", mode="before")
    @classmethod
    def _password(cls, value: object, info: ValidationInfo) -> object:
        return secret_from_file(value, info, "password_file", required=info.data.get("login") == "password")

    @field_validator("oauth_secret", mode="before")
    @classmethod
    def _oauth_secret(cls, value: object, info: ValidationInfo) -> object:
        return secret_from_file(value, info, "oauth_secret_file", required=info.data.get("login") == "microsoft")

    @field_validator("oauth_refresh", mode="before")
    @classmethod
    def _oauth_refresh(cls, value: object, info: ValidationInfo) -> object:
        return secret_from_file(value, info, "oauth_refresh_file", required=info.data.get("login") == "refresh-token")

    @model_validator(mode="after")
    def _oauth_complete(self) -> Mailbox:
        needed = {
            "microsoft": ("oauth_client_id", "oauth_tenant"),
            "google": ("oauth_key_file",),
            "refresh-token": ("oauth_client_id", "oauth_token_url"),
        }
        lacking = [name for name in needed.get(self.login, ()) if getattr(self, name) is None]
        if lacking:
            raise ValueError(f'login = "{self.login}" needs {" and ".join(lacking)}; add it')
        return self

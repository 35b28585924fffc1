"""The sections of arfgate.toml about ways out beside mail: customers and reporters whose programs are called.

As in `sections`. Must never connect to anything.
"""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from gateway.sections import Section
from gateway.setting_types import Address, FilePath, MailboxName, Text, TextList, is_loopback, secret_from_file

_LEAST_SECRET = 16
STAFF = "alarms"
"""Name of the channel that `alarms.webhook` makes."""


def called(value: str) -> str:
    """An address that may be called: https, or http to this machine."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError("is not an address such as https://hooks.isp.example/arfgate")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("sends what was reported readable to another machine; use https")
    return value


class Channel(Section):
    """A program that is told instead of a mailbox. Customers have it by `arfgate customer delivery KEY channel:NAME`,
    or by the column `delivery` of an import."""

    name: MailboxName
    """Short name, as in channel:NAME."""
    type: Literal["webhook", "xarf"]
    """"webhook": every notice as JSON; "xarf": reports as XARF 4 documents, everything else by mail to `mail_to`."""
    url: Text
    """The address that is called (POST); https, or http to this machine."""
    secret_file: FilePath | None = None
    """File that holds the secret with which calls are signed, relative to this file."""
    secret: SecretStr | None = None
    """The secret. Or use `secret_file`, or the environment variable ARFGATE_CHANNELS__NAME__SECRET."""
    ca_file: FilePath | None = None
    """PEM file of a certificate authority to trust for it."""
    mail_to: Address | None = None
    """xarf: who gets by mail what XARF has no words for (reminders, warnings ...)."""
    reporters: TextList = ()
    """Reporters that hear outcomes by it, as `arfgate reporter list` names them, for example ["feed:sensors"]."""
    timeout_seconds: Annotated[int, Field(ge=1, le=240)] = 30
    """Seconds that one call may take."""

    @field_validator("name")
    @classmethod
    def _free(cls, value: str) -> str:
        if value == STAFF:
            raise ValueError(f'"{STAFF}" is the channel of alarms.webhook; choose another name')
        return value

    _safe = field_validator("url")(called)

    @field_validator("secret", mode="before")
    @classmethod
    def _secret(cls, value: object, info: ValidationInfo) -> object:
        required = info.data.get("type") == "webhook"
        return secret_from_file(value, info, "secret_file", required=required, least=_LEAST_SECRET)

    @field_validator("mail_to")
    @classmethod
    def _needed(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("type") == "xarf":
            raise ValueError("is missing: XARF has no words for a reminder, which has to reach somebody")
        return value

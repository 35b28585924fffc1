"""The sections of arfgate.toml that are about finding the customer. As in `sections`."""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from gateway.sections import Section
from gateway.setting_types import FilePath, MailboxName, NetworkList, Text, TextList, secret_from_file

Url = Annotated[str, Field(pattern=r"^https?://[^\s/?#]+(/[^\s#]*)?$")]


class Attribution(Section):
    """How customers are found."""

    protected: NetworkList = ()
    """Your own infrastructure, addresses or prefixes: never blamed, never acted on."""
    confirm_first: bool = True
    """Staff confirm the first report that advertises a host, mailbox, number or address of a customer; after that its
    reports find the customer by themselves."""
    ask_dns: bool = True
    """Ask the DNS for the addresses of advertised hosts that nobody is assigned: one of yours is a candidate in the
    queue, never more. Names that look made for one recipient are not asked about."""
    outside_url: Url | None = None
    """Address of a system of yours that is asked for a second opinion, by POST: address, time, port."""
    outside_private_hosts: TextList = ()
    """host:port of that system, if it is inside your network or speaks plain HTTP."""
    outside_secret_file: FilePath | None = None
    """File with the key by which these questions are signed (32 characters or more)."""
    outside_secret: SecretStr | None = None
    """The key itself, or ARFGATE_ATTRIBUTION__OUTSIDE_SECRET."""

    @field_validator("outside_secret", mode="before")
    @classmethod
    def _secret(cls, value: object, info: ValidationInfo) -> object:
        required = info.data.get("outside_url") is not None
        return secret_from_file(value, info, "outside_secret_file", required=required, least=32)


LEASE_KINDS = frozenset({"radius-detail", "radius-sql", "kea", "dhcpd"})  # their addresses change hands all the time


class Source(Section):
    """A system that knows who holds which address: the service reads it on schedule."""

    name: MailboxName
    """Short name; assignments remember it."""
    kind: Literal["csv", "jsonl", "netbox", "radius-detail", "radius-sql", "kea", "dhcpd", "postfix-log", "exim-log"]
    """What it is; docs/operators.md tells what each one reads."""
    path: FilePath | None = None
    """The file, for those that are files. It may be rotated: a shorter one is read from its beginning."""
    url: Text | None = Field(default=None, repr=False)
    """Address of NetBox, or the database with FreeRADIUS's table (postgresql+asyncpg://... or sqlite+aiosqlite:///...)."""
    token_file: FilePath | None = None
    """File with NetBox's API token."""
    token: SecretStr | None = None
    """The token itself, or ARFGATE_SOURCES__NAME__TOKEN."""
    relay: Text | None = None
    """Logs: the relay's host name, where the log has another."""
    year: Annotated[int, Field(ge=2000, le=2100)] | None = None
    """Logs without a year in their times: the year of the first line; default: the file's last change decides."""
    time_zone: Text | None = None
    """Logs without a zone in their times: the IANA name of the relay's, "UTC" or "Europe/Bucharest". They are not read
    without it: an hour too early or too late may be another customer's."""
    minutes: Annotated[int, Field(ge=1, le=10_080)] = 15
    """Minutes from one reading to the next."""
    node: Text | None = None
    """Only the node of this name reads it: files belong to one machine."""
    private_hosts: TextList = ()
    """host:port that may be private and without TLS, for a NetBox inside your network."""

    @field_validator("token", mode="before")
    @classmethod
    def _token(cls, value: object, info: ValidationInfo) -> object:
        return secret_from_file(value, info, "token_file", required=info.data.get("kind") == "netbox")

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str | None) -> str | None:
        try:
            ZoneInfo(value or "UTC")
        except (OSError, ValueError, LookupError):
            raise ValueError('there is no such time zone; a name such as "Europe/Bucharest" or "UTC"') from None
        return value

    @field_validator("url")
    @classmethod
    def _place(cls, value: str | None, info: ValidationInfo) -> str | None:
        kind = info.data.get("kind")
        if kind in {"netbox", "radius-sql"} and value is None:
            raise ValueError(f"a source of kind {kind} needs it")
        if kind not in {"netbox", "radius-sql"} and info.data.get("path") is None:
            raise ValueError(f"a source of kind {kind} needs `path`, not `url`")
        return value

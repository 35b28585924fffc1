"""The sections of arfgate.toml about what is outside: connectors, what a block leaves reachable, content filters and
block lists that are asked.

As in `sections`. Must never connect to anything.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, field_validator

from gateway.channel_sections import called
from gateway.model import ActionKind
from gateway.sections import Section
from gateway.setting_types import (
    DomainList,
    FilePath,
    HostPortList,
    MailboxName,
    NetworkList,
    Port,
    Text,
    TextList,
    listed,
    secret_from_file,
)
from parsers.fields import ip

_LEAST_SECRET = 16
_NEEDS = {"webhook": "url", "command": "command", "dnsbl": "file", "postfix": "file", "nftables": "file"}


def _place(value: str) -> str:
    """A prefix, or an address with a port."""
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError:
        host, _, port = value.rpartition(":")
    try:
        ipaddress.ip_address(host.strip("[]"))
        wrong = not port.isascii() or not port.isdecimal() or not 0 < int(port[:6]) < 65536
    except ValueError:
        wrong = True
    if wrong:
        raise ValueError('is neither a prefix nor "address:port" such as "192.0.2.80:443"')
    return value


class Connector(Section):
    """Something outside that carries actions out. Without any, staff are asked to."""

    name: MailboxName
    """Short name, as lists show it."""
    type: Literal["webhook", "command", "dnsbl", "postfix", "nftables"]
    """"webhook" (a signed HTTP call), "command" (a program), or files: "dnsbl" (rbldnsd zones), "postfix" (access
    tables), "nftables" (a table with sets)."""
    kinds: Annotated[tuple[ActionKind, ...], BeforeValidator(listed)] = ()
    """Kinds of actions that go to it, for example ["block-address"]; none named: all that its type can do."""
    url: Text | None = None
    """webhook: the address that is called; https, or http to this machine."""
    secret_file: FilePath | None = None
    """webhook: file that holds the secret both sides know, relative to this file."""
    secret: SecretStr | None = None
    """webhook: the secret. Or use `secret_file`, or the environment variable ARFGATE_CONNECTORS__NAME__SECRET."""
    ca_file: FilePath | None = None
    """webhook: PEM file of a certificate authority to trust for it."""
    command: TextList = ()
    """command: the program and its arguments; {phase} (do, undo), {kind}, {target}, {key}, {case} and {account} are
    replaced. No shell. The order is on its standard input as JSON. Exit status 0: done, 100: never, else: later."""
    file: FilePath | None = None
    """dnsbl, postfix, nftables: the file that is written whole; its folder must exist."""
    reload: TextList = ()
    """dnsbl, postfix, nftables: a command after each change, {file} is replaced, such as
    ["nft", "-f", "{file}"]."""
    timeout_seconds: Annotated[int, Field(ge=1, le=240)] = 30
    """Seconds that one call or command may take."""
    give_up_hours: Annotated[float, Field(gt=0, le=240)] = 24
    """Hours after which an action that it does not carry out fails, with an alarm."""
    node: Text | None = None
    """Only the node of this name uses it: files and commands belong to one machine."""

    @field_validator("url", "command", "file")
    @classmethod
    def _needed(cls, value: object, info: ValidationInfo) -> object:
        kind = info.data.get("type")
        if not value and kind is not None and _NEEDS[kind] == info.field_name:
            raise ValueError(f'is missing; a connector of type "{kind}" needs it')
        return value

    @field_validator("url")
    @classmethod
    def _safe(cls, value: str | None) -> str | None:
        return None if value is None else called(value)

    @field_validator("secret", mode="before")
    @classmethod
    def _secret(cls, value: object, info: ValidationInfo) -> object:
        required = info.data.get("type") == "webhook"
        return secret_from_file(value, info, "secret_file", required=required, least=_LEAST_SECRET)


class Enforcement(Section):
    """What holds for all actions."""

    reachable: Annotated[tuple[Annotated[str, AfterValidator(_place)], ...], BeforeValidator(listed)] = ()
    """What a blocked customer must still reach, and no action may touch: your portal and mail servers, as prefixes or
    "address:port", for example ["192.0.2.80:443", "192.0.2.25:25"]."""


class ContentFilter(Section):
    """Content filters whose verdict on reported mail is shown as evidence (MED-3). None is asked unless named."""

    spamd: HostPortList = ()
    """SpamAssassin's spamd, as ["127.0.0.1:783"]."""
    rspamd: HostPortList = ()
    """Rspamd's worker for checks, as ["127.0.0.1:11333"]; plain HTTP, on a private line."""
    clamd: HostPortList = ()
    """ClamAV's clamd, as ["127.0.0.1:3310"]: asked about harmful attachments."""
    timeout_seconds: Annotated[int, Field(ge=1, le=600)] = 60
    """Seconds to wait for one verdict."""
    message_bytes: Annotated[int, Field(ge=1024)] = 2 * 1024 * 1024
    """Larger mails are not handed to filters, bytes."""
    at_once: Annotated[int, Field(ge=1, le=64)] = 4
    """Mails that are asked about at the same time."""


class Blocklists(Section):
    """DNS block lists that are asked whether they list your addresses (NET-3)."""

    zones: DomainList = ()
    """Zones to ask, for example ["dnsbl.example"]. Without any, none is asked."""
    addresses: NetworkList = ()
    """Further addresses or prefixes to watch besides operator.relays and those of open cases."""
    samples: Annotated[int, Field(ge=0, le=65536)] = 16
    """How many addresses of each of operator.networks are asked about in a round, others the next time."""
    nameservers: TextList = ()
    """Addresses of name servers for these questions; default: those of `dns`. Large lists refuse public resolvers."""
    port: Port = 53
    """Their port."""
    minutes: Annotated[int, Field(ge=1, le=1440)] = 60
    """Minutes between two rounds."""
    per_second: Annotated[int, Field(ge=1, le=1000)] = 20
    """Most questions in a second."""

    @field_validator("nameservers")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(ip(one) != one for one in value):
            raise ValueError("is not an IP address such as 192.0.2.53")
        return value

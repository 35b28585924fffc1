"""The sections of arfgate.toml: names, types, defaults and meaning of every setting.

The docstring under a setting is what `arfgate init` writes above it and what an error
message quotes. Must never read anything but the files that a setting itself names, and
must never show a secret.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationInfo, field_validator

from gateway.screening import registry
from gateway.setting_types import (
    Address,
    AddressList,
    Data,
    DatabaseUrl,
    DomainList,
    DomainName,
    FilePath,
    Host,
    HostPortList,
    NetworkList,
    Port,
    Text,
    TextList,
    is_loopback,
    secret_from_file,
)
from notifier.bootstrap_files import IANA
from parsers.report import Limits as ParserLimits

_PARSER = ParserLimits()
_NOTICE_LOCAL_CHARS = 30  # local part of 64 less `+n.` and the longest token (tokens.py)


SmtpSecurity = Literal["starttls", "tls", "none"]


def _usual_security(data: Data) -> SmtpSecurity:
    return "none" if is_loopback(data["host"]) else "starttls"


def absent() -> Any:
    """Default of a secret that is required: its validator looks into the file, or says what is missing."""
    return None


class Section(BaseModel):
    """What all sections share: frozen, no unknown keys, values never in an exception's text."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        validate_default=True,
        str_strip_whitespace=True,
    )


class Operator(Section):
    """Who runs this gateway, and which networks, relays and names are its own."""

    name: Text
    """Your organisation's name, as notices show it."""
    domain: DomainName
    """Your mail domain."""
    address: Address
    """The From address of what is sent."""
    notice_address: Address = Field(default_factory=lambda data: str(data["address"]))
    """Address from which reply addresses are made, local+n.TOKEN@domain; default: `address`. Its server must accept
    subaddresses (local+anything) and deliver them into one of the mailboxes."""
    own_domains: DomainList = ()
    """Domains that are yours; `domain` always counts. Never written to as a third party."""
    networks: NetworkList = ()
    """Your own prefixes, for example ["192.0.2.0/24", "2001:db8::/32"]; tells "nobody held it then" from "not ours"."""
    relays: NetworkList = ()
    """Addresses or prefixes of your outbound mail relays: a report about one goes on to the client behind it."""
    authserv_ids: TextList = ()
    """Authentication-Results ids that your own border mail servers write. While it is empty, senders are only known by
    arfgate's own checks (section screening)."""

    @field_validator("notice_address")
    @classmethod
    def _room_for_token(cls, value: str) -> str:
        if len(value.partition("@")[0]) > _NOTICE_LOCAL_CHARS:
            raise ValueError(f"the part before @ is longer than {_NOTICE_LOCAL_CHARS}; choose a shorter address")
        return value

    @field_validator("own_domains")
    @classmethod
    def _with_domain(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        return tuple(dict.fromkeys((info.data.get("domain", ""), *value)))

    @field_validator("authserv_ids")
    @classmethod
    def _lower(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name.lower() for name in value)


class Database(Section):
    """Where everything is stored."""

    url: DatabaseUrl = Field(default="sqlite+aiosqlite:///arfgate.db", repr=False)
    """SQLite (a path relative to this file) or postgresql+asyncpg://user:password@host/name."""


class Smtp(Section):
    """How notices leave: through a relay (usual), or directly to the recipients' servers."""

    mode: Literal["relay", "direct"] = "relay"
    """"relay" hands everything to one server; "direct" looks up each recipient's mail server."""
    host: Host = "127.0.0.1"
    """The relay."""
    security: SmtpSecurity = Field(default_factory=_usual_security)
    """"starttls", "tls" or "none"; default none to this machine, else starttls. In direct mode TLS is used where a
    server offers it, unless this is "none"."""
    port: Port = Field(default_factory=lambda data: {"tls": 465, "starttls": 587, "none": 25}[data["security"]])
    """TCP port of the relay; default 25 for none, 587 for starttls, 465 for tls."""
    verify: bool = True
    """Verify the relay's certificate. false lets anybody on the line read the notices and the password."""
    ca_file: FilePath | None = None
    """PEM file of a certificate authority to trust for the relay."""
    user: Text | None = None
    """Login name at the relay; without it no login is made."""
    password_file: FilePath | None = None
    """File that holds the password, relative to this file."""
    password: SecretStr | None = None
    """The password. Or use `password_file`, or the environment variable ARFGATE_SMTP__PASSWORD."""
    bounce_grace_minutes: Annotated[int, Field(ge=0, le=1440)] = 15
    """Minutes after the relay took a notice until the customer's clock starts: time for a bounce to come back."""
    direct_port: Port = 25
    """TCP port of the recipients' servers in direct mode."""
    timeout_seconds: Annotated[int, Field(ge=1, le=600)] = 30
    """Seconds to wait for a connection; an answer may take four times as long (servers check mail before they take
    it, and who gives up too early sends twice)."""
    fallbacks: HostPortList = ()
    """Further relays as "host:port", tried in this order where the ones before cannot be reached; same security, login
    and certificate rules."""
    connections: Annotated[int, Field(ge=1, le=50)] = 1
    """Connections that send at the same time. A kill repeats at most one mail for each, under the same Message-ID."""
    domain_a_minute: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Most mails of one node to one domain in a minute; 0: no limit of ours."""
    dkim_selector: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$")] | None = None
    """Sign our mail with DKIM as operator.domain under this selector; absent: your relay does."""
    dkim_key_file: FilePath | None = None
    """PEM file of the RSA private key for that."""
    give_up_hours: Annotated[int, Field(ge=1, le=240)] = 48
    """Hours after which a notice that no server takes counts as undeliverable."""
    sender_name: Text | None = None
    """Name beside the From address; default: operator.name."""

    @field_validator("password", mode="before")
    @classmethod
    def _password(cls, value: object, info: ValidationInfo) -> object:
        secret = secret_from_file(value, info, "password_file", required=info.data.get("user") is not None)
        in_clear = info.data.get("security") == "none" and not is_loopback(info.data.get("host", ""))
        if secret and in_clear:
            raise ValueError('security = "none" would send it readable to another machine; use "starttls" or "tls"')
        return secret


class Rdap(Section):
    """Contacts of foreign networks and sites, asked of the registries."""

    enabled: bool = True
    """Ask the registries for abuse contacts."""
    allow_hosts: HostPortList = ()
    """Further RDAP servers as "host:port", besides those of the IANA list; for tests and demonstrations."""
    bootstrap_dir: FilePath | None = None
    """Folder with bootstrap files of yours (ipv4.json, ipv6.json, dns.json) in the place of those below."""
    refresh_dir: FilePath | None = None
    """Folder in which IANA's bootstrap files are kept fresh by `arfgate run`; it is made where it is missing. Absent:
    the bundled extract is used as it is."""
    refresh_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]+/([^\s?#]*/)?$")] = IANA
    """Where those files are, in https; plain only from `allow_hosts`."""
    timeout_seconds: Annotated[int, Field(ge=1, le=60)] = 10
    """Seconds to wait for an answer."""


class PolicyChoice(Section):
    """Which rules hold: classes of cases, their hours, what follows when time is up."""

    name: Text = "default"
    """Name of a policy that comes with arfgate, or the path of a policy file (.toml) relative to this file."""
    others: tuple[Text, ...] = ()
    """Further policies, likewise, that customers can have: `arfgate policy assign`, or column `policy` of an import."""


class Feed(Section):
    """A source of reports that you know: a provider's feedback loop, a threat feed. `arfgate reporter list` shows those
    that arfgate knows by itself; an entry with the name of one changes what it says here, and leaves the rest."""

    name: Text
    """Name, as lists show it."""
    domains: DomainList = ()
    """Domains that sign its mail (DKIM d=) or pass SPF; a domain covers those below it."""
    aliases: AddressList = ()
    """Addresses of yours that you gave to this feed alone."""
    senders: AddressList = ()
    """Where others have mail in these domains too: the feed's own From addresses."""
    opens_cases: bool = True
    """Whether its reports open cases; false: they are only counted."""
    weight: Annotated[float, Field(ge=0, le=100)] = 1.0
    """Weight of one of its reports: a spam trap 3, a person's report 2, a click 1, statistics 0."""
    raw_forwarding: bool = False
    """Whether its terms allow that customers see its reports as they came."""
    note: str = ""
    """A remark for staff."""

    @field_validator("aliases")
    @classmethod
    def _domains_or_aliases(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not value and info.data.get("domains") == () and not registry.is_known(info.data.get("name", "")):
            raise ValueError("the feed has neither domains nor aliases, so nothing could be recognised; give one")
        return tuple(alias.lower() for alias in value)


class Limits(Section):
    """Bounds that hold before a mail is read, and for the processes that read it."""

    message_bytes: Annotated[int, Field(ge=1024)] = _PARSER.message_bytes
    """Largest mail, bytes; larger ones are stored and shown, not read."""
    header_bytes: Annotated[int, Field(ge=1024)] = _PARSER.header_bytes
    """Largest header, bytes."""
    header_line_bytes: Annotated[int, Field(ge=998)] = _PARSER.header_line_bytes
    """Longest header field, bytes."""
    parts: Annotated[int, Field(ge=1, le=5000)] = _PARSER.parts
    """Most MIME parts in one mail."""
    depth: Annotated[int, Field(ge=1, le=100)] = _PARSER.depth
    """Deepest nesting of parts."""
    evidence_messages: Annotated[int, Field(ge=1, le=1000)] = _PARSER.evidence_messages
    """Most forwarded mails in one mail."""
    text_chars: Annotated[int, Field(ge=100)] = _PARSER.text_chars
    """Most characters of readable text that are kept for display."""
    parse_seconds: Annotated[int, Field(ge=1, le=600)] = 30
    """Seconds after which reading one mail is given up."""
    parse_memory_bytes: Annotated[int, Field(ge=256 * 1024 * 1024)] = 1024 * 1024 * 1024
    """Memory of a reading process, bytes."""
    parse_workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Number of reading processes."""

    def for_parsing(self) -> ParserLimits:
        return ParserLimits(
            message_bytes=self.message_bytes,
            header_bytes=self.header_bytes,
            header_line_bytes=self.header_line_bytes,
            parts=self.parts,
            depth=self.depth,
            evidence_messages=self.evidence_messages,
            text_chars=self.text_chars,
        )


class Log(Section):
    """Log lines go to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least importance that is written: "debug", "info", "warning" or "error"."""
    format: Literal["json", "text"] = "json"
    """"json" for machines, "text" for people."""

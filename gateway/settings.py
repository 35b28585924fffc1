"""arfgate.toml, the environment and the secret files, as one frozen value.

`load()` is the only way in. Every problem is collected and told at once, one line each,
with file, key, value and what to do; secrets are `SecretStr` and never shown. Must never
connect to anything: whether the settings work is `arfgate check`'s business.
"""

from __future__ import annotations

import os
import socket
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PrivateAttr, SecretStr, StringConstraints, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from gateway.attribution_sections import Attribution, Source
from gateway.channel_sections import Channel
from gateway.mailbox_sections import Mailbox
from gateway.notice_sections import Contacts, Notices
from gateway.outside_sections import Blocklists, Connector, ContentFilter, Enforcement
from gateway.portal_sections import Portal
from gateway.screening_sections import Alarms, Flood, Legal, Replies, Suppression
from gateway.sections import (
    Database,
    Feed,
    Limits,
    Log,
    Operator,
    PolicyChoice,
    Rdap,
    Section,
    Smtp,
    absent,
)
from gateway.sender_sections import Dns, Screening
from gateway.setting_types import FilePath, Text, is_loopback, secret_from_file
from gateway.tomlfile import TomlFileError, problems, read_toml
from gateway.web_sections import SignOn, Web

ENVIRONMENT_PREFIX = "ARFGATE_"
DEFAULT_FILE = "arfgate.toml"
_NOT_SETTINGS = frozenset({"ARFGATE_CONFIG", "ARFGATE_REQUIRE"})  # the file's place, and the test suite's switch
_LEAST_KEY = 32


class SettingsError(Exception):
    """The settings cannot be used. The text has one line per problem; `problems` has them apart."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.problems = tuple(lines)


class Settings(Section):
    """Everything that an operator can set. Sections are attributes."""

    secret_key_file: FilePath | None = None
    """File that holds the key from which reply addresses and redactions are made. Keep it, and keep it secret: with
    another key, replies to notices that are out are no longer recognised."""
    secret_key: SecretStr = Field(default_factory=absent)
    """The key, 32 characters or more. Or use `secret_key_file` (`arfgate init` writes one), or ARFGATE_SECRET_KEY."""
    node: Text = Field(default_factory=socket.gethostname)
    """Name of this machine among those that share a database; default: its host name."""
    public_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$")] | None = None
    """Address under which customers reach pages of this gateway; without it notices hold no links."""

    operator: Operator
    database: Database
    mailboxes: tuple[Mailbox, ...] = ()
    smtp: Smtp
    dns: Dns
    rdap: Rdap
    screening: Screening
    policy: PolicyChoice
    feeds: tuple[Feed, ...] = ()
    attribution: Attribution
    sources: tuple[Source, ...] = ()
    notices: Notices
    contacts: Contacts
    replies: Replies
    suppression: Suppression
    flood: Flood
    legal: Legal
    alarms: Alarms
    connectors: tuple[Connector, ...] = ()
    channels: tuple[Channel, ...] = ()
    enforcement: Enforcement
    content_filter: ContentFilter
    blocklists: Blocklists
    web: Web
    portal: Portal
    sign_on: SignOn
    limits: Limits
    log: Log

    _path: Path = PrivateAttr(default=Path(DEFAULT_FILE))

    @field_validator("secret_key", mode="before")
    @classmethod
    def _key(cls, value: object, info: ValidationInfo) -> object:
        return secret_from_file(value, info, "secret_key_file", required=True, least=_LEAST_KEY)

    @field_validator("mailboxes", "feeds", "sources", "connectors", "channels")
    @classmethod
    def _names_differ(
        cls, value: tuple[Mailbox | Feed | Source | Connector | Channel, ...]
    ) -> tuple[Mailbox | Feed | Source | Connector | Channel, ...]:
        for name, count in Counter(entry.name for entry in value).items():
            if count > 1:
                raise ValueError(f'{count} entries are named "{name}"; give each its own name')
        return value

    @field_validator("connectors")
    @classmethod
    def _files_differ(cls, value: tuple[Connector, ...]) -> tuple[Connector, ...]:
        for file, count in Counter(entry.file for entry in value if entry.file).items():
            if count > 1:
                raise ValueError(f"{count} connectors write {file}; give each its own file")
        return value

    @field_validator("web")
    @classmethod
    def _behind_a_proxy(cls, value: Web, info: ValidationInfo) -> Web:
        public = info.data.get("public_url") or ""
        if not is_loopback(value.host) and not (public.startswith("https://") and value.trusted_proxies):
            raise ValueError(
                f"host = '{value.host}': the page is served to this machine only, for an SSH tunnel, unless "
                "public_url is its https address and trusted_proxies names the reverse proxy that serves it there"
            )
        return value

    @property
    def path(self) -> Path:
        """The file these settings came from, absolute."""
        return self._path

    @property
    def folder(self) -> Path:
        """What relative paths are relative to."""
        return self._path.parent

    @property
    def sender_name(self) -> str:
        """Name beside the From address of notices."""
        return self.smtp.sender_name or self.operator.name

    @property
    def policy_sources(self) -> list[str | Path]:
        """What `gateway.policies.policy.load` takes (a shipped name, or the absolute path of a file): the default,
        then the others."""
        named = (self.policy.name, *self.policy.others)
        return [self.folder / name if name.endswith(".toml") or "/" in name else name for name in named]

    def warnings(self) -> list[str]:
        """What works but is dangerous, one line each; shown loudly at every start."""
        return [f"{self._path}: {line}" for line in (*self._dangers(), *self._loose_files(), *_unknown_variables())]

    def _dangers(self) -> Iterator[str]:
        for box in self.mailboxes:
            key = f'mailboxes "{box.name}"'
            if not box.verify:
                yield f"{key}: verify = false: the server's certificate is NOT checked; use ca_file instead"
            if box.security == "plain" and not is_loopback(box.host):
                yield f"{key}: the password and all mail travel UNENCRYPTED to {box.host}"
        if not self.smtp.verify:
            yield "smtp: verify = false: the relay's certificate is NOT checked; use ca_file instead"
        if self.smtp.mode == "relay" and self.smtp.security == "none" and not is_loopback(self.smtp.host):
            yield f"smtp: notices travel UNENCRYPTED to {self.smtp.host}"
        if self.rdap.allow_hosts:
            yield f"rdap.allow_hosts: RDAP answers are taken from {', '.join(self.rdap.allow_hosts)} too"
        if not self.operator.authserv_ids and not self.screening.own_checks:
            yield "operator.authserv_ids is empty: no sender can be checked, and every report is HELD"

    def _loose_files(self) -> Iterator[str]:
        files = [self.secret_key_file, self.smtp.password_file, self.sign_on.secret_file]
        files += [self.attribution.outside_secret_file, *(source.token_file for source in self.sources)]
        files += [connector.secret_file for connector in self.connectors]
        files += [self.alarms.webhook_file, *(channel.secret_file for channel in self.channels)]
        for box in self.mailboxes:
            files += [box.password_file, box.oauth_secret_file, box.oauth_refresh_file, box.oauth_key_file]
        for path in files:
            if path is not None and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO) & ~stat.S_IXGRP:
                yield f"{path} can be read by others on this machine; run: chmod 600 {path}"


_SECTIONS = tuple(name for name, field in Settings.model_fields.items() if field.is_required())


class _Environment(Settings, BaseSettings):
    """The same settings as pydantic-settings looks for them in ARFGATE_SECTION__KEY. Never instantiated."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        enable_decoding=False,  # lists are split where they are validated, so that errors name the variable
    )


def load(path: Path | None = None) -> Settings:
    """Settings from `path`, else $ARFGATE_CONFIG, else ./arfgate.toml, with the environment over them.

    Raises SettingsError.
    """
    file = (path or Path(os.environ.get("ARFGATE_CONFIG") or DEFAULT_FILE)).expanduser().absolute()
    if not file.exists():
        raise SettingsError(
            [f"{file}: no such file; run `arfgate init` to write one, or name it with --config or ARFGATE_CONFIG"]
        )
    try:
        data = read_toml(file)
    except TomlFileError as error:
        raise SettingsError([str(error)]) from None
    lines: list[str] = []
    merged = _merge(data, _from_environment(), lines)
    for name in _SECTIONS:
        merged.setdefault(name, {})  # defaults depend on the folder, so an absent section is an empty one
    try:
        settings = Settings.model_validate(merged, context={"folder": file.parent})
    except ValidationError as error:
        lines += problems(error, file, Settings, ENVIRONMENT_PREFIX)
    if lines:
        raise SettingsError(lines)
    settings._path = file  # noqa: SLF001 -- load() is the constructor of Settings
    return settings


def _from_environment() -> dict[str, Any]:
    """Nested dicts of text, as the variables' names nest."""
    return EnvSettingsSource(_Environment)()


def _merge(
    data: dict[str, Any], over: dict[str, Any], lines: list[str], at: str = ENVIRONMENT_PREFIX
) -> dict[str, Any]:
    """`over` laid upon `data`. In a list of named tables the environment names the entry:
    ARFGATE_MAILBOXES__ABUSE__PASSWORD is for the mailbox "abuse".
    """
    merged = dict(data)
    for key, value in over.items():
        below = merged.get(key)
        here = f"{at}{key.upper()}__"
        if isinstance(value, dict) and key in ("mailboxes", "feeds", "sources", "connectors", "channels"):
            merged[key] = _merge_entries(below, value, lines, here)
        elif isinstance(value, dict) and isinstance(below, dict):
            merged[key] = _merge(below, value, lines, here)
        else:
            merged[key] = value
            # a password in the environment also replaces a password_file in the file, and the other way round
            twin = key.removesuffix("_file") if key.endswith("_file") else f"{key}_file"
            if twin not in over:
                merged.pop(twin, None)
    return merged


def _merge_entries(entries: object, over: dict[str, Any], lines: list[str], at: str) -> object:
    if entries is not None and not isinstance(entries, list):
        return entries  # not a list of tables: validation says so
    merged = [dict(entry) if isinstance(entry, dict) else entry for entry in entries or ()]
    for name, values in over.items():
        wanted = name.replace("-", "_")
        for index, entry in enumerate(merged):
            named = str(entry.get("name", "")) if isinstance(entry, dict) else ""
            if named.lower().replace("-", "_") == wanted and isinstance(values, dict):
                merged[index] = _merge(entry, values, lines, f"{at}{name.upper()}__")
                break
        else:
            lines.append(f"environment variable {at}{name.upper()}__...: the file has no entry of that name; add one")
    return merged


def _unknown_variables() -> Iterator[str]:
    known = {f"{ENVIRONMENT_PREFIX}{name}".upper() for name in Settings.model_fields} | _NOT_SETTINGS
    for variable in sorted(os.environ):
        if variable.startswith(ENVIRONMENT_PREFIX) and variable.partition("__")[0].upper() not in known:
            yield f"environment variable {variable} names no setting and is ignored"

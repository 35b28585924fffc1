"""`arfgate init`: writes a commented arfgate.toml and the secrets that go with it.

The file is made from the settings themselves, so that it names every one of them with its
meaning and default. Must never overwrite a file unasked, and a secret not even then: with
another key, replies to notices that are out would no longer be recognised.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from gateway.settings import DEFAULT_FILE, Settings, SettingsError, load
from gateway.tomlfile import models_in

SECRET_FILES = {"secret_key_file": "secret.key"}

_HEAD = """\
# Settings of arfgate. A # without a space after it hides a setting and shows its default, or an
# example: remove the # to change it. Relative paths are relative to this file. The environment overrides this file:
# ARFGATE_SMTP__HOST is smtp.host, ARFGATE_MAILBOXES__ABUSE__PASSWORD the password of the mailbox "abuse".
# `arfgate check` tries everything and says what is wrong.
"""
# Written without a # before them: what is needed, and what `init` makes.
_WRITTEN = {
    "secret_key_file": SECRET_FILES["secret_key_file"],
    "operator.name": "Example Provider",
    "operator.domain": "isp.example",
    "operator.address": "abuse@isp.example",
    "rdap.refresh_dir": "iana",
}
# Shown for settings without a default, or whose default teaches nothing.
_EXAMPLES: dict[str, Any] = {
    "public_url": "https://abuse.isp.example",
    "notices.templates": "texts",
    "notices.vetted_customers": ["acme"],
    "notices.body_feeds": ["jmrp"],
    "notices.xarf_customers": ["acme"],
    "smtp.fallbacks": ["relay2.isp.example:587"],
    "smtp.dkim_selector": "arfgate",
    "smtp.dkim_key_file": "dkim.pem",
    "contacts.upstreams": ["abuse@transit.example"],
    "operator.notice_address": "abuse@isp.example",
    "operator.own_domains": ["isp.example"],
    "operator.networks": ["192.0.2.0/24", "2001:db8::/32"],
    "operator.relays": ["192.0.2.25"],
    "operator.authserv_ids": ["mx.isp.example"],
    "sources.time_zone": "Europe/Bucharest",
    "mailboxes.name": "abuse",
    "mailboxes.role": "abuse",
    "mailboxes.host": "imap.isp.example",
    "mailboxes.port": 993,
    "mailboxes.user": "abuse@isp.example",
    "mailboxes.password_file": "mailbox-abuse.password",
    "mailboxes.address": "abuse@isp.example",
    "mailboxes.oauth_client_id": "00000000-0000-0000-0000-000000000000",
    "mailboxes.oauth_tenant": "isp.example",
    "mailboxes.oauth_secret_file": "mailbox-abuse.secret",
    "mailboxes.oauth_key_file": "google-key.json",
    "mailboxes.oauth_refresh_file": "mailbox-abuse.refresh",
    "mailboxes.oauth_token_url": "https://login.example/oauth2/token",
    "mailboxes.oauth_scope": "https://mail.example/imap",
    "mailboxes.ca_file": "ca.pem",
    "mailboxes.junk_folder": "Junk",
    "channels.name": "acme",
    "channels.type": "webhook",
    "channels.url": "https://hooks.acme.example/abuse",
    "channels.secret_file": "channel-acme.secret",
    "channels.ca_file": "ca.pem",
    "channels.mail_to": "abuse@acme.example",
    "channels.reporters": ["feed:sensors"],
    "alarms.webhook_file": "alarms.webhook",
    "connectors.name": "edge",
    "connectors.type": "nftables",
    "connectors.kinds": ["block-address", "block-port-25"],
    "connectors.url": "https://hooks.isp.example/arfgate",
    "connectors.secret_file": "connector-edge.secret",
    "connectors.ca_file": "ca.pem",
    "connectors.command": ["/usr/local/sbin/abuse-action", "{phase}", "{kind}", "{target}"],
    "connectors.file": "/etc/nftables.d/arfgate.nft",
    "connectors.reload": ["nft", "-f", "{file}"],
    "connectors.node": "gate1",
    "enforcement.reachable": ["192.0.2.80:443", "192.0.2.25:25"],
    "content_filter.spamd": ["127.0.0.1:783"],
    "content_filter.rspamd": ["127.0.0.1:11333"],
    "content_filter.clamd": ["127.0.0.1:3310"],
    "blocklists.zones": ["dnsbl.example"],
    "blocklists.addresses": ["192.0.2.25"],
    "blocklists.nameservers": ["127.0.0.1"],
    "smtp.security": "starttls",
    "smtp.port": 587,
    "smtp.ca_file": "ca.pem",
    "smtp.user": "arfgate",
    "smtp.password_file": "smtp.password",
    "smtp.sender_name": "Example Provider abuse desk",
    "rdap.allow_hosts": ["127.0.0.1:8043"],
    "rdap.bootstrap_dir": "rdap",
    "feeds.name": "example-feed",
    "feeds.domains": ["feed.example"],
    "feeds.aliases": ["fbl-example@isp.example"],
    "suppression.complainants_of": ["example-feed"],
    "attribution.protected": ["192.0.2.0/28"],
    "attribution.outside_url": "https://crm.isp.example/holder",
    "attribution.outside_private_hosts": ["crm.isp.example:443"],
    "attribution.outside_secret_file": "outside.key",
    "sources.name": "leases",
    "sources.kind": "kea",
    "sources.node": "gate1",
    "sources.path": "kea-leases4.csv",
    "sources.url": "https://netbox.isp.example",
    "sources.token_file": "netbox.token",
    "sources.relay": "out1.isp.example",
    "sources.year": 2026,
    "sources.private_hosts": ["netbox.isp.example:443"],
    "legal.staff": ["ann@isp.example", "bob@isp.example"],
    "legal.jurisdictions": ["eu", "ro"],
    "alarms.address": "staff@isp.example",
    "web.trusted_proxies": ["127.0.0.1"],
    "sign_on.issuer": "https://login.isp.example",
    "sign_on.client_id": "arfgate",
    "sign_on.secret_file": "sign-on.secret",
    "sign_on.viewers": ["support"],
    "sign_on.analysts": ["abuse-desk"],
    "sign_on.approvers": ["abuse-leads"],
    "sign_on.admins": ["abuse-admins"],
    "sign_on.hosts": ["login.isp.example:443"],
    "node": "node-1",
}
# Shown by their *_file only: secrets do not belong in this file.
_FROM_FILE = {
    "secret_key",
    "password",
    "token",
    "outside_secret",
    "secret",
    "oauth_secret",
    "oauth_refresh",
    "webhook",
}


def init(
    directory: Annotated[Path, typer.Argument(help="Folder to write into; made if it is not there.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Overwrite arfgate.toml. Secrets are kept always.")] = False,
) -> None:
    """Write a commented arfgate.toml and its secrets."""
    target = directory / DEFAULT_FILE
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if target.exists() and not force:
            typer.echo(f"{target}: is there already; --force overwrites it (secrets are kept)", err=True)
            raise typer.Exit(1)
        for name in SECRET_FILES.values():
            made = _write_secret(directory / name)
            typer.echo(f"{directory / name}: {'written, for you alone' if made else 'kept'}")
        _write(target, settings_text())
        load(target)
    except OSError as error:
        typer.echo(
            f"{error.filename or directory}: cannot be written ({error.strerror}); choose another folder", err=True
        )
        raise typer.Exit(1) from None
    except SettingsError as error:  # only a variable of the environment can be wrong here, or a kept secret
        typer.echo(f"{target}: written, but the settings cannot be used yet:\n{error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{target}: written")
    typer.echo("Next: put in your name, domain, address and mailboxes, then run `arfgate check`.")
    typer.echo("The first account of the console: `arfgate user add NAME --role admin`.")


def settings_text() -> str:
    """The whole of arfgate.toml, with every setting, its meaning and its default."""
    blocks = [_HEAD]
    plain = {name: field for name, field in Settings.model_fields.items() if not models_in(field.annotation)}
    blocks.append("\n\n".join(_setting("", name, field) for name, field in plain.items() if name not in _FROM_FILE))
    for name, field in Settings.model_fields.items():
        for section in models_in(field.annotation):
            blocks.append(_section(name, section, repeated=field.default == ()))  # noqa: PERF401 -- reads better
    return "\n\n".join(block.strip("\n") for block in blocks) + "\n"


def _section(name: str, section: type[BaseModel], *, repeated: bool) -> str:
    title = " ".join((section.__doc__ or "").split())
    header = f"#[[{name}]]" if repeated else f"[{name}]"
    more = "\n# Repeat this block for each one." if repeated else ""
    fields = [_setting(name, key, field) for key, field in section.model_fields.items() if key not in _FROM_FILE]
    return "\n".join([f"# --- {name}: {title}{more}", header, "", "\n\n".join(fields)])


def _setting(section: str, key: str, field: FieldInfo) -> str:
    path = f"{section}.{key}".lstrip(".")
    lines = [f"# {line}" for line in _wrapped(field.description or "")]
    if path in _WRITTEN:
        lines.append(f"{key} = {_toml(_WRITTEN[path])}")
    else:
        # "# " before words, "#" before settings: removing one character must leave valid TOML
        lines.append(f"#{key} = {_toml(_example(path, field))}")
    return "\n".join(lines)


def _example(path: str, field: FieldInfo) -> Any:
    if path in _EXAMPLES:
        return _EXAMPLES[path]
    if field.default is PydanticUndefined or field.default is None:
        raise LookupError(f"{path} has no default and no example: add one to _EXAMPLES")
    return field.default


def _wrapped(text: str, width: int = 100) -> Iterator[str]:
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    yield line


def _toml(value: Any) -> str:
    """Text, numbers, truth values and lists of text are written in TOML as in JSON."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def _write_secret(path: Path) -> bool:
    """A new secret that only its owner can read; False where there is one already."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
    return True


def _write(path: Path, text: str) -> None:
    """All of it or nothing: a full disk must not leave half a file in place of the old one."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        draft.touch(mode=0o600)  # people write passwords into it
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)

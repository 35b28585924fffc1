"""Settings -> connectors: the only place that knows both vocabularies. Must never call anything."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from gateway.connectors.actions import dnsbl, nftables, postfix
from gateway.connectors.actions.files import FileConnector
from gateway.connectors.actions.program import Program
from gateway.connectors.actions.webhook import WebhookConnector
from gateway.connectors.contract import Connector
from gateway.model import ActionKind
from gateway.outside_sections import Connector as Section
from gateway.settings import Settings
from notifier.dns import Resolver
from notifier.http import HttpClient
from notifier.webhook import Webhook

_FILES = {"dnsbl": dnsbl, "postfix": postfix, "nftables": nftables}


def build(
    settings: Settings, resolver: Resolver, clock: Callable[[], datetime], doors: AsyncExitStack
) -> dict[str, Connector]:
    """The operator's connectors by name, in the order of the settings. Raises OSError (a certificate file)."""
    return {section.name: _one(section, resolver, clock, doors) for section in settings.connectors}


def _one(section: Section, resolver: Resolver, clock: Callable[[], datetime], doors: AsyncExitStack) -> Connector:
    if section.type == "webhook":
        return _webhook(section, resolver, clock, doors)
    if section.type == "command":
        kinds = frozenset(section.kinds or ActionKind)
        return Program(section.name, kinds, section.give_up_hours, section.command, section.timeout_seconds)
    files = _FILES[section.type]
    assert section.file is not None  # the settings see to it
    return FileConnector(
        name=section.name,
        kinds=files.KINDS & frozenset(section.kinds or files.KINDS),
        give_up_hours=section.give_up_hours,
        file=section.file,
        render=files.render,
        fits=files.fits,
        reload=section.reload,
        seconds=section.timeout_seconds,
    )


def _webhook(
    section: Section, resolver: Resolver, clock: Callable[[], datetime], doors: AsyncExitStack
) -> WebhookConnector:
    assert section.url is not None  # the settings see to both
    assert section.secret is not None
    secret = section.secret.get_secret_value()
    webhook = hook(section.url, secret, section.ca_file, section.timeout_seconds, resolver, clock, doors)
    return WebhookConnector(section.name, frozenset(section.kinds or ActionKind), section.give_up_hours, webhook)


def hook(  # noqa: PLR0913, PLR0917  (where, as whom, and through which doors)
    url: str,
    secret: str,
    ca_file: Path | None,
    seconds: float,
    resolver: Resolver,
    clock: Callable[[], datetime],
    doors: AsyncExitStack,
) -> Webhook:
    """A door to an address of the operator's own choice, which may be a private one; closed with `doors`. Raises
    OSError (a certificate file)."""
    context = ssl.create_default_context(cafile=str(ca_file)) if ca_file else None
    http = HttpClient(resolver, clock, context)
    doors.push_async_callback(http.aclose)
    return Webhook(http, url, secret, clock, seconds, (_place(url),))


def _place(url: str) -> str:
    """`host:port`: the operator chose the host, it may be a private one."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{parts.port or (443 if parts.scheme == 'https' else 80)}"

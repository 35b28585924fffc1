"""How mail leaves, and a connection to an SMTP server that is ready for MAIL.

Every step before MAIL (connecting, TLS, login) has its own reason when it fails, and none of
them is about the recipient, so none is final. Must never send a mail, and never show a
password to a server that did not prove its name (unless told so).
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import aiosmtplib

from notifier.answers import answer_text
from notifier.headers import clean
from notifier.notice import Deferred, Why


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """How mail leaves. Raises ValueError naming the setting that cannot work.

    `relay`: everything to `host`:`port`; TLS as `tls` says, certificate verified unless
    `verify` is off, login where `username` is set. `direct`: to the recipient's own servers
    by MX on `port`, with TLS where offered and without verification (RFC 7435: nobody
    promises names there) unless `tls` is "none"; `host` and login are not used.
    """

    mode: Literal["relay", "direct"] = "relay"
    host: str = "localhost"
    port: int = 25
    tls: Literal["none", "starttls", "implicit"] = "none"
    verify: bool = True
    ca_file: Path | None = None
    username: str = ""
    password: str = field(default="", repr=False)
    hello: str = ""  # our name in EHLO; empty: the domain of the notice address
    connect_seconds: float = 30.0
    answer_seconds: float = 120.0  # for one answer
    total_seconds: float = 300.0  # for one mail with everything
    request_dsn: bool = True  # ask for delivery reports where the server offers them
    private_hosts: bool = False  # direct only: also to servers at private or loopback addresses (tests)

    def __post_init__(self) -> None:
        if self.mode == "direct":
            if self.tls == "implicit":
                raise ValueError("tls is 'implicit', but direct delivery speaks plain SMTP first: use 'starttls'")
            return
        if not self.host:
            raise ValueError("host is empty: name the mail relay")
        if self.username and self.tls == "none" and not _is_loopback(self.host):
            raise ValueError(f"tls is 'none', but a login at {self.host} would show the password: use 'starttls'")


@dataclass(frozen=True, slots=True)
class Target:
    """One server to connect to: a name or address, and what to call it in outcomes."""

    host: str
    name: str
    encrypt: bool = True


async def open_connection(
    settings: SmtpSettings, target: Target, context: ssl.SSLContext | None, hello: str
) -> aiosmtplib.SMTP | Deferred:
    """Connected, encrypted and logged in as the settings say; or why not. `hello` is our name in EHLO."""
    connection = aiosmtplib.SMTP(
        hostname=target.host,
        port=settings.port,
        local_hostname=hello,
        timeout=settings.answer_seconds,
        use_tls=settings.tls == "implicit",
        start_tls=False,  # done below, one step after the other: each failure has its own reason
        tls_context=context,
    )
    step = Why.CONNECTION
    try:
        await connection.connect(timeout=settings.connect_seconds)
        step = Why.TLS
        if await _upgrades(settings, target, connection):
            await connection.starttls(timeout=settings.connect_seconds)
        step = Why.AUTHENTICATION
        if settings.mode == "relay" and settings.username:
            await connection.login(settings.username, settings.password)
        step = Why.CONNECTION
        await _greet(connection)  # again after STARTTLS: what it offers may be another thing now
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        connection.close()
        return _not_connected(target, step, error)
    except BaseException:  # cancelled, or out of time: nobody else knows of the connection
        connection.close()
        raise
    return connection


async def _upgrades(settings: SmtpSettings, target: Target, connection: aiosmtplib.SMTP) -> bool:
    """Whether to say STARTTLS: to a relay as the setting demands, else wherever it is offered."""
    if settings.tls != "starttls" or not target.encrypt:
        return False
    if settings.mode == "relay":
        return True
    await _greet(connection)
    return connection.supports_extension("starttls")


async def _greet(connection: aiosmtplib.SMTP) -> None:
    """EHLO, or HELO with a server of the last century (RFC 5321 section 3.2)."""
    if not connection.is_ehlo_or_helo_needed:
        return
    try:
        await connection.ehlo()
    except aiosmtplib.SMTPHeloError:
        await connection.helo()


def _not_connected(target: Target, step: Why, error: Exception) -> Deferred:
    """Nothing that happens before MAIL is about the recipient, so none of it is final."""
    text = clean(f"{target.name}: {error}", 500)
    causes: Sequence[BaseException | None] = (error, error.__cause__, error.__context__)
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return Deferred(Why.TLS, text)
    if isinstance(error, TimeoutError):
        return Deferred(Why.TIMEOUT, text)
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return Deferred(Why.SERVER if step is Why.CONNECTION else step, answer_text(error.code, error.message))
    # A connection that breaks while TLS is agreed is broken TLS, as servers without a certificate do it.
    return Deferred(Why.CONNECTION if step is Why.AUTHENTICATION and isinstance(error, OSError) else step, text)


def tls_context(settings: SmtpSettings) -> ssl.SSLContext:
    """For the whole life of a Mailer: loading the authorities takes milliseconds. Reads `ca_file` (OSError)."""
    context = ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
    if settings.mode == "direct" or not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _is_loopback(host: str) -> bool:
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False

"""Opening a mailbox: access data, errors for people, TLS, STARTTLS, login. One connection comes out, or one error.

Must never put a password into a message or a log, and never send one before TLS is up
unless the settings chose `plain`. What is done with it is guard.py's and imap.py's.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import random
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from aioimaplib import aioimaplib

from gateway.intake import xoauth2
from gateway.intake.oauth import TokenRefused, TokenSource
from gateway.intake.wire import quote, said

LONGEST_PAUSE = 300.0


@dataclass(frozen=True)
class MailboxAccess:
    """Where a mailbox is and how it is entered: with `tokens`, else the password. `timeout` in seconds, for one answer
    of the server.

    `ca_file` replaces the system's authorities. `plain` sends the password in clear text:
    whether that was chosen on purpose or the host is loopback, the settings have checked.
    """

    name: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    tokens: TokenSource | None = field(default=None, repr=False, compare=False, kw_only=True)
    security: Literal["tls", "starttls", "plain"] = "tls"
    verify: bool = True
    ca_file: Path | None = None
    folder: str = "INBOX"
    processed: str = "Processed"
    failed: str = "Failed"
    timeout: float = 30.0


# ruff: noqa: N818  the names say what happened; the one at the root says that it is an error


class MailboxError(Exception):
    """The mailbox cannot be worked now. `setting` is the field of its settings to look at first, if any.

    The tree: Unreachable (no server, no answer, no TLS), LoginRefused, CertificateRefused,
    FolderMissing, ConnectionLost (was there, is gone: open again); the bare class: the server said no.
    """

    def __init__(self, access: MailboxAccess, problem: str, next_step: str, setting: str | None = None) -> None:
        super().__init__(f'mailbox "{access.name}" ({access.host}:{access.port}): {problem}; {next_step}')
        self.problem = problem
        self.setting = setting


class Unreachable(MailboxError):
    pass


class LoginRefused(MailboxError):
    pass


class CertificateRefused(MailboxError):
    pass


class FolderMissing(MailboxError):
    pass


class ConnectionLost(MailboxError):
    pass


def pause_after(failures: int, seed: int | str) -> float:
    """Seconds to wait before try number `failures` + 1: 0 before the first, then 1, 2, 4 ... at most 300.

    Jittered to 50-100 % of that, the same for the same arguments (`seed`: say, the mailbox's name),
    so that many mailboxes do not come back to a restarted server in one moment.
    """
    if failures <= 0:
        return 0.0
    whole = min(LONGEST_PAUSE, 2.0 ** min(failures - 1, 30))
    return whole * (0.5 + 0.5 * random.Random(f"{seed}/{failures}").random())  # noqa: S311  spreads load, hides nothing


async def connect(access: MailboxAccess, on_lost: Callable[[Exception | None], None]) -> aioimaplib.IMAP4:
    """A logged-in client with its capabilities read anew. Raises Unreachable, CertificateRefused, LoginRefused.

    `on_lost` is called when the connection ends, whoever ended it. The caller sets the overall
    time limit, and closes the transport when it gives up.
    """
    # at DEBUG it logs every chunk, mail and all
    logging.getLogger("aioimaplib").setLevel(logging.WARNING)
    client: aioimaplib.IMAP4 | None = None
    try:
        tls = await asyncio.to_thread(_tls, access) if access.security != "plain" else None
        client = aioimaplib.IMAP4(
            access.host,
            access.port,
            timeout=access.timeout,
            conn_lost_cb=on_lost,
            ssl_context=tls if access.security == "tls" else None,
        )
        await client.wait_hello_from_server()
        if access.security == "starttls" and tls is not None:
            await _start_tls(client, access, tls)
        await _login(client, access)
        await client.protocol.capability()
    except BaseException:
        if client is not None:
            abandon(client)
        raise
    return client


def abandon(client: aioimaplib.IMAP4) -> None:
    """End the connection without a word."""
    if client.protocol is not None and client.protocol.transport is not None:
        client.protocol.transport.abort()


def _tls(access: MailboxAccess) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=str(access.ca_file) if access.ca_file else None)
    except OSError as error:
        problem = f'the certificates in ca_file "{access.ca_file}" cannot be read ({error.strerror or error})'
        raise CertificateRefused(access, problem, "give a PEM file there, or none", "ca_file") from error
    if not access.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def _start_tls(client: aioimaplib.IMAP4, access: MailboxAccess, tls: ssl.SSLContext) -> None:
    """RFC 3501 section 6.2.1. aioimaplib has no method for it, so the transport is changed under its protocol.

    A server (or somebody before it) that is already logged in, offers no STARTTLS, or sends bytes
    ahead of the handshake is refused: these are the known ways to take the TLS away.
    """
    protocol = client.protocol
    if protocol.state != aioimaplib.NONAUTH or "STARTTLS" not in protocol.capabilities:
        raise Unreachable(
            access, "the server offers no STARTTLS", 'set security = "tls" and its port (993)', "security"
        )
    answer = await protocol.execute(aioimaplib.Command("STARTTLS", protocol.new_tag(), loop=protocol.loop))
    if answer.result != "OK":
        raise Unreachable(access, f"STARTTLS was refused: {said(answer.lines)}", 'try security = "tls"', "security")
    plain = protocol.transport
    secured = await protocol.loop.start_tls(plain, protocol, tls, server_hostname=access.host)
    if secured is None or protocol.incomplete_line or protocol.current_command is not None:
        plain.abort()
        raise Unreachable(
            access, "bytes came ahead of the TLS handshake", "somebody may sit in between: ask the operator"
        )
    protocol.transport = secured
    await protocol.capability()  # those from before TLS are worth nothing


async def _login(client: aioimaplib.IMAP4, access: MailboxAccess) -> None:
    protocol = client.protocol
    if protocol.state == aioimaplib.AUTH:
        return  # PREAUTH: the server knows us by the connection
    if "LOGINDISABLED" in protocol.capabilities:
        raise LoginRefused(
            access, "the server takes no password on this connection", 'set security = "tls" or "starttls"', "security"
        )
    if access.tokens is not None:
        await _with_token(protocol, access, access.tokens)
        return
    try:
        if access.user.isascii() and access.password.isascii():
            # aioimaplib quotes the password, and not the user
            answer = await protocol.login(quote(access.user), access.password)
        else:
            answer = await _authenticate_plain(protocol, access)
    except ValueError as error:  # NUL, CR or LF
        problem = "user or password holds a line break"
        raise LoginRefused(access, problem, "write each on one line", "password") from error
    if answer.result != "OK":
        problem = f'login as "{access.user}" was refused: {said(answer.lines)}'
        raise LoginRefused(access, problem, "correct user or password of this mailbox", "password")


async def _with_token(protocol: aioimaplib.IMAP4ClientProtocol, access: MailboxAccess, tokens: TokenSource) -> None:
    """XOAUTH2. A token that is refused though it should last is asked for anew, once."""
    if "AUTH=XOAUTH2" not in protocol.capabilities:
        problem = "the server offers no login by OAuth 2 (XOAUTH2)"
        raise LoginRefused(access, problem, 'use login = "password"', "login")
    try:
        answer = await xoauth2.authenticate(protocol, access.user, await tokens.token())
        if answer.result != "OK":
            tokens.forget()
            answer = await xoauth2.authenticate(protocol, access.user, await tokens.token())
    except TokenRefused as error:
        raise LoginRefused(access, error.problem, error.next_step, error.setting) from error
    if answer.result != "OK":
        problem = f'login as "{access.user}" with a token was refused: {said(answer.lines)}'
        step = "give the application the right to this mailbox at your provider, and check user and oauth_scope"
        raise LoginRefused(access, problem, step, "user")


async def _authenticate_plain(protocol: aioimaplib.IMAP4ClientProtocol, access: MailboxAccess) -> aioimaplib.Response:
    """RFC 4959: LOGIN carries ASCII only, so other names and passwords go base64 in UTF-8."""
    if "SASL-IR" not in protocol.capabilities or "AUTH=PLAIN" not in protocol.capabilities:
        problem = "user or password has characters outside ASCII, which this server cannot take"
        raise LoginRefused(access, problem, "choose another password", "password")
    secret = base64.b64encode(f"\0{access.user}\0{access.password}".encode()).decode("ascii")
    command = aioimaplib.Command("AUTHENTICATE", protocol.new_tag(), "PLAIN", secret, loop=protocol.loop)
    answer = await protocol.execute(command, scrub=secret)
    if answer.result == "OK":
        protocol.state = aioimaplib.AUTH
    return answer


def explain(access: MailboxAccess, error: Exception) -> MailboxError:
    """The error for people that an exception from below stands for."""
    if isinstance(error, MailboxError):
        return error
    if isinstance(error, ssl.SSLCertVerificationError):
        problem = f"its certificate was refused: {error.verify_message or error.reason}"
        step = "renew it on the server, or set ca_file to its authority (verify = false takes any, at your risk)"
        return CertificateRefused(access, problem, step, "ca_file")
    if isinstance(error, ssl.SSLError):
        problem = f"no TLS there ({error.reason or error})"
        return Unreachable(access, problem, "check port and security: 993 is tls, 143 is starttls or plain", "security")
    if isinstance(error, socket.gaierror):
        return Unreachable(access, "this name has no address", "check host, and the resolver of this machine", "host")
    if isinstance(error, ConnectionRefusedError):
        return Unreachable(access, "nobody listens there", "check host and port, and that the server runs", "port")
    if isinstance(error, TimeoutError | aioimaplib.CommandTimeout):
        problem = f"no answer in {access.timeout:.0f} s"
        return Unreachable(access, problem, "check host, port, security, and firewalls between", "host")
    if isinstance(error, OSError):
        return Unreachable(access, f"cannot be reached ({error.strerror or error})", "check host and port", "host")
    return MailboxError(access, f"the server's answer makes no sense ({type(error).__name__})", "open it again")

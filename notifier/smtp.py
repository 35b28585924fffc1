"""Mail bytes -> Outcome, over one kept connection.

`Mailer.send` never raises for what the world does. Nothing is said twice on purpose: only a
connection that broke before DATA is tried anew within one call; what broke later is deferred,
and the second copy carries the same Message-ID. Must never change a byte of the mail, and
never write an answer of a server into anything but an Outcome.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import replace
from typing import Self

import aiosmtplib

from notifier.answers import Phase, answer_text, outcome_of
from notifier.compose import Composed
from notifier.connection import SmtpSettings, Target, open_connection, tls_context
from notifier.dns import LookupFailed, NoMail, Resolver, is_public
from notifier.exchange import BrokenError, Exchange, Rejection
from notifier.headers import clean, is_address
from notifier.notice import Deferred, Delivered, Outcome, Refused, Why

__all__ = ["Mailer", "SmtpSettings"]

_CLOSING = 421
_NO_XCHAR = re.compile(r"[^!-~]|[+=]")
_POSITIVE = 2  # the first digit decides (RFC 5321 section 4.3.2)
_GOODBYE_SECONDS = 2.0


class _BrokenError(Exception):
    """The connection cannot be used on. `final` is what is said if there is no second try."""

    def __init__(self, final: Deferred, *, data_started: bool) -> None:
        super().__init__(final.answer)
        self.final = final
        self.data_started = data_started


class Mailer:
    """Sends mails one after the other; several Mailers work side by side.

    Use as `async with Mailer(...)`, or call `aclose()`. Direct mode needs a `resolver`.
    """

    def __init__(self, settings: SmtpSettings, resolver: Resolver | None = None) -> None:
        if settings.mode == "direct" and resolver is None:
            raise ValueError("direct delivery needs a resolver")
        self._settings = settings
        self._resolver = resolver
        self._lock = asyncio.Lock()
        self._exchange: Exchange | None = None
        self._target: Target | None = None
        self._context = tls_context(settings) if settings.tls != "none" else None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Say goodbye; never raises."""
        async with self._lock:
            await self._quit()

    async def send(self, composed: Composed) -> Outcome:
        """Hand one mail to the server. Raises only CancelledError (the connection is thrown away)."""
        returned = (composed.envelope_from,) if composed.envelope_from else ()  # empty: the null return path
        for address in (*returned, composed.envelope_to):
            if not is_address(address):  # aiosmtplib would look for an address somewhere in it
                return Refused(Why.ADDRESS, f"not a mail address that can be written to: {clean(address, 100)!r}")
        async with self._lock:
            try:
                async with asyncio.timeout(self._settings.total_seconds):
                    return await self._send(composed)
            except TimeoutError:
                self._drop()
                said = f"not finished after {self._settings.total_seconds:g} seconds"
                return Deferred(Why.TIMEOUT, said, may_have_it=True)
            except BaseException:
                self._drop()
                raise

    async def _send(self, composed: Composed) -> Outcome:
        if self._settings.mode == "relay":
            found: list[Target] | Deferred | Refused = [Target(self._settings.host, self._settings.host)]
        else:
            found = await self._servers(composed.envelope_to.rpartition("@")[2])
        if not isinstance(found, list):
            return found
        outcome: Outcome = Deferred(Why.CONNECTION, "no server of the domain could be reached")
        waiting = found[::-1]
        while waiting:
            target = waiting.pop()
            try:
                return await self._to(target, composed)
            except _BrokenError as broken:
                outcome = broken.final
                if broken.data_started:  # it may have the mail: the next server must not get it too
                    return replace(broken.final, may_have_it=True)
            if outcome.why is Why.TLS and self._settings.mode == "direct" and target.encrypt:
                # A mail server with broken TLS gets its mail without, as everybody's does (RFC 7435).
                waiting.append(replace(target, encrypt=False))
        return outcome

    async def _servers(self, domain: str) -> list[Target] | Deferred | Refused:
        assert self._resolver is not None
        hosts = await self._resolver.mx(domain)
        if isinstance(hosts, NoMail):
            return Refused(Why.NO_MAIL_SERVER, hosts.reason)
        if isinstance(hosts, LookupFailed):
            return Deferred(Why.NO_MAIL_SERVER, hosts.reason)
        targets: list[Target] = []
        hidden = False
        for host in hosts:
            addresses = await self._resolver.addresses(host)
            for address in addresses if isinstance(addresses, list) else ():
                if self._settings.private_hosts or is_public(address):
                    targets.append(Target(address, host, encrypt=self._context is not None))
                else:
                    hidden = True
        if targets:
            return targets
        if hidden:
            return Refused(Why.NO_MAIL_SERVER, f"the mail servers of {domain} have no public address")
        return Deferred(Why.NO_MAIL_SERVER, f"the mail servers of {domain} have no address: {', '.join(hosts)}")

    async def _to(self, target: Target, composed: Composed) -> Outcome:
        """One mail to one server, whose answer is the outcome. A kept connection that died meanwhile is
        replaced once. Raises _BrokenError."""
        while True:
            kept = self._exchange if self._target == target else None
            try:
                if kept is None:
                    await self._connect(target, composed)
                outcome = await self._transaction(target, composed)
            except _BrokenError as broken:
                self._drop()
                if kept is not None and not broken.data_started:
                    continue
                raise
            if not isinstance(outcome, Delivered):
                await self._quit()
            return outcome

    async def _connect(self, target: Target, composed: Composed) -> None:
        await self._quit()
        hello = self._settings.hello or composed.envelope_from.rpartition("@")[2]
        opened = await open_connection(self._settings, target, self._context, hello)
        if isinstance(opened, Deferred):
            raise _BrokenError(opened, data_started=False)
        self._exchange, self._target = Exchange(opened, self._settings.answer_seconds), target

    async def _transaction(self, target: Target, composed: Composed) -> Outcome:
        exchange = self._exchange
        assert exchange is not None
        try:
            answer = await exchange.hand_over(self._commands(exchange.connection, composed), composed.message)
        except (BrokenError, TimeoutError) as error:
            why = Why.TIMEOUT if isinstance(error, TimeoutError) else Why.CONNECTION
            said = str(error) or f"no answer within {self._settings.answer_seconds:g} seconds"
            final = Deferred(why, clean(f"{target.name}: {said}", 500))
            raise _BrokenError(final, data_started=exchange.content_began) from error
        phase: Phase = answer.phase if isinstance(answer, Rejection) else "data"
        reply = answer.reply if isinstance(answer, Rejection) else answer
        if reply.code == _CLOSING:
            final = Deferred(Why.SERVER, answer_text(reply.code, reply.words))
            raise _BrokenError(final, data_started=exchange.content_began)
        if isinstance(answer, Rejection) or 400 <= reply.code < 600:
            return outcome_of(phase, reply.code, reply.words)
        if reply.code // 100 != _POSITIVE:  # no answer that SMTP knows: it may have taken the mail
            final = Deferred(Why.SERVER, answer_text(reply.code, reply.words))
            raise _BrokenError(final, data_started=True)
        return Delivered(answer_text(reply.code, reply.words), target.name)

    def _commands(self, connection: aiosmtplib.SMTP, composed: Composed) -> tuple[bytes, bytes, bytes]:
        # Plain addresses (`is_address`) and options of ours: nothing in them can end a line.
        mail, rcpt = self._options(connection, composed)
        sender = " ".join([f"MAIL FROM:<{composed.envelope_from}>", *mail])
        recipient = " ".join([f"RCPT TO:<{composed.envelope_to}>", *rcpt])
        return f"{sender}\r\n".encode("ascii"), f"{recipient}\r\n".encode("ascii"), b"DATA\r\n"

    def _options(self, connection: aiosmtplib.SMTP, composed: Composed) -> tuple[list[str], list[str]]:
        mail = [f"SIZE={len(composed.message)}"] if connection.supports_extension("size") else []
        if not composed.envelope_from:  # AR-4: of an automatic reply nobody wants to hear again
            return mail, ["NOTIFY=NEVER"] if connection.supports_extension("dsn") else []
        if not self._settings.request_dsn or not connection.supports_extension("dsn"):
            return mail, []
        # RFC 3461: the Message-ID comes back as Original-Envelope-Id. Of a relay we want to know that the mail arrived;
        # the recipient's own server has said so with its 250.
        mail += ["RET=HDRS", f"ENVID={_xtext(composed.message_id.strip('<>'))}"]
        wanted = "SUCCESS,FAILURE" if self._settings.mode == "relay" else "FAILURE"
        return mail, [f"NOTIFY={wanted}", f"ORCPT=rfc822;{_xtext(composed.envelope_to)}"]

    async def _quit(self) -> None:
        exchange = self._exchange
        self._exchange = self._target = None
        if exchange is None:
            return
        with contextlib.suppress(BrokenError, TimeoutError):
            await exchange.quit(_GOODBYE_SECONDS)
        exchange.close()

    def _drop(self) -> None:
        if self._exchange is not None:
            self._exchange.close()
        self._exchange = self._target = None


def _xtext(text: str) -> str:
    """RFC 3461 section 4: `+`, `=` and everything unprintable in hexadecimal."""
    return _NO_XCHAR.sub(lambda match: f"+{ord(match[0]):02X}", text)

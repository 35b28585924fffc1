"""Runs one command at a time on one connection, and sees to it that each ends.

aioimaplib breaks under two FETCHes at once, leaves a command pending for ever when its
connection is lost, and cannot be trusted after a timeout. So: one lock, a time limit on
everything, a lost connection cancels what waits, and after any failure the connection is
dead. Must never retry: what to do next is the caller's to decide.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from aioimaplib import aioimaplib

from gateway.intake.connect import ConnectionLost, MailboxAccess, MailboxError, Unreachable, abandon, connect, explain

T = TypeVar("T")

AGAIN = "it is opened again, and no mail is lost"


class GuardedClient:
    """`open`, then `run` coroutines that use `client`. `alive` until the first failure of any kind."""

    def __init__(self, access: MailboxAccess) -> None:
        self.access = access
        self.alive = True
        self._client: aioimaplib.IMAP4 | None = None
        self._lock = asyncio.Lock()
        self._running: asyncio.Future[Any] | None = None

    @property
    def client(self) -> aioimaplib.IMAP4:
        assert self._client is not None, "open() comes first"
        return self._client

    @property
    def busy(self) -> bool:
        return self._lock.locked()

    async def open(self) -> None:
        """Connect and log in. Raises Unreachable, CertificateRefused, LoginRefused."""
        try:
            self._client = await self.run(connect(self.access, self._on_lost), 2 * self.access.timeout)
        except ConnectionLost as error:
            step = "check port and security (993 is tls), and the server's log"
            raise Unreachable(self.access, "the server hung up before we were in", step, "security") from error

    async def run(self, work: Coroutine[Any, Any, T], seconds: float | None = None) -> T:
        """The result of `work`, begun when nothing else runs and ended after `seconds` (default: the timeout).

        Every failure is a MailboxError; that, and being cancelled, ends the connection.
        """
        async with self._lock:
            if not self.alive:
                work.close()
                raise ConnectionLost(self.access, "the connection is lost", AGAIN)
            running: asyncio.Future[T] = asyncio.ensure_future(work)
            self._running = running
            try:
                async with asyncio.timeout(self.access.timeout if seconds is None else seconds):
                    return await running
            except asyncio.CancelledError:
                lost = running.cancelled() and not self.alive and not _being_cancelled()
                self.give_up()
                if lost:
                    raise ConnectionLost(self.access, "the connection is lost", AGAIN) from None
                raise
            except Exception as error:
                self.give_up()
                raise self._for_people(error) from error
            finally:
                self._running = None

    def give_up(self) -> None:
        """End the connection at once; whoever waits for a command gets ConnectionLost."""
        self.alive = False
        if self._client is not None:
            abandon(self._client)

    def _on_lost(self, _error: Exception | None) -> None:
        self.alive = False
        if self._running is not None and not self._running.done():
            self._running.cancel()

    def _for_people(self, error: Exception) -> MailboxError:
        explained = explain(self.access, error)
        if self._client is not None and isinstance(explained, Unreachable):
            return ConnectionLost(self.access, explained.problem, AGAIN)  # it was reached: the settings are right
        return explained


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0

"""An SMTP server that keeps what it gets, and that can be told to refuse, defer, be slow, or vanish."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller

from servers.ports import free_port


@dataclass(frozen=True)
class Received:
    mail_from: str
    rcpt_tos: list[str]
    raw: bytes


@dataclass
class SmtpReceiver:
    """`received` is what was taken, in order, cut connections included (the bytes were all there)."""

    host: str = "127.0.0.1"
    port: int = field(default_factory=free_port)
    received: list[Received] = field(default_factory=list)
    _rcpt_replies: dict[str, str] = field(default_factory=dict)
    _data_reply: str | None = None
    _delay: float = 0.0
    _drops: int = 0

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        self._controller = Controller(_Handler(self), hostname=self.host, port=self.port, ready_timeout=15)

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        if self._controller.loop.is_running():
            self._controller.stop()

    def refuse(self, recipient: str, reply: str = "550 5.1.1 No such user here") -> None:
        """RCPT TO `recipient` ("*": anybody) gets this reply from now on."""
        self._rcpt_replies[recipient] = reply

    def defer(self, recipient: str, reply: str = "451 4.7.1 Try again later") -> None:
        self._rcpt_replies[recipient] = reply

    def refuse_data(self, reply: str = "554 5.7.1 Content refused") -> None:
        """The whole message gets this reply after its data; it is not kept."""
        self._data_reply = reply

    def slow(self, seconds: float) -> None:
        """The reply to the data comes this late."""
        self._delay = seconds

    def drop_after_data(self, times: int = 1) -> None:
        """The next `times` messages are kept, and the connection ends before the reply: nobody can know."""
        self._drops = times

    def accept(self) -> None:
        """Back to taking everything."""
        self._rcpt_replies.clear()
        self._data_reply, self._delay, self._drops = None, 0.0, 0

    async def wait_for(self, count: int, seconds: float = 15.0) -> list[Received]:
        """What was received, once there are at least `count`; AssertionError when they do not come."""
        return await asyncio.to_thread(self.wait_for_blocking, count, seconds)

    def wait_for_blocking(self, count: int, seconds: float = 15.0) -> list[Received]:
        with self._changed:
            enough = self._changed.wait_for(lambda: len(self.received) >= count, timeout=seconds)
        assert enough, f"{len(self.received)} of {count} messages came in {seconds:.0f} s"
        return list(self.received)

    def _keep(self, message: Received) -> None:
        with self._changed:
            self.received.append(message)
            self._changed.notify_all()


class _Handler:
    def __init__(self, receiver: SmtpReceiver) -> None:
        self._receiver = receiver

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802  aiosmtpd's name
        replies = self._receiver._rcpt_replies
        reply = replies.get(address) or replies.get("*")
        if reply is None:
            envelope.rcpt_tos.append(address)
            reply = "250 2.1.5 OK"
        return reply

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
        receiver = self._receiver
        await asyncio.sleep(receiver._delay)
        if receiver._data_reply is not None:
            return receiver._data_reply
        receiver._keep(Received(envelope.mail_from, list(envelope.rcpt_tos), bytes(envelope.content)))
        if receiver._drops > 0:
            receiver._drops -= 1
            server.transport.abort()
        return "250 2.0.0 Kept"

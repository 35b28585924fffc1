"""Mails over an SMTP connection that aiosmtplib opened: the commands of one go out together where the server allows it.

RFC 2920: with PIPELINING, MAIL, RCPT and DATA are one packet and one wait, so a mail costs two round trips and not
four; without it they go one after the other. Reading the answers here costs a third of what one awaited call for each
command costs (docs/decisions/018). Must never send the content before the server asked for it, and never take an
answer that nobody asked for as one of ours.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from dataclasses import dataclass
from typing import cast

import aiosmtplib

from notifier.answers import Phase

_LONGEST_LINE = 8192  # bytes of an answer's line; RFC 5321 section 4.5.3.1.5 says 512, servers say more
_MOST = 4 * _LONGEST_LINE  # bytes of one answer
_GO_ON = 354
_CLOSING = 421
_TAKEN: tuple[tuple[Phase, frozenset[int]], ...] = (
    ("mail", frozenset({250, 251})),
    ("rcpt", frozenset({250, 251})),
    ("data", frozenset({_GO_ON})),
)
_LINE_END = re.compile(rb"\r\n|\n|\r")
_END = b".\r\n"
_AFTER_CODE = (b"", b"\r", b" ", b"-")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; the lines of a long one are joined by line feeds. `code` 0: it was none."""

    code: int
    words: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """The answer that stopped a mail, and to what."""

    phase: Phase
    reply: Reply


class BrokenError(Exception):
    """The connection cannot be used on."""


class Exchange(asyncio.Protocol):
    """One connection after its greeting. `seconds`: how long one answer may take."""

    def __init__(self, connection: aiosmtplib.SMTP, seconds: float) -> None:
        assert connection.transport is not None
        self.connection = connection
        self.pipelining = connection.supports_extension("pipelining")
        self.content_began = False  # of the mail in hand: from then on the server may have it
        self._seconds = seconds
        self._transport = cast("asyncio.Transport", connection.transport)
        self._unread = bytearray()
        self._lines: list[bytes] = []
        self._replies: deque[Reply] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._lost: str | None = None
        self._transport.set_protocol(self)

    async def hand_over(self, commands: tuple[bytes, bytes, bytes], message: bytes) -> Reply | Rejection:
        """One mail: `commands` are MAIL, RCPT and DATA with their line ends. The answer to the content, or what came
        before it. Raises BrokenError and TimeoutError."""
        self.content_began = False
        if self._replies or self._unread or self._lost is not None:  # such as "421 idle too long"
            raise BrokenError(self._lost or "the server spoke though nobody asked it")
        rejected = await self._envelope(commands)
        if rejected is not None:
            return rejected
        self.content_began = True
        self._say(stuffed(message) + _END)
        return await self._reply()

    async def quit(self, seconds: float) -> None:
        """Say goodbye. Raises BrokenError and TimeoutError."""
        async with asyncio.timeout(seconds):
            self._say(b"QUIT\r\n")
            await self._reply()

    def close(self) -> None:
        self.connection.close()

    async def _envelope(self, commands: tuple[bytes, bytes, bytes]) -> Rejection | None:
        """None: the server waits for the content."""
        together = len(commands) if self.pipelining else 1
        rejected: Rejection | None = None
        for at in range(0, len(commands), together):
            self._say(b"".join(commands[at : at + together]))
            for phase, good in _TAKEN[at : at + together]:
                reply = await self._reply()
                if rejected is not None and reply.code == _GO_ON:
                    self._say(_END)  # RFC 2920 section 3.1: it wants the content of a mail to nobody
                    await self._reply()
                elif rejected is None and reply.code not in good:
                    rejected = Rejection(phase, reply)
                if reply.code == _CLOSING:
                    return rejected
            if rejected is not None:
                return rejected
        return None

    def _say(self, data: bytes) -> None:
        if self._lost is not None or self._transport.is_closing():
            raise BrokenError(self._lost or "the connection is closed")
        self._transport.write(data)

    async def _reply(self) -> Reply:
        while not self._replies:
            if self._lost is not None:
                raise BrokenError(self._lost)
            self._waiting = asyncio.get_running_loop().create_future()
            async with asyncio.timeout(self._seconds):
                await self._waiting
        return self._replies.popleft()

    # --- what the transport calls ---

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while (end := self._unread.find(b"\n")) >= 0:
            self._line(bytes(self._unread[:end]))
            del self._unread[: end + 1]
        if len(self._unread) > _LONGEST_LINE or sum(map(len, self._lines)) > _MOST:
            self._lines.clear()
            self._replies.append(Reply(0, "the answer is too long"))
            self._transport.abort()
        if self._replies:
            self._wake()

    def eof_received(self) -> bool:
        return False  # the transport closes itself

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = str(exc or "") or "the server ended the connection"
        self.connection.close()
        self._wake()

    def _line(self, line: bytes) -> None:
        well = len(line) <= _LONGEST_LINE and line[:3].isdigit() and line[3:4] in _AFTER_CODE
        self._lines.append(line[4:].strip())
        if well and line[3:4] == b"-":
            return
        code = int(line[:3]) if well else 0
        said = b"\n".join(self._lines) if code else line
        self._lines.clear()
        self._replies.append(Reply(code, said.decode("utf-8", "replace")))

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


def stuffed(message: bytes) -> bytes:
    """The content as it goes over the line (RFC 5321 section 4.5.2): lines end in CRLF and nothing else, the last one
    too, and none is taken for the end."""
    if not message.count(b"\n") == message.count(b"\r") == message.count(b"\r\n"):
        message = _LINE_END.sub(b"\r\n", message)
    if not message.endswith(b"\r\n"):
        message += b"\r\n"
    return (b"." if message.startswith(b".") else b"") + message.replace(b"\r\n.", b"\r\n..")

"""An HTTP server on loopback that keeps what is posted to it, and can be told what to answer, to be slow, or to vanish.

Runs in its own thread, so that a process under test and the test itself can both speak to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from servers.background import BackgroundLoop

Answer = tuple[int, bytes]


@dataclass(frozen=True)
class Posted:
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes


@dataclass
class HookServer:
    """`answers` are used up one by one, then `usual`; `before_answering` is called with what came."""

    background: BackgroundLoop
    posted: list[Posted] = field(default_factory=list)
    answers: list[Answer | None] = field(default_factory=list)  # None: the connection ends without an answer
    usual: Answer = (200, b"ok")
    before_answering: Callable[[Posted], None] = lambda _: None
    port: int = 0

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        self._gate = asyncio.Event()
        self.background.run(self._start())

    async def _start(self) -> None:
        self._gate.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def hold(self) -> None:
        """Nothing is answered until `let_go`."""
        self.background.loop.call_soon_threadsafe(self._gate.clear)

    def let_go(self) -> None:
        self.background.loop.call_soon_threadsafe(self._gate.set)

    def stop(self) -> None:
        self.let_go()
        self.background.loop.call_soon_threadsafe(self._server.close)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            one = Posted(head[0].split(" ")[1], headers, body)
            self.posted.append(one)
            self.before_answering(one)
            await self._gate.wait()
            answer = self.answers.pop(0) if self.answers else self.usual
            if answer is not None:
                status, said = answer
                top = f"HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {len(said)}\r\n\r\n"
                writer.write(top.encode() + said)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

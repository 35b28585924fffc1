"""A TCP proxy on loopback that cuts, stalls or refuses on command: the network as it is."""

from __future__ import annotations

import asyncio

from servers.background import BackgroundLoop


class CutProxy:
    """Stands on 127.0.0.1:`port` before (host, port) of a server. `connections` counts what came through."""

    host = "127.0.0.1"

    def __init__(self, background: BackgroundLoop, target_host: str, target_port: int) -> None:
        self._background = background
        self._target = (target_host, target_port)
        self._server: asyncio.Server
        self._open: set[asyncio.StreamWriter] = set()
        self._budget: int | None = None
        self._stalled = False
        self._refusing = False
        self.connections = 0
        self.from_clients = b""  # all that clients ever sent
        self.port = 0

    def start(self) -> None:
        self._background.run(self._start())

    def stop(self) -> None:
        self._background.run(self._stop())

    def cut(self) -> None:
        """End every connection at once; new ones are taken."""
        self._background.run(self._cut())

    def cut_after(self, count: int) -> None:
        """Let `count` more bytes of the server's pass (all connections together), then cut them, once."""
        self._budget = count

    def stall(self) -> None:
        """Connections stay open and nothing passes from the server any more."""
        self._stalled = True

    def refuse(self) -> None:
        """New connections are closed at once, before a greeting."""
        self._refusing = True

    def heal(self) -> None:
        self._budget, self._stalled, self._refusing = None, False, False

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, self.host, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        await self._cut()

    async def _cut(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()
        self._open.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self._refusing:
            writer.transport.abort()
            return
        try:
            from_server, to_server = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, to_server}
        try:
            await asyncio.gather(self._pass(reader, to_server), self._pass_counted(from_server, writer))
        finally:
            self._open -= {writer, to_server}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                self.from_clients += data
                writer.write(data)
                await writer.drain()
        except OSError:
            pass  # the other side was cut
        finally:
            writer.close()

    async def _pass_counted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                if self._stalled:
                    continue
                if self._budget is not None and len(data) >= self._budget:
                    writer.write(data[: self._budget])
                    await writer.drain()
                    self._budget = None
                    await asyncio.sleep(0)
                    await self._end_politely()
                    return
                if self._budget is not None:
                    self._budget -= len(data)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass  # the other side was cut
        finally:
            writer.close()

    async def _end_politely(self) -> None:
        # close, not abort: what was written has to arrive, so that the cut is where it was asked for
        for writer in list(self._open):
            writer.close()
        self._open.clear()

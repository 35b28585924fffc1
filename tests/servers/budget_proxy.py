"""A port before a server whose connections end after so many bytes: the network as it is, at every place of a mail."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator


@contextlib.asynccontextmanager
async def cutting(port: int, budgets: list[tuple[int, int]]) -> AsyncIterator[int]:
    """A port before the server whose connections end after so many bytes of the client or of the server; each
    connection takes the next pair of `budgets`, and none is cut once they are used up."""

    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        there, back = await asyncio.open_connection("127.0.0.1", port)
        limits = budgets.pop(0) if budgets else (10**9, 10**9)

        async def passes(source: asyncio.StreamReader, target: asyncio.StreamWriter, left: int) -> None:
            with contextlib.suppress(ConnectionError):
                while left > 0 and (chunk := await source.read(min(left, 4096))):
                    target.write(chunk)
                    await target.drain()
                    left -= len(chunk)
            await asyncio.sleep(0.05)  # what was passed on is to arrive before the end does
            writer.transport.abort()
            back.transport.abort()

        await asyncio.gather(passes(reader, back, limits[0]), passes(there, writer, limits[1]))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        if serving:  # each ends with its connection, and none may outlive the loop
            await asyncio.wait(serving)
        await asyncio.sleep(0)

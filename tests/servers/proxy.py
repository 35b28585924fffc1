"""An HTTP proxy that goes nowhere and remembers what it was asked for: whatever leaves a browser shows here.

Only what goes to the server under test passes by; everything else is counted, but for the browser's own services.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

# What Chromium asks for by itself, whatever page it shows: its updates and its lists.
_BROWSERS_OWN = (".googleapis.com", ".google.com", ".gstatic.com", ".gvt1.com")


@dataclass
class Proxy:
    url: str
    asked: list[str] = field(default_factory=list)

    @property
    def setting(self) -> dict[str, str]:
        """For Playwright; only our own server is asked directly."""
        return {"server": self.url, "bypass": "127.0.0.1"}


@contextlib.asynccontextmanager
async def counting_proxy() -> AsyncIterator[Proxy]:
    made = Proxy("")

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readline()).decode("latin-1").strip()
        target = line.split(" ")[1] if line.count(" ") > 1 else line
        host = target.removeprefix("http://").partition("/")[0]
        if not host.partition(":")[0].endswith(_BROWSERS_OWN):
            made.asked.append(line)
        writer.write(b"HTTP/1.1 403 Nothing leaves\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
        await server.wait_closed()

"""Loopback servers of the world that the notifier talks to: DNS, a registry, and an SMTP server that misbehaves on cue."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from notifier.compose import Composed
from notifier.dns import Resolver
from notifier.http import HttpClient

MESSAGE = b"From: abuse@isp.example\r\nSubject: x\r\nMessage-ID: <k@isp.example>\r\n\r\nHello\r\n.dot\r\n"


@pytest.fixture
def mail() -> Callable[..., Composed]:
    def make(to: str = "noc@customer.example", message: bytes = MESSAGE) -> Composed:
        return Composed(message, "<k+1=x@isp.example>", "abuse+n.abc@isp.example", to)

    return make


@dataclass
class Clock:
    moment: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, step: timedelta) -> None:
        self.moment += step


@pytest.fixture
def clock() -> Clock:
    return Clock()


@dataclass
class DnsServer(asyncio.DatagramProtocol):
    """`zone` maps (name, type) to record texts; a name without any record does not exist."""

    zone: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    questions: list[tuple[str, str]] = field(default_factory=list)
    broken: bool = False
    port: int = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.questions.append((name, kind))
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        records = self.zone.get((name, kind))
        if self.broken:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif records:
            reply.answer.append(dns.rrset.from_text(question.name, 300, "IN", kind, *records))
        elif not any(held == name for held, _ in self.zone):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(reply.to_wire(), addr)


@pytest.fixture
async def dns_server() -> AsyncIterator[DnsServer]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(DnsServer, local_addr=("127.0.0.1", 0))
    yield server
    transport.close()


@pytest.fixture
def resolver(dns_server: DnsServer) -> Resolver:
    return Resolver(["127.0.0.1"], dns_server.port, seconds=3.0)


@dataclass
class WebServer:
    """Answers GET by `pages`: path -> (status, headers, body); `gate` holds answers back until it is set."""

    pages: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)  # path, Host
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    at_once: int = 0
    most_at_once: int = 0
    port: int = 0

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    def page(self, path: str, body: object, status: int = 200, **headers: str) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.pages[path] = (status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
            path = head.split(" ")[1]
            host = next(line[6:] for line in head.split("\r\n") if line.lower().startswith("host: "))
            self.requests.append((path, host))
            self.asked.set()
            await self.gate.wait()
            status, headers, body = self.pages.get(path, (404, {}, b"{}"))
            lines = [f"HTTP/1.1 {status} X", "Connection: close", f"Content-Length: {len(body)}"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.at_once -= 1
            writer.close()


@pytest.fixture
async def make_web() -> AsyncIterator[Callable[..., Any]]:
    started: list[asyncio.Server] = []

    async def make(context: ssl.SSLContext | None = None) -> WebServer:
        web = WebServer()
        web.gate.set()
        server = await asyncio.start_server(web.serve, "127.0.0.1", 0, ssl=context)
        web.port = server.sockets[0].getsockname()[1]
        started.append(server)
        return web

    yield make
    for server in started:
        server.close()
        await server.wait_closed()


@pytest.fixture
async def web(make_web: Callable[..., Any]) -> WebServer:
    server: WebServer = await make_web()
    return server


@pytest.fixture
async def http(resolver: Resolver, clock: Clock) -> AsyncIterator[HttpClient]:
    client = HttpClient(resolver, clock)
    yield client
    await client.aclose()


@dataclass
class ScriptedSmtp:
    """An SMTP server that does what `replies` say: verb -> reply, or "CUT" to end the connection without a word.

    `MESSAGE` is the verb for the end of the data. A list is used up, one reply each time.
    """

    extensions: list[str] = field(default_factory=list)
    replies: dict[str, str | list[str]] = field(default_factory=dict)
    context: ssl.SSLContext | None = None
    commands: list[str] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    def __post_init__(self) -> None:
        self._writers: set[asyncio.StreamWriter] = set()
        self.sessions: set[asyncio.Task[None]] = set()
        self.silent = asyncio.Event()  # set: the silence ends with a cut
        self.reached_silence = asyncio.Event()

    def cut_all(self) -> None:
        """End every connection, as a server does with idle ones."""
        for writer in self._writers:
            writer.transport.abort()

    def _reply(self, verb: str, usual: str) -> str:
        reply = self.replies.get(verb, usual)
        if isinstance(reply, list):
            return reply.pop(0) if reply else usual
        return reply

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        self.sessions.add(asyncio.current_task())  # type: ignore[arg-type]
        try:
            await self._say(writer, self._reply("CONNECT", "220 mx.example ESMTP"))
            while line := (await reader.readline()).decode("ascii").strip():
                self.commands.append(line)
                verb = line.split(" ")[0].split(":")[0].upper()
                if verb == "EHLO":
                    await self._say(writer, self._reply(verb, self._hello()))
                elif verb == "DATA":
                    await self._data(reader, writer)
                elif verb == "STARTTLS" and self.context is not None:
                    await self._say(writer, "220 go ahead")
                    await writer.start_tls(self.context)
                else:
                    await self._say(writer, self._reply(verb, "221 bye" if verb == "QUIT" else "250 2.0.0 OK"))
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _data(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._say(writer, self._reply("DATA", "354 go on"))
        if not self._reply("DATA", "354").startswith("354"):
            return
        lines = []
        while (line := await reader.readuntil(b"\r\n")) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        self.messages.append(b"".join(lines))
        await self._say(writer, self._reply("MESSAGE", "250 2.0.0 queued as 1"))

    async def _say(self, writer: asyncio.StreamWriter, reply: str) -> None:
        if reply == "CUT":
            writer.transport.abort()
            raise ConnectionAbortedError
        if reply == "SILENCE":
            self.reached_silence.set()
            await self.silent.wait()
            raise ConnectionAbortedError
        writer.write(reply.encode() + b"\r\n")
        await writer.drain()

    def _hello(self) -> str:
        lines = ["mx.example", *self.extensions, *(["STARTTLS"] if self.context else [])]
        return "\r\n".join(f"250{'-' if number < len(lines) - 1 else ' '}{line}" for number, line in enumerate(lines))


@pytest.fixture
async def make_smtp() -> AsyncIterator[Callable[..., Any]]:
    started: list[tuple[ScriptedSmtp, asyncio.Server]] = []

    async def make(implicit: ssl.SSLContext | None = None, **options: Any) -> ScriptedSmtp:
        smtp = ScriptedSmtp(**options)
        server = await asyncio.start_server(smtp.serve, "127.0.0.1", 0, ssl=implicit)
        smtp.port = server.sockets[0].getsockname()[1]
        started.append((smtp, server))
        return smtp

    yield make
    for smtp, server in started:
        smtp.silent.set()
        smtp.cut_all()
        server.close()
        await server.wait_closed()
        await asyncio.gather(*smtp.sessions)


@pytest.fixture
def rdap_document() -> Callable[[str], Any]:
    folder = Path(__file__).parents[2] / "fixtures" / "_rdap"
    return lambda name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))

"""An authoritative name server on loopback, UDP and TCP on one port: the zones that senders publish.

A test puts records in, counts the questions, and can let a name's server be silent, broken or slow of tongue (an
answer too long for UDP is cut off, and asked for again by TCP).
"""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from servers.background import BackgroundLoop

_UDP_BYTES = 1232


class NameServer:
    """`zone` maps (name, type) to record texts; a name without any record does not exist. `silent` and `broken`: names
    (with all below them) that get no answer, or SERVFAIL. `questions`: (name, type) as they came."""

    def __init__(self, background: BackgroundLoop) -> None:
        self._background = background
        self.zone: dict[tuple[str, str], list[str]] = {}
        self.silent: set[str] = set()
        self.broken: set[str] = set()
        self.questions: list[tuple[str, str]] = []
        self.by_tcp: list[tuple[str, str]] = []
        self.port = 0

    def start(self) -> None:
        self._background.run(self._start())

    def stop(self) -> None:
        self._background.run(self._stop())

    def txt(self, name: str, *texts: str) -> None:
        """Publish TXT records; long ones in strings of 255 bytes."""
        pieces = [" ".join(f'"{text[i : i + 255]}"' for i in range(0, len(text), 255)) for text in texts]
        self.zone[name, "TXT"] = pieces

    async def _start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await asyncio.start_server(self._tcp, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _Udp(self), local_addr=("127.0.0.1", self.port))

    async def _stop(self) -> None:
        self._udp.close()
        self._server.close()
        await self._server.wait_closed()

    async def _tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                (size,) = struct.unpack("!H", await reader.readexactly(2))
                reply = self.answer(await reader.readexactly(size), udp=False)
                if reply is None:
                    return
                writer.write(struct.pack("!H", len(reply)) + reply)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def answer(self, data: bytes, *, udp: bool) -> bytes | None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        (self.questions if udp else self.by_tcp).append((name, kind))
        if _below(name, self.silent):
            return None
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        records = self.zone.get((name, kind))
        if _below(name, self.broken):
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif records:
            reply.answer.append(dns.rrset.from_text(question.name, 300, "IN", kind, *records))
        elif not any(held == name for held, _ in self.zone):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        wire = reply.to_wire()
        if udp and len(wire) > _UDP_BYTES:
            cut = dns.message.make_response(query)
            cut.flags |= dns.flags.TC
            return cut.to_wire()
        return wire


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self._server.answer(data, udp=True)
        if reply is not None:
            self._transport.sendto(reply, addr)


def _below(name: str, names: set[str]) -> bool:
    return any(name == one or name.endswith(f".{one}") for one in names)

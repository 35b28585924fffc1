"""A gateway beside a registry that names a contact of each role for every network and site."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from whole.scene import ALDER, Scene, about, opened_scene
from whole.world import World

from servers.receiver import SmtpReceiver

ROLES = ("abuse", "technical", "administrative", "billing")


@contextlib.asynccontextmanager
async def scene(folder: Path, relay: SmtpReceiver, **sections: dict[str, Any]) -> AsyncIterator[Scene]:
    """With a registry that names a contact of each role for every site."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").split(" ")[1].rpartition("/")[2]
        body = json.dumps(_registration(name)).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for file, keys in {"dns": ["example"], "ipv4": ["203.0.113.0/24", "198.51.100.0/24"]}.items():
        (folder / f"{file}.json").write_text(json.dumps({"services": [[keys, [f"http://127.0.0.1:{port}/"]]]}))
    rdap = {"enabled": True, "allow_hosts": [f"127.0.0.1:{port}"], "bootstrap_dir": str(folder)}
    try:
        async with opened_scene(World(folder, f"sqlite:///{folder}/a.db"), relay, rdap=rdap, **sections) as made:
            yield made
    finally:
        server.close()
        await server.wait_closed()


def _registration(name: str) -> dict[str, Any]:
    entities = [
        {
            "objectClassName": "entity",
            "roles": [role],
            "vcardArray": ["vcard", [["email", {}, "text", f"{role}@holder.example.net"]]],
        }
        for role in ROLES
    ]
    if name[0].isdigit():
        first, last = name.rpartition(".")[0] + ".0", name.rpartition(".")[0] + ".255"
        return {"objectClassName": "ip network", "startAddress": first, "endAddress": last, "entities": entities}
    return {"objectClassName": "domain", "ldhName": name, "entities": entities}


def advertising(site: str, source: str = ALDER) -> bytes:
    return about(source, extra=f"Reported-Domain: {site}")


def told(made: Scene) -> set[str]:
    return {mail.rcpt_tos[0] for mail in made.relay.received if mail.rcpt_tos[0].endswith("@holder.example.net")}

"""The gateway asks by IANA's files as they were last fetched, and starts whatever became of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from whole.scene import NOW, opened_house
from whole.world import World

from gateway import registries
from gateway.settings import load
from notifier.bootstrap import BootstrapError
from notifier.rdap import Failed, RdapWhy


@contextlib.asynccontextmanager
async def iana(services: list[object]) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps({"services": services}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


def world(folder: Path, place: str) -> World:
    made = World(folder, f"sqlite+aiosqlite:///{folder}/a.db")
    made.sections["rdap"] = {
        "enabled": True, "refresh_dir": "iana", "refresh_url": f"http://{place}/rdap/", "allow_hosts": [place],
    }  # fmt: skip
    made.write()
    return made


@pytest.mark.standard("RD-1")
async def test_what_was_fetched_is_used_at_once_and_after_a_restart(tmp_path: Path) -> None:
    async with iana([[["203.0.113.0/24"], ["https://rdap.example/"]]]) as place:
        made = world(tmp_path, place)
        async with opened_house(made, [NOW]) as house:
            assert house.rdap is not None
            assert await registries.refresh(house) == 0
            assert "rdap.example:443" in house.rdap._only_hosts
        settings = load(made.config)
        assert registries.known(settings).for_address("203.0.113.7") == ("https://rdap.example/",)
        # dns.json with a network for a name is a list of names all the same; ipv6.json with IPv4 holds no IPv6
        assert registries.known(settings).for_address("2001:db8::1") == ()


async def test_a_fetched_file_that_broke_on_disk_stops_nobody_and_one_of_the_operator_does(tmp_path: Path) -> None:
    made = world(tmp_path, "127.0.0.1:9")
    (tmp_path / "iana").mkdir()
    (tmp_path / "iana" / "ipv4.json").write_text("{")
    async with opened_house(made, [NOW]) as house:
        assert house.rdap is not None
        answer = await house.rdap.ip("192.168.0.1")
        assert isinstance(answer, Failed)
        assert answer.why is RdapWhy.NOT_PUBLIC  # the bundled files know whose it would be
    made.sections["rdap"] |= {"bootstrap_dir": "iana"}
    made.write()
    with pytest.raises(BootstrapError):
        registries.known(load(made.config))

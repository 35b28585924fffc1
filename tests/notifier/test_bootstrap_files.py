"""IANA's files are fetched when they expire, replaced whole, and a bad one never takes the place of a good one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from notifier.bootstrap import load
from notifier.bootstrap_files import FILES, BootstrapFiles
from notifier.http import LARGEST, HttpClient

pytestmark = pytest.mark.standard("RD-1")


def document(name: str, registry: str = "https://rdap.example/") -> bytes:
    keys = {"ipv4.json": "198.51.100.0/24", "ipv6.json": "2001:db8::/32", "dns.json": "example"}
    return json.dumps({"version": "1.0", "services": [[[keys[name]], [registry]]]}).encode()


@dataclass
class Iana:
    """Serves `files` under their ETag, 304 to whoever has it; `says` are whole answers in their place."""

    files: dict[str, bytes] = field(default_factory=lambda: {name: document(name) for name in FILES})
    says: dict[str, bytes] = field(default_factory=dict)
    header: str = "Cache-Control: max-age=7200"
    asked: list[tuple[str, int]] = field(default_factory=list)
    port: int = 0

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
        name = head.split(" ")[1].rpartition("/")[2]
        etag = f'"{hash(self.files[name])}"'
        held = f"if-none-match: {etag}" in head.lower()
        body = b"" if held else self.files[name]
        status = "304 Not Modified" if held else "200 OK"
        answer = f"HTTP/1.1 {status}\r\nConnection: close\r\nETag: {etag}\r\n{self.header}\r\nContent-Length: {len(body)}\r\n\r\n"
        self.asked.append((name, int(status[:3])))
        writer.write(self.says.get(name, answer.encode() + body))
        await writer.drain()
        writer.close()


@pytest.fixture
async def iana() -> AsyncIterator[Iana]:
    made = Iana()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    await server.wait_closed()


@pytest.fixture
def files(tmp_path: Path, http: HttpClient, clock: Any, iana: Iana) -> BootstrapFiles:
    return BootstrapFiles(tmp_path / "iana", http, clock, f"http://{iana.place}/rdap/", {iana.place})


async def test_they_are_fetched_once_and_used_in_the_place_of_the_bundled_ones(
    files: BootstrapFiles, iana: Iana
) -> None:
    assert await files.refresh() == (list(FILES), [])
    assert load(files.folder).for_address("198.51.100.7") == ("https://rdap.example/",)
    assert load(files.folder).for_domain("shop.example") == ("https://rdap.example/",)
    assert await files.refresh() == ([], [])
    assert len(iana.asked) == 3
    assert sorted(path.name for path in files.folder.iterdir()) == sorted([*FILES, "fetched.json"])


async def test_they_are_asked_for_again_once_they_expired_and_only_for_what_changed(
    files: BootstrapFiles, iana: Iana, clock: Any, http: HttpClient
) -> None:
    await files.refresh()
    clock.forward(timedelta(hours=1, minutes=59))
    assert await files.refresh() == ([], [])
    assert len(iana.asked) == 3
    clock.forward(timedelta(minutes=2))
    iana.files["dns.json"] = document("dns.json", "https://new.example/")
    again = BootstrapFiles(files.folder, http, clock, f"http://{iana.place}/rdap/", {iana.place})  # after a restart
    assert await again.refresh() == (["dns.json"], [])
    assert iana.asked[3:] == [("ipv4.json", 304), ("ipv6.json", 304), ("dns.json", 200)]
    assert load(files.folder).for_domain("shop.example") == ("https://new.example/",)


@pytest.mark.parametrize(
    "bad",
    [
        b"HTTP/1.1 500 X\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 429 X\r\nRetry-After: 60\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 302 X\r\nLocation: https://elsewhere.example/\r\nConnection: close\r\n\r\n",
        b'HTTP/1.1 200 X\r\nContent-Length: 5000\r\nConnection: close\r\n\r\n{"services": [[["198.51.1',
        b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n" + b" " * (LARGEST + 1),
        b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n<html>moved</html>",
        b'HTTP/1.1 200 X\r\nConnection: close\r\n\r\n{"services": []}',
        b'HTTP/1.1 200 X\r\nConnection: close\r\n\r\n{"services": [[["no network"], ["https://x.example/"]]]}',
        b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n[]",
        b"",
    ],
    ids=["500", "429", "redirect", "half", "huge", "html", "nobody", "no network", "no object", "cut"],
)
async def test_a_bad_answer_leaves_what_is_there_and_is_told_and_asked_again_an_hour_later(
    files: BootstrapFiles, iana: Iana, clock: Any, bad: bytes
) -> None:
    await files.refresh()
    clock.forward(timedelta(hours=3))
    iana.says["ipv4.json"] = bad
    changed, wrong = await files.refresh()
    assert changed == []
    assert len(wrong) == 1
    assert load(files.folder).for_address("198.51.100.7") == ("https://rdap.example/",)
    assert not [path for path in files.folder.iterdir() if path.name.startswith(".")]
    asked = len(iana.asked)
    assert await files.refresh() == ([], [])
    assert len(iana.asked) == asked
    del iana.says["ipv4.json"]
    iana.files["ipv4.json"] = document("ipv4.json", "https://new.example/")
    clock.forward(timedelta(hours=1, seconds=1))
    changed, wrong = await files.refresh()
    assert (changed, wrong) == (["ipv4.json"], [])


async def test_only_the_chosen_host_is_asked_and_in_plain_only_where_it_is_allowed(
    tmp_path: Path, http: HttpClient, clock: Any, iana: Iana
) -> None:
    strict = BootstrapFiles(tmp_path / "a", http, clock, f"http://{iana.place}/rdap/")
    changed, wrong = await strict.refresh()
    assert changed == []
    assert len(wrong) == 3
    assert "only https" in wrong[0]
    assert iana.asked == []


async def test_a_folder_that_cannot_be_written_is_told(
    tmp_path: Path, http: HttpClient, clock: Any, iana: Iana
) -> None:
    (tmp_path / "file").write_text("")
    stuck = BootstrapFiles(tmp_path / "file", http, clock, f"http://{iana.place}/rdap/", {iana.place})
    changed, wrong = await stuck.refresh()
    assert changed == []
    assert "file" in wrong[0]


async def test_what_was_broken_or_removed_on_disk_is_fetched_anew(
    files: BootstrapFiles, iana: Iana, clock: Any, http: HttpClient
) -> None:
    await files.refresh()
    (files.folder / "ipv4.json").unlink()
    (files.folder / "fetched.json").write_text('{"ipv6.json": {"etag": 7}, "dns.json": {"strange": 1}}')
    again = BootstrapFiles(files.folder, http, clock, f"http://{iana.place}/rdap/", {iana.place})
    assert await again.refresh() == (list(FILES), [])

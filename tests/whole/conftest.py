"""One gateway and its world for each whole test; every process that was started ends with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from whole.world import LethalReceiver, Service, Tripwire, World

from servers.needs import require


@pytest.fixture
def world(tmp_path: Path, sqlite_url: str) -> World:
    """On SQLite; give it another `database_url` before anything runs."""
    return World(tmp_path, sqlite_url)


@pytest.fixture
def make_service() -> Iterator[Callable[[World], Service]]:
    made: list[Service] = []

    def make(world: World) -> Service:
        made.append(Service(world))
        return made[-1]

    yield make
    for service in made:
        service.clean_up()


@pytest.fixture
def receiver() -> Iterator[LethalReceiver]:
    require("aiosmtpd")
    server = LethalReceiver()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def tripwire(background) -> Iterator[Callable[[int], Tripwire]]:
    """`tripwire(port)` puts one before that loopback port."""
    started: list[Tripwire] = []

    def before(port: int) -> Tripwire:
        proxy = Tripwire(background, port)
        proxy.start()
        started.append(proxy)
        return proxy

    yield before
    for proxy in started:
        proxy.stop()

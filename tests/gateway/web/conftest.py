"""A house whose pages are served over real HTTP, a stranger to it, and somebody of the staff."""

from __future__ import annotations

import contextlib

import httpx
import pytest

from gateway.roles import Role
from gateway.web.app import application
from servers.waiting import COOKIE, TOKEN, let_in, served, waiting_house, write_settings


@pytest.fixture
async def waiting(tmp_path, sqlite_url):
    async with waiting_house(tmp_path, sqlite_url) as made:
        yield made


@pytest.fixture
async def address(waiting):
    async with served(application(waiting.house)) as url:
        yield url


@pytest.fixture
async def stranger(address):
    async with httpx.AsyncClient(verify=False, timeout=60, base_url=address) as client:
        yield client


@pytest.fixture
async def staff(address):
    """An admin who is signed in."""
    async with httpx.AsyncClient(verify=False, timeout=60, base_url=address) as client:
        client.cookies.set(COOKIE, TOKEN)
        yield client


@pytest.fixture
def waiting_config(tmp_path):
    """Settings of a house that was never opened."""
    return write_settings(tmp_path, f"sqlite+aiosqlite:///{tmp_path / 'other.db'}")


@pytest.fixture
async def staff_as(waiting, address):
    """`await staff_as(Role.VIEWER)`: a client of an account with this role, named after it."""
    async with contextlib.AsyncExitStack() as clients:

        async def make(role: Role, name: str | None = None) -> httpx.AsyncClient:
            client = await clients.enter_async_context(httpx.AsyncClient(verify=False, timeout=60, base_url=address))
            await let_in(client, waiting.house, role, name or role.word)
            return client

        yield make

"""A house whose pages are served over real HTTP, a stranger to it, and somebody of the staff."""

from __future__ import annotations

import httpx
import pytest

from gateway.web.app import application
from servers.waiting import TOKEN, served, waiting_house, write_settings


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
    async with httpx.AsyncClient(base_url=address) as client:
        yield client


@pytest.fixture
async def staff(address):
    async with httpx.AsyncClient(base_url=address) as client:
        assert (await client.get(f"/?token={TOKEN}")).status_code == 303
        yield client


@pytest.fixture
def waiting_config(tmp_path):
    """Settings of a house that was never opened."""
    return write_settings(tmp_path, f"sqlite+aiosqlite:///{tmp_path / 'other.db'}")

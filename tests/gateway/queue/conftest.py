"""One house on each kind of database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from servers.waiting import Waiting, waiting_house


@pytest.fixture
async def waiting(tmp_path, database_url) -> AsyncIterator[Waiting]:
    async with waiting_house(tmp_path, database_url) as made:
        yield made

"""One house on each kind of database, whose messages were read by yesterday's parsers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from parsers import parse
from parsers.report import Parsed
from servers.waiting import Waiting, waiting_house


class Yesterday:
    """Parsers that read as today's do, but for what `otherwise` makes of it."""

    def __init__(self, otherwise: Callable[[Parsed], Parsed]) -> None:
        self.otherwise = otherwise

    async def parse(self, raws: Sequence[bytes]) -> list[Parsed]:
        return [self.otherwise(parse(raw)) for raw in raws]

    def close(self) -> None:
        pass


@pytest.fixture
async def waiting(tmp_path, database_url) -> AsyncIterator[Waiting]:
    async with waiting_house(tmp_path, database_url) as made:
        yield made


@pytest.fixture
def yesterday() -> Callable:
    """`await yesterday(waiting, otherwise, *mails)` takes mails in as they were read then."""

    async def take_in(waiting: Waiting, otherwise: Callable[[Parsed], Parsed], *mails: bytes) -> None:
        today = waiting.house.workers
        waiting.house.workers = Yesterday(otherwise)  # type: ignore[assignment]
        await waiting.take_in(*mails)
        waiting.house.workers = today

    return take_in

"""A house with connectors, and actions in it that wait for somebody."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import structlog
from sqlalchemy import text

from gateway import measures
from gateway.casework.actions import Action
from gateway.model import ActionKind
from gateway.store import actions
from servers.waiting import Waiting, waiting_house

SECRET = "known-to-both-sides-0123456789"
REACHABLE = ["192.0.2.80:443", "192.0.2.25:25"]


def webhook(place: str, **more: Any) -> dict[str, Any]:
    return {"name": "hook", "type": "webhook", "url": f"http://{place}/do", "secret": SECRET} | more


class Acting(Waiting):
    """A house whose actions are under test."""

    async def proposed(self, target: str = "198.51.100.70", kind: ActionKind = ActionKind.BLOCK_ADDRESS) -> int:
        """An action of staff that waits for its persons."""
        async with self.house.database.writing() as connection:
            made = await measures.propose(self.house, connection, kind, target, who="ann", why="it attacks")
        return made.id

    async def approved(self, target: str = "198.51.100.70", kind: ActionKind = ActionKind.BLOCK_ADDRESS) -> int:
        number = await self.proposed(target, kind)
        for who in ("ann", "ben"):
            if await self.state(number) == "proposed":  # the policy wants one person or two
                await measures.approve(self.house, number, who=who, why="yes")
        return number

    async def action(self, number: int) -> Action:
        async with self.house.database.writing() as connection:
            return await actions.find(connection, number)

    async def state(self, number: int) -> str:
        return (await self.action(number)).state.value

    async def ask(self, question: str) -> list[tuple[Any, ...]]:
        async with self.house.database.reading() as connection:
            return [tuple(row) for row in await connection.execute(text(question))]

    async def said(self) -> list[tuple[Any, ...]]:
        return await self.ask("SELECT who, what FROM events WHERE what LIKE 'action%' ORDER BY id")


@pytest.fixture(autouse=True)
def _logs() -> Iterator[None]:
    """A command that ran in this process leaves its log on an output that is closed then."""
    yield
    structlog.reset_defaults()


@pytest.fixture
async def make_acting(tmp_path, database_url) -> AsyncIterator[Callable[..., Any]]:
    """`await make_acting(connectors=[...], policy="two")`: one house, on either database."""
    async with AsyncExitStack() as stack:

        async def make(*connectors: dict[str, Any], **sections: Any) -> Acting:
            sections = {"enforcement": {"reachable": REACHABLE}} | sections
            made = await stack.enter_async_context(
                waiting_house(tmp_path, database_url, connectors=list(connectors), **sections)
            )
            return Acting(made.house, made.config, made.time)

        yield make

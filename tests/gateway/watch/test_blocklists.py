"""Debian's rbldnsd lists our addresses, and we notice: an alarm at the listing and at its end, tied to the cases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
import structlog
from sqlalchemy import text
from structlog.testing import capture_logs
from typer.testing import CliRunner

from gateway.cli import build
from gateway.watch import blocklists
from notifier.dns import Resolver
from servers.waiting import Waiting, arf, waiting_house

pytestmark = [pytest.mark.needs("rbldnsd"), pytest.mark.duty("NET-3")]
ALIVE = "127.0.0.2"


class Watching(Waiting):
    """A house whose block lists are on loopback."""

    server: Any

    def lists(self, *entries: str, zone: str = "bl") -> None:
        (self.server.folder / zone).write_text(":127.0.0.4:seen $ times\n" + "".join(f"{one}\n" for one in entries))
        self.server.reread()

    async def round(self) -> int:
        """The next one, an hour later, by a resolver that remembers nothing."""
        self.house.list_resolver = Resolver(["127.0.0.1"], self.server.port, seconds=3)
        asked = await blocklists.run(self.house)
        self.time[0] += timedelta(hours=1)
        return asked

    async def ask(self, question: str) -> list[tuple[Any, ...]]:
        async with self.house.database.reading() as connection:
            return [tuple(row) for row in await connection.execute(text(question))]

    async def listed(self) -> list[str]:
        rows = await self.ask("SELECT address FROM listings WHERE current IS NOT NULL ORDER BY address")
        return [row[0] for row in rows]


@pytest.fixture
async def make_watching(tmp_path, database_url, make_rbldnsd) -> AsyncIterator[Callable[..., Any]]:
    async with AsyncExitStack() as stack:

        async def make(*zones: str, **section: Any) -> Watching:
            zones = zones or ("bl",)
            server = make_rbldnsd([f"{zone}.example:ip4set:{zone}" for zone in zones])
            section = {
                "zones": [f"{zone}.example" for zone in zones], "per_second": 1000, "samples": 8,
                "nameservers": ["127.0.0.1"], "port": server.port,
            } | section  # fmt: skip
            made = await stack.enter_async_context(waiting_house(tmp_path, database_url, blocklists=section))
            watching = Watching(made.house, made.config, made.time)
            watching.server = server
            for zone in zones:
                watching.lists(ALIVE, zone=zone)
            return watching

        yield make
    structlog.reset_defaults()


async def test_a_listing_and_its_end_are_alarms_and_stand_in_the_case_about_the_address(make_watching):
    watching = await make_watching()
    await watching.take_in(arf("198.51.100.70"))
    watching.lists(ALIVE, "198.51.100.70", "192.0.2.25")
    with capture_logs() as logs:
        await watching.round()
        await watching.round()
    alarms = [log for log in logs if log["event"] == "alarm"]
    assert sorted(log["address"] for log in alarms) == ["192.0.2.25", "198.51.100.70"]  # once, not in every round
    assert await watching.listed() == ["192.0.2.25", "198.51.100.70"]
    assert await watching.ask("SELECT codes, reason, account FROM listings WHERE address = '198.51.100.70'") == [
        ("127.0.0.4", "seen 198.51.100.70 times", "birch/main")
    ]
    watching.lists(ALIVE)
    with capture_logs() as logs:
        await watching.round()
    assert sorted(log["address"] for log in logs if log["event"] == "alarm") == ["192.0.2.25", "198.51.100.70"]
    assert await watching.listed() == []
    of_case = await watching.ask("SELECT why FROM events WHERE what = 'block list' AND case_id = 1 ORDER BY id")
    assert of_case == [
        ("198.51.100.70 is listed in bl.example: seen 198.51.100.70 times",),
        ("198.51.100.70 is no longer listed in bl.example",),
    ]
    watching.lists(ALIVE, "192.0.2.25")
    await watching.round()
    assert await watching.ask("SELECT count(*) FROM listings WHERE address = '192.0.2.25'") == [(2,)]


@pytest.mark.duty("PAG-5")
async def test_a_listing_of_a_customers_address_is_a_notice_of_activity_once(make_watching):
    watching = await make_watching()
    await watching.take_in(arf("198.51.100.70"))
    before = await watching.ask("SELECT count(*) FROM marks")
    watching.lists(ALIVE, "198.51.100.70", "192.0.2.25")
    await watching.round()
    await watching.round()
    after = await watching.ask("SELECT count(*) FROM marks")
    assert after[0][0] == before[0][0] + 1


async def test_a_list_that_does_not_answer_delists_nothing_and_lists_nothing(make_watching):
    watching = await make_watching()
    watching.lists(ALIVE, "192.0.2.25")
    await watching.round()
    watching.server.stop()
    with capture_logs() as logs:
        await watching.round()
        await watching.round()
    assert [log["why"].partition(":")[0] for log in logs if log["event"] == "alarm"] == [
        "block list bl.example is not asked"
    ]
    assert await watching.listed() == ["192.0.2.25"]
    watching.server.start()
    await watching.round()
    assert await watching.ask("SELECT trouble FROM watched_zones") == [(None,)]
    assert await watching.listed() == ["192.0.2.25"]


@pytest.mark.parametrize(
    ("entries", "trouble"),
    [
        (("0.0.0.0/1",), "lists everything"),
        (("127.0.0.2:127.255.255.254:error", "192.0.2.25:127.255.255.254:error"), "refuses to answer"),
        ((), "not a list any more"),
    ],
)
async def test_a_list_that_lies_or_is_dead_is_not_believed(make_watching, entries, trouble):
    watching = await make_watching()
    watching.lists(*(entry.replace(":", " :", 1) for entry in entries))
    await watching.round()
    assert await watching.listed() == []
    assert trouble in (await watching.ask("SELECT trouble FROM watched_zones"))[0][0]


async def test_one_lists_trouble_does_not_keep_the_others_from_being_asked(make_watching):
    watching = await make_watching("dead", "bl")
    watching.lists(zone="dead")
    watching.lists(ALIVE, "192.0.2.25")
    assert await watching.round() == 2
    assert await watching.listed() == ["192.0.2.25"]


async def test_every_address_of_our_prefixes_has_its_turn(make_watching):
    watching = await make_watching(samples=64)
    watching.lists(ALIVE, "198.51.100.201")
    for _ in range(4):
        await watching.round()
    assert await watching.listed() == ["198.51.100.201"]


async def test_a_list_is_asked_when_its_turn_comes_and_by_one_node_alone(make_watching):
    watching = await make_watching(minutes=60)
    assert sorted(await asyncio.gather(*(blocklists.run(watching.house) for _ in range(4)))) == [0, 0, 0, 1]
    watching.time[0] += timedelta(minutes=59)
    assert await blocklists.run(watching.house) == 0
    assert await blocklists.run(watching.house, at_once=True) == 1


async def test_the_command_asks_and_shows(make_watching):
    watching = await make_watching()
    watching.lists(ALIVE, "192.0.2.25")

    async def run(*arguments: str) -> str:
        done = await asyncio.to_thread(
            CliRunner().invoke, build(arguments[0]), [*arguments, "--config", str(watching.config)]
        )
        assert done.exit_code == 0, done.output
        return done.output

    assert "None of our addresses is listed" in await run("watch", "list")
    assert "1 lists asked" in await run("watch", "check")
    shown = await run("watch", "list")
    assert "192.0.2.25" in shown
    assert "seen 192.0.2.25 times" in shown

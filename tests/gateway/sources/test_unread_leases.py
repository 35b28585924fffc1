"""What happened after the last reading of an address's leases waits for the next: nobody is blamed for a lease that
ended unseen."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from gateway import queue_acts, sources
from gateway.cli import build
from gateway.store import customers, identifiers, queue
from servers.waiting import INCIDENT, NOW, arf, waiting_house

KEA = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context\n"
ADDRESS = "198.51.100.200"
HOUR = timedelta(hours=1)


def lease(start, last, *, seconds=864_000):
    """Of ADDRESS to the machine whose address ends in `last`."""
    return f"{ADDRESS},02:00:00:00:00:{last},,{seconds},{int(start.timestamp()) + seconds},1,0,0,,0,\n"


@pytest.fixture
async def leased(tmp_path, database_url):
    """A house that reads Kea's leases every 15 minutes; alder has ADDRESS since a day before the incident."""
    file = tmp_path / "kea-leases4.csv"
    file.write_text(KEA + lease(INCIDENT - 24 * HOUR, "0a"))
    section = [{"name": "dhcp", "kind": "kea", "path": str(file)}]
    async with waiting_house(tmp_path, database_url, sources=section) as waiting:
        yield waiting, file


@pytest.fixture
def waiting(leased):
    return leased[0]


async def read_at(waiting, time):
    waiting.time[0] = time
    assert await sources.run_due(waiting.house) == 1


async def placed(waiting):
    return await waiting.ask(
        "select a.reason, a.queue, c.key from attributions a left join accounts o on o.id = a.account_id"
        " left join customers c on c.id = o.customer_id"
    )


async def test_what_happened_before_the_last_reading_is_placed_at_once(leased, named):
    waiting, _ = leased
    await named(**{"02_00_00_00_00_0a": "alder"})
    await read_at(waiting, INCIDENT + HOUR)
    waiting.time[0] = NOW
    await waiting.take_in(arf(ADDRESS))
    assert await placed(waiting) == [("assigned", None, "alder")]


@pytest.mark.parametrize(("moved", "holder"), [(True, "birch"), (False, "alder")])
async def test_what_happened_later_is_placed_by_the_next_reading(leased, named, moved, holder):
    waiting, file = leased
    await named(**{"02_00_00_00_00_0a": "alder", "02_00_00_00_00_0b": "birch"})
    await read_at(waiting, INCIDENT - HOUR)
    waiting.time[0] = NOW
    await waiting.take_in(arf(ADDRESS))
    assert await placed(waiting) == [("leases-unread", "snoozed", None)]
    assert await waiting.ask("select count(*) from cases") == [(0,)]
    if moved:
        with file.open("a") as end:
            end.write(lease(INCIDENT - HOUR / 2, "0b"))
    await read_at(waiting, NOW + HOUR / 4)
    assert await placed(waiting) == [("assigned", "assigned", holder)]
    assert await waiting.ask("select count(*) from cases") == [(1,)]


async def test_when_no_reading_comes_within_an_hour_staff_see_it_with_who_had_it(leased, named):
    waiting, _ = leased
    await named(**{"02_00_00_00_00_0a": "alder"})
    await read_at(waiting, INCIDENT - HOUR)
    waiting.time[0] = NOW
    await waiting.take_in(arf(ADDRESS))
    waiting.time[0] = NOW + HOUR - timedelta(seconds=1)
    await queue_acts.wake(waiting.house)
    assert await placed(waiting) == [("leases-unread", "snoozed", None)]
    waiting.time[0] = NOW + HOUR
    await queue_acts.wake(waiting.house)
    async with waiting.house.database.reading() as connection:
        (group,) = await queue.groups(connection)
    assert (group.entry.reason, group.entry.candidates[0].account) == ("leases-unread", "alder")
    assert "the leases of dhcp were read as of" in group.entry.how


async def test_a_reading_that_failed_counts_for_nothing(leased, named):
    waiting, file = leased
    await named(**{"02_00_00_00_00_0a": "alder"})
    await read_at(waiting, INCIDENT - HOUR)
    file.rename(file.with_suffix(".away"))
    await read_at(waiting, INCIDENT + HOUR)
    waiting.time[0] = NOW
    await waiting.take_in(arf(ADDRESS))
    assert await placed(waiting) == [("leases-unread", "snoozed", None)]


async def test_a_minute_is_left_to_the_system_to_write_it_down(leased, named):
    waiting, _ = leased
    await named(**{"02_00_00_00_00_0a": "alder"})
    await read_at(waiting, INCIDENT + timedelta(seconds=59))
    waiting.time[0] = NOW
    await waiting.take_in(arf(ADDRESS))
    assert await placed(waiting) == [("leases-unread", "snoozed", None)]


def test_who_asks_whose_it_was_is_told_that_it_may_not_be_known_yet(tmp_path):
    file = tmp_path / "kea-leases4.csv"
    file.write_text(KEA + lease(INCIDENT - 24 * HOUR, "0a"))
    section = [{"name": "dhcp", "kind": "kea", "path": str(file)}]

    async def once():
        url = f"sqlite+aiosqlite:///{tmp_path / 'arfgate.db'}"
        async with waiting_house(tmp_path, url, sources=section) as made:
            row = {"kind": "subscriber", "value": "02:00:00:00:00:0a", "valid_from": NOW.replace(year=2020)}
            async with made.house.database.writing() as connection:
                row |= {"account_id": await customers.account_named(connection, "alder"), "valid_to": None}
                await identifiers.write(connection, [row], origin="test", who="test", now=NOW)
            made.time[0] = INCIDENT
            await sources.run_due(made.house)

    asyncio.run(once())

    def said(time):
        words = [
            "assignment",
            "at",
            ADDRESS,
            "--time",
            f"{time:%Y-%m-%dT%H:%M}",
            "--config",
            str(tmp_path / "arfgate.toml"),
        ]
        return CliRunner().invoke(build("assignment"), words).output

    assert "alder" in said(INCIDENT - HOUR)
    assert "waits for the next reading" not in said(INCIDENT - HOUR)
    assert "the leases of dhcp are read as of" in said(INCIDENT)

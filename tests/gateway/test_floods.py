"""Repetitions and floods through a whole house: counted once, held with one alarm, released by a person."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from gateway import holding, pipeline, staff_mail
from servers.people import attached, spam
from servers.waiting import arf, waiting_house

STAFF = "staff@desk.example"


async def ask(house, question: str) -> list[tuple[object, ...]]:
    async with house.database.reading() as connection:
        return [tuple(row) for row in await connection.execute(text(question))]


@pytest.fixture
async def waiting(tmp_path, database_url):
    flood = {"domain_hourly": 3, "network_hourly": 5, "account_hourly": 100}
    async with waiting_house(tmp_path, database_url, flood=flood, alarms={"address": STAFF}) as made:
        yield made


async def test_the_same_evidence_from_one_person_is_counted_once_and_from_two_twice(waiting):
    reported = spam()
    await waiting.take_in(*(attached(reported) for _ in range(3)), attached(reported, sender="bob@other.example"))
    assert await ask(waiting.house, "SELECT verdict, reason, count(*) FROM reports GROUP BY 1, 2 ORDER BY 1") == [
        ("accepted", "signed", 2),
        ("recorded", "duplicate", 2),
    ]
    assert await ask(waiting.house, "SELECT count(*) FROM cases") == [(1,)]
    assert await ask(waiting.house, "SELECT count(*) FROM clocks") == [(1,)]


async def test_a_flood_from_one_organisation_is_held_with_one_alarm(waiting):
    await waiting.take_in(*(attached(sender=f"user{i}@reporter.example") for i in range(8)))
    await waiting.take_in(*(attached(sender=f"late{i}@reporter.example") for i in range(4)))
    house = waiting.house
    assert await ask(house, "SELECT verdict, reason, count(*) FROM reports GROUP BY 1, 2 ORDER BY 1") == [
        ("accepted", "signed", 3),
        ("held", "flood", 9),
    ]
    assert await ask(house, "SELECT count(*) FROM held WHERE reason = 'flood'") == [(9,)]
    ((why,),) = await ask(house, "SELECT why FROM events WHERE what = 'alarm'")
    assert "domain reporter.example" in str(why)
    await staff_mail.send(house)
    assert await ask(house, "SELECT \"to\", kind FROM notices WHERE kind = 'staff-alarm'") == [(STAFF, "staff-alarm")]


async def test_many_organisations_behind_one_network_are_a_flood_too(waiting):
    await waiting.take_in(*(attached(sender=f"ann@reporter{i}.example") for i in range(8)))
    held = await ask(waiting.house, "SELECT count(*), min(detail) FROM reports WHERE reason = 'flood'")
    assert held == [(3, "too many reports at once: network 203.0.113.0/24")]


async def test_a_registered_feed_is_not_counted(waiting):
    await waiting.take_in(*(arf("198.51.100.70") for _ in range(20)))
    assert await ask(waiting.house, "SELECT verdict, count(*) FROM reports GROUP BY 1") == [("accepted", 20)]
    assert await ask(waiting.house, "SELECT count(*) FROM flood_buckets") == [(0,)]


async def test_time_closes_the_breaker_and_a_person_releases_what_was_held(waiting):
    await waiting.take_in(*(attached(sender=f"user{i}@reporter.example") for i in range(4)))
    waiting.time[0] += timedelta(hours=1)
    await waiting.take_in(attached(sender="later@reporter.example"))
    assert await ask(waiting.house, "SELECT count(*) FROM reports WHERE verdict = 'accepted'") == [(4,)]
    ((message,),) = await ask(waiting.house, "SELECT message_id FROM held")
    await holding.release(waiting.house, message, who="ann", why="all different")
    while await pipeline.work(waiting.house):
        pass
    assert await ask(waiting.house, "SELECT count(*) FROM reports WHERE verdict = 'accepted'") == [(5,)]
    assert await ask(waiting.house, "SELECT state FROM held") == [("released",)]

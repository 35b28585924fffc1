"""Days that are over are counted once, and what changes in them afterwards is right at once and counted again."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from gateway import figures, statistics
from gateway.store import counted, legal, queue, reporter_lists, reporters
from gateway.store.tables import counted_days, stale_days
from servers.waiting import NOW, arf, waiting_house

ACKNOWLEDGED = """UPDATE notices SET kind = 'acknowledgement', sent_at = :later,
    facts = '{"received_at": "2026-11-20T12:00:00Z"}' WHERE id = 1"""
SINCE, UNTIL = date(2026, 11, 18), date(2026, 11, 25)


@pytest.fixture
async def desk(database_url, tmp_path):
    """Four reports of the 20th, one of them in the queue; customers were told that day, one answered; it is the 22nd."""
    async with waiting_house(tmp_path, database_url) as made:
        await made.take_in(*(arf(f"198.51.100.{70 + n}") for n in range(3)), arf("203.0.113.9"))
        await change(made, "UPDATE clocks SET notified_at = :later")
        await change(made, "UPDATE clocks SET answered_at = :later WHERE id = 1")
        made.time[0] = NOW + timedelta(days=2)
        yield made


async def change(desk, statement):
    zone = "" if desk.house.database.is_sqlite else "+00"
    times = {"later": NOW + timedelta(minutes=10), "days": NOW + timedelta(days=1)}
    for name, at in times.items():
        statement = statement.replace(f":{name}", f"'{at:%Y-%m-%d %H:%M:%S.%f}{zone}'")
    async with desk.house.database.writing() as connection:
        await connection.exec_driver_sql(statement)


async def told(desk):
    """All that is said of these days."""
    async with desk.house.database.reading() as connection:
        listed = await reporter_lists.listed(connection, desk.time[0])
    return await statistics.figures(desk.house, SINCE, UNTIL), listed


async def from_nothing(desk):
    """The same without anything that was kept; then it is kept again."""
    async with desk.house.database.writing() as connection:
        await counted.forget(connection)
    found = await told(desk)
    await figures.recount(desk.house)
    return found


async def count_all(desk):
    while await figures.run(desk.house) or await figures.run(desk.house):
        pass


async def test_a_day_that_is_over_is_counted_once_and_read_from_then_on(desk):
    before = await told(desk)
    assert before[0].by_kind == [("2026-11-20", "spam", 4)]
    assert before[0].answers.in_time == 1
    await count_all(desk)
    assert await told(desk) == before
    async with desk.house.database.reading() as connection:
        days = set((await connection.execute(select(counted_days.c.day))).scalars())
    assert days == {"2026-11-20", "2026-11-21"}  # of the 22nd nothing is kept
    await change(desk, "UPDATE day_figures SET count = 77 WHERE figure = 'kind'")
    assert (await told(desk))[0].by_kind == [("2026-11-20", "spam", 77)]
    await figures.recount(desk.house)
    assert await told(desk) == before


async def test_a_long_time_says_the_same_as_its_days(desk):
    week = (await told(desk))[0]
    await count_all(desk)
    await change(desk, "UPDATE day_figures SET count = 5 WHERE figure IN ('customer', 'source')")
    changed = (await told(desk))[0]
    for since in (UNTIL - timedelta(days=100), UNTIL - timedelta(days=400)):
        long = await statistics.figures(desk.house, since, UNTIL)
        assert (long.by_source, long.by_customer) == (changed.by_source, changed.by_customer)
    assert [one.reports for one in changed.by_source] == [5]  # what is kept was read
    await figures.recount(desk.house)
    long = await statistics.figures(desk.house, UNTIL - timedelta(days=400), UNTIL)
    assert (long.by_source, long.by_customer) == (week.by_source, week.by_customer)


async def test_an_hour_has_to_pass_first(desk):
    desk.time[0] = NOW.replace(hour=0) + timedelta(days=1, minutes=30)
    await count_all(desk)
    async with desk.house.database.reading() as connection:
        assert (await connection.execute(select(func.count()).select_from(counted_days))).scalar_one() == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE reports SET judgement = 'false' WHERE id = 2",
        "UPDATE reports SET category = 'fraud', verdict = 'legal' WHERE id = 1",
        "UPDATE reports SET received_at = :days WHERE id = 3",
        "UPDATE attributions SET account_id = 1, clock_id = 1 WHERE queue = 'waiting'",
        "DELETE FROM attributions WHERE report_id = 4",
        "DELETE FROM attributions WHERE report_id = 3",  # the only one about its resource
        "UPDATE clocks SET notified_at = :days, round = 2 WHERE id = 2",
        "UPDATE clocks SET answered_at = :days WHERE id IN (1, 2)",
        "UPDATE clocks SET notified_at = NULL",
        "UPDATE cases SET state = 'resolved', resolved_at = :later",
        "UPDATE cases SET opened_at = :days",
        ACKNOWLEDGED,
    ],
)
async def test_whatever_changes_in_it_is_right_at_once_and_counted_again(desk, statement):
    await count_all(desk)
    before = await told(desk)
    await change(desk, statement)
    after = await told(desk)
    assert after != before
    await count_all(desk)
    assert await told(desk) == after
    async with desk.house.database.reading() as connection:
        assert (await connection.execute(select(stale_days.c.id))).first() is None
    assert await from_nothing(desk) == after


async def test_what_staff_decide_about_old_reports_counts_too(desk):
    await count_all(desk)
    async with desk.house.database.writing() as connection:
        await reporters.judge(connection, 1, reporters.FALSE, "mira", "it was no spam", desk.time[0])
        assert await legal.take_out(connection, 4) is not None  # nothing was filed from it
        assert await queue.count(connection) == 0
    said, listed = await told(desk)
    assert said.by_kind == [("2026-11-20", "spam", 3)]
    assert [(one["reports"], one["false"]) for one in listed] == [(3, 1)]
    assert await from_nothing(desk) == (said, listed)


async def test_one_more_about_a_resource_leaves_the_day_on_which_it_was_told_of(desk):
    await count_all(desk)
    await change(desk, "UPDATE attributions SET clock_id = 1 WHERE report_id = 4")
    async with desk.house.database.reading() as connection:
        assert (await connection.execute(select(stale_days.c.part))).scalars().all() == []


async def test_what_comes_late_is_counted_on_its_own_day(desk):
    await count_all(desk)
    await desk.take_in(arf("198.51.100.90"))  # as mail of the 20th
    said, _ = await told(desk)
    assert said.by_kind == [("2026-11-20", "spam", 5)]
    assert said.by_customer[0][2] == 4

"""What the console reads, on both databases: lists by keyset, one case bounded, trays, what presses today."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from gateway.model import Verdict
from gateway.store import bystanders, case_lists, case_page, desk_drawer, today, trays
from gateway.store.case_lists import Wanted
from gateway.store.tables import cases, clocks, messages

from .conftest import T0


async def many(database, account: int, count: int) -> None:
    """So many cases beside the one that is there; each third one runs, and runs out before the one before it."""
    rows = [
        {"account_id": account, "cls": "mail", "state": "open", "policy": "default 1", "opened_at": T0}
        for _ in range(count)
    ]
    async with database.writing() as connection:
        made = (await connection.execute(insert(cases).returning(cases.c.id), rows)).scalars().all()
        await connection.execute(
            insert(clocks),
            [
                {
                    "case_id": one, "kind": "ip", "role": "source", "value": f"192.0.2.{place}",
                    "state": "waiting" if place % 3 else "running",
                    "due_at": None if place % 3 else T0 + timedelta(hours=count - place),
                }
                for place, one in enumerate(made)
            ],
        )  # fmt: skip


@pytest.mark.parametrize("wanted", [Wanted(), Wanted(state="all"), Wanted(state="running"), Wanted(customer="ald")])
async def test_pages_of_cases_follow_each_other_without_a_gap_or_a_repeat(database, with_case, wanted):
    await many(database, await with_case(), 10)
    async with database.reading() as connection:
        whole = await case_lists.page(connection, wanted, 100)
        seen, after = [], ""
        while True:
            page = await case_lists.page(connection, wanted, 3, after)
            seen += [line.id for line in page.lines]
            if page.after is None:
                break
            after = page.after
    assert seen == [line.id for line in whole.lines]
    assert len(set(seen)) == len(seen) == (4 if wanted.state == "running" else 11)
    due = [line.due_at for line in whole.lines if line.due_at]
    if wanted.state == "running":
        assert due == sorted(due)


async def test_one_case_is_read_with_bounds(database, with_case, monkeypatch):
    await with_case("192.0.2.7", "192.0.2.8")
    monkeypatch.setattr(case_page, "EVENTS", 2)
    async with database.reading() as connection:
        page = await case_page.page(connection, "1")
        older = await case_page.page(connection, "1", before=page.older)
        assert await case_page.page(connection, "77") is None
        assert await case_page.report_of(connection, 1, 1) is None
        assert await case_page.message_of(connection, 1, 1) is None
    assert [clock.value for clock in page.clocks] == ["192.0.2.7", "192.0.2.8"]
    assert len(page.events) == 2
    assert {event.id for event in older.events}.isdisjoint(event.id for event in page.events)
    assert [contact.address for contact in page.own_contacts] == ["ops@alder.example", "boss@alder.example"]


async def test_today_is_counted(database, with_case):
    await many(database, await with_case(), 4)
    async with database.writing() as connection:
        await connection.execute(update(clocks).where(clocks.c.id == 1).values(state="overdue", due_at=T0))
    async with database.reading() as connection:
        assert [one.value for one in await today.deadlines(connection, 10)] == ["192.0.2.3", "192.0.2.0"]
        assert await today.running_out(connection, T0 + timedelta(hours=2)) == 1
        assert sum((await today.waiting(connection)).values()) == 0
        assert (await today.failed(connection))["/cases?state=overdue"] == 1
        assert await today.failed_notices(connection, 5) == []
        assert await today.heard(connection) == []
        assert await today.alarms(connection, 5) == []


async def test_junk_is_sampled_taken_out_and_closed(database):
    rows = [
        {
            "sha256": f"{n:064d}", "raw": b"x", "size": 1, "received_at": T0, "stored_at": T0, "state": "filed",
            "tries": 0, "detail": "", "hold": False, "verdict": Verdict.JUNK.value, "reason": "nothing-of-ours",
        }
        for n in range(9)
    ]  # fmt: skip
    async with database.writing() as connection:
        await connection.execute(insert(messages), rows)
        sample, count = await trays.junk_sample(connection, 3)
        assert ([one.message_id for one in sample], count) == ([9, 6, 3], 9)
        assert await trays.take_out(connection, [3, 99], who="mira", now=T0) == 1
        await trays.close_junk(connection, 6, who="mira", now=T0)
        await trays.close_junk(connection, 2, who="omar", now=T0)
        assert (await trays.junk_sample(connection, 9))[1] == 3
        (kept,) = await trays.of_verdict(connection, Verdict.REVIEW, 10, None)
        assert kept.message_id == 3
        assert await trays.held_ones(connection, "waiting", 5, (T0, 1)) == []
        assert await trays.message(connection, 99) is None


async def test_views_texts_and_innocent_domains_are_kept(database):
    async with database.writing() as connection:
        for query in ("state=open", "state=all"):
            view = {"place": "/cases", "name": "v", "query": query, "owner": None, "made_by": "mira"}
            await desk_drawer.save_view(connection, view, T0)
        assert [view.query for view in await desk_drawer.views(connection, "/cases", "omar")] == ["state=all"]
        for text in ("one", "two"):
            await desk_drawer.write_canned(connection, "t", text, who="mira", now=T0)
        assert [one.text for one in await desk_drawer.canned(connection)] == ["two"]
        assert await desk_drawer.drop_canned(connection, 1, who="mira", now=T0)
        await bystanders.say(connection, "portal.example", innocent=True, who="mira", why="large", now=T0)
        await bystanders.say(connection, "known.example", innocent=False, who="mira", why="small", now=T0)
        found = await bystanders.current(connection, {"known.example", "other.example"})
    assert found == {"portal.example", "other.example"}

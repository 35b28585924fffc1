"""The command field finds by every handle, the rail counts, and an open page is told of changes until its session ends."""

from __future__ import annotations

import asyncio
import json

import pytest

from gateway.web.console import live
from servers.waiting import arf


@pytest.fixture
async def filed(waiting):
    await waiting.take_in(arf("198.51.100.70"), arf("198.51.100.7"), arf("198.51.100.8"))
    return waiting


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ("AG-2026-000001", "/case/AG-2026-000001"),
        ("1", "/case/AG-2026-000001"),
        ("198.51.100.70", "/case/AG-2026-000001"),
        (" 198.51.100.7 ", "/queue/"),
        ("birch", "/customers/birch"),
        ("Birch Let", "/customers/birch"),
        ("ABUSE@birch.example", "/customers/birch"),
    ],
)
async def test_one_word_leads_to_its_page(filed, staff, asked, where):
    answer = await staff.get("/find", params={"q": asked})
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(where)


async def test_a_message_id_leads_where_its_report_went(filed, staff):
    [(number,)] = await filed.ask("SELECT message_id FROM messages ORDER BY id LIMIT 1")
    for said in (number, number.strip("<>"), f"<{number.strip('<>')}>"):
        answer = await staff.get("/find", params={"q": said})
        assert answer.headers["location"] == "/case/AG-2026-000001"


async def test_several_are_listed_and_none_is_said(filed, staff):
    await filed.take_in(arf("198.51.100.7"))
    text = (await staff.get("/find?q=198.51.100.7")).text
    assert text.count("<tr data-row>") == 2
    for nothing in ("", "%", "_", "nobody", "\0", "203.0.113.77", "AG-2026-999999", "9" * 200, "' OR 1=1 --", "<i>"):
        answer = await staff.get("/find", params={"q": nothing})
        assert answer.status_code == 200, nothing
        assert "data-row" not in answer.text, nothing


async def test_the_rail_counts_what_waits_and_a_form_makes_it_fresh(filed, staff):
    text = (await staff.get("/cases")).text
    assert 'Queue<span class="count">2</span>' in text


async def events(client, most: int = 1):
    """The data of the first events of /live."""
    found = []
    async with client.stream("GET", "/live", timeout=20) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                found.append(json.loads(line[6:]))
                if len(found) == most:
                    return found
    return found


async def test_an_open_page_is_told_of_the_counts(filed, staff):
    [told] = await events(staff)
    assert told["/queue"] == 2
    assert told["change"] > 0


async def test_the_stream_ends_with_the_session_and_with_the_service(filed, staff, staff_as, monkeypatch):
    monkeypatch.setattr(live, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(live, "_SIGNED_IN_EVERY", 1)
    async with asyncio.timeout(20), staff.stream("GET", "/live") as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                async with filed.house.database.writing() as connection:
                    await connection.exec_driver_sql("UPDATE sessions SET ended_at = begun_at")
    assert (await staff.get("/live")).status_code == 403


async def test_connections_are_bounded_for_each_account(filed, staff, monkeypatch):
    monkeypatch.setattr(live, "_MOST_EACH", 0)
    assert (await staff.get("/live")).status_code == 204


async def test_listening_keeps_nobody_signed_in(filed, staff):
    await events(staff)
    [(begun, seen)] = await filed.ask("SELECT begun_at, seen_at FROM sessions")
    assert begun == seen

"""Approvals and Today over real HTTP: nothing is agreed to without its plan and a reason, and each figure leads somewhere."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import httpx
import pytest
from sqlalchemy import text as sql

from gateway import measures, silence
from gateway.model import ActionKind, Mode
from gateway.store import events
from gateway.store.events import Event
from gateway.store.mailboxes import MailboxState
from gateway.store.today import Deadline, Heard
from gateway.web.console.today import strip
from servers.waiting import NOW, arf

CASE = "/case/AG-2026-000001"


async def proof(client: httpx.AsyncClient, path: str) -> str:
    return re.search(r'name="proof" value="([0-9a-f]{64})"', (await client.get(path)).text)[1]


async def send(client: httpx.AsyncClient, path: str, seen_on: str, **form: object) -> httpx.Response:
    return await client.post(path, data={"proof": await proof(client, seen_on)} | form)


@pytest.fixture
async def proposed(waiting):
    """An action that waits for somebody."""
    await waiting.take_in(arf("198.51.100.70"))
    async with waiting.house.database.writing() as connection:
        await measures.propose(
            waiting.house, connection, ActionKind.BLOCK_ADDRESS, "198.51.100.70", who="mira", why="it sends on"
        )
    return waiting


async def test_an_action_shows_its_plan_before_anybody_agrees(proposed, staff):
    assert 'href="/action/1"' in (await staff.get("/approvals")).text
    text = (await staff.get("/action/1")).text
    for said in ("block all traffic from and to 198.51.100.70", "birch", "still to agree", "it sends on"):
        assert said in text
    assert (await staff.get("/action/7")).status_code == 404
    assert (await send(staff, "/action/7/approve", "/action/1", text="x")).status_code == 404


async def test_an_action_is_agreed_to_carried_out_and_undone(proposed, staff):
    assert (await send(staff, "/action/1/approve", "/action/1")).status_code == 422
    answer = await send(staff, "/action/1/approve", "/action/1", text="seen the plan")
    assert answer.headers["location"] == "/action/1?done=approve"
    text = (await staff.get("/action/1?done=approve")).text
    assert "asked" in text  # no connector takes it
    assert "seen the plan" in text
    assert (await send(staff, "/action/1/done", "/action/1", text="on the router")).status_code == 303
    assert (await send(staff, "/action/1/undo", "/action/1", text="it is clean")).status_code == 303
    assert "undone" in (await staff.get("/action/1")).text
    assert "No action waits." in (await staff.get("/approvals")).text


async def test_an_action_is_refused_and_then_nothing_more_can_be_done(proposed, staff):
    form = await proof(staff, "/action/1")
    assert (await send(staff, "/action/1/reject", "/action/1", text="too hard")).status_code == 303
    again = await staff.post("/action/1/approve", data={"proof": form, "text": "after all"})
    assert again.status_code == 422
    assert "this needs proposed" in again.text


async def test_what_is_protected_offers_no_agreement(waiting, staff):
    await waiting.take_in(arf("198.51.100.70"))
    async with waiting.house.database.writing() as connection:
        await measures.propose(waiting.house, connection, ActionKind.BLOCK_ADDRESS, "192.0.2.24", who="mira", why="x")
        await connection.execute(sql("UPDATE actions SET target = '192.0.2.25'"))
    page = (await staff.get("/action/1")).text
    assert "Must not be done" in page
    assert "/action/1/approve" not in page


async def test_mails_to_third_parties_are_sent_or_not_as_ticked(waiting, staff):
    await waiting.take_in(arf("198.51.100.70"))
    async with waiting.house.database.writing() as connection:
        await connection.execute(
            sql(
                "UPDATE notices SET state = 'proposed', kind = 'whois-contact', facts = json_set(facts, "
                "'$.contact_source', 'rdap:arin')"
            )
        )
    text = (await staff.get("/approvals")).text
    assert "rdap:arin" in text
    assert (await staff.get("/approvals/mail/1")).status_code == 200
    assert (await staff.get("/approvals/mail/9")).status_code == 404
    assert (await send(staff, "/approvals/mails", "/approvals", send="yes")).status_code == 422
    answer = await send(staff, "/approvals/mails", "/approvals", send="yes", notice="1")
    assert answer.headers["location"] == "/approvals?sent=1"
    assert await waiting.ask("SELECT state FROM notices") == [("pending",)]
    assert (await staff.post("/approvals/mails", data={})).status_code == 403


# --- today -----------------------------------------------------------------------------


async def test_today_tells_what_runs_out_and_what_waits(waiting, staff):
    await waiting.take_in(arf("198.51.100.70"), arf("198.51.100.7"))
    text = (await staff.get("/today")).text
    assert "No clock runs." in text
    assert 'href="/queue">1 in the queue' in text
    await send(staff, f"{CASE}/told", CASE, text="by telephone")
    text = (await staff.get("/today")).text
    assert 'href="/case/AG-2026-000001"' in text
    assert "24:00 h left" in text
    assert "<svg" in text


async def test_today_tells_alarms_and_what_is_late(waiting, staff):
    await waiting.take_in(arf("198.51.100.70"))
    await send(staff, f"{CASE}/told", CASE, text="by telephone")
    await waiting.take_in(arf("198.51.100.70"), arf("198.51.100.72", at=NOW))
    async with waiting.house.database.writing() as connection:
        await events.add(connection, [Event(NOW, "arfgate", "alarm", "<b>look</b>", case_id=1)])
    text = (await staff.get("/today")).text
    assert "&lt;b&gt;look&lt;/b&gt;" in text


def deadline(hours: float) -> Deadline:
    return Deadline("AG-2026-000001", "Birch", "mail", "192.0.2.7", None, NOW + timedelta(hours=hours))


def test_the_strip_goes_from_now_to_the_last_deadline():
    line = strip([deadline(-1), deadline(5), deadline(10)], NOW)
    places = [x for x, _ in line.spots]
    assert places == sorted(places)
    assert places[0] == line.marks[0][0]
    assert places[-1] < line.width
    assert [hours for _, hours in line.marks] == [0, 2, 4, 6, 8, 10]
    assert strip([], NOW) is None


@pytest.mark.parametrize("hours", [0.1, 3, 30, 400, 9000])
def test_a_strip_has_few_marks_however_far_it_goes(hours):
    assert 1 <= len(strip([deadline(hours)], NOW).marks) <= 10


def feed(name: str, *hours: float) -> Heard:
    return Heard(name, tuple(NOW - timedelta(hours=hour) for hour in hours))


def test_a_feed_is_silent_that_pauses_ten_times_as_long_as_usual_and_a_day_at_least():
    heard = [feed("busy", 20, 21, 22), feed("gone", 30, 31, 32), feed("slow", 100, 200, 300), feed("new", 500)]
    assert [one.name for one in silence.feeds(heard, NOW)] == ["gone"]
    (gone,) = silence.feeds(heard, NOW)
    assert gone.why == "usually every 1 hour, now 1 day without a report"


def test_a_mailbox_is_silent_with_an_error_or_unread():
    def box(name: str, read_to: datetime | None, error: str | None = None) -> MailboxState:
        return MailboxState(1, name, Mode.LIVE, None, read_to, 0, error)

    boxes = [box("well", NOW), box("never", None), box("old", NOW - timedelta(hours=3)), box("shut", NOW, "refused")]
    said = {one.name: one.why for one in silence.mailboxes(boxes, NOW)}
    assert said == {"old": "not read for 3 hours", "shut": "refused"}

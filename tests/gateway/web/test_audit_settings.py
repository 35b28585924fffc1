"""The audit trail and the check of the settings over real HTTP."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from gateway.spreadsheets import guarded
from gateway.store import audit, events
from gateway.store.audit import Asked
from gateway.store.events import Event
from servers.seeded import Taken
from servers.waiting import NOW, arf, waiting_house


@pytest.fixture
async def desk(waiting):
    await waiting.take_in(arf("198.51.100.70"))
    rows = [Event(NOW + timedelta(days=n), "mara", "muted", f"=HYPERLINK({n})") for n in range(3)]
    async with waiting.house.database.writing() as connection:
        await events.add(connection, rows)
        await events.add(connection, [Event(NOW, "<b>iris</b>", "muted", "x\u202ey", case_id=1)])
    return waiting


@pytest.mark.parametrize(
    ("query", "many"),
    [
        ("who=mara", 3), ("what=muted", 4), ("what=mut*", 4), ("who=mara&what=other", 0), ("case=AG-2026-000001&who=mara", 0),
        ("case=1&what=muted", 1), ("what=muted&since=2026-11-21", 2), ("what=muted&until=2026-11-21", 3),
        ("what=muted&since=2026-11-21&until=2026-11-21", 1), ("case=nothing", 0), ("what=muted&before=1", 0),
    ],
)  # fmt: skip
async def test_events_are_found_by_who_what_when_and_case(desk, staff, query, many):
    body = (await staff.get(f"/audit?{query}")).text
    assert body.count('<tr><td class="at">') == many, query


async def test_the_page_shows_text_and_goes_on(desk, staff):
    body = (await staff.get("/audit")).text
    assert "&lt;b&gt;iris&lt;/b&gt;" in body
    assert "x\\u202ey" in body
    assert 'href="/case/AG-2026-000001"' in body
    assert (await staff.get("/audit?since=soon")).status_code == 422
    async with desk.house.database.reading() as connection:
        first = await audit.page(connection, Asked(), legal=True, before=None, limit=2)
        rest = await audit.page(connection, Asked(), legal=True, before=first[-1].id, limit=2)
    assert first[-1].id > rest[0].id


async def test_no_cell_of_the_table_is_a_formula(desk, staff):
    answer = await staff.get("/audit.csv?who=mara")
    assert answer.headers["content-disposition"] == 'attachment; filename="arfgate-audit.csv"'
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert [row[4] for row in rows[1:]] == ["'=HYPERLINK(2)", "'=HYPERLINK(1)", "'=HYPERLINK(0)"]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@a", "\t=1", " =1", "\r=1", "\n=1"])
def test_a_formula_is_guarded(cell):
    assert guarded(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "a", "1", "a=1", "a@b.example"])
def test_what_is_no_formula_stays(cell):
    assert guarded(cell) == cell


async def test_what_is_about_the_legal_lane_is_for_named_staff(desk):
    async with desk.house.database.writing() as connection:
        await connection.execute(
            text(
                "INSERT INTO legal_matters (message_id, kind, why, state, received_at, opened_at) "
                "VALUES (1, 'copyright', '', 'open', '2026-11-20 12:00:00', '2026-11-20 12:00:00')"
            )
        )
        await events.add(connection, [Event(NOW, "mara", "legal matter looked at", "", message_id=1)])
        some = await audit.page(connection, Asked(what="legal*"), legal=False, before=None, limit=9)
        every = await audit.page(connection, Asked(what="legal*"), legal=True, before=None, limit=9)
    assert (len(some), len(every)) == (0, 1)


async def test_the_trail_reads_the_same_on_both_databases(database_url, tmp_path):
    async with waiting_house(tmp_path, database_url) as made:
        made.house.mailer = Taken()
        await made.work_through(arf("198.51.100.70"))
        async with made.house.database.reading() as connection:
            found = await audit.page(
                connection, Asked(what="case*", until=NOW + timedelta(1)), legal=False, before=None, limit=9
            )
            assert [done.case for done in found if done.what == "case opened"] == ["AG-2026-000001"]
            assert (
                await audit.page(connection, Asked(since=NOW + timedelta(1)), legal=False, before=None, limit=9) == []
            )


async def test_the_settings_are_tried_line_by_line_and_no_secret_is_shown(tmp_path, waiting, staff):
    page = (await staff.get("/settings")).text
    assert "Try the settings" in page
    proof = re.search(r'name="proof" value="([0-9a-f]+)"', page)[1]
    async with staff.stream("POST", "/settings", data={"proof": proof}) as answer:
        pieces = [piece async for piece in answer.aiter_bytes()]
    body = b"".join(pieces).decode()
    assert answer.status_code == 200
    assert len(pieces) > 3
    assert body.rstrip().endswith("</html>")
    for said in ('scope="row">policy', 'scope="row">database', "none is configured", "to put right"):
        assert said in body, said
    assert "for-tests-only" not in body
    assert "[[results]]" not in body
    assert answer.headers["content-security-policy"]

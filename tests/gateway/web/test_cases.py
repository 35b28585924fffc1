"""The pages of the cases over real HTTP: what runs out stands on top, one case tells all, hostile evidence stays text."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from gateway.store import cases
from gateway.web.bars import time_left
from servers.waiting import NOW, arf

HOSTILE = "<script>alert(1)</script>\u202egnp.exe"


def rows(text: str) -> list[str]:
    return re.findall(r'href="/case/(AG-\d{4}-\d{6})"', text)


async def test_nothing_is_said_where_there_is_no_case(staff):
    assert "No case is open." in (await staff.get("/cases")).text
    assert (await staff.get("/case/AG-2026-000001")).status_code == 404
    assert (await staff.get("/case/%F0%9F%92%A9")).status_code == 404


async def test_a_case_tells_its_resources_reports_notices_and_events(waiting, staff):
    await waiting.take_in(arf("198.51.100.70"), arf("198.51.100.71", subject=HOSTILE))
    listed = (await staff.get("/cases")).text
    assert rows(listed) == ["AG-2026-000001"]
    text = (await staff.get("/case/AG-2026-000001")).text
    for said in ("Birch Letters", "198.51.100.70", "198.51.100.71", "abuse@birch.example", "case opened", "not yet"):
        assert said in text, said
    assert "<script>" not in text
    assert "\u202e" not in text


async def test_what_a_header_hides_is_written_out_among_facts_and_headers(waiting, staff):
    hidden = "=?utf-8?q?bill_=E2=80=AEfdp=2Eexe=0A=07?="
    await waiting.take_in(arf("198.51.100.70", subject=hidden, sender="Bank\x00 <x@sender.example>"))
    for tab in ("facts", "headers"):
        text = (await staff.get(f"/case/AG-2026-000001?tab={tab}")).text
        assert r"bill \u202efdp.exe\u000a\u0007" in text, tab
    assert r"Bank\u0000 &lt;x@sender.example&gt;" in text
    assert r"bill \u202efdp.exe\u000a\u0007" in (await staff.get("/message/1")).text


async def test_what_a_text_hides_is_written_out_too(waiting, staff):
    await waiting.take_in(arf("198.51.100.70", text="see bill \u202efdp.exe\u0007 please"))
    text = (await staff.get("/case/AG-2026-000001?tab=text")).text
    assert r"see bill \u202efdp.exe\u0007 please" in text
    assert "\u202e" not in text


async def test_of_a_flood_the_list_does_not_count_who_complained(waiting, staff, monkeypatch):
    await waiting.take_in(arf("198.51.100.70"), arf("198.51.100.71"))
    (people,) = re.findall(r">2 <small>from (\d)</small>", (await staff.get("/cases")).text)
    monkeypatch.setattr(cases, "FLOOD", 1)
    assert 'data-label="Reports">2</td>' in (await staff.get("/cases")).text
    assert f"2 reports from {people}" in (await staff.get("/case/AG-2026-000001")).text


async def test_what_is_not_open_is_listed_when_all_are_asked_for(waiting, staff):
    await waiting.take_in(arf("198.51.100.70"), arf("192.0.2.8", extra="Source-Port: 1500"))
    both = rows((await staff.get("/cases")).text)
    assert sorted(both) == ["AG-2026-000001", "AG-2026-000002"]
    older = rows((await staff.get("/cases?state=all&after=n2")).text)
    assert older == ["AG-2026-000001"]
    assert rows((await staff.get("/cases?after=x")).text) == both


@pytest.mark.parametrize(
    ("told", "due", "share", "text", "late"),
    [
        (NOW, NOW + timedelta(hours=24), 1.0, "24:00", False),
        (NOW - timedelta(hours=18), NOW + timedelta(hours=6), 0.25, "6:00", False),
        (NOW - timedelta(hours=25), NOW - timedelta(hours=1), 0.0, "1:00", True),
        (None, NOW + timedelta(hours=1), 1.0, "1:00", False),
        (NOW - timedelta(days=50), NOW - timedelta(days=35, hours=10), 0.0, "10", True),
    ],
)
def test_the_bar_shows_the_share_of_the_time_that_is_left(told, due, share, text, late):
    left = time_left(told, due, NOW)
    assert left is not None
    assert (left.share, left.span, left.late) == (share, text, late)
    assert left.days == (35 if text == "10" else 0)


def test_without_a_clock_there_is_no_bar():
    assert time_left(None, None, NOW) is None

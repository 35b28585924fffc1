"""Held, rejected, junk and the legal lane over real HTTP: why each is there, what staff can do, and who sees nothing."""

from __future__ import annotations

import re
from dataclasses import replace

import httpx
import pytest

from gateway.web.door import Door
from servers.waiting import arf

HOSTILE = "<script>alert(1)</script>\u202egnp.exe\"'><img src=x onerror=alert(2)>"
MATTER = "Subject: Preservation request\r\nFrom: police@cyber.example\r\n"


def junk(number: int, subject: str = "Buy our lists") -> bytes:
    return (
        f"From: Someone <s{number}@sender.example>\r\nTo: abuse@isp.example\r\nSubject: {subject} {number}\r\n"
        f"Message-ID: <junk-{number}@x.example>\r\nDate: Fri, 20 Nov 2026 09:00:00 +0000\r\n\r\nHello there.\r\n"
    ).encode("utf-8", "replace")


def nobodys(source: str = "198.51.100.70") -> bytes:
    """A report behind which nobody accountable stands."""
    return arf(source).replace(b"dkim=pass header.d=fbl.example; spf=pass smtp.mailfrom=fbl.example", b"dkim=none")


def incomplete() -> bytes:
    """Authenticated, but without the reported mail."""
    return (
        b"Authentication-Results: mx.isp.example; dkim=pass header.d=reader.example\r\n"
        b"From: Ann <ann@reader.example>\r\nTo: abuse@isp.example\r\nSubject: Spam from 198.51.100.70\r\n"
        b"Message-ID: <held-1@reader.example>\r\nDate: Fri, 20 Nov 2026 09:00:00 +0000\r\n\r\n"
        b"I got spam from 198.51.100.70 at 2026-11-20 03:00 UTC.\r\n"
    )


async def proof(client: httpx.AsyncClient, path: str) -> str:
    return re.search(r'name="proof" value="([0-9a-f]{64})"', (await client.get(path)).text)[1]


async def send(client: httpx.AsyncClient, path: str, seen_on: str, **form: object) -> httpx.Response:
    return await client.post(path, data={"proof": await proof(client, seen_on)} | form)


async def in_trays(waiting) -> dict[int, str]:
    found = await waiting.ask(
        "SELECT m.id, coalesce(m.verdict, r.verdict) FROM messages m LEFT JOIN reports r ON r.message_id = m.id"
    )
    return dict(found)


async def test_each_tray_shows_its_own(waiting, staff):
    await waiting.take_in(nobodys(), incomplete(), junk(1))
    where = await in_trays(waiting)
    assert sorted(where.values()) == ["held", "junk", "rejected"]
    for tray, verdict in (("waiting", "held"), ("rejected", "rejected")):
        text = (await staff.get(f"/held?tray={tray}")).text
        shown = [int(number) for number in re.findall(r'href="/message/(\d+)"', text)]
        assert shown == [number for number, said in where.items() if said == verdict]
    assert "There is nothing." in (await staff.get("/held?tray=dropped")).text
    assert "Buy our lists 1" in (await staff.get("/junk")).text


async def test_pages_of_a_tray_follow_each_other(waiting, staff, monkeypatch):
    monkeypatch.setattr("gateway.web.console.trays._LINES", 1)
    await waiting.take_in(nobodys(), nobodys("198.51.100.71"))
    seen, path = [], "/held?tray=rejected"
    while path:
        text = (await staff.get(path)).text
        seen += re.findall(r'href="/message/(\d+)"', text)
        after = re.search(r'rel="next" href="([^"]+)"', text)
        path = after[1].replace("&amp;", "&") if after else ""
    assert seen == ["2", "1"]
    assert (await staff.get("/held?after=soon_x")).status_code == 200


async def test_what_is_held_is_released_with_a_reason(waiting, staff):
    await waiting.take_in(incomplete())
    assert (await send(staff, "/message/1/release", "/message/1")).status_code == 422
    answer = await send(staff, "/message/1/release", "/message/1", text="I saw the mail itself")
    assert answer.headers["location"] == "/message/1?done=released"
    assert "released" in (await staff.get("/message/1?done=released")).text
    again = await send(staff, "/message/1/release", "/cases/new", text="once more")
    assert again.status_code == 422
    assert "does not wait" in again.text


async def test_what_is_held_is_dropped(waiting, staff):
    await waiting.take_in(incomplete())
    answer = await send(staff, "/message/1/drop", "/message/1", text="nonsense")
    assert answer.status_code == 303
    assert "/message/1" in (await staff.get("/held?tray=dropped")).text
    assert await in_trays(waiting) == {1: "rejected"}


async def test_junk_is_closed_in_bulk_and_what_is_ticked_goes_to_a_person(waiting, staff):
    await waiting.take_in(*(junk(number) for number in range(4)))
    answer = await send(staff, "/junk", "/junk", message="2", close="yes", up_to="4")
    assert answer.headers["location"] == "/junk?closed=1"
    assert "no junk that nobody has seen" in (await staff.get("/junk")).text
    assert 'href="/message/2"' in (await staff.get("/held?tray=review")).text
    await waiting.take_in(junk(9))
    text = (await staff.get("/junk")).text
    assert "Buy our lists 9" in text
    assert "Buy our lists 1<" not in text


async def test_a_sample_is_taken_evenly_from_all_of_it(waiting, staff, monkeypatch):
    monkeypatch.setattr("gateway.web.console.trays._SAMPLE", 3)
    await waiting.take_in(*(junk(number) for number in range(9)))
    text = (await staff.get("/junk")).text
    assert re.findall(r'href="/message/(\d+)"', text) == ["9", "6", "3"]
    assert "3 of 9" in text


async def test_a_message_is_words_and_its_bytes_are_saved(waiting, staff):
    raw = junk(1, HOSTILE)
    await waiting.take_in(raw)
    for path in ("/junk", "/message/1"):
        text = (await staff.get(path)).text
        assert "<script>" not in text.lower()
        assert "<img" not in text.lower()
        assert "\u202e" not in text
    answer = await staff.get("/message/1/source", follow_redirects=True)
    assert answer.content == raw
    assert answer.headers["content-disposition"].startswith("attachment")
    assert (await staff.get("/message/99")).status_code == 404


# --- the legal lane --------------------------------------------------------------------


@pytest.fixture
def sit_down(monkeypatch):
    """Whoever is said sits at the console, one of the named few."""
    real = Door.visitor_of

    def of(email: str) -> None:
        def found(self, user, session, role=None):
            return replace(real(self, user, session, role), email=email, legal=True)

        monkeypatch.setattr(Door, "visitor_of", found)

    return of


@pytest.fixture
async def matter(waiting):
    """A message in the lane, and a house that names two persons."""
    known = waiting.house.settings
    named = known.legal.model_copy(update={"staff": ("lena@isp.example", "omar@isp.example")})
    waiting.house.settings = known.model_copy(update={"legal": named})
    await waiting.take_in(junk(1, "Look at this"))
    return waiting


async def test_the_lane_is_shut_for_everybody_else(matter, staff):
    for path in ("/legal", "/legal/1"):
        assert (await staff.get(path)).status_code == 403
    assert 'href="/legal"' not in (await staff.get("/junk")).text
    assert (await send(staff, "/legal/take/1", "/junk", text="x")).status_code == 403


async def test_two_persons_act_and_one_alone_cannot(matter, staff, sit_down):
    sit_down("lena@isp.example")
    taken = await send(staff, "/legal/take/1", "/message/1", text="illegal pictures are advertised")
    assert taken.headers["location"] == "/legal/1"
    text = (await staff.get("/legal/1")).text
    assert "Hello there." in text
    assert "illegal pictures are advertised" in text
    assert (await send(staff, "/legal/1/act", "/legal/1", action="close", text="")).status_code == 422
    assert (await send(staff, "/legal/1/act", "/legal/1", action="close", text="told the hotline")).status_code == 303
    alone = await send(staff, "/legal/1/confirm", "/legal/1")
    assert alone.status_code == 422
    assert "another person" in alone.text
    sit_down("omar@isp.example")
    assert (await send(staff, "/legal/1/confirm", "/legal/1")).status_code == 303
    assert "No matter is open." in (await staff.get("/legal")).text
    assert "closed" in (await staff.get("/legal?all=1")).text


async def test_what_is_in_the_lane_is_in_no_other_list(matter, staff, sit_down):
    sit_down("lena@isp.example")
    await send(staff, "/legal/take/1", "/message/1", text="illegal pictures")
    for path in ("/junk", "/held?tray=review", "/held?tray=rejected", "/held"):
        assert "Look at this" not in (await staff.get(path)).text
    assert (await staff.get("/message/1")).status_code == 404
    assert (await staff.get("/message/1/source", follow_redirects=True)).status_code == 404


async def test_the_bytes_leave_the_lane_with_a_reason_only(matter, staff, sit_down):
    sit_down("lena@isp.example")
    await send(staff, "/legal/take/1", "/message/1", text="illegal pictures")
    assert (await send(staff, "/legal/1/evidence", "/legal/1")).status_code == 422
    answer = await send(staff, "/legal/1/evidence", "/legal/1", text="for the prosecutor")
    assert answer.content == junk(1, "Look at this")
    kept = await matter.ask("SELECT what, why FROM events WHERE what LIKE 'legal%'")
    assert ("legal matter taken out", "for the prosecutor (login ann)") in kept


async def test_who_is_flagged_and_not_named_sees_nothing(matter, staff, sit_down):
    sit_down("eve@isp.example")
    answer = await staff.get("/legal")
    assert answer.status_code == 403
    assert "legal.staff" in answer.text

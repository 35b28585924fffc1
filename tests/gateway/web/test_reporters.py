"""The pages of people who report, over real HTTP, with the mail that they really get, through the whole pipeline."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from email import message_from_bytes

import pytest

from gateway import holding, links, outcomes, staff
from gateway.model import Cause
from gateway.staff import Solved
from servers.outside import Outside, outside_of
from servers.people import attached, inline, spam
from servers.receiver import SmtpReceiver
from servers.waiting import NOW

pytestmark = pytest.mark.needs("aiosmtpd")

ANN, BIRCH = "ann@reporter.example", "abuse@birch.example"
FORM = {"email": ANN, "kind": "spam", "words": "Please stop this.", "lang": "en"}
HOSTILE = "<script>alert(1)</script>\r\nBcc: everybody@victim.example\u202e"


@pytest.fixture
async def outside(tmp_path, database_url, smtp_receiver: SmtpReceiver) -> AsyncIterator[Outside]:
    async with outside_of(tmp_path, database_url, smtp_receiver, portal={"report_form": True}) as made:
        yield made


def eml(source: str = "198.51.100.70", name: str = "spam.eml") -> list[tuple[str, tuple[str, bytes, str]]]:
    return [("mail", (name, spam(source).encode(), "message/rfc822"))]


# --- the form (CON-6) ------------------------------------------------------------------


@pytest.mark.duty("CON-6")
async def test_a_report_by_the_form_is_held_until_its_sender_confirms_it_and_then_opens_a_case(outside: Outside):
    sent = await outside.client.post("/report", data=FORM, files=eml())
    assert sent.status_code == 303
    assert "look into your mailbox" in (await outside.client.get(sent.headers["location"])).text
    await outside.drain()
    assert await outside.ask("SELECT verdict, reason FROM reports") == [("held", "unconfirmed")]
    (mail,) = outside.mails(ANN)
    assert "Please stop this" not in mail
    page = outside.link(ANN)
    looked = await outside.client.get(page)  # as a program does that checks the links of a mail
    assert looked.status_code == 200
    await outside.drain()
    assert await outside.ask("SELECT verdict FROM reports") == [("held",)]
    confirmed = await outside.client.post(page)
    assert confirmed.status_code == 303
    assert "Your report is confirmed" in (await outside.client.get(confirmed.headers["location"])).text
    await outside.drain()
    assert await outside.ask("SELECT verdict, reason FROM reports") == [("accepted", "signed")]
    assert await outside.ask("SELECT state FROM held") == [("confirmed",)]
    assert len(outside.mails(BIRCH)) == 1
    assert ANN not in "".join(outside.mails(BIRCH))
    assert "R-2026-000001" in outside.mails(ANN)[-1]  # the acknowledgement (PAG-4), with the page of what became of it
    assert "/report/status/" in outside.link(ANN)
    assert (await outside.client.post(page)).status_code == 303  # once more is no harm
    await outside.drain()
    assert await outside.ask("SELECT count(*) FROM cases") == [(1,)]


@pytest.mark.parametrize(
    ("kind", "more", "category"),
    [
        ("phishing", {"pasted": spam("198.51.100.71")}, "phishing"),
        ("login-attack", {"address": "198.51.100.70", "when": "2026-11-20T10:00", "port": "4711"}, "login-attack"),
        ("ddos", {"address": "198.51.100.70", "when": "2026-11-20T10:00"}, "ddos"),
        ("phishing-site", {"url": "https://198.51.100.70/login?u=1", "when": "2026-11-20T10:00"}, "phishing"),
    ],
)
async def test_what_is_no_attached_mail_is_read_by_the_same_parsers(outside: Outside, kind, more, category):
    sent = await outside.client.post("/report", data=FORM | more | {"kind": kind})
    assert sent.status_code == 303
    await outside.drain()
    await outside.client.post(outside.link(ANN))
    await outside.drain()
    assert await outside.ask("SELECT verdict, category FROM reports") == [("accepted", category)]
    if kind == "phishing-site":  # anybody can write a link to an address: staff confirm the first of a kind
        assert await outside.ask("SELECT reason FROM attributions") == [("first-of-kind",)]
    assert len(outside.mails(BIRCH)) == (kind != "phishing-site")


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "nobody"},
        {"email": "a@b.example\r\nBcc: x@victim.example"},
        {"kind": "?"},
        {"pasted": ""},
        {"pasted": "They write to me all the time."},
        {"kind": "port-scan", "address": "here", "when": "2026-11-20T10:00"},
        {"kind": "port-scan", "address": "198.51.100.70", "when": ""},
        {"kind": "port-scan", "address": "198.51.100.70", "when": "soon"},
        {"kind": "port-scan", "address": "198.51.100.70", "when": "2027-11-20T10:00"},
        {"kind": "phishing-site", "url": "javascript:alert(1)"},
    ],
)
async def test_what_is_missing_is_said_on_the_page_and_nothing_is_kept(outside: Outside, wrong):
    answer = await outside.client.post("/report", data=FORM | {"pasted": spam()} | wrong)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert await outside.ask("SELECT count(*) FROM messages") == [(0,)]


async def test_who_fills_the_hidden_field_is_told_the_same_and_nothing_is_kept(outside: Outside):
    answer = await outside.client.post("/report", data=FORM | {"website": "https://spam.example"}, files=eml())
    assert answer.status_code == 303
    assert await outside.ask("SELECT count(*) FROM messages") == [(0,)]


async def test_one_address_is_written_to_only_so_often_whoever_asks(outside: Outside):
    for _ in range(5):
        assert (await outside.client.post("/report", data=FORM, files=eml())).status_code == 303
    await outside.drain()
    assert len(outside.mails(ANN)) == 3
    assert await outside.ask("SELECT count(*) FROM messages") == [(3,)]


async def test_one_network_reports_only_so_often(tmp_path, database_url, smtp_receiver):
    portal = {"report_form": True, "form_network_hourly": 2}
    async with outside_of(tmp_path, database_url, smtp_receiver, portal=portal) as made:
        codes = [
            (
                await made.client.post("/report", data=FORM | {"email": f"p{n}@reporter.example"}, files=eml())
            ).status_code
            for n in range(4)
        ]
        assert codes == [303, 303, 429, 429]


async def test_hostile_words_and_names_reach_neither_a_header_nor_a_page(outside: Outside):
    files = eml(name=f"../../{HOSTILE}.eml")
    wrong = await outside.client.post("/report", data=FORM | {"words": HOSTILE, "kind": "?"}, files=files)
    assert "<script>" not in wrong.text
    await outside.client.post("/report", data=FORM | {"words": HOSTILE}, files=files)
    ((raw,),) = await outside.ask("SELECT raw FROM messages")
    kept = message_from_bytes(bytes(raw))
    assert kept["Bcc"] is None
    assert [part.get_filename() for part in kept.walk()] == [None] * len(list(kept.walk()))
    await outside.drain()
    assert "script" not in "".join(outside.mails(ANN))
    assert "script" not in (await outside.client.get(outside.link(ANN))).text


async def test_the_form_is_there_only_where_it_is_switched_on(tmp_path, database_url, smtp_receiver):
    async with outside_of(tmp_path, database_url, smtp_receiver) as made:
        assert (await made.client.get("/report")).status_code == 404
        assert (await made.client.post("/report", data=FORM, files=eml())).status_code == 404


# --- what is held (PAG-1) --------------------------------------------------------------


@pytest.mark.duty("PAG-1")
async def test_what_was_missing_is_uploaded_by_the_link_of_the_reply_and_opens_a_case(outside: Outside):
    await outside.waiting.work_through(inline())
    page = outside.link(ANN)
    assert page.startswith("/report/complete/")
    assert "Received" in (await outside.client.get(page)).text
    nothing = await outside.client.post(page, data={"pasted": "I deleted it."})
    assert nothing.status_code == 422
    sent = await outside.client.post(page, files=eml())
    assert sent.status_code == 303
    status = sent.headers["location"].partition("?")[0]
    await outside.drain()
    assert await outside.ask("SELECT state, completed_by FROM held") == [("completed", 2)]
    assert len(outside.mails(BIRCH)) == 1
    assert "R-2026-000001" in (await outside.client.get(status)).text
    assert "It was accepted" in (await outside.client.get(status)).text
    assert (await outside.client.get(page)).status_code == 404  # nothing is missing any more


# --- what became of it -----------------------------------------------------------------


async def test_the_status_says_general_words_only(outside: Outside):
    await outside.waiting.work_through(attached())
    page = outside.link(ANN)
    assert page.startswith("/report/status/")
    working = (await outside.client.get(page)).text
    assert "It was accepted. Whoever is responsible" in working
    await staff.resolve(outside.waiting.house, "1", Solved("closed it", "2fa"), who="eve", cause=Cause.WILFUL)
    assert (await outside.client.get(page)).text == working  # nobody released it yet
    await outcomes.release(outside.waiting.house, "1", who="eve", why="they asked")
    solved = (await outside.client.get(page)).text
    assert "dealt with by our rules" in solved
    for text in (working, solved):
        assert not any(word in text.lower() for word in ("birch", "198.51.100", "wilful", "ag-2026", "closed it"))


async def test_every_end_of_a_report_has_its_words(outside: Outside):
    await outside.waiting.work_through(inline())
    house = outside.waiting.house
    token = links.token("s", 1, ANN, NOW + timedelta(days=40), house.key("portal"))
    assert "Something is missing" in (await outside.client.get(f"/report/status/{token}")).text
    await holding.drop(house, 1, who="eve", why="no")
    assert "could not use it" in (await outside.client.get(f"/report/status/{token}")).text


@pytest.mark.parametrize("path", ["confirm", "complete", "status"])
async def test_a_wrong_token_is_one_plain_page(outside: Outside, path: str):
    await outside.waiting.work_through(inline())
    key, ends = outside.waiting.house.key("portal"), NOW + timedelta(days=1)
    kind = {"confirm": "f", "complete": "h", "status": "s"}[path]
    wrong = [
        "x",
        "a" * 3000,
        "%00",
        links.token("c", 1, ANN, ends, key),
        links.token(kind, 99, ANN, ends, key),
        links.token(kind, 1, ANN, NOW - timedelta(hours=2), key),
        links.token(kind, 1, ANN, ends, b"another key of thirty-two bytes!"),
    ]
    method = "POST" if path == "confirm" else "GET"
    answers = [await outside.client.request(method, f"/report/{path}/{token}", content=b"") for token in wrong]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1

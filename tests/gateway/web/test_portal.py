"""The page of a case for its customer, over real HTTP, by the link that really came by mail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text as sql

from gateway import consents, links, staff
from gateway.model import Cause
from gateway.staff import Solved
from servers.outside import Outside, outside_of
from servers.receiver import SmtpReceiver
from servers.waiting import COOKIE, NOW, TOKEN, arf

pytestmark = pytest.mark.needs("aiosmtpd")

BIRCH = "abuse@birch.example"
SAID = {"solved": "yes", "said": "A stolen password.", "prevention": "Two factors now.", "since": "2026-11-20T11:00"}


@pytest.fixture
async def outside(tmp_path, database_url, smtp_receiver: SmtpReceiver) -> AsyncIterator[Outside]:
    async with outside_of(tmp_path, database_url, smtp_receiver) as made:
        await made.waiting.work_through(arf("198.51.100.70", complainant="ann@reader.example"))
        yield made


async def test_the_link_in_the_notice_opens_the_case_with_redacted_evidence_and_the_time_left(outside: Outside):
    answer = await outside.client.get(outside.link(BIRCH))
    assert answer.status_code == 200
    assert "AG-2026-000001" in answer.text
    assert "198.51.100.70" in answer.text
    assert "24 h 0 min left" in answer.text
    assert "An offer you did not ask for" in answer.text
    assert "ann@reader.example" not in answer.text
    assert "user@reader.example" not in answer.text
    assert "noindex" in answer.headers["x-robots-tag"]
    assert "set-cookie" not in answer.headers


@pytest.mark.duty("SES-4")
async def test_an_answer_stops_the_clock_and_is_kept_with_its_files(outside: Outside):
    page = outside.link(BIRCH)
    files = [("files", ("../../etc/<b>\r\nX: y.log", b"Nov 20 sshd: accepted", "text/html"))]
    answer = await outside.client.post(f"{page}/answer", data=SAID, files=files)
    assert answer.status_code == 303
    assert "We have your answer" in (await outside.client.get(answer.headers["location"])).text
    ((state, resolved),) = await outside.ask("SELECT state, resolved_at FROM clocks")
    assert state == "answered"
    assert str(resolved).startswith("2026-11-20 11:00")
    ((who, why, raw),) = await outside.ask(
        "SELECT e.who, e.why, m.raw FROM events e JOIN messages m ON m.id = e.message_id"
        " WHERE e.what = 'answered on the page: resolved'"
    )
    assert (who, why) == (BIRCH, "A stolen password.")
    assert b"Two factors now." in bytes(raw)
    assert b"X: y" not in bytes(raw)
    assert b"text/html" not in bytes(raw)


@pytest.mark.parametrize("lacking", ["said", "prevention", "solved"])
async def test_an_answer_without_its_statement_is_shown_again_and_stops_nothing(outside: Outside, lacking: str):
    page = outside.link(BIRCH)
    said = {name: value for name, value in SAID.items() if name != lacking} | {"lang": "en"}
    answer = await outside.client.post(f"{page}/answer", data=said)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert await outside.ask("SELECT state FROM clocks") == [("running",)]
    kept = [value for name, value in said.items() if name in ("said", "prevention")]
    assert all(value in answer.text for value in kept)


async def test_the_page_speaks_the_contacts_language_and_every_other(outside: Outside):
    page = outside.link(BIRCH)
    async with outside.waiting.house.database.writing() as connection:
        await connection.execute(sql("UPDATE customers SET language = 'ro' WHERE key = 'birch'"))
    assert "Cât timp a mai rămas" in (await outside.client.get(page)).text
    assert "剩余时间" in (await outside.client.get(f"{page}?lang=zh")).text
    assert 'lang="en"' in (await outside.client.get(f"{page}?lang=en")).text
    assert "How long is left" in (await outside.client.get(f"{page}?lang=en")).text


def forgeries(outside: Outside) -> dict[str, str]:
    """Tokens that open nothing."""
    house = outside.waiting.house
    key, ends = house.key("portal"), NOW + timedelta(days=1)
    genuine = outside.link(BIRCH).rpartition("/")[2]
    return {
        "forged": genuine[:-1] + ("a" if genuine[-1] != "a" else "b"),
        "other case": genuine.replace(genuine[:2], "cc", 1),
        "no such case": links.token("c", 77, BIRCH, ends, key),
        "another's address": links.token("c", 1, "abuse@alder.example", ends, key),
        "over": links.token("c", 1, BIRCH, NOW - timedelta(hours=2), key),
        "of another kind": links.token("s", 1, BIRCH, ends, key),
        "nonsense": "%00%ff--",
        "long": "a" * 3000,
    }


@pytest.mark.duty("CON-7")
async def test_a_wrong_link_is_one_plain_page_that_gives_no_hint(outside: Outside):
    texts = set()
    for token in forgeries(outside).values():
        answer = await outside.client.get(f"/portal/case/{token}")
        assert answer.status_code == 404
        texts.add(answer.text)
        sent = await outside.client.post(f"/portal/case/{token}/answer", data=SAID)
        assert sent.status_code == 404
    assert len(texts) == 1
    assert "AG-2026-000001" not in texts.pop()
    assert await outside.ask("SELECT state FROM clocks") == [("running",)]


async def test_a_link_ends_when_the_contact_changes_and_when_the_case_is_long_over(outside: Outside):
    page = outside.link(BIRCH)
    async with outside.waiting.house.database.writing() as connection:
        await connection.execute(
            sql("UPDATE contacts SET address = 'new@birch.example' WHERE address = :a"), {"a": BIRCH}
        )
    assert (await outside.client.get(page)).status_code == 404
    async with outside.waiting.house.database.writing() as connection:
        await connection.execute(
            sql("UPDATE contacts SET address = :a WHERE address = 'new@birch.example'"), {"a": BIRCH}
        )
    await staff.resolve(outside.waiting.house, "1", Solved("done", "two factors"), who="ann", cause=Cause.COMPROMISED)
    assert (await outside.client.get(page)).status_code == 200
    outside.waiting.time[0] += timedelta(days=31)
    assert (await outside.client.get(page)).status_code == 404


async def test_a_new_link_goes_to_the_contact_on_file_once_an_hour_and_nobody_learns_whether(outside: Outside):
    answers = []
    for number in ("AG-2026-000001", "AG-2026-000001", "AG-2026-000099", "AG-2025-000001", "<b>", "²", "9" * 40):
        answer = await outside.client.post("/portal/link", data={"case": number, "lang": "en"})
        assert answer.status_code == 303
        answers.append((await outside.client.get(answer.headers["location"])).text)
    assert len(set(answers)) == 1
    await outside.drain()
    assert sum("new link" in text for text in outside.mails(BIRCH)) == 1
    assert (await outside.client.get(outside.link(BIRCH))).status_code == 200
    await outside.client.post("/portal/link", data={"case": "AG-2026-000001"})
    await outside.drain()
    assert len(outside.mails(BIRCH)) == 2


async def test_more_time_is_asked_of_staff_and_the_clock_goes_on(outside: Outside):
    page = outside.link(BIRCH)
    asked = await outside.client.post(f"{page}/time", data={"hours": "12", "why": "Our administrator is ill."})
    assert asked.status_code == 303
    again = await outside.client.post(f"{page}/time", data={"hours": "12", "why": "Our administrator is ill."})
    assert again.status_code == 422
    assert (await outside.client.post(f"{page}/time", data={"hours": "-1", "why": "x"})).status_code == 422
    assert await outside.ask("SELECT state FROM clocks") == [("running",)]
    (why,) = await outside.ask("SELECT why FROM events WHERE what = 'more time asked for'")
    assert why == ("12 h: Our administrator is ill.",)


@pytest.mark.duty("NET-4")
async def test_a_review_can_be_asked_for_once_something_was_carried_out(outside: Outside):
    page = outside.link(BIRCH)
    refused = await outside.client.post(f"{page}/review", data={"review": "It is clean."})
    assert refused.status_code == 422
    for hours in (12, 12, 0.1):
        await outside.waiting.later(hours=hours)
    async with outside.waiting.house.database.writing() as connection:
        await connection.execute(sql("UPDATE actions SET state = 'done'"))
    assert "Why it should be lifted" in (await outside.client.get(f"{page}?lang=en")).text
    assert (await outside.client.post(f"{page}/review", data={"review": "It is clean."})).status_code == 303
    assert await outside.ask("SELECT state, said, opened_by FROM appeals") == [("open", "It is clean.", BIRCH)]


@pytest.mark.duty("SES-1")
async def test_records_are_uploaded_compared_and_not_kept(outside: Outside):
    await consents.ask(outside.waiting.house, "1", "Winter sale", who="ann")
    await outside.drain()
    page = outside.link(BIRCH)
    assert "Winter sale" in (await outside.client.get(page)).text
    table = b"email,time,source\nuser@reader.example,2026-01-01T00:00:00Z,shop\n"
    wrong = await outside.client.post(f"{page}/records", data={"which": "1"}, files=[("table", ("x.csv", b"\0\1"))])
    assert wrong.status_code == 422
    other = await outside.client.post(f"{page}/records", data={"which": "9"}, files=[("table", ("x.csv", table))])
    assert other.status_code == 422
    sent = await outside.client.post(f"{page}/records", data={"which": "1"}, files=[("table", ("x.csv", table))])
    assert sent.status_code == 303
    text = (await outside.client.get(sent.headers["location"])).text
    assert "user@reader.example" not in text
    assert "not-found" not in text
    assert await outside.ask("SELECT state, rows FROM consents") == [("received", 1)]
    assert await outside.ask("SELECT count(*) FROM messages") == [(1,)]


async def test_looks_are_events_but_not_each_of_an_hour(outside: Outside):
    page = outside.link(BIRCH)
    for _ in range(3):
        await outside.client.get(page)
    assert await outside.ask("SELECT who FROM events WHERE what = 'case opened by its link'") == [(BIRCH,)]


async def test_a_network_that_comes_too_often_waits(tmp_path, database_url, smtp_receiver):
    async with outside_of(tmp_path, database_url, smtp_receiver, portal={"network_hourly": 10}) as made:
        codes = [(await made.client.get("/portal")).status_code for _ in range(12)]
        assert codes == [200] * 10 + [429] * 2
        await made.waiting.later(hours=1)
        assert (await made.client.get("/portal")).status_code == 200


async def test_without_a_public_address_there_are_no_pages_and_no_links(waiting, stranger):
    assert (await stranger.get("/portal")).status_code == 404
    assert (await stranger.get("/portal/case/c1-2-3-4")).status_code == 404


async def test_what_is_too_much_or_too_many_is_refused(tmp_path, database_url, smtp_receiver):
    portal = {"upload_bytes": 10_000, "upload_files": 1}
    async with outside_of(tmp_path, database_url, smtp_receiver, portal=portal) as made:
        await made.waiting.work_through(arf("198.51.100.70"))
        page = made.link(BIRCH)
        big = await made.client.post(f"{page}/answer", data=SAID, files=[("files", ("a", b"x" * 80_000))])
        assert big.status_code == 413
        many = [("files", (name, b"x")) for name in "ab"]
        assert (await made.client.post(f"{page}/answer", data=SAID, files=many)).status_code == 400
        assert await made.ask("SELECT state FROM clocks") == [("running",)]


async def test_what_comes_too_slowly_is_cut_off(tmp_path, sqlite_url, smtp_receiver):
    async with outside_of(tmp_path, sqlite_url, smtp_receiver, portal={"upload_seconds": 1}) as made:
        await made.waiting.work_through(arf("198.51.100.70"))
        where = urlsplit(made.url)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        head = (
            f"POST {made.link(BIRCH)}/answer HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n\r\nsolved=yes&said="
        )
        writer.write(head.encode())
        assert b" 408 " in await reader.readline()
        writer.close()


async def test_one_case_takes_only_so_many_forms_in_an_hour(outside: Outside):
    page = outside.link(BIRCH)
    codes = [(await outside.client.post(f"{page}/answer", data=SAID)).status_code for _ in range(32)]
    assert codes == [303] * 30 + [422] * 2


@pytest.mark.duty("CON-7")
async def test_a_cookie_of_staff_gives_nothing_here_and_a_link_gives_nothing_there(outside: Outside):
    page = outside.link(BIRCH)
    plain = (await outside.client.get(page)).text
    outside.client.cookies.set(COOKIE, TOKEN)
    assert (await outside.client.get("/queue")).status_code == 200
    assert (await outside.client.get(page)).text == plain
    outside.client.cookies.clear()
    await outside.client.get(page)
    assert (await outside.client.get("/queue")).status_code == 403
    assert (await outside.client.get("/case/AG-2026-000001")).status_code == 403


async def test_hostile_words_are_text(outside: Outside):
    page, words = outside.link(BIRCH), "<script>alert(1)</script> \u202e gpj.exe"
    await outside.client.post(f"{page}/answer", data=SAID | {"said": words})
    text = (await outside.client.get(page)).text
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "\u202e" not in text

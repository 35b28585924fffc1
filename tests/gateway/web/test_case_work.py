"""Cases as staff work on them over real HTTP: filters that stand in the address, decisions with their sentence, what is
told to whom, and evidence in tabs."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest

from gateway.store import cases, desk_drawer
from servers.waiting import arf

CASE = "/case/AG-2026-000001"
HOSTILE = "<script>alert(1)</script>\u202egnp.exe\"'><img src=x onerror=alert(2)>"


async def proof(client: httpx.AsyncClient, path: str = CASE) -> str:
    return re.search(r'name="proof" value="([0-9a-f]{64})"', (await client.get(path)).text)[1]


async def send(client: httpx.AsyncClient, path: str, seen_on: str = CASE, **form: object) -> httpx.Response:
    return await client.post(path, data={"proof": await proof(client, seen_on)} | form)


def listed(answer: httpx.Response) -> list[str]:
    return re.findall(r'href="/case/(AG-\d{4}-\d{6})"', answer.text)


@pytest.fixture
async def two(waiting):
    """A case of birch with two resources, and one of dogwood."""
    await waiting.take_in(arf("198.51.100.70"), arf("198.51.100.71"), arf("192.0.2.8", extra="Source-Port: 1500"))
    return waiting


# --- the list --------------------------------------------------------------------------


async def test_what_runs_out_first_stands_first_and_what_has_no_time_after_it(two, staff):
    assert listed(await staff.get("/cases")) == ["AG-2026-000002", "AG-2026-000001"]
    await send(staff, f"{CASE}/told", text="by telephone")
    assert listed(await staff.get("/cases")) == ["AG-2026-000001", "AG-2026-000002"]
    assert listed(await staff.get("/cases?state=running")) == ["AG-2026-000001"]
    assert listed(await staff.get("/cases?state=waiting")) == ["AG-2026-000002"]
    assert listed(await staff.get("/cases?state=overdue")) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("customer=birch", [1]),
        ("customer=dogwood/home", [2]),
        ("customer=Dogwood", [2]),
        ("class=mail", [2, 1]),
        ("class=nothing", []),
        ("resource=198.51.100.71", [1]),
        ("q=198.51.100.71", [1]),
        ("q=telecom", [2]),
        ("q=nobody", []),
        ("severity=high", []),
        ("state=all&assignee=me", []),
        ("state=strange&customer=birch", [1]),
        ("after=d2026-11-20_x", [2, 1]),
        ("after=dx_1", [2, 1]),
    ],
)
async def test_a_filter_in_the_address_keeps_what_it_names(two, staff, query, found):
    assert listed(await staff.get(f"/cases?{query}")) == [f"AG-2026-00000{n}" for n in found]


@pytest.mark.parametrize("said", ["2", "AG-2026-000002", "ag-2026-000002"])
async def test_a_number_leads_to_its_case(two, staff, said):
    answer = await staff.get(f"/cases?q={said}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/case/AG-2026-000002")


async def test_pages_follow_each_other_without_a_gap_or_a_repeat(two, staff, monkeypatch):
    monkeypatch.setattr("gateway.web.console.cases._LINES", 1)
    await send(staff, f"{CASE}/told", text="by telephone")
    seen, path = [], "/cases"
    while path:
        page = await staff.get(path)
        seen += listed(page)
        after = re.search(r'rel="next" href="([^"]+)"', page.text)
        path = after[1].replace("&amp;", "&") if after else ""
    assert seen == ["AG-2026-000001", "AG-2026-000002"]


async def test_a_view_is_kept_under_a_name_and_forgotten(two, staff):
    answer = await send(staff, "/cases/views", "/cases", name="Mine", query="state=overdue&assignee=me&evil=1")
    assert answer.headers["location"] == "/cases?state=overdue&assignee=me"
    assert 'href="/cases?state=overdue&amp;assignee=me">Mine</a>' in (await staff.get("/cases")).text
    assert (await send(staff, "/cases/views/1/forget", "/cases")).status_code == 303
    assert "Mine" not in (await staff.get("/cases")).text
    assert (await send(staff, "/cases/views/1/forget", "/cases")).status_code == 404


async def test_nobody_forgets_the_view_of_somebody_else(two):
    async with two.house.database.writing() as connection:
        view = {"place": "/cases", "name": "x", "query": "", "owner": "mira", "made_by": "mira"}
        await desk_drawer.save_view(connection, view, two.house.clock())
        assert not await desk_drawer.drop_view(connection, 1, who="omar", everybodys=True, now=two.house.clock())
        assert await desk_drawer.views(connection, "/cases", "omar") == []


async def test_a_case_is_entered_by_hand(two, staff):
    said = {"account": "elder", "class": "mail", "resource": "192.0.2.8", "why": "Their own staff told us."}
    answer = await send(staff, "/cases/new", "/cases/new", **said)
    assert answer.headers["location"] == "/case/AG-2026-000003"
    assert "Their own staff told us." in (await staff.get("/case/AG-2026-000003")).text


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"account": "nobody"}, "there is no customer"),
        ({"resource": "hm"}, "is no address, host or mailbox"),
        ({"class": "strange"}, "has no class"),
        ({"at": "soon"}, "is no time"),
        ({"why": ""}, "say what is known"),
        ({"role": "strange"}, "strange"),
    ],
)
async def test_a_mistake_in_a_case_by_hand_is_told_with_what_was_typed(two, staff, wrong, sentence):
    said = {"account": "elder", "class": "mail", "resource": "192.0.2.8", "why": "seen", "at": ""} | wrong
    answer = await send(staff, "/cases/new", "/cases/new", **said)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'value="{said["account"]}"' in answer.text


# --- one case --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "said", "shown"),
    [
        ("note", {"text": "Look at their list."}, "Look at their list."),
        ("told", {"text": "by telephone"}, "told by ann: by telephone"),
        ("resolve", {"text": "closed the account", "prevention": "double opt-in"}, "closed the account"),
        ("close", {"text": "an open relay", "cause": "compromised"}, "compromised"),
        ("assign", {"person": "me"}, "seen to by"),
        ("severity", {"severity": "critical"}, "critical"),
        ("hold", {"on": "yes", "text": "the court asked"}, "legal hold"),
        ("split", {"resource": "198.51.100.71", "text": "another machine"}, "split off AG-2026-000001"),
        ("consent", {"campaign": "autumn"}, "autumn"),
    ],
)
async def test_a_decision_of_staff_is_carried_out_and_told(two, staff, form, said, shown):
    answer = await send(staff, f"{CASE}/{form}", **said)
    assert answer.status_code == 303, answer.text
    text = (await staff.get(answer.headers["location"])).text
    assert 'role="status"' in text
    assert shown in text


async def test_more_time_and_a_new_round(two, staff):
    await send(staff, f"{CASE}/told", text="by telephone")
    await send(staff, f"{CASE}/extend", hours="6", text="they are at it")
    assert "30:00 h left" in (await staff.get(CASE)).text
    await send(staff, f"{CASE}/resolve", text="closed", prevention="none comes back")
    two.time[0] += timedelta(hours=1)
    answer = await send(staff, f"{CASE}/reopen", text="it sends again", resource="198.51.100.70")
    assert answer.headers["location"] == f"{CASE}?done=reopen"
    text = (await staff.get(CASE)).text
    assert "round 2" in text
    assert "it sends again" in text


async def test_a_merged_case_leads_to_the_other(two, staff):
    await two.take_in(arf("198.51.100.72"))
    split = await send(staff, f"{CASE}/split", resource="198.51.100.71", text="another machine")
    other = split.headers["location"].partition("?")[0]
    answer = await send(staff, f"{other}/merge", other, into="AG-2026-000001", text="the same after all")
    assert answer.headers["location"] == f"{CASE}?done=merge"
    assert "merged into" in (await staff.get(other)).text


@pytest.mark.parametrize(
    ("form", "said", "sentence"),
    [
        ("note", {}, "the note is empty"),
        ("extend", {"hours": "many", "text": "x"}, "how many hours"),
        ("extend", {"hours": "nan", "text": "x"}, "how many hours"),
        ("extend", {"hours": "2", "text": "x"}, "has no clock for this"),
        ("resolve", {}, "say why"),
        ("close", {"text": "x"}, "choose a cause"),
        ("reject", {"text": "x"}, "has no clock for this"),
        ("retry", {"text": "x"}, "has no failed notice"),
        ("severity", {"severity": "huge"}, "how much it presses"),
        ("merge", {"into": "77", "text": "x"}, "there is no case"),
        ("split", {"text": "x"}, "tick the resources"),
        ("reopen", {"text": "x"}, "no resolved resource"),
        ("appeal", {"granted": "yes", "text": "x"}, "has no review"),
    ],
)
async def test_what_the_state_does_not_allow_is_told_on_the_page(two, staff, form, said, sentence):
    answer = await send(staff, f"{CASE}/{form}", **said)
    assert answer.status_code == 422
    assert sentence in re.search(r'role="alert">([^<]+)', answer.text)[1]


@pytest.mark.parametrize("path", ["/case/77/note", "/case/x/note"])
async def test_there_is_nothing_to_decide_about_no_case(two, staff, path):
    assert (await send(staff, path, text="x")).status_code == 404


async def test_a_text_at_hand_goes_before_what_was_typed(two, staff):
    await send(staff, "/texts", "/texts", name="Lists", text="Please use double opt-in.")
    await send(staff, f"{CASE}/note", canned="1", text="Said so twice.")
    assert "Please use double opt-in.\nSaid so twice." in (await staff.get(CASE)).text
    assert (await send(staff, "/texts/1/forget", "/texts")).status_code == 303
    assert "There is none yet." in (await staff.get("/texts")).text


@pytest.mark.parametrize(
    ("tab", "said"),
    [
        ("facts", "feedback-report:Source-IP"),
        ("findings", "for staff only"),
        ("trace", "ours"),
        ("headers", "Message-ID"),
        ("text", "This is a complaint."),
        ("source", "SHA-256"),
        ("strange", "feedback-report:Source-IP"),
    ],
)
async def test_evidence_stands_in_tabs(two, staff, tab, said):
    text = (await staff.get(f"{CASE}?report=1&tab={tab}")).text
    assert said in text


async def test_a_finding_that_the_policy_names_says_where(two, staff, monkeypatch):
    text = (await staff.get(f"{CASE}?report=1&tab=findings")).text
    code = re.search(r'<th scope="row" class="v" title="([a-z-]+)', text)[1]
    book = two.house.book
    strict = book.default.model_copy(update={"findings": frozenset({code})})
    monkeypatch.setattr(type(book), "of_label", lambda *_: strict)
    assert f"findings: {code}" in (await staff.get(f"{CASE}?report=1&tab=findings")).text


async def test_the_source_is_saved_and_never_shown(waiting, staff):
    raw = arf("198.51.100.70", body=HOSTILE)
    await waiting.take_in(raw)
    answer = await staff.get(f"{CASE}/report/1/source", follow_redirects=True)
    assert answer.content == raw
    assert answer.headers["content-disposition"] == 'attachment; filename="arfgate-report-1.eml"'


@pytest.mark.parametrize("path", ["?report=3", "/report/3/source", "/mail/1", "/notice/3", "/report/x/source"])
async def test_a_case_shows_nothing_of_another_one(two, staff, path):
    assert (await staff.get(CASE + path)).status_code == 404


@pytest.mark.parametrize("tab", ["facts", "findings", "trace", "headers", "text", "source"])
async def test_hostile_evidence_is_text_in_every_tab(waiting, staff, tab):
    await waiting.take_in(
        arf(
            "198.51.100.70",
            subject=HOSTILE,
            text=HOSTILE,
            sender=f'"{HOSTILE}" <x@sender.example>',
            extra=f"X-Odd: {HOSTILE}",
        )
    )
    text = (await staff.get(f"{CASE}?tab={tab}")).text
    assert "<script>" not in text.lower()
    assert "<img" not in text.lower()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", text)


@pytest.mark.parametrize(("language", "said"), [("en", "Hello"), ("zh", "您好"), ("ro", "Bun"), ("xx", "Hello")])
async def test_a_notice_reads_in_any_language(two, staff, language, said):
    text = (await staff.get(f"{CASE}/notice/1?language={language}")).text
    assert "abuse@birch.example" in text
    assert said in text


async def test_an_example_of_each_kind_is_shown(staff):
    assert "AG-2026-000123" in (await staff.get("/notices?kind=reminder&language=ro")).text
    assert (await staff.get("/notices?kind=strange")).status_code == 200


async def test_a_long_story_shows_its_end_and_leads_back(two, staff, monkeypatch):
    monkeypatch.setattr("gateway.store.case_page.EVENTS", 2)
    first = (await staff.get(CASE)).text
    assert "case opened" not in first
    older = re.search(r'href="(/case/[^"]+before=\d+)#story"', first)[1]
    assert "case opened" in (await staff.get(older)).text


async def test_the_case_in_the_database_is_what_the_page_says(two, staff):
    await send(staff, f"{CASE}/close", text="an open relay", cause="compromised")
    async with two.house.database.reading() as connection:
        case = await cases.shown(connection, "1")
    assert (case["case"].state, case["cause"]) == ("closed", "compromised")
    assert any(event.who == "ann" for event in case["events"])

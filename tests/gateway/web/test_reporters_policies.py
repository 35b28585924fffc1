"""Reporters and policies over real HTTP: read, judged, compared, tried on the past."""

from __future__ import annotations

import re

import pytest

from servers.waiting import arf


def proof(text: str) -> str:
    return re.search(r'name="proof" value="([0-9a-f]+)"', text)[1]


@pytest.fixture
async def desk(waiting):
    await waiting.take_in(*(arf(f"198.51.100.{70 + n}") for n in range(4)))
    return waiting


async def test_reporters_are_listed_with_their_precision(desk, staff):
    text = (await staff.get("/reporters")).text
    assert 'href="/reporters/feed%3Afbl"' in text
    assert "100 %" in text
    assert "feed:yahoo" not in text
    assert text.count("<tr>") < (await staff.get("/reporters?all=1")).text.count("<tr>")


async def test_staffs_word_about_a_reporter_is_kept_with_its_reason(desk, staff):
    page = await staff.get("/reporters/feed:fbl")
    form = {"proof": proof(page.text), "trust": "doubtful", "weight": "0.5", "throttle": "20", "opens_cases": "no"}
    refused = await staff.post("/reporters/feed:fbl/decide", data=form)
    assert refused.status_code == 422
    assert "Say why" in refused.text
    for wrong in ({"weight": "heavy"}, {"weight": "1000"}, {"throttle": "-5"}, {"trust": "x"}):
        answer = await staff.post("/reporters/feed:fbl/decide", data=form | {"reason": "noise"} | wrong)
        assert answer.status_code == 422, wrong
    assert (await staff.post("/reporters/feed:fbl/decide", data=form | {"reason": "noise"})).status_code == 303
    row = await desk.ask("SELECT trust, weight, throttle, opens_cases, why, decided_by FROM reporters")
    assert row == [("doubtful", 0.5, 20, 0, "noise", "ann")]
    text = (await staff.get("/reporters/feed:fbl")).text
    assert "doubtful: a person looks at each report" in text
    lifted = form | {"reason": "better", "trust": "usual", "throttle": "-"}
    assert (await staff.post("/reporters/feed:fbl/decide", data=lifted)).status_code == 303
    assert await desk.ask("SELECT trust, throttle FROM reporters") == [("usual", None)]


async def test_a_report_that_was_false_lowers_its_reporters_precision(desk, staff):
    form = {"proof": proof((await staff.get("/reporters/feed:fbl")).text), "report": "1", "judgement": "false"}
    assert (await staff.post("/reporters/feed:fbl/judge", data=form)).status_code == 422
    assert (
        await staff.post("/reporters/feed:fbl/judge", data=form | {"reason": "x", "report": "99"})
    ).status_code == 422
    assert (await staff.post("/reporters/feed:fbl/judge", data=form | {"reason": "a test"})).status_code == 303
    assert "75 %" in (await staff.get("/reporters")).text


async def test_an_unknown_reporter_is_no_page(desk, staff):
    assert (await staff.get("/reporters/nobody.example")).status_code == 404
    assert (await staff.get("/reporters/%3Cb%3E")).status_code == 404


async def test_policies_are_read_compared_and_tried(desk, staff):
    listed = (await staff.get("/policies")).text
    assert "default 1" in listed
    assert "comes with arfgate" in listed
    page = (await staff.get("/policies/default/1")).text
    assert "incidents older than" in page
    assert 'name = "default"' in page.replace("&#34;", '"')
    other = re.search(r'href="/policies/((?!default)[\w-]+)/(\d+)"', listed)
    compared = await staff.get(f"/policies/{other[1]}/{other[2]}", params={"against": "default 1"})
    assert "classes." in compared.text
    assert (await staff.get("/policies/default/999")).status_code == 404

    form = {"proof": proof(page), "days": "7"}
    tried = (await staff.post("/policies/default/1/try", data=form)).text
    assert "Tried on the last 7 days" in tried
    assert "1 mail" in tried
    toml = desk.house.book.default.name
    broken = await staff.post("/policies/default/1/try", data=form | {"text": f"name = '{toml}'\nversion = 'x'"})
    assert broken.status_code == 422
    assert "version" in broken.text
    assert (await staff.post("/policies/default/1/try", data=form | {"text": "<script>"})).status_code == 422
    assert await desk.ask("SELECT count(*) FROM policies") == [(1,)]

"""Staff choose the language of the pages; what goes wrong is told in it, outside in the visitor's."""

from __future__ import annotations

import re

import httpx
import pytest


async def send(client: httpx.AsyncClient, path: str, seen_on: str, **form: object) -> httpx.Response:
    """A form of the page that it was seen on."""
    proof = re.search(r'name="proof" value="([^"]+)"', (await client.get(seen_on)).text)
    assert proof
    return await client.post(path, data={"proof": proof[1]} | form)


async def test_the_language_that_is_chosen_goes_before_what_the_browser_asks_for(waiting, staff):
    assert '<html lang="en">' in (await staff.get("/account", headers={"accept-language": "de"})).text
    answer = await send(staff, "/account/language", "/account", language="zh")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account?done=language")
    for path, said in (("/account", "我的账号"), ("/nothing", "没有此页面"), ("/case/AG-2026-999999", "没有此页面")):
        text = (await staff.get(path, headers={"accept-language": "en"})).text
        assert said in text, path
        assert '<html lang="zh">' in text
    await send(staff, "/account/language", "/account", language="xx")
    assert '<html lang="zh">' in (await staff.get("/account")).text


@pytest.mark.parametrize(
    ("path", "asks", "said"),
    [
        ("/portal/nothing", "zh-CN", "没有此页面。"),
        ("/portal/nothing", "ro", "Această pagină nu există."),
        ("/portal/nothing?lang=ro", "en", "Această pagină nu există."),
        ("/report/nothing", "fr", "There is no such page."),
        ("/reporters/nothing/nothing", "ro", "There is no such page."),
    ],
)
async def test_an_error_is_told_in_the_language_of_its_page(waiting, staff, path, asks, said):
    answer = await staff.get(path, headers={"accept-language": asks})
    assert answer.status_code == 404
    assert said in answer.text
    assert ('href="/"' in answer.text) == path.startswith("/reporters")  # outside there is no first page


async def test_what_a_form_lacks_is_told_in_chinese(waiting, staff):
    await send(staff, "/account/language", "/account", language="zh")
    answer = await send(staff, "/mutes/add", "/mutes", kind="address", value="x", days="3", reason="y")
    assert answer.status_code == 422
    assert re.search('role="alert">[^<]*不是网段、地址、范围或主机', answer.text)

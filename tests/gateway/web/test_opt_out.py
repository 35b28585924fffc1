"""A contact outside says no by the link that really came by mail; looking at the page says nothing yet."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.store import notices
from notifier.notice import NoticeKind
from servers.outside import Outside, outside_of
from servers.receiver import SmtpReceiver

pytestmark = [pytest.mark.needs("aiosmtpd"), pytest.mark.standard("OUT-3")]

HOLDER = "abuse@holder.example.net"
LISTED = "SELECT address, notice_id FROM opt_outs"


@pytest.fixture
async def outside(tmp_path, database_url, smtp_receiver: SmtpReceiver) -> AsyncIterator[Outside]:
    async with outside_of(tmp_path, database_url, smtp_receiver) as made:
        facts = {"day": "2026-11-19", "items": [], "more": 0}
        house = made.waiting.house
        async with house.database.writing() as connection:
            await notices.plan(
                connection, [notices.planned(NoticeKind.DIGEST, "digest:1", HOLDER, facts, house.clock())]
            )
        await made.drain()
        yield made


async def test_the_button_stops_the_mail_and_the_look_does_not(outside: Outside):
    page = outside.link(HOLDER)
    shown = await outside.client.get(page)
    assert shown.status_code == 200
    assert HOLDER in shown.text
    assert await outside.ask(LISTED) == []
    for _ in range(2):  # twice is once
        done = await outside.client.post(page, data={"lang": "en"})
        assert "no more reports" in done.text
    assert await outside.ask(LISTED) == [(HOLDER, 1)]


@pytest.mark.parametrize(("tongue", "words"), [("zh", "不再向此地址发送投诉"), ("ro", "Nu mai trimite")])
async def test_the_page_speaks_the_contacts_language(outside: Outside, tongue: str, words: str):
    assert words in (await outside.client.get(f"{outside.link(HOLDER)}?lang={tongue}")).text


async def test_a_link_that_was_changed_or_is_for_something_else_stops_nothing(outside: Outside):
    page = outside.link(HOLDER)
    for wrong in (page[:-1] + ("a" if page[-1] != "a" else "b"), "/portal/stop/x", "/portal/stop/" + "a" * 500):
        assert (await outside.client.get(wrong)).status_code == 404
        assert (await outside.client.post(wrong)).status_code == 404
    elsewhere = page.replace("/portal/stop/", "/portal/case/")
    assert HOLDER not in (await outside.client.get(elsewhere)).text
    assert await outside.ask(LISTED) == []


async def test_without_a_public_page_the_mail_names_the_address(tmp_path, database_url, smtp_receiver: SmtpReceiver):
    async with outside_of(tmp_path, database_url, smtp_receiver, web={"enabled": False}) as made:
        house = made.waiting.house
        facts = {"day": "2026-11-19", "items": [], "more": 0}
        async with house.database.writing() as connection:
            await notices.plan(
                connection, [notices.planned(NoticeKind.DIGEST, "digest:1", HOLDER, facts, house.clock())]
            )
        await made.drain()
        (text,) = made.mails(HOLDER)
        assert "+o." in text
        assert "/portal/stop/" not in text

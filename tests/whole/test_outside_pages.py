"""A customer's and a reporter's whole path in a real browser: no script, no cookie, on a phone, in the dark, with real
mail between the pages.

`OUTSIDE_PICTURES=dir` writes a picture of each page.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text as sql

from gateway import consents
from servers.browsing import PHONE, WIDE, chromium
from servers.outside import Outside, outside_of
from servers.people import inline, spam
from servers.receiver import SmtpReceiver
from servers.waiting import arf

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.needs("aiosmtpd")]

ANN, BIRCH = "ann@reporter.example", "abuse@birch.example"
HOSTILE = "<script>alert(1)</script> <img src=https://tracker.example/x.png> \u202e gpj.exe"
SCREENS = {
    "phone": PHONE | {"java_script_enabled": False},
    "phone-dark": PHONE | {"color_scheme": "dark"},
    "wide": WIDE,
    "wide-dark": WIDE | {"color_scheme": "dark"},
}
TRIED = ("phone-dark", "wide")  # each page on a small dark screen and on a large light one


class Visitor:
    """Somebody with a browser: looks at pages, and notes what is wrong with them."""

    def __init__(self, browser: Any, outside: Outside) -> None:
        self.browser, self.outside = browser, outside
        self.requests: list[str] = []
        self.tab: Any = None
        self.tabs: dict[str, Any] = {}

    async def come(self, **screen: Any) -> None:
        context = await self.browser.new_context(**screen)
        self.tab = await context.new_page()
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.tab.on("dialog", lambda dialog: self.requests.append(f"a dialog: {dialog.message}"))

    async def open(self, path: str) -> None:
        await self.tab.goto(self.outside.url + path)

    async def press(self, name: str) -> None:
        await self.tab.get_by_role("button", name=name, exact=True).click()

    async def says(self, words: str) -> None:
        assert words in await self.tab.locator("main").inner_text(), await self.tab.locator("main").inner_text()

    async def is_good(self, path: str, name: str) -> None:
        """On each screen: nothing that axe finds, nothing beyond the edge, no request to anywhere else."""
        from axe_playwright_python.async_playwright import Axe  # noqa: PLC0415  (only where it is installed)

        folder = os.environ.get("OUTSIDE_PICTURES")
        for kind in SCREENS if folder else TRIED:
            if kind not in self.tabs:
                self.tabs[kind] = await (await self.browser.new_context(**SCREENS[kind])).new_page()
                self.tabs[kind].on("request", lambda request: self.requests.append(request.url))
            tab = self.tabs[kind]
            await tab.goto(self.outside.url + path)
            if folder:
                await tab.screenshot(path=Path(folder) / f"{name}-{kind}.png", full_page=True)
            if kind in TRIED:
                assert await tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, kind)
                found = (await Axe().run(tab)).response["violations"]
                assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == [], (name, kind)


@pytest.fixture
async def visitor(tmp_path, sqlite_url, smtp_receiver: SmtpReceiver) -> AsyncIterator[Visitor]:
    portal = {"report_form": True}
    async with outside_of(tmp_path, sqlite_url, smtp_receiver, portal=portal) as outside, chromium() as browser:
        made = Visitor(browser, outside)
        yield made
        assert {urlsplit(url).hostname for url in made.requests} == {"127.0.0.1"}
        assert not [url for url in made.requests if url.endswith(".js")]


@pytest.mark.duty("CON-6")
async def test_the_whole_path_of_a_customer_and_of_a_reporter(visitor: Visitor, tmp_path: Path):
    await _the_reporter(visitor, tmp_path)
    await _the_customer(visitor, tmp_path)
    await _what_was_missing(visitor, tmp_path)


async def _the_reporter(visitor: Visitor, folder: Path) -> None:
    """Fills in the form, confirms it by the mailed link, sees what became of it."""
    outside = visitor.outside
    await visitor.is_good("/report", "report")
    mail = folder / "spam.eml"
    mail.write_text(spam("198.51.100.70", body=HOSTILE), encoding="utf-8")
    await visitor.come(**SCREENS["phone"])
    await visitor.open("/report?lang=en")
    await visitor.tab.get_by_label("Your mail address").fill(ANN)
    await visitor.tab.get_by_label("What happened, in your words").fill(HOSTILE)
    await visitor.press("Send the report")
    await visitor.says("Please attach the reported mail as a file")
    await visitor.tab.get_by_label("The reported mail as a file (.eml)").set_input_files(mail)
    await visitor.press("Send the report")
    await visitor.says("look into your mailbox")
    await outside.drain()
    await visitor.is_good(outside.link(ANN), "confirm")
    await visitor.open(outside.link(ANN) + "?lang=en")
    await visitor.press("Yes, I sent this report")
    await visitor.says("Your report is confirmed")
    await outside.drain()
    await visitor.is_good(outside.link(ANN), "status")
    await visitor.open(outside.link(ANN) + "?lang=zh")
    await visitor.says("已受理")


async def _the_customer(visitor: Visitor, folder: Path) -> None:
    """Opens the link of the notice, asks for time, sends records, answers, asks for a review."""
    outside, page = visitor.outside, visitor.outside.link(BIRCH)
    await outside.waiting.work_through(arf("198.51.100.71", subject=HOSTILE))
    await consents.ask(outside.waiting.house, "1", "Winter sale", who="ann")
    await visitor.is_good(page, "case")
    table = folder / "table.csv"
    table.write_text("email,time,source\nx@reader.example,2026-01-01T00:00:00Z,shop\n", encoding="utf-8")
    await visitor.come(**SCREENS["phone"])
    await visitor.open(page)
    await visitor.says("24 h 0 min left")
    await visitor.tab.get_by_label("For how many hours").fill("12")
    await visitor.tab.get_by_label("Why", exact=True).fill("Our administrator is ill.")
    await visitor.press("Ask for more time")
    await visitor.says("Our staff have your request for more time")
    await visitor.tab.get_by_label("Table of the permissions").set_input_files(table)
    await visitor.press("Send the table")
    await visitor.says("nobody was named")
    await visitor.tab.get_by_label("The cause is found and stopped.").check()
    await visitor.tab.get_by_label("What did you find").fill(HOSTILE)
    await visitor.press("Send the answer")
    await visitor.says("without that it does not count as resolved")
    await visitor.tab.get_by_label("What keeps it from happening again?").fill("Two factors.")
    await visitor.press("Send the answer")
    await visitor.says("We have your answer")
    assert {state for (state,) in await outside.ask("SELECT state FROM clocks")} == {"answered"}
    await visitor.tab.get_by_role("link", name="Română").click()
    await visitor.says("Ați răspuns.")
    async with outside.waiting.house.database.writing() as connection:
        columns = (
            "key, case_id, clock_id, kind, target, state, approval, why, created_at, created_by, told, routed, lifting"
        )
        row = "'k', 1, 1, 'block-address', '198.51.100.70', 'done', 'none', '', opened_at, 'ann', 'done', true, false"
        await connection.execute(sql(f"INSERT INTO actions ({columns}) SELECT {row} FROM cases LIMIT 1"))
    await visitor.open(page + "?lang=en")
    await visitor.tab.get_by_label("Why it should be lifted").fill("It is clean.")
    await visitor.press("Ask for a review")
    await visitor.says("You asked for a review")
    await visitor.is_good(page, "case-answered")
    await visitor.is_good(page[:-1] + "_", "gone")


async def _what_was_missing(visitor: Visitor, folder: Path) -> None:
    """Somebody whose forward lost its header uploads it by the link of our reply."""
    outside = visitor.outside
    await outside.waiting.later(days=8)
    await outside.waiting.work_through(inline(sender="eve@reporter.example", return_path="eve@reporter.example"))
    page = outside.link("eve@reporter.example")
    await visitor.is_good(page, "complete")
    mail = folder / "missing.eml"
    mail.write_text(spam("198.51.100.72", at=outside.waiting.house.clock()), encoding="utf-8")
    await visitor.open(page + "?lang=en")
    await visitor.tab.get_by_label("The reported mail as a file (.eml)").set_input_files(mail)
    await visitor.press("Send it")
    await visitor.says("We have what you sent")
    await outside.drain()
    assert await outside.ask("SELECT state FROM held WHERE reason = 'evidence-missing'") == [("completed",)]

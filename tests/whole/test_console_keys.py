"""The console by its keys alone, and a list that is drawn anew while one looks at it, in a real browser."""

from __future__ import annotations

import pytest

from gateway.web.app import application
from servers.browsing import WIDE, chromium, screen
from servers.waiting import arf, served, waiting_house

pytestmark = pytest.mark.needs("chromium")


async def test_keys_find_move_select_help_and_lists_change_in_place(tmp_path, sqlite_url):
    async with waiting_house(tmp_path, sqlite_url) as waiting:
        await waiting.take_in(*(arf(f"198.51.100.{last}") for last in (7, 8, 10, 70)))
        async with (
            served(application(waiting.house)) as url,
            chromium() as browser,
            screen(browser, url, **WIDE) as seen,
        ):
            tab = seen.tab
            await tab.goto(f"{url}/queue")
            await tab.keyboard.press("j")
            first = await tab.evaluate("document.activeElement.getAttribute('href')")
            assert first != await tab.locator("[data-row] [aria-current]").get_attribute("href")  # the one in hand
            await tab.keyboard.press("j")
            second = await tab.evaluate("document.activeElement.getAttribute('href')")
            assert first.startswith("/queue/")
            assert second.startswith("/queue/")
            assert first != second
            await tab.keyboard.press("k")
            assert await tab.evaluate("document.activeElement.getAttribute('href')") == first

            await tab.keyboard.press("?")
            assert await tab.get_by_role("dialog").is_visible()
            assert await tab.get_by_text("Assign this report").last.is_visible()
            await tab.keyboard.press("Escape")
            assert not await tab.get_by_role("dialog").is_visible()

            await waiting.take_in(arf("198.51.100.9"))
            await tab.get_by_role("link", name="198.51.100.9").wait_for()
            await tab.get_by_text("4 waiting").wait_for()

            await tab.keyboard.press("Enter")
            await tab.wait_for_url("**/queue/*")
            await tab.get_by_label("Alder Hosting").check()
            await tab.get_by_role("heading").first.click()
            async with tab.expect_navigation():
                await tab.keyboard.press("a")
            assert "was placed with alder" in await tab.get_by_role("status").inner_text()

            await tab.keyboard.press("/")
            await tab.keyboard.type("198.51.100.70")
            await tab.keyboard.press("Enter")
            await tab.wait_for_url("**/case/AG-2026-*")
            assert not seen.complaints
            assert not seen.strangers

"""An analyst's day at the console with the keyboard alone, with and without script: whatever is done by mouse is
reached by Tab and done by Enter."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.web.app import application
from servers.browsing import WIDE, chromium, screen
from servers.waiting import arf, served, waiting_house, way_in

pytestmark = pytest.mark.needs("chromium")

FOCUSED = """() => { const e = document.activeElement;
  return [e.tagName, e.innerText || '', e.getAttribute('aria-label') || '', e.name || '',
    e.labels && e.labels.length ? e.labels[0].innerText : ''].join(' ').trim(); }"""


async def reach(tab: Any, what: str, kind: str = "") -> None:
    """Tab until the focus is on something that says `what`, a button, link, summary or field of this `kind`."""
    seen = []
    for _ in range(150):
        await tab.keyboard.press("Tab")
        said = await tab.evaluate(FOCUSED)
        if what in said and said.startswith(kind):
            return
        seen.append(said.replace("\n", " ")[:40])
    raise AssertionError(f"Tab never reaches {kind} {what!r}; it reaches {seen}")


async def follow(tab: Any, what: str, kind: str = "A") -> None:
    await reach(tab, what, kind)
    async with tab.expect_navigation():
        await tab.keyboard.press("Enter")


async def test_the_whole_day_with_the_keyboard_alone(tmp_path, sqlite_url):
    async with waiting_house(tmp_path, sqlite_url) as waiting:
        await waiting.take_in(*(arf(f"198.51.100.{last}") for last in (7, 9, 70, 71)))
        async with served(application(waiting.house)) as url, chromium() as browser:
            for scripts, entry in ((True, "198.51.100.7"), (False, "198.51.100.9")):
                way = await way_in(waiting.house)
                async with screen(browser, url, java_script_enabled=scripts, **WIDE) as seen:
                    await seen.tab.goto(url + way)
                    await a_day(seen.tab, url, entry)
                    assert seen.complaints == []
                    assert seen.strangers == set()


async def a_day(tab: Any, url: str, entry: str) -> None:
    await tab.goto(url)
    await follow(tab, "Queue")
    await follow(tab, entry)
    await reach(tab, "Alder Hosting", "INPUT")
    await tab.keyboard.press("Space")
    await follow(tab, "Assign this report", "BUTTON")
    assert f"{entry} was placed with alder" in await tab.get_by_role("status").inner_text()

    await follow(tab, "Cases")
    await follow(tab, "AG-2026-000001")
    await reach(tab, "Note", "SUMMARY")
    await tab.keyboard.press("Enter")
    await reach(tab, "", "TEXTAREA")
    await tab.keyboard.type(f"looked at {entry}")
    await follow(tab, "Keep the note", "BUTTON")
    assert f"looked at {entry}" in await tab.locator("main").inner_text()

    await follow(tab, "Customers")
    await follow(tab, "Alder Hosting")
    assert "Addresses over time" in await tab.locator("main").inner_text()
    await reach(tab, "The same as a table", "SUMMARY")
    await tab.keyboard.press("Enter")
    assert await tab.get_by_role("cell", name="still held").count() <= 1
    await follow(tab, "Statistics")
    await follow(tab, "7 days")
    assert "Reports per day, by kind" in await tab.locator("main").inner_text()
    await follow(tab, "Audit")
    assert f"looked at {entry}" in await tab.locator("main").inner_text()
    await follow(tab, "Sign out", "BUTTON")
    assert await tab.get_by_label("Password").is_visible()

"""Every page in a real browser, those of staff and those without an account: nothing is out of reach of people with a
screen reader (axe, WCAG 2.2 AA), nothing is wider than a phone, no hostile mail runs a script, asks another machine or
breaks a page; and no Chinese page is half English."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway import pages, pipeline, queue
from gateway.web.app import application
from gateway.web.console import RAIL
from servers.browsing import AXE, PHONE, WIDE, Screen, addresses, chromium, screen
from servers.chinese import english_left
from servers.outside_pages import ANN, SETTINGS, outside_pages
from servers.proxy import counting_proxy
from servers.seeded import seed, settings
from servers.waiting import COOKIE, TOKEN, Waiting, served, waiting_house

pytestmark = pytest.mark.needs("chromium")

FIXTURES = Path(__file__).parents[2] / "fixtures" / "_hostile"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ON_A_PHONE = ["color-contrast", "target-size"]  # the others do not depend on the screen
HEADINGS = "[...document.querySelectorAll('h1')].filter(one => one.checkVisibility()).length"
TABS = ("facts", "findings", "trace", "headers", "text", "source")


class Looker:
    """Goes from page to page in one tab, and notes what is wrong with each."""

    def __init__(self, seen: Screen, rules: list[str], wrong: dict[str, list[str]]) -> None:
        from axe_playwright_python.async_playwright import Axe  # noqa: PLC0415  (only where it is installed)

        self.axe, self.seen, self.rules, self.wrong = Axe("0"), seen, rules, wrong  # its script is there already

    async def look(self, at: str, status: int = 200) -> None:
        tab = self.seen.tab
        answer = await tab.goto(self.seen.url + at)
        assert answer.status == status, at
        result = await self.axe.run(tab, options={"runOnly": self.rules, "resultTypes": ["violations"]})
        said = [f"{one['id']}: {[str(n['target']) for n in one['nodes'][:3]]}" for one in result.response["violations"]]
        if await tab.evaluate("document.documentElement.scrollWidth > innerWidth"):
            said.append("wider than the screen")
        if (headings := await tab.evaluate(HEADINGS)) != 1:
            said.append(f"main headings that are seen: {headings}")
        if said:
            self.wrong[f"{at} ({self.rules[0]})"] = said


async def test_axe_finds_nothing_on_any_page_and_no_page_is_half_english(tmp_path, sqlite_url):
    async with waiting_house(tmp_path, sqlite_url, **settings() | SETTINGS) as waiting:
        await seed(waiting, tmp_path, days=6)
        outside = await outside_pages(waiting)
        async with served(application(waiting.house)) as url, chromium() as browser:
            found = await addresses(url)
            assert {path for path, _ in RAIL if path != "/legal"} <= set(found)  # the lane is for named staff
            wrong: dict[str, list[str]] = {}
            for kind, scheme, rules in ((WIDE, "light", TAGS), (PHONE, "dark", ON_A_PHONE)):
                async with screen(browser, url, script=AXE, color_scheme=scheme, **kind) as seen:
                    looker = Looker(seen, rules, wrong)
                    for at in found.values():
                        await looker.look(at)
                    await looker.look("/case/AG-2026-999999", 404)
                async with screen(browser, url, signed_in=False, script=AXE, color_scheme=scheme, **kind) as stranger:
                    looker = Looker(stranger, rules, wrong)
                    for path, status in outside.values():
                        await looker.look(path, status)
                said = said_by(seen) + said_by(stranger)
                wrong |= {f"the browser ({scheme})": said for _ in said}
                assert seen.strangers | stranger.strangers == set()
            assert wrong == {}
            await no_page_is_half_english(url, [*found.values(), "/nothing"], outside)


async def test_axe_finds_nothing_on_the_pages_of_a_house_in_which_nothing_happened_yet(tmp_path, sqlite_url):
    async with (
        waiting_house(tmp_path, sqlite_url, **settings()) as waiting,
        served(application(waiting.house)) as url,
        chromium() as browser,
        screen(browser, url, script=AXE, **WIDE) as seen,
    ):
        wrong: dict[str, list[str]] = {}
        looker = Looker(seen, TAGS, wrong)
        for path, _ in RAIL:
            await looker.look(path)
        assert said_by(seen) == []
    assert wrong == {}


async def no_page_is_half_english(url: str, staff: list[str], outside: dict[str, tuple[str, int]]) -> None:
    left: dict[str, list[str]] = {}
    async with httpx.AsyncClient(
        verify=False, timeout=60, base_url=url, headers={"accept-language": "zh-CN,en;q=0.5"}
    ) as client:
        for path, _ in outside.values():
            left[path] = english_left((await client.get(f"{path}?lang=zh")).text)
        client.cookies.set(COOKIE, TOKEN)
        for at in staff:
            text = (await client.get(at)).text
            left[at] = english_left(text)
            assert not re.search(r"/portal/case/[a-z0-9-]{20,}", text), at  # the customer's own way in
    assert {at: words for at, words in left.items() if words} == {}


async def test_no_hostile_mail_runs_a_script_asks_for_anything_or_breaks_a_page(tmp_path, sqlite_url):
    fixtures = sorted(FIXTURES.glob("*.eml"))
    sections = settings() | SETTINGS
    sections["portal"] = sections["portal"] | {"form_network_hourly": 1000, "form_address_hourly": 1000}
    async with waiting_house(tmp_path, sqlite_url, **sections) as waiting, counting_proxy() as proxy:
        await seed(waiting, tmp_path, days=2)
        await waiting.take_in(*(path.read_bytes() for path in fixtures))
        await placed(waiting)
        async with served(application(waiting.house)) as url, chromium(proxy=proxy.setting) as browser:
            views = await views_of_staff(waiting)
            outside = [path for path, status in (await outside_pages(waiting)).values() if status == 200]
            outside += await by_the_form(waiting, url, fixtures)
            for scripts in (True, False):
                async with screen(browser, url, java_script_enabled=scripts, **WIDE) as seen:
                    for at in views if scripts else views[:: len(views) // 25]:
                        await whole(seen, at)
                    for path in fixtures if scripts else ():
                        await in_the_lab(seen, path)
                    assert said_by(seen) == []
                async with screen(browser, url, signed_in=False, java_script_enabled=scripts, **PHONE) as stranger:
                    for at in outside:
                        await whole(stranger, at)
                    assert said_by(stranger) == []
                assert seen.strangers | stranger.strangers == set()
        assert proxy.asked == []


def said_by(seen: Screen) -> list[str]:
    """What the browser complains of, but for pages that are meant not to be there."""
    return [one for one in seen.complaints if not one.startswith("Failed to load")]


async def placed(waiting: Waiting) -> None:
    """Staff give every report that waits to a customer, who is told of each: what they hold reaches the portal."""
    rows = await waiting.ask("SELECT id FROM attributions WHERE queue = 'waiting' ORDER BY id")
    for number, (entry,) in enumerate(rows):
        if number % 4:  # some stay in the queue
            try:
                await queue.assign(waiting.house, entry, "birch", "ann", f"198.51.100.{64 + number % 60}")
            except queue.QueueError:
                continue
    await pipeline.drain(waiting.house)


async def views_of_staff(waiting: Waiting) -> list[str]:
    """Every page on which something of a message can stand, for each message."""
    found = [path for path, _ in RAIL]
    for question, view in (
        ("SELECT id FROM messages ORDER BY id", "/message/{}"),
        ("SELECT id FROM attributions WHERE queue IS NOT NULL ORDER BY id", "/queue/{}"),
        ("SELECT id FROM legal_matters ORDER BY id", "/legal/{}"),
    ):
        found += [view.format(number) for (number,) in await waiting.ask(question)]
    shown = await waiting.ask(
        "SELECT DISTINCT k.case_id, a.report_id FROM attributions a JOIN clocks k ON k.id = a.clock_id ORDER BY 1, 2"
    )
    found += [f"/case/{case:d}?report={report}&tab={tab}" for case, report in shown for tab in TABS]
    return found


async def whole(seen: Screen, at: str) -> None:
    answer: Any = await seen.tab.goto(seen.url + at)
    assert answer.status in {200, 404}, at
    assert await seen.tab.locator("main").count() == 1, at


async def in_the_lab(seen: Screen, path: Path) -> None:
    await seen.tab.goto(seen.url + "/lab")
    await seen.tab.set_input_files("input[type=file]", path)
    async with seen.tab.expect_navigation() as went:
        await seen.tab.locator("main form button").first.click()
    assert (await went.value).status == 200, path.name
    assert await seen.tab.locator("main h1").count() == 1, path.name
    assert await seen.tab.locator("main .head h2").count() == 1, path.name


async def by_the_form(waiting: Waiting, url: str, fixtures: list[Path]) -> list[str]:
    """Each fixture sent on the public form and confirmed; returns the pages that tell what became of it."""
    async with httpx.AsyncClient(verify=False, timeout=60, base_url=url) as client:
        for path in fixtures:
            form = {"email": ANN, "kind": "spam", "words": path.name}
            answer = await client.post("/report", data=form, files={"mail": (path.name, path.read_bytes())})
            assert answer.status_code in {303, 422}, path.name
    sent = await waiting.ask("SELECT id FROM messages WHERE written_by IS NOT NULL ORDER BY id")
    now = waiting.house.clock()
    links = [pages.confirmation(waiting.house, number, ANN, now) for (number,) in sent]
    return [re.sub(r"^https://[^/]+", "", str(link)) for link in links]

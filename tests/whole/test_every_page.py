"""Every page of the console in a real browser: nothing is out of reach of people with a screen reader (axe, WCAG 2.2
AA), nothing is wider than a phone, no hostile mail runs a script, asks another machine or breaks a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.web.app import application
from gateway.web.console import RAIL
from servers.browsing import PHONE, WIDE, addresses, chromium, screen
from servers.proxy import counting_proxy
from servers.seeded import seed, settings
from servers.waiting import served, waiting_house

pytestmark = pytest.mark.needs("chromium")

FIXTURES = Path(__file__).parents[2] / "fixtures" / "_hostile"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def told(found: dict) -> list[str]:
    return [
        f"{one['id']}: {', '.join(str(node['target']) for node in one['nodes'][:3])}" for one in found["violations"]
    ]


async def test_axe_finds_nothing_on_any_page(tmp_path, sqlite_url):
    from axe_playwright_python.async_playwright import Axe  # noqa: PLC0415  (only where it is installed)

    axe = Axe()
    async with waiting_house(tmp_path, sqlite_url, **settings()) as waiting:
        await seed(waiting, tmp_path, days=12)
        async with served(application(waiting.house)) as url, chromium() as browser:
            pages = await addresses(url)
            assert {path for path, _ in RAIL if path != "/legal"} <= set(pages)  # the lane is for named staff
            wrong: dict[str, list[str]] = {}
            for kind, scheme, rules in ((WIDE, "light", TAGS), (PHONE, "dark", ["color-contrast"])):
                async with screen(browser, url, color_scheme=scheme, **kind) as seen:
                    for at in pages.values():
                        answer = await seen.tab.goto(url + at)
                        assert answer.status == 200, at
                        result = await axe.run(seen.tab, options={"runOnly": rules})
                        wrong |= {f"{at} ({scheme})": said for said in [told(result.response)] if said}
                        if await seen.tab.evaluate("document.documentElement.scrollWidth > innerWidth"):
                            wrong.setdefault(f"{at} ({scheme})", []).append("wider than the screen")
                    wrong |= {f"the browser ({scheme})": seen.complaints for _ in seen.complaints}
                    assert seen.strangers == set()
            assert wrong == {}


async def test_no_hostile_mail_runs_a_script_asks_for_anything_or_breaks_a_page(tmp_path, sqlite_url):
    mails = [path.read_bytes() for path in sorted(FIXTURES.glob("*.eml"))]
    async with waiting_house(tmp_path, sqlite_url, **settings()) as waiting, counting_proxy() as proxy:
        await seed(waiting, tmp_path, days=2)
        await waiting.take_in(*mails)
        async with served(application(waiting.house)) as url, chromium(proxy=proxy.setting) as browser:
            for scripts in (True, False):
                async with screen(browser, url, java_script_enabled=scripts, **WIDE) as seen:
                    await seen.tab.goto(url + "/queue")
                    ahead = [*(await links(seen.tab)), *(path for path, _ in RAIL)] if scripts else [p for p, _ in RAIL]
                    opened: set[str] = set()
                    while ahead and len(opened) < 150:
                        at = ahead.pop(0)
                        if at in opened or downloads(at):
                            continue
                        opened.add(at)
                        answer = await seen.tab.goto(url + at)
                        assert answer.status == 200, at
                        assert await seen.tab.evaluate("document.querySelectorAll('main').length") == 1, at
                        ahead += [link for link in await links(seen.tab) if same_kind(link, opened) < 45]
                    assert seen.complaints == []
                    assert seen.strangers == set()
                    assert len(opened) > (60 if scripts else 10)
                    for path in sorted(FIXTURES.glob("*.eml")) if scripts else ():
                        await seen.tab.goto(url + "/lab")
                        await seen.tab.set_input_files("input[type=file]", path)
                        async with seen.tab.expect_navigation() as went:
                            await seen.tab.locator("main form button").first.click()
                        assert (await went.value).status == 200, path.name
                        assert await seen.tab.locator("main h1").count() == 2, path.name
                    assert seen.complaints == []
        assert proxy.asked == []


async def links(tab) -> list[str]:
    return await tab.evaluate(
        "[...document.querySelectorAll('a[href^=\"/\"]')].map(a => a.getAttribute('href').split('#')[0])"
    )


def downloads(at: str) -> bool:
    place = at.partition("?")[0]
    return place.endswith((".csv", "/mail", "/source")) or place.startswith("/static/") or "/evidence" in place


def same_kind(at: str, opened: set[str]) -> int:
    """How many pages of the same first folder were opened."""
    return sum(other.split("/")[1].partition("?")[0] == at.split("/")[1].partition("?")[0] for other in opened)

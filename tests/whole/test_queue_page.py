"""The queue page in a real browser: a day's work done with mouse and keyboard, in light, dark and on a phone."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.web.app import application
from servers.browsing import chromium
from servers.waiting import COOKIE, TOKEN, arf, served, waiting_house

pytestmark = pytest.mark.needs("chromium")

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
WIDE = {"viewport": {"width": 1360, "height": 900}}
HOSTILE = "<script>alert(1)</script> <img src=https://tracker.example/x.png> \u202e gpj.exe"
MAILS = (
    *(arf("198.51.100.7", subject="An offer you did not ask for") for _ in range(3)),
    *(arf(f"198.51.100.{n}") for n in range(20, 29)),
    arf("192.0.2.8", subject="Your parcel is waiting"),
    arf("203.0.113.9", subject=HOSTILE, text=f"They wrote to me again.\n{HOSTILE}", extra="Delivery-Result: spam"),
    arf("203.0.113.9"),
    arf(None, None),
)


@dataclass
class Seen:
    """A browser's page, what it complained about and where it went."""

    page: Any
    url: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def picture(self, name: str) -> Path | None:
        """Where a picture goes, when somebody wants to look at them."""
        folder = os.environ.get("QUEUE_PICTURES")
        return Path(folder) / f"{name}.png" if folder else None

    async def look(self, name: str) -> None:
        path = self.picture(name)
        if path:
            await self.page.screenshot(path=path, full_page=True)

    def was_clean(self, *expected: str) -> bool:
        assert self.complaints == list(expected)
        assert self.requests
        assert {urlsplit(url).hostname for url in self.requests} == {"127.0.0.1"}
        return True


@pytest.fixture
async def queue_url(tmp_path, sqlite_url) -> AsyncIterator[str]:
    async with waiting_house(tmp_path, sqlite_url) as waiting:
        await waiting.take_in(*MAILS)
        async with served(application(waiting.house)) as url:
            yield url


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    async with chromium() as running:
        yield running


@contextlib.asynccontextmanager
async def opened(browser: Any, url: str, **screen: Any) -> AsyncIterator[Seen]:
    """The page of somebody who is signed in, on a screen of its own."""
    context = await browser.new_context(**screen)
    seen = Seen(await context.new_page(), url)
    seen.page.on("console", lambda said: seen.complaints.append(said.text))
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.on("dialog", lambda dialog: seen.complaints.append(f"a dialog: {dialog.message}"))
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    await context.add_cookies([{"name": COOKIE, "value": TOKEN, "url": url}])
    await seen.page.goto(f"{url}/queue")
    yield seen
    await context.close()


async def test_a_day_at_the_queue(browser, queue_url):
    async with opened(browser, queue_url, **WIDE) as seen:
        tab = seen.page
        assert await tab.get_by_text("16 waiting").is_visible()
        await seen.look("light")
        await tab.emulate_media(media="print")
        await seen.look("print")
        await tab.emulate_media(media="screen")

        await tab.get_by_role("link", name="198.51.100.7").click()
        await tab.get_by_label("Alder Hosting").check()
        await tab.get_by_role("button", name="Assign this report").click()
        assert "was placed with alder in case AG-2026-000001" in await tab.get_by_role("status").inner_text()
        assert await tab.get_by_text("15 waiting").is_visible()
        await seen.look("assigned")

        await tab.get_by_role("link", name="198.51.100.20").click()
        await tab.get_by_label("Another customer").fill("birch")
        await tab.get_by_label("Resource", exact=True).fill("198.51.100.0/26")
        await tab.get_by_label("Held from").fill("soon")
        await tab.get_by_role("button", name="Preview rule").click()
        assert "is no time" in await tab.get_by_role("alert").inner_text()
        await seen.look("mistake")
        await tab.get_by_label("Held from").fill("2026-11-03")
        await tab.get_by_role("button", name="Preview rule").click()
        assert await tab.get_by_text("waiting reports that are placed: 11").is_visible()
        await seen.look("preview")
        await tab.get_by_role("button", name="Make the rule and place 11").click()
        assert "11 reports were placed with birch" in await tab.get_by_role("status").inner_text()

        await tab.get_by_role("link", name="203.0.113.9").click()
        assert await tab.get_by_text(re.compile(r"<script>alert\(1\)</script>")).first.is_visible()
        await tab.get_by_label("Because").fill("not ours")
        await tab.get_by_label("all 2 like this").check()
        await tab.get_by_role("button", name="Reject").click()
        assert "were rejected" in await tab.get_by_role("status").inner_text()
        assert await tab.get_by_text("2 waiting").is_visible()
        # the browser says so of every mistake that is told with its status
        mistake = "Failed to load resource: the server responded with a status of 422 (Unprocessable Entity)"
        assert seen.was_clean(mistake)


async def test_the_mail_is_downloaded_not_opened(browser, queue_url):
    async with opened(browser, queue_url, **WIDE) as seen:
        await seen.page.get_by_role("link", name="203.0.113.9").click()
        async with seen.page.expect_download() as saved:
            await seen.page.get_by_role("link", name="Download the mail as it came").click()
        assert re.fullmatch(r"arfgate-entry-\d+\.eml", (await saved.value).suggested_filename)
        assert seen.was_clean()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_on_a_phone_list_and_entry_are_pages_of_their_own(browser, queue_url, scheme):
    async with opened(browser, queue_url, color_scheme=scheme, **PHONE) as seen:
        tab = seen.page
        await seen.look(f"phone-list-{scheme}")
        assert not await tab.get_by_role("button", name="Reject").is_visible()
        await tab.get_by_role("link", name="198.51.100.7").click()
        assert not await tab.get_by_role("link", name="203.0.113.9").is_visible()
        assert await tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await seen.look(f"phone-entry-{scheme}")
        await tab.get_by_role("link", name="‹ All that waits").click()
        assert await tab.get_by_role("link", name="203.0.113.9").is_visible()
        assert seen.was_clean()


async def test_dark_and_light_are_equals_in_contrast(browser, queue_url):
    papers = {}
    for scheme in ("light", "dark"):
        async with opened(browser, queue_url, color_scheme=scheme, **WIDE) as seen:
            await seen.page.get_by_role("link", name="203.0.113.9").click()
            await seen.look(f"entry-{scheme}")
            faint = await seen.page.evaluate(TOO_FAINT)
            assert not faint
            papers[scheme] = await seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert seen.was_clean()
    assert papers["light"] != papers["dark"]


# Text whose contrast with what lies behind it is below 4.5 to 1 (WCAG 2.2, 1.4.3 AA).
TOO_FAINT = """() => {
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const part = v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const light = c => 0.2126 * part(c[0]) + 0.7152 * part(c[1]) + 0.0722 * part(c[2]);
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const e of document.body.querySelectorAll('*')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const a = light(parse(getComputedStyle(e).color)), b = light(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(e.tagName + ' ' + e.className + ' ' + ratio.toFixed(2));
  }
  return found;
}"""


async def test_without_an_account_a_browser_is_asked_to_sign_in(browser, queue_url):
    context = await browser.new_context(**WIDE)
    tab = await context.new_page()
    answer = await tab.goto(f"{queue_url}/")
    assert answer.status == 403
    assert await tab.get_by_label("Password").is_visible()
    folder = os.environ.get("QUEUE_PICTURES")
    if folder:
        await tab.screenshot(path=Path(folder) / "closed.png")
    await context.close()

"""A real browser over the console: started once, a screen for each visit, and what it complained about or asked for.

Also finds an address for each page of the table by walking the links, so that a page that is added is visited too.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx

from gateway.web.app import PLACES
from gateway.web.console import RAIL
from servers.waiting import COOKIE, TOKEN

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    # Nobody looks, and pages are not gone back to: a sixth of what a page costs.
    "--in-process-gpu", "--disable-software-rasterizer", "--disable-gpu-compositing", "--disable-smooth-scrolling",
    "--disable-extensions", "--mute-audio", "--disable-features=BackForwardCache,PaintHolding,Translate,MediaRouter",
]  # fmt: skip
# The browser without its windows first: the same engine, and a third less work for each page.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser")
WIDE = {"viewport": {"width": 1360, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}}
AXE = Path(str(files("axe_playwright_python"))) / "axe.min.js"  # given with each page, not sent again for each look
_LINK = re.compile(r'href="(/[^"#]*)')
_DOWNLOADS = ("/mail", ".csv", "/download", "/export", "/evidence", "/raw")


@dataclass
class Screen:
    """A tab, what it complained about, where it went."""

    tab: Any
    url: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def strangers(self) -> set[str]:
        """Hosts that were asked and are not ours."""
        return {str(urlsplit(url).hostname) for url in self.requests if urlsplit(url).scheme != "data"} - {"127.0.0.1"}


@contextlib.asynccontextmanager
async def chromium(**more: Any) -> AsyncIterator[Any]:
    from playwright.async_api import async_playwright  # noqa: PLC0415  (only where it is installed)

    program = next(found for name in PROGRAMS if (found := shutil.which(name)))
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=program, headless=True, args=FLAGS, **more)
        yield running
        await running.close()


@contextlib.asynccontextmanager
async def screen(
    browser: Any, url: str, *, signed_in: bool = True, script: Path | None = None, **kind: Any
) -> AsyncIterator[Screen]:
    """A tab of its own, with a script that every page finds there."""
    context = await browser.new_context(**kind)
    if script:
        await context.add_init_script(path=script)
    if signed_in:
        await context.add_cookies([{"name": COOKIE, "value": TOKEN, "url": url}])
    made = Screen(await context.new_page(), url)
    made.tab.on(
        "console", lambda said: made.complaints.append(said.text) if said.type in {"error", "warning"} else None
    )
    made.tab.on("pageerror", lambda error: made.complaints.append(str(error)))
    made.tab.on("dialog", lambda dialog: made.complaints.append(f"a dialog: {dialog.message}"))
    made.tab.on("request", lambda request: made.requests.append(request.url))
    yield made
    await context.close()


async def addresses(url: str, more: Iterable[str] = (), most: int = 400) -> dict[str, str]:
    """{path of the table: an address of it} for each page of staff that a link leads to; downloads are left out."""
    wanted = {place.path: _pattern(place.path) for place in PLACES if place.method == "GET" and place.role is not None}
    found: dict[str, str] = {}
    seen: set[str] = set()
    async with httpx.AsyncClient(verify=False, timeout=60, base_url=url) as client:
        client.cookies.set(COOKIE, TOKEN)
        ahead = [*(path for path, _ in RAIL), *more]
        while ahead and len(seen) < most:
            address = ahead.pop(0)
            path = address.partition("?")[0]
            if path in seen or path.endswith(_DOWNLOADS):
                continue
            seen.add(path)
            place = next((p for p, pattern in wanted.items() if pattern.fullmatch(path)), None)
            if place is None or (place in found and "{" in place):
                continue
            answer = await client.get(address)
            if answer.status_code != httpx.codes.OK or "text/html" not in answer.headers.get("content-type", ""):
                continue
            found.setdefault(place, address)
            ahead += [link.replace("&amp;", "&") for link in _LINK.findall(answer.text) if "/static/" not in link]
    return found


def name_of(path: str) -> str:
    """A file name for a page: `/case/{number}` is `case-number`."""
    return re.sub(r"[^a-z0-9]+", "-", unquote(path).lower()).strip("-") or "home"


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)(:path)?\\\}", lambda m: ".+" if m[2] else "[^/]+", re.escape(path)))

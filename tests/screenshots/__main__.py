"""`make screenshots`: every page, of staff and without an account, on a wide screen and a phone, light and dark, into a
folder.

python tests/screenshots [--only PART] [--language zh] [--half] [FOLDER]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gateway import logs
from gateway.web.app import application
from servers.browsing import PHONE, WIDE, Screen, addresses, chromium, name_of, screen
from servers.outside_pages import SETTINGS, outside_pages
from servers.seeded import seed, settings
from servers.waiting import served, waiting_house

SIZES = {"wide": WIDE, "phone": PHONE}
LOOKS = [("wide", "light"), ("phone", "dark"), ("wide", "dark"), ("phone", "light")]
TOO_WIDE = """() => [...document.querySelectorAll('main *')]
  .filter(e => e.getBoundingClientRect().right > innerWidth && !e.closest('.strip'))
  .slice(0, 4).map(e => e.tagName + '.' + (e.getAttribute('class') || ''))"""


async def take(folder: Path, only: str, languages: list[str], looks: list[tuple[str, str]]) -> int:
    """Writes the pictures, in each language and on each (size, scheme); returns how many."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = 0
    with tempfile.TemporaryDirectory() as place:
        url = f"sqlite+aiosqlite:///{place}/arfgate.db"
        async with waiting_house(Path(place), url, **settings() | SETTINGS) as waiting:
            await seed(waiting, Path(place))
            outside = {f"outside-{name}": path for name, (path, _) in (await outside_pages(waiting)).items()}
            async with served(application(waiting.house)) as url, chromium() as browser:
                inside = {name_of(path): at for path, at in (await addresses(url)).items()} | {"no-page": "/nothing"}
                for language, (size, scheme) in product(languages, looks):
                    how = {"color_scheme": scheme, "locale": language, **SIZES[size]}
                    for pages, signed_in in ((inside, True), (outside, False)):
                        async with screen(browser, url, signed_in=signed_in, **how) as seen:
                            for name, at in pages.items():
                                if only in name:
                                    await picture(seen, at, folder / f"{name}-{size}-{scheme}-{language}.png")
                                    taken += 1
    return taken


async def picture(seen: Screen, at: str, file: Path) -> None:
    """Also says what is wrong with the page."""
    await seen.tab.goto(seen.url + at)
    await seen.tab.screenshot(path=file, full_page=True)
    if await seen.tab.evaluate("document.documentElement.scrollWidth > innerWidth"):
        print(f"{at} is wider than the screen ({file.stem}): {await seen.tab.evaluate(TOO_WIDE)}")
    for said in seen.complaints:
        if not said.startswith("Failed to load resource"):  # there is to be no such page
            print(f"the browser complains ({file.stem}): {said}")
    seen.complaints.clear()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", nargs="?", type=Path, default=Path("screenshots"))
    arguments.add_argument("--only", default="", help="only pages whose name has this in it")
    arguments.add_argument("--language", action="append", help="what the browser asks for: en, zh, ro; may be repeated")
    arguments.add_argument("--half", action="store_true", help="the wide light screen and the dark phone only")
    logs.configure("error", "text")
    chosen = arguments.parse_args()
    looks = LOOKS[: 2 if chosen.half else 4]
    pictures = asyncio.run(take(chosen.folder, chosen.only, chosen.language or ["en"], looks))
    print(f"{pictures} pictures in {chosen.folder}/")

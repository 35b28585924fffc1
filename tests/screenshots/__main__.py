"""`make screenshots`: every page of the console on a wide screen and a phone, light and dark, into a folder.

python tests/screenshots [--only PART] [FOLDER]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gateway import logs
from gateway.web.app import application
from servers.browsing import PHONE, WIDE, addresses, chromium, name_of, screen
from servers.seeded import seed, settings
from servers.waiting import served, waiting_house

TOO_WIDE = """() => [...document.querySelectorAll('main *')]
  .filter(e => e.getBoundingClientRect().right > innerWidth && !e.closest('.strip'))
  .slice(0, 4).map(e => e.tagName + '.' + (e.getAttribute('class') || ''))"""


async def take(folder: Path, only: str) -> int:
    """Writes the pictures; returns how many."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = 0
    with tempfile.TemporaryDirectory() as place:
        async with waiting_house(Path(place), f"sqlite+aiosqlite:///{place}/arfgate.db", **settings()) as waiting:
            await seed(waiting, Path(place))
            async with served(application(waiting.house)) as url, chromium() as browser:
                pages = {path: at for path, at in (await addresses(url)).items() if only in path}
                for size, kind in (("wide", WIDE), ("phone", PHONE)):
                    for scheme in ("light", "dark"):
                        async with screen(browser, url, color_scheme=scheme, **kind) as seen:
                            for path, at in pages.items():
                                await seen.tab.goto(url + at)
                                name = folder / f"{name_of(path)}-{size}-{scheme}.png"
                                await seen.tab.screenshot(path=name, full_page=True)
                                taken += 1
                                if await seen.tab.evaluate("document.documentElement.scrollWidth > innerWidth"):
                                    wide = await seen.tab.evaluate(TOO_WIDE)
                                    print(f"{at} is wider than the screen ({size}, {scheme}): {wide}")
                            for said in seen.complaints:
                                print(f"the browser complains ({size}, {scheme}): {said}")
    return taken


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", nargs="?", type=Path, default=Path("screenshots"))
    arguments.add_argument("--only", default="", help="only pages whose path has this in it")
    logs.configure("error", "text")
    chosen = arguments.parse_args()
    print(f"{asyncio.run(take(chosen.folder, chosen.only))} pictures in {chosen.folder}/")

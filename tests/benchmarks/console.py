"""The pages of the console over a million cases, as ratios to an empty database; and the slowest of each in milliseconds.

    python tests/benchmarks/console.py [--cases N] [--postgresql URL]

Wants the console's pages under 200 ms at a million cases; the statistics of a year may take longer.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


from console_rows import FIRST, fill

from gateway import logs
from gateway.web.app import application
from servers.waiting import COOKIE, TOKEN, arf, served, waiting_house

ROUNDS = 5


def pages(last: int) -> dict[str, str]:
    """What is timed; `last`: id of the newest case."""
    middle = f"AG-2026-{last // 2:06d}"
    return {
        "cases, first page": "/cases",
        "cases, all": "/cases?all=1",
        "cases, far down": f"/cases?all=1&before={last // 2}",
        "cases of a class": "/cases?class=mail",
        "search by address": "/cases?q=10.1.2.3",
        "one case": f"/case/{middle}",
        "queue": "/queue",
        "customers": "/customers",
        "customers, found by address": "/customers?q=10.1.2.3",
        "one customer": "/customers/c000500",
        "reporters": "/reporters",
        "audit": "/audit",
        "audit of one person": "/audit?who=mara",
        "audit of a day": "/audit?since=2026-03-01&until=2026-03-01",
        "statistics, 30 days": "/statistics?days=30",
        "statistics, a year": "/statistics?days=365",
    }


async def timed(url: str, last: int) -> dict[str, tuple[float, float, int]]:
    """{page: (median, slowest in seconds, status)}."""
    found = {}
    async with httpx.AsyncClient(base_url=url, cookies={COOKIE: TOKEN}, timeout=120) as client:
        for name, path in pages(last).items():
            took, answer = [], None
            for _ in range(ROUNDS):
                began = time.perf_counter()
                answer = await client.get(path)
                took.append(time.perf_counter() - began)
            assert answer is not None
            found[name] = (median(took[1:]), max(took[1:]), answer.status_code)
    return found


async def measure(url: str | None, many: int) -> dict[str, tuple[float, float, int]]:
    with tempfile.TemporaryDirectory() as folder:
        async with waiting_house(Path(folder), url or f"sqlite+aiosqlite:///{folder}/arfgate.db") as waiting:
            await waiting.take_in(arf("198.51.100.70"), arf("203.0.113.9"))
            began = time.perf_counter()
            if many:
                await fill(waiting.house, many)
                print(f"  {many} cases in {time.perf_counter() - began:.0f} s")
            async with served(application(waiting.house)) as address:
                return await timed(address, many + FIRST if many else 1)


async def main(many: int, url: str | None) -> None:
    empty = await measure(None if url is None else f"{url}_empty", 0)
    full = await measure(url, many)
    print(f"{'page':<30}{'empty':>9}{'full':>9}{'slowest':>9}{'ratio':>8}  status")
    for name, (took, slowest, status) in full.items():
        base = empty[name][0]
        print(
            f"{name:<30}{base * 1000:>7.0f}ms{took * 1000:>7.0f}ms{slowest * 1000:>7.0f}ms{took / base:>8.1f}  {status}"
        )


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cases", type=int, default=1_000_000)
    arguments.add_argument(
        "--postgresql", metavar="URL", help="an empty database; one named URL_empty stands beside it"
    )
    chosen = arguments.parse_args()
    logs.configure("error", "text")
    asyncio.run(main(chosen.cases, chosen.postgresql))

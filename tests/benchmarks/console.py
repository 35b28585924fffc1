"""The pages of the console over a million cases, as ratios to an empty database.

    python tests/benchmarks/console.py [--cases N] [--postgresql URL] [--folder FOLDER]

Both databases of a kind are served at once and asked in turn, so that the ratios are of one run. Beside the time on the
clock stands the processor's, ours and that of a PostgreSQL on this machine: on a busy one only that means anything.
`--folder` keeps what was filled, to be asked again. Wants every page under 200 ms, but for the statistics and the largest
customer of more than a month.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import asyncpg
import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from console_fill import fill
from console_rows import FIRST

from gateway import figures, logs
from gateway.web.app import application
from servers.waiting import COOKIE, STAFF, TOKEN, arf, served, waiting_house

ROUNDS = 5
LIMIT = 0.2  # seconds
LONG = {"statistics, 90 days", "statistics, a year", "the largest, for a year"}  # they may take longer


def pages(many: int) -> dict[str, str]:
    """What is timed. Among so many cases; without any the same addresses find nothing."""
    last, queue = FIRST + many - 1, FIRST + many // 2 * 3 - 1
    number, flood = (f"AG-2026-{one:06d}" for one in (FIRST + many // 2, last))
    states = ("running", "overdue", "answered", "unreachable", "waiting", "resolved", "closed", "dismissed", "merged")
    return {
        "today": "/today",
        "queue": "/queue",
        "one entry": f"/queue/{queue}",
        **{f"held: {tray}": f"/held?tray={tray}" for tray in ("waiting", "rejected", "review", "expired")},
        "junk": "/junk",
        "legal": "/legal",
        "legal, all": "/legal?all=1",
        "cases": "/cases",
        **{f"cases: {state}": f"/cases?state={state}" for state in (*states, "all")},
        "cases, far down": f"/cases?state=all&after=n{last // 2}",
        "cases of a class": "/cases?class=mail",
        "cases of a person": "/cases?assignee=mara",
        "cases that press": "/cases?severity=high",
        "cases of a customer": "/cases?customer=c000500&state=all",
        "cases of the largest": "/cases?customer=c000000&state=all",
        "cases of an address": "/cases?resource=10.0.7.208&state=all",
        "cases, three filters": "/cases?class=mail&assignee=mara&severity=low&state=closed",
        "cases, no such": "/cases?class=content&assignee=mara&state=all",
        "cases, found by a name": "/cases?q=Customer+77",
        "find: case number": f"/find?q={number}",
        "find: address": "/find?q=10.0.7.208",
        "find: address of many": "/find?q=10.0.0.1",
        "find: begin of an address": "/find?q=10.0.",
        "find: host": "/find?q=host77.example",
        "find: customer": "/find?q=Customer+77",
        "find: contact": "/find?q=abuse@c000077.example",
        "find: message": "/find?q=m77@fbl.example",
        "find: waits": "/find?q=12.0.3.3",
        "find: nothing": "/find?q=nothing-of-that-name",
        "one case": f"/case/{number}",
        "one case, of a flood": f"/case/{flood}",
        "approvals": "/approvals",
        "one action": f"/action/{FIRST + many // 20 - 2}",
        "blocks": "/blocks",
        "blocks, all": "/blocks?all=1",
        "blocks, searched": "/blocks?q=13.0.99",
        "outside": "/outside",
        "customers": "/customers",
        "customers, far down": "/customers?after=c000700",
        "customers, found by name": "/customers?q=customer+7",
        "customers, found by address": "/customers?q=11.0.7.8",
        "one customer": "/customers/c000500",
        "the largest customer": "/customers/c000000",
        "the largest, for a year": "/customers/c000000?days=366",
        "reporters": "/reporters",
        "reporters, all": "/reporters?all=1",
        "one reporter": "/reporters/feed:fbl",
        "statistics, 7 days": "/statistics?days=7",
        "statistics, 30 days": "/statistics?days=30",
        "statistics, 90 days": "/statistics?days=90",
        "statistics, a year": "/statistics?days=365",
        "audit": "/audit",
        "audit of one person": "/audit?who=mara",
        "audit of a kind": "/audit?what=alarm",
        "audit of kinds": "/audit?what=clock*",
        "audit of a person and kind": "/audit?who=mara&what=alarm",
        "audit of a day": "/audit?since=2026-03-01&until=2026-03-01",
        "audit of a person and day": "/audit?who=mara&since=2026-03-01&until=2026-03-01",
        "looks": "/audit/looks",
        "looks of one person": "/audit/looks?who=mara",
        "policies": "/policies",
        "settings": "/settings",
    }


@dataclass
class Took:
    """Seconds on the clock and of the processor, of each round but the first."""

    clock: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    status: int = 0


async def timed(urls: tuple[str, str], path: str, pids: list[int]) -> tuple[Took, Took]:
    """A page against the empty database and the full one."""
    found = (Took(), Took())
    for n in range(ROUNDS):
        for url, took in zip(urls, found, strict=True):
            async with httpx.AsyncClient(base_url=url, cookies={COOKIE: TOKEN}, timeout=120) as client:
                began, before = time.perf_counter(), processor(pids)
                took.status = (await client.get(path)).status_code
                if n:
                    took.clock.append(time.perf_counter() - began)
                    took.busy.append(processor(pids) - before)
    return found


def processor(pids: list[int]) -> float:
    """Seconds of the processor so far: of this process, which is server and browser, and of PostgreSQL's for it."""
    with contextlib.suppress(OSError):
        return time.process_time() + sum(
            int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9 for pid in pids
        )
    return time.process_time()


async def backends(url: str | None) -> list[int]:
    """The processes of PostgreSQL that work for us."""
    if url is None:
        return []
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    rows = await connection.fetch(
        "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL"
    )
    await connection.close()
    return [row["pid"] for row in rows]


@contextlib.asynccontextmanager
async def desk(folder: Path, url: str, many: int) -> AsyncIterator[str]:
    """A console over so many cases; one that is there already is used as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / f"filled-{many}"
    if not done.exists():
        async with waiting_house(folder, url) as waiting:
            await waiting.take_in(arf("198.51.100.70"), arf("203.0.113.9"))
        if many:
            began = time.perf_counter()
            await fill(url, many)
            print(f"  {many} cases in {time.perf_counter() - began:.0f} s", flush=True)
            began = time.perf_counter()
            async with waiting_house(folder, url) as waiting:
                days = await figures.recount(waiting.house)  # as the service does by itself, ten every five seconds
            print(f"  {days} parts of days counted in {time.perf_counter() - began:.0f} s", flush=True)
        done.touch()
    lane = {"staff": [f"{STAFF}@isp.example"]}
    async with waiting_house(folder, url, legal=lane) as waiting, served(application(waiting.house)) as address:
        yield address


async def main(many: int, url: str | None, folder: Path, only: str) -> None:
    """Both databases of a kind, one table."""
    kind = "sqlite" if url is None else "postgresql"
    urls = [
        f"{url}{name}" if url else f"sqlite+aiosqlite:///{folder}/{kind}{name}/arfgate.db" for name in ("_empty", "")
    ]
    async with (
        desk(folder / f"{kind}_empty", urls[0], 0) as empty,
        desk(folder / kind, urls[1], many) as full,
    ):
        print(f"{kind:<30}{'empty':>9}{'full':>9}{'ratio':>7}{'slowest':>9}   processor: empty, full, ratio")
        for name, path in pages(many).items():
            if only not in name:
                continue
            await timed((empty, full), path, [])  # so that PostgreSQL's processes are there
            before, after = await timed((empty, full), path, await backends(url))
            low, high = median(before.clock), median(after.clock)
            lazy, busy = median(before.busy), median(after.busy)
            mark = "" if busy < LIMIT or name in LONG else "  over the limit"
            print(
                f"{name:<30}{low * 1000:>7.0f}ms{high * 1000:>7.0f}ms{high / low:>7.1f}{max(after.clock) * 1000:>7.0f}ms"
                f"{lazy * 1000:>12.0f}ms{busy * 1000:>6.0f}ms{busy / lazy:>7.1f}  {after.status}{mark}",
                flush=True,
            )


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cases", type=int, default=1_000_000)
    arguments.add_argument(
        "--postgresql", metavar="URL", help="an empty database of a superuser's; one named URL_empty stands beside it"
    )
    arguments.add_argument("--folder", type=Path, help="what is filled stays there and is used again")
    arguments.add_argument("--only", default="", help="pages with this in their names")
    chosen = arguments.parse_args()
    logs.configure("error", "text")
    with tempfile.TemporaryDirectory() as temporary:
        place = chosen.folder or Path(temporary)
        asyncio.run(main(chosen.cases, chosen.postgresql, place, chosen.only))

"""One tick over 1,000 and over 100,000 open cases with the same number due: the time depends on what is due.

A ratio of one run: two databases beside each other, ticked in turns. `python tests/benchmarks/tick.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the tests' servers

from arena import folder
from sqlalchemy import insert

from gateway import ticker
from gateway.app import opened
from gateway.house import House
from gateway.settings import load
from gateway.store.tables import accounts, cases, clocks, contacts, customers, notices

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DUE = 100  # clocks whose reminder comes in each round
ROUNDS = 7
FEW, MANY = 1_000, 100_000
CHUNK = 5_000
CONFIG = """\
secret_key = "for-tests-only-0123456789-0123456789"
node = "bench"
[operator]
name = "Example Provider"
domain = "isp.example"
address = "abuse@isp.example"
authserv_ids = ["mx.isp.example"]
[database]
url = "sqlite+aiosqlite:///{path}"
[smtp]
host = "127.0.0.1"
security = "none"
[rdap]
enabled = false
[web]
enabled = false
"""


@contextlib.asynccontextmanager
async def house_with(base: Path, count: int, time_now: list[datetime]) -> AsyncIterator[House]:
    """A house with `count` open cases of one clock each; DUE of them come due in each hour from now on."""
    config = base / f"{count}.toml"
    config.write_text(CONFIG.format(path=base / f"{count}.db"), encoding="utf-8")
    config.chmod(0o600)
    async with opened(load(config), clock=lambda: time_now[0]) as house:
        for start in range(0, count, CHUNK):
            await _fill(house, range(start + 1, min(start + CHUNK, count) + 1))
        yield house


async def _fill(house: House, numbers: range) -> None:
    rows: dict[Any, list[dict[str, Any]]] = {
        customers: [],
        accounts: [],
        contacts: [],
        cases: [],
        clocks: [],
        notices: [],
    }
    for n in numbers:
        rows[customers].append({"id": n, "key": f"c{n}", "name": f"Customer {n}", "language": "en", "vetted": False})
        rows[accounts].append({"id": n, "customer_id": n, "name": "main"})
        rows[contacts].append({"customer_id": n, "address": f"abuse@c{n}.example", "position": 0})
        rows[cases].append(
            {
                "id": n, "current": f"{n}/mail", "account_id": n, "cls": "mail", "state": "open", "policy": "default 1",
                "opened_at": NOW, "severity": "normal", "legal_hold": False,
            }
        )  # fmt: skip
        hours = (n - 1) // DUE + 1 if n <= DUE * ROUNDS else 10_000
        rows[clocks].append(
            {
                "id": n, "case_id": n, "kind": "ip", "role": "source", "value": f"198.51.100.{n % 250}",
                "state": "running", "round": 1, "step": 0, "contact": 0, "notified_at": NOW, "answer_used": False,
                "due_at": NOW + (hours + 12) * HOUR, "next_at": NOW + hours * HOUR, "resolution": "", "prevention": "",
            }
        )  # fmt: skip
        rows[notices].append(
            {
                "key": f"start:{n}", "kind": "complaint", "case_id": n, "clock_id": n, "round": 1, "language": "en",
                "to": f"abuse@c{n}.example", "facts": {}, "evidence": None, "state": "sent", "attempts": 1,
                "created_at": NOW, "answer": "250 ok", "settled": True,
            }
        )  # fmt: skip
    async with house.database.writing() as connection:
        for table, values in rows.items():
            await connection.execute(insert(table), values)


async def _run(few: int, many: int) -> tuple[list[float], list[float]]:
    time_now = [NOW]
    spent: dict[int, list[float]] = {few: [], many: []}
    with folder() as base:
        async with house_with(base, few, time_now) as small, house_with(base, many, time_now) as large:
            for number in range(ROUNDS):
                time_now[0] = NOW + (number + 1) * HOUR
                order = [(few, small), (many, large)]
                for count, house in order if number % 2 else order[::-1]:
                    begun = time.perf_counter()
                    moved = await ticker.tick(house)
                    spent[count].append(time.perf_counter() - begun)
                    if moved != DUE:
                        raise SystemExit(f"{moved} clocks of {count} moved where {DUE} were due")
    return spent[few], spent[many]


def main(arguments: list[str] | None = None) -> str:
    """Measure; returns the line for people."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=FEW)
    parser.add_argument("--many", type=int, default=MANY)
    chosen = parser.parse_args(arguments)
    small, large = asyncio.run(_run(chosen.few, chosen.many))
    ratio = statistics.median(b / a for a, b in zip(small, large, strict=True))
    times = f"{statistics.median(small) * 1000:.0f} ms and {statistics.median(large) * 1000:.0f} ms"
    return (
        f"tick, {DUE} due of {chosen.few:,} and of {chosen.many:,} open cases: {times}, ratio {ratio:.2f} "
        f"(rounds {', '.join(f'{b / a:.2f}' for a, b in zip(small, large, strict=True))})"
    )


if __name__ == "__main__":
    print(main())

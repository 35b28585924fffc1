"""Whose address it was, then, on that port: arfgate's index against plain longest-prefix tries, and what it costs.

    python tests/benchmarks/lookups.py [--prefixes 100000] [--million 1000000] [--rounds 5]

pytricia and py-radix are asked for the address alone; arfgate is asked with time and port, over the same prefixes.
Seven of ten prefixes are IPv4 from /16 to /32, nested; the others IPv6 from /32 to /64; eight of ten questions hit. Every
answer is compared. A contender that is not installed is named as not measured.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import random
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network

from sqlalchemy import event

from gateway.attribution.attribute import attribute
from gateway.attribution.hosts import HostIndex
from gateway.attribution.network import Network
from gateway.attribution.packed import WHOLE, Row
from gateway.attribution.prefixes import Found, PrefixIndex
from gateway.holdings import Holdings
from gateway.store.database import Database
from parsers.report import Category, Report

START = datetime(2026, 1, 1, tzinfo=UTC)
AT = datetime(2026, 11, 20, 3, 14, tzinfo=UTC)
PORT = 40_001
QUESTIONS = 50_000
CHANGES = 1_000  # lease changes in one patch: about five minutes of 300,000 a day

Question = Callable[[str], int | None]


def prefixes(count: int, chance: random.Random) -> list[tuple[str, int]]:
    """Distinct (prefix, account), nested as real ones are."""
    found: dict[str, int] = {}
    while len(found) < count:
        number = len(found) + 1
        if chance.random() < 0.7:
            length = chance.choice((16, 20, 22, 24, 24, 26, 28, 29, 30, 32, 32, 32))
            address, bits = (100 << 24) + chance.randrange(1 << 25), 32
        else:
            length = chance.choice((32, 40, 48, 48, 56, 56, 64))
            address, bits = (0x20010DB8 << 96) + chance.randrange(1 << 32) * (1 << 64), 128
        network = ip_network((address >> (bits - length) << (bits - length), length))
        found.setdefault(str(network), number)
    return list(found.items())


def questions(held: Sequence[tuple[str, int]], chance: random.Random) -> list[str]:
    asked = []
    for _ in range(QUESTIONS):
        if chance.random() < 0.8:
            network = ip_network(chance.choice(held)[0])
            asked.append(str(network[chance.randrange(min(network.num_addresses, 1 << 16))]))
        else:
            asked.append(str(ip_address((200 << 24) + chance.randrange(1 << 24))))
    return asked


def rows(held: Sequence[tuple[str, int]]) -> dict[int, list[Row]]:
    """Each with a predecessor that had it until spring: there is a time to ask for."""
    found: dict[int, list[Row]] = {4: [], 6: []}
    before, since = START.timestamp(), (START + timedelta(days=90)).timestamp()
    for prefix, account in held:
        network = ip_network(prefix)
        of = found[network.version]
        first, last = int(network.network_address), int(network.broadcast_address)
        of.append((first, last, *WHOLE, since, float("inf"), account, account, 0))
        if account % 4 == 0:
            of.append((first, last, *WHOLE, before, since, len(held) + account, len(held) + account, 0))
    return found


def contenders(held: Sequence[tuple[str, int]]) -> Iterator[tuple[str, Question]]:
    """Whatever plain trie is installed, filled, split by family as is quickest for each."""
    try:
        pytricia = importlib.import_module("pytricia")
    except ImportError:
        print("  pytricia: not installed, not measured", file=sys.stderr)
    else:
        four, six = pytricia.PyTricia(32), pytricia.PyTricia(128)
        for prefix, account in held:
            (six if ":" in prefix else four)[prefix] = account
        four.freeze()
        six.freeze()
        yield "pytricia", lambda ip: (six if ":" in ip else four).get(ip)
    try:
        radix = importlib.import_module("radix")
    except ImportError:
        print("  py-radix: not installed, not measured", file=sys.stderr)
    else:
        tree = radix.Radix()
        for prefix, account in held:
            tree.add(prefix).data["account"] = account
        best = tree.search_best

        def ask(ip: str) -> int | None:
            node = best(ip)
            return node.data["account"] if node is not None else None

        yield "py-radix", ask


def ours(index: PrefixIndex) -> Question:
    def ask(ip: str) -> int | None:
        found = index.lookup(ip, AT, PORT)
        return found.account_id if isinstance(found, Found) else None

    return ask


def seconds(ask: Question, asked: Sequence[str]) -> float:
    start = time.process_time()
    for ip in asked:
        ask(ip)
    return time.process_time() - start


def compared(count: int, rounds: int) -> str:
    """Look-ups a second against each contender: the median of the rounds' ratios."""
    chance = random.Random(7)
    held = prefixes(count, chance)
    asked = questions(held, chance)
    asks = dict(contenders(held)) | {"arfgate": ours(PrefixIndex.of_rows(rows(held)))}
    for ip in asked:
        answers = {name: ask(ip) for name, ask in asks.items()}
        if len(set(answers.values())) > 1:
            raise SystemExit(f"{ip}: {answers}")
    told = [{name: seconds(asks[name], asked) for name in chance.sample(list(asks), len(asks))} for _ in range(rounds)]
    own = statistics.median(one["arfgate"] for one in told) / len(asked)
    ratios = [
        f"{statistics.median(one[name] / one['arfgate'] for one in told):.2f} of {name}"
        for name in asks
        if name != "arfgate"
    ]
    return f"look-ups with time and port, {count:,} prefixes: {', '.join(ratios)}; {1 / own:,.0f}/s"


def costs(count: int) -> str:
    """Memory, building anew, and patching a thousand changed leases."""
    chance = random.Random(11)
    made = rows(prefixes(count * 4 // 5, chance))
    total = sum(len(some) for some in made.values())
    tracemalloc.start()
    index = PrefixIndex.of_rows({family: list(some) for family, some in made.items()})
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    start = time.process_time()
    index = PrefixIndex.of_rows({family: list(some) for family, some in made.items()})
    built = time.process_time() - start
    change = {4: [(*row[:5], AT.timestamp(), *row[6:]) for row in chance.sample(made[4], CHANGES)]}
    start = time.process_time()
    patched = index.patched(change)
    patch = time.process_time() - start
    start = time.process_time()
    patched.merged()
    merge = time.process_time() - start
    return (
        f"{total:,} assignments: {kept / total:.0f} bytes each ({kept / total / 1.048576:.0f} MiB a million), "
        f"{peak / total:.0f} while building; built in {built:.1f} s, {CHANGES:,} changes patched in "
        f"{patch * 1000:.0f} ms ({built / patch:,.0f} times quicker), merged in {merge:.1f} s"
    )


async def round_trips(count: int) -> str:
    """A batch of reports attributed as the pipeline does it, over a database: how often that is asked, and how quickly."""
    chance = random.Random(13)
    held = prefixes(20_000, chance)
    made = rows(held)
    said: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite+aiosqlite:///{folder}/arfgate.db")
        await database.migrate()
        holdings = Holdings(Network(PrefixIndex(), HostIndex()))
        async with database.reading() as connection:
            await holdings.network(connection)
            holdings._network = replace(holdings._network, prefixes=PrefixIndex.of_rows(made))
            event.listen(connection.engine.sync_engine, "before_cursor_execute", lambda *a: said.append(a[2]))
            batch = [
                Report(None, Category.SPAM, source_ip=ip, arrival_date=AT) for ip in questions(held, chance)[:count]
            ]
            start = time.process_time()
            network = await holdings.network(connection)
            found = sum(attribute(report, AT, network)[0].account_id is not None for report in batch)
            took = time.process_time() - start
        await database.close()
    return f"{count:,} reports attributed ({found:,} placed) in {len(said)} database round trip, {count / took:,.0f}/s"


def main(arguments: Sequence[str] | None = None) -> str:
    parser = argparse.ArgumentParser(description="whose address it was, against plain tries")
    parser.add_argument("--prefixes", type=int, default=100_000)
    parser.add_argument("--million", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args(arguments)
    print("  look-ups ...", file=sys.stderr, flush=True)
    batch = asyncio.run(round_trips(1_000))
    return "\n".join([compared(chosen.prefixes, chosen.rounds), costs(chosen.million), batch])


if __name__ == "__main__":
    print(main())

"""Reading one report: arfgate's parser against the standard library's two policies and against flanker alone.

    python tests/benchmarks/parsing.py [--rounds 7]

Reports of 3, 20 and 200 KB, of regular structure. In each round all contenders read the same mails in random order,
and what they found must be equal. A line is the median of the rounds' ratios. Three rows of arfgate:

    fields  the same values as the others are asked for, and no more
    read    everything that `parse` does but the findings
    parse   the complete `parse()`: format, envelope, trace, resources, provenance, digest of the body, findings
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import readers
import reports

KILOBYTES = (3, 20, 200)
OURS: dict[str, Callable[[bytes], Any]] = {
    "fields": readers.ours,
    "read": readers.without_findings,
    "parse": readers.whole,
}
OTHERS: dict[str, Callable[[bytes], readers.Fields]] = {
    "compat32": readers.compat32,
    "policy.default": readers.default,
    "flanker": readers.flanker,
}


def rounds_of(raws: Sequence[bytes], rounds: int) -> list[dict[str, float]]:
    """Seconds of each contender in each round, interleaved in random order. Raises SystemExit where they differ."""
    everybody = OURS | OTHERS
    for raw in raws:
        right = readers.ours(raw)
        for name, read in OTHERS.items():
            if (found := read(raw)) != right:
                raise SystemExit(f"{name} reads {found}, arfgate {right}")
    for read in everybody.values():  # warm
        for raw in raws:
            read(raw)
    return [
        {name: seconds(everybody[name], raws) for name in random.sample(list(everybody), len(everybody))}
        for _ in range(rounds)
    ]


def seconds(read: Callable[[bytes], Any], raws: Sequence[bytes]) -> float:
    """Of processor time: what else the machine does does not count."""
    start = time.process_time()
    for raw in raws:
        read(raw)
    return time.process_time() - start


def ratio(told: list[dict[str, float]], slow: str, quick: str) -> float:
    return statistics.median(one[slow] / one[quick] for one in told)


def memory(size: int = 20_000_000) -> str:
    """Bytes allocated beside the message while it is read, at the worst moment."""
    raw = reports.report(1, size)
    readers.whole(raw)
    tracemalloc.start()
    readers.whole(raw)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return f"memory of parse, report of {len(raw) / 1e6:.1f} MB: {peak / len(raw):.3f} times the message"


def main(arguments: Sequence[str] | None = None) -> str:
    parser = argparse.ArgumentParser(description="arfgate's parser against others")
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args(arguments).rounds
    lines = []
    cost: dict[tuple[str, int], float] = {}
    for kilobytes in KILOBYTES:
        print(f"  parsing {kilobytes} KB ...", file=sys.stderr, flush=True)
        raws = reports.reports(kilobytes * 1000, max(6, 300 // kilobytes))
        told = rounds_of(raws, rounds)
        for name in OURS:
            cost[name, kilobytes] = statistics.median(one[name] for one in told) / len(raws)
            ratios = ", ".join(f"{ratio(told, other, name):5.1f} x {other}" for other in OTHERS)
            lines.append(f"parsing {kilobytes:3} KB, {name:6}: {ratios}; {1 / cost[name, kilobytes]:7.0f} reports/s")
    growth = ", ".join(f"{name} {cost[name, 200] / cost[name, 3]:.1f}" for name in OURS)
    return "\n".join([*lines, f"cost of 200 KB to that of 3 KB: {growth}", memory()])


if __name__ == "__main__":
    print(main())

"""`python tests/benchmarks`: every benchmark, and for each a few lines of ratios. Takes a few minutes.

Only ratios of one run mean anything: how fast the machine is at the moment cancels out.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import growth
import lookups
import parsing
import pipeline
import screening
import sending
import tick

BENCHMARKS: tuple[tuple[str, Callable[[], str]], ...] = (
    ("parsing", lambda: parsing.main([])),
    ("growth", growth.main),
    ("the tick", lambda: tick.main([])),
    ("look-ups", lambda: lookups.main([])),
    ("screening", lambda: screening.main([])),
    ("sending", lambda: sending.main([])),
    # a run of spam brings several reports about one address
    ("the pipeline, three reports for a notice", lambda: pipeline.main(["--reports", "3"])),
    # the hardest: each report brings a notice of its own
    ("the pipeline, one report for a notice", lambda: pipeline.main(["--reports", "1"])),
)


def main() -> None:
    """Progress goes to standard error, so that the ratios alone can be kept: each as soon as it is known."""
    for number, (name, measured) in enumerate(BENCHMARKS, 1):
        print(f"[{number}/{len(BENCHMARKS)}] {name} ...", file=sys.stderr, flush=True)
        print(measured(), flush=True)


if __name__ == "__main__":
    main()

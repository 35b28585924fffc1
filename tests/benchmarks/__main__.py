"""`python tests/benchmarks`: every benchmark, then a few lines of ratios. Takes under three minutes.

Only ratios of one run mean anything: how fast the machine is at the moment cancels out.
"""

from __future__ import annotations

import growth
import lookups
import parsing
import pipeline
import screening
import sending
import tick


def main() -> None:
    lines = [
        parsing.main([]),
        growth.main(),
        tick.main([]),
        lookups.main([]),
        screening.main([]),
        sending.main([]),
        pipeline.main(["--reports", "3"]),  # a run of spam brings several reports about one address
        pipeline.main(["--reports", "1"]),  # the hardest: each report brings a notice of its own
    ]
    print("\n".join(lines))


if __name__ == "__main__":
    main()

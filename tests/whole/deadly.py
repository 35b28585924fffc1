"""A parser that dies of one mail, for the worker processes: they import it by name."""

from __future__ import annotations

import os

from parsers import parse
from parsers.report import Limits, Parsed


def parse_all_and_die(raws: list[bytes], limits: Limits) -> list[Parsed]:
    if any(b"X-kill-the-reader" in raw for raw in raws):
        os.abort()
    return [parse(raw, limits) for raw in raws]

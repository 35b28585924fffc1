"""Finds the hosts of private domains in text: a domain that may be one person's names that person.

A private string `@example.net` stands for the domain and every host in it, `@192.0.2.1` for an address of such a host.
Pure and linear. Must never decide which domains are private, nor what is put in their place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from notifier.private import domain_spellings, in_scripts

_DOT = r"(?:\.|\[\.\])"


def replaced(line: str, hosts: Sequence[str], by: Callable[[str], str]) -> str:
    """`line` with every host of these domains, however it is spelt and whatever stands below the domain, replaced by
    what `by` makes of the domain's private string: letters, digits, dots."""
    lowered = line.lower()
    for one in hosts:
        if any(label in lowered for label in _begins(one)):
            line = _pattern(one).sub(by(one), line)
    return line


@lru_cache(maxsize=256)
def _begins(one: str) -> tuple[str, ...]:
    """Of these one stands in every text that names the domain: its first label, in each script."""
    return tuple(domain.partition(".")[0] for domain in in_scripts(one[1:]))


@lru_cache(maxsize=256)
def _pattern(one: str) -> re.Pattern[str]:
    spelt = "|".join(map(re.escape, domain_spellings(one[1:])))
    # It may be the end of a return path and the beginning of another name: `-example.net.tracker.example`.
    below = rf"(?:[A-Za-z0-9_-]{{1,63}}{_DOT}){{0,8}}"
    return re.compile(rf"(?<![A-Za-z0-9]){below}(?<![A-Za-z0-9])(?:{spelt})(?![A-Za-z0-9])", re.IGNORECASE)

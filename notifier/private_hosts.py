"""Finds the hosts of private domains in text: a domain that may be one person's names that person.

A private string `@example.net` stands for the domain and every host in it, `@192.0.2.1` for an address of such a host.
Pure and linear. Must never decide which domains are private, nor what is put in their place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from notifier.host_spellings import forms

_BELOW = re.compile(r"(?:(?:\.|\]\.\[)[A-Za-z0-9_-]{1,63}+){0,8}+")  # backwards: `.` or `[.]`, and a label
_BELOW_CHARS = 300
# Within the domain, however somebody hides it: in words, in brackets, as it stands in a longer name, in Chinese.
_JOINT = r"(?:\s?[.\u3002\uff0e\uff61]\s?|\s?[\[({]\s?(?:\.|dot)\s?[\])}]\s?|[_-]|[ _-]dot[ _-])"


def replaced(line: str, hosts: Sequence[str], by: Callable[[str], str]) -> str:
    """`line` with every host of these domains, however it is spelt and whatever stands below the domain, replaced by
    what `by` makes of the domain's private string: letters, digits, dots."""
    lowered = line.lower()
    for label, form, one in _labels(tuple(hosts)):
        if label in lowered:
            line = _without(line, form, by(one))
        if label[::-1] in lowered:
            line = _without(line[::-1], form, by(one)[::-1])[::-1]
    return line


def _without(line: str, form: str, token: str) -> str:
    """Found by the domain; what stands below it is read backwards from there, which costs no more than its length."""
    pieces, done = [], 0
    for found in _pattern(form).finditer(line):
        before = line[max(done, found.start() - _BELOW_CHARS) : found.start()][::-1]
        below = _BELOW.match(before)
        pieces += [line[done : found.start() - (below.end() if below else 0)], token]
        done = found.end()
    return "".join([*pieces, line[done:]])


@lru_cache(maxsize=64)
def _labels(hosts: tuple[str, ...]) -> tuple[tuple[str, str, str], ...]:
    """What stands in every text that names a host in some form (its longest label), the form, and the host."""
    return tuple((max(form.split("."), key=len), form, one) for one in hosts for form in forms(one[1:]))


@lru_cache(maxsize=4096)
def _pattern(form: str) -> re.Pattern[str]:
    spelt = _JOINT.join(map(re.escape, form.split(".")))
    # It may be the end of a return path and the beginning of another name: `-example.net.tracker.example`.
    return re.compile(rf"(?<![A-Za-z0-9])(?:{spelt})(?![A-Za-z0-9])", re.IGNORECASE)

"""On which line of a TOML file a key stands. tomllib does not say, and a person has to find it.

Works on text that tomllib has read without complaint. Must never judge a value.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

_PART = re.compile(r"""\s*(?:([A-Za-z0-9_-]+)|"((?:[^"\\]|\\.)*)"|'([^']*)')\s*""")
_LONGEST = 500  # lines of one value; more of it is not followed

Steps = tuple[int | str, ...]


def lines_of(path: Path) -> dict[Steps, int]:
    """`("classes", "mail", "hours")` -> its line, counted from 1. Empty where the file cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return {}
    found: dict[Steps, int] = {}
    for number, where in _keys(text.splitlines()):
        found.setdefault(where, number)
    return found


def line_of(found: dict[Steps, int], steps: Steps) -> int | None:
    """The line of this key, or of the nearest table that would hold it."""
    return next((found[steps[:end]] for end in range(len(steps), 0, -1) if steps[:end] in found), None)


def _keys(lines: list[str]) -> Iterator[tuple[int, Steps]]:
    table: Steps = ()
    counts: dict[Steps, int] = {}
    number = 0
    while number < len(lines):
        line = lines[number].strip()
        if line.startswith("["):
            table = _table(line, counts)
            yield number + 1, table
            number += 1
        elif line and not line.startswith("#"):
            yield number + 1, table + _dotted(line)[0]
            number += _height(lines, number)
        else:
            number += 1


def _table(line: str, counts: dict[Steps, int]) -> Steps:
    steps = _dotted(line.lstrip("["))[0]
    # a table below an array of tables belongs to the newest of its items
    for end in range(1, len(steps)):
        if steps[:end] in counts:
            steps = (*steps[:end], counts[steps[:end]] - 1, *steps[end:])
            break
    if not line.startswith("[["):
        return steps
    counts[steps] = counts.get(steps, 0) + 1
    return (*steps, counts[steps] - 1)


def _dotted(text: str) -> tuple[Steps, int]:
    steps: list[int | str] = []
    position = 0
    while match := _PART.match(text, position):
        steps.append(next(group for group in match.groups() if group is not None))
        position = match.end()
        if text[position : position + 1] != ".":
            break
        position += 1
    return tuple(steps), position


def _height(lines: list[str], first: int) -> int:
    """How many lines the value takes that begins in line `first`."""
    if _whole(lines[first]):
        return 1
    for height in range(2, min(_LONGEST, len(lines) - first) + 1):
        if _whole("\n".join(lines[first : first + height])):
            return height
    return 1


def _whole(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True

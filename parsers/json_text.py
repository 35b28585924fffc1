"""JSON out of a report, read under bounds that hold before the reader starts (SEC-10). Bytes in, plain values out.

Refused, never repaired: a name that stands twice in one object (two readers would see two
reports), NaN and Infinity, numbers that no report needs. Must never recurse deeper than DEPTH.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any, NamedTuple

from parsers import envelope
from parsers.errors import LimitError, MalformedError

DEPTH = 30
TOKENS = 60_000  # strings, brackets and commas: a report of 50 pieces of evidence has about 1,000
DIGITS = 18  # of a whole number; byte counts of attacks have 13
# A string ends at its quote or at the end of the text, so that no quote is looked at twice: linear.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{},]', re.DOTALL)
_OBJECT = re.compile(r'^[ \t]*(?=[\[{]\s*["{])', re.MULTILINE)


class Document(NamedTuple):
    """`value` of the first JSON text; `alone` is False where other words stand around it."""

    value: Any
    alone: bool


def load(raw: bytes) -> Document:
    """The first JSON object or array in `raw`. Raises LimitError and MalformedError."""
    text = _text(raw)
    begins = _OBJECT.search(text)
    if begins is None:
        raise MalformedError("there is no JSON object where one was announced")
    at = begins.end()
    _check(text, at)
    try:
        value, end = _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise MalformedError(f"the JSON breaks off or is wrong at character {error.pos}: {error.msg}") from None
    return Document(value, not text[:at].strip() and not text[end:].strip())


def _text(raw: bytes) -> str:
    """UTF-8 with or without a mark, UTF-16 by its zeros; what is neither is kept readable, not dropped."""
    try:
        return raw.decode(json.detect_encoding(raw))
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace")


def _check(text: str, at: int) -> None:
    """Depth and number of values, counted without building anything."""
    depth = 0
    for count, found in enumerate(_TOKEN.finditer(text, at)):
        if count > TOKENS:
            raise LimitError(f"the JSON has more than {TOKENS} values")
        sign = text[found.start()]
        if sign in "[{":
            depth += 1
            if depth > DEPTH:
                raise LimitError(f"the JSON is nested deeper than {DEPTH}")
        elif sign in "]}":
            depth -= 1
            if depth <= 0:
                return


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = Counter(names).most_common(1)[0][0]
        raise MalformedError(f'the JSON names "{envelope.clean(twice)[:40]}" twice in one object')
    return found


def _whole(digits: str) -> int:
    if len(digits) > DIGITS + 1:
        raise MalformedError(f"a number in the JSON has more than {DIGITS} digits")
    return int(digits)


def _fraction(digits: str) -> float:
    value = float(digits[:400])
    if not math.isfinite(value):
        raise MalformedError("a number in the JSON is larger than any number may be")
    return value


def _constant(name: str) -> Any:
    raise MalformedError(f"the JSON holds {name}, which is no JSON number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_whole, parse_float=_fraction, parse_constant=_constant
)

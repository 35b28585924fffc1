"""How much two mails are alike, for people who look at many reports of one mailing: a sketch of the words (simhash).

For display only: what counts as one piece of evidence `duplicates.fingerprint` says. Must never decide anything.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from itertools import pairwise

BITS = 64
ALIKE = 10  # bits that may differ
_CHARS = 4_000
_WORDS = 300
_WORD = re.compile(r"[^\W\d_]{2,24}|[\u3400-\u9fff]")


def sketch(text: str) -> int | None:
    """A number whose bits differ little for texts that differ little. None: too few words to tell."""
    words = [word.lower() for word in _WORD.findall(text[:_CHARS])][:_WORDS]
    if len(words) < 5:
        return None
    counts = [0] * BITS
    for pair in pairwise(words):
        digest = int.from_bytes(hashlib.blake2b(" ".join(pair).encode(), digest_size=8).digest())
        for bit in range(BITS):
            counts[bit] += 1 if digest >> bit & 1 else -1
    return sum(1 << bit for bit in range(BITS) if counts[bit] > 0)


def alike(one: int, other: int) -> bool:
    return (one ^ other).bit_count() <= ALIKE


def groups(sketches: Sequence[int | None]) -> list[int]:
    """The number of each one's group, from 1; what has no sketch is a group of its own."""
    firsts: list[int | None] = []
    found = []
    for one in sketches:
        number = next((n for n, first in enumerate(firsts) if _same(one, first)), len(firsts))
        if number == len(firsts):
            firsts.append(one)
        found.append(number + 1)
    return found


def _same(one: int | None, other: int | None) -> bool:
    return one is not None and other is not None and alike(one, other)

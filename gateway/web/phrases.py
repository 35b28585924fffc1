"""What our own code says in English, in the visitor's language: words of closed lists, and sentences with values.

The code that decides knows no languages: its reasons are printed by the command line and kept with the events. A
sentence stands in the catalogue with a place for each value, `%(text)s is no time`. What the name of a value promises:
`word...` is a word of ours and said too, `ours...` a sentence of ours, `said...` perhaps one, `day...` a day as people
write it, `one...` has no blank, `number...`, `many...` and the like are numbers; every other value stays as it is. What
the catalogue does not hold is given back as it came: words of people. Must never return markup, nor take longer than
the text is long: what stands in a sentence may be a stranger's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_PLACE = re.compile(r"%\((\w+)\)s")
_MOST_CHARS = 1500
_MOST_PARTS = 12
_DEEPEST = 4  # sentences within sentences
_BETWEEN, _AND, _COLON = "; ", ", ", ": "  # of the parts that a sentence was put together from, of several words
_NUMBERS = ("number", "many", "count", "hours", "days", "minutes", "seconds", "missing", "needed", "times")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY = re.compile(r"(\d{1,2}) ([A-Z][a-z]{2}) (\d{4})")


@dataclass(frozen=True, slots=True)
class _Sentence:
    """What stands between the values (one piece more than there are values), their names, and the translation."""

    pieces: tuple[str, ...]
    names: tuple[str, ...]
    said: str

    @property
    def joined(self) -> bool:
        return any(_BETWEEN in piece for piece in self.pieces)

    def values(self, text: str) -> dict[str, str] | None:
        """The values of a text that was made from this sentence; None: it was not."""
        if not (text.startswith(self.pieces[0]) and text.endswith(self.pieces[-1])):
            return None
        at, end = len(self.pieces[0]), len(text) - len(self.pieces[-1])
        found: list[str] = []
        for piece in self.pieces[1:-1]:
            there = text.find(piece, at, end)
            if there < 0:
                return None
            found.append(text[at:there])
            at = there + len(piece)
        return dict(zip(self.names, [*found, text[at:end]], strict=True)) if at < end and all(found) else None


class Phrases:
    """Of one language: `words`, its whole catalogue, and `sentences`, the part of it that code says."""

    def __init__(self, words: Mapping[str, str], sentences: Mapping[str, str]) -> None:
        self._words = words
        self._by_word: dict[str, list[_Sentence]] = defaultdict(list)  # by the word that it begins with
        self._others: list[_Sentence] = []
        made = [_sentence(text, said) for text, said in sentences.items() if _PLACE.search(text)]
        for one in sorted(made, key=lambda one: -sum(map(len, one.pieces))):  # the one that says most goes first
            first, space, _ = one.pieces[0].partition(" ")
            (self._by_word[first] if space else self._others).append(one)

    def say(self, text: Any, deep: int = 0) -> Any:
        """The text in this language; what is no text, or none of ours, as it is."""
        if not self._words or not isinstance(text, str) or not 0 < len(text) <= _MOST_CHARS:
            return text
        plain = str(text)  # a member of a closed list is its word
        found = self._words.get(plain)
        if found is None and _BETWEEN in plain:
            found = self._whole(plain, deep, joined=True) or self._parts(plain, deep)
        if found is None:
            found = self._whole(plain, deep)
        return plain if found is None else found

    def _whole(self, text: str, deep: int, *, joined: bool = False) -> str | None:
        """By one sentence; `joined`: by one that has itself two parts."""
        if deep >= _DEEPEST:
            return None
        for one in (*self._by_word.get(text.partition(" ")[0], ()), *self._others):
            if joined and not one.joined:
                continue
            values = one.values(text)
            if values is not None and all(self._fits(name, value, deep) for name, value in values.items()):
                return str(one.said % {name: self._value(name, value, deep) for name, value in values.items()})
        return None

    def _fits(self, name: str, value: str, deep: int) -> bool:
        """A value that reaches into the next part is none; what the name promises has to be so."""
        if name.startswith("word"):
            return all(word in self._words for word in value.split(_AND))
        if name.startswith("ours"):
            return str(self.say(value, deep + 1)) != value
        if name.startswith(_NUMBERS):
            return " " not in value and any(map(str.isdigit, value))
        if name.startswith("one"):
            return " " not in value
        return name.startswith("said") or (_BETWEEN not in value and _COLON not in value)

    def _parts(self, text: str, deep: int) -> str | None:
        """Each part by itself; None: not one of them is ours."""
        parts = text.split(_BETWEEN)
        if len(parts) > _MOST_PARTS:
            return None
        said = [self._words.get(part) or self._whole(part, deep + 1) for part in parts]
        if not any(said):
            return None
        return "；".join(told or part for told, part in zip(said, parts, strict=True))

    def _value(self, name: str, value: str, deep: int) -> str:
        if name.startswith(("said", "ours")):
            return str(self.say(value, deep + 1))
        if name.startswith("word"):
            return "、".join(self._words[word] for word in value.split(_AND))
        return _day(value) if name.startswith("day") else value


def _day(text: str) -> str:
    """`3 Nov 2026 12:00 UTC` without the English month: `2026-11-03 12:00 UTC`."""
    found = _DAY.match(text)
    if found is None or found[2] not in _MONTHS:
        return text
    return f"{found[3]}-{_MONTHS.index(found[2]) + 1:02d}-{int(found[1]):02d}{text[found.end() :]}"


def _sentence(text: str, said: str) -> _Sentence:
    pieces = _PLACE.split(text)
    return _Sentence(tuple(pieces[::2]), tuple(pieces[1::2]), said)

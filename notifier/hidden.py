"""Finds private strings that stand in a text in another writing: percent, entities, base64, hexadecimal, digests ...

Pure, bounded and linear: a word is looked at in each of its readings, and readings of those, no deeper than two.
What is found is the whole word, since half of an encoding cannot be taken out. Must never decide what is put in its
place.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import html
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from urllib.parse import unquote_plus

from notifier.private import marks

_DEEPEST = 2
_SHORTEST = 8  # characters of a word in which an address can hide
_LONGEST = 4000  # characters of a text; the caller's lines are no longer
_RUN = re.compile(r"[A-Za-z0-9+/_-]{11,}")
_HEX = re.compile(r"(?:0x)?((?:[0-9a-fA-F]{2}[:.\s-]?){6,})")
_ESCAPED = re.compile(r"\\(?:u\{?([0-9a-fA-F]{2,6})\}?|x([0-9a-fA-F]{2}))")
_QUOTED = re.compile(r"=([0-9A-Fa-f]{2})")
_TOKEN = re.compile(r"[a-z2-7]{24}(?:@redacted\.invalid)?;?")  # ours already
_ROT13 = {**{65 + i: 65 + (i + 13) % 26 for i in range(26)}, **{97 + i: 97 + (i + 13) % 26 for i in range(26)}}
_LONG_HEX = re.compile(r"[0-9a-fA-F]{32,128}")
_ENCODED_WORD = re.compile(r"=\?[^?\s]{1,40}\?([bqBQ])\?([^?\s]*)\?=")
# Without any of these nothing that is longer than a name can be hidden.
_MAY_HIDE = re.compile(
    r"[%&\\=][0-9A-Za-z#{?]|[A-Za-z0-9+/_-]{11,}|[^\x00-\x7f]|@|xn--|(?:[0-9a-f]{2}[:.\s-]){6}", re.IGNORECASE
)
Sought = Sequence[tuple[str, tuple[str, ...]]]  # a private string, and what in a text gives it away
_DELIMITERS = re.compile(r"([\s<>\"'(),\[\]{}|]+)")


def may_hide(text: str) -> bool:
    """False for nearly every line: nothing in it can be read in another way."""
    return _MAY_HIDE.search(text) is not None


def replaced(line: str, private: Sequence[str], by: Callable[[str], str]) -> str:
    """`line` with each word in which one of `private` (as `private.distinct` gives them) hides replaced by what `by`
    makes of that string. Words that name somebody in the clear are the caller's."""
    if not private or not may_hide(line):
        return line
    sought = tuple((one, marks(one)) for one in private)
    pieces = _DELIMITERS.split(line[:_LONGEST])
    for at in range(0, len(pieces), 2):
        word = pieces[at]
        found = (
            _hides(word, sought) if len(word) > 7 and _MAY_HIDE.search(word) and not _TOKEN.fullmatch(word) else None
        )
        if found is not None:
            pieces[at] = by(found)
    again = "".join(pieces)
    # An encoding can reach over words ("Bob&#32;Smith", hexadecimal with blanks): then all of it goes.
    views = [view.casefold() for view in _wide(again)]
    if not views:
        return again
    plain = again.casefold()
    hidden = (one for one, known in sought if _any(known, views) and not any(mark in plain for mark in known))
    found = next(hidden, None)
    return again if found is None else by(found)


def _any(marks_of_one: Sequence[str], views: Sequence[str]) -> bool:
    return any(mark in view for view in views for mark in marks_of_one)


def _hides(word: str, sought: Sought, depth: int = _DEEPEST) -> str | None:
    """The private string that some reading of the word shows, and the word itself does not."""
    if match := _LONG_HEX.search(word):
        known = _digests(tuple(one for one, _ in sought))
        if (whose := known.get(match[0].lower())) is not None:
            return whose
    for view in _readings(word):
        folded = view.casefold()
        for one, known_marks in sought:
            for mark in known_marks:
                if mark in folded:
                    return one
        if depth > 1 and view.isprintable() and (found := _hides(view, sought, depth - 1)) is not None:
            return found
    return None


def _readings(word: str) -> Iterator[str]:
    """Every other text that the word may stand for."""
    yield from (view for view in _wide(word) if view != word)
    for match in _ENCODED_WORD.finditer(word):
        yield _loose_base64(match[2], 0) if match[1] in "bB" else _QUOTED.sub(_character, match[2]).replace("_", " ")
    for match in _RUN.finditer(word):
        for offset in range(4):
            yield _loose_base64(match[0], offset)
    if "xn--" in word.lower():
        with contextlib.suppress(UnicodeError):
            yield word.encode("ascii").decode("idna")


def _wide(text: str) -> Iterator[str]:
    """Readings of a whole line as well as of a word."""
    if "%" in text or "+" in text:
        yield unquote_plus(text, errors="replace")
    if "&" in text:
        yield html.unescape(text)
    if "\\" in text:
        yield _ESCAPED.sub(_character, text)
    if "=" in text:
        yield _QUOTED.sub(_character, text)
    if not text.isascii():
        yield unicodedata.normalize("NFKC", text)
    for match in _HEX.finditer(text):
        digits = re.sub(r"[^0-9a-fA-F]", "", match[1])
        yield bytes.fromhex(digits).decode("latin-1").replace("\0", "")
        yield bytes.fromhex(digits[1:-1]).decode("latin-1").replace("\0", "")
    if "@" in text:  # turned round, or by thirteen letters, an address still has its sign
        yield text.translate(_ROT13)
        yield text[::-1]


def _character(match: re.Match[str]) -> str:
    code = int(next(group for group in match.groups() if group), 16)
    return chr(code) if code < 0x110000 else ""


def _loose_base64(run: str, offset: int) -> str:
    """What a run of base64 characters says when it is read from `offset`; UTF-16 without its zero bytes."""
    text = run[offset:].replace("-", "+").replace("_", "/").partition("=")[0]
    text = text[: len(text) - (len(text) % 4 == 1)]
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return ""
    # UTF-8 where it is; else each byte as it is: what stands around the address may be anything.
    try:
        return raw.decode("utf-8").replace("\0", "")
    except UnicodeDecodeError:
        return raw.decode("latin-1").replace("\0", "")


@lru_cache(maxsize=16)
def _digests(private: tuple[str, ...]) -> dict[str, str]:
    """The digests of addresses that mailers write into links (hexadecimal) -> whose they are."""
    known = {}
    for one in private:
        for spelt in {one, one.upper(), one.strip()}:
            for name in ("md5", "sha1", "sha224", "sha256", "sha512"):
                known[hashlib.new(name, spelt.encode(), usedforsecurity=False).hexdigest()] = one
    return known

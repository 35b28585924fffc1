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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from notifier.host_spellings import ROT13
from notifier.private import Sought, marks, unaccented

_DEEPEST = 2
_LONGEST = 4000  # characters of a text; the caller's lines are no longer
_SHORTEST_PART = 6  # characters of what is found within a word too
_FEW = 60  # private strings that are looked for one by one
_RUN = re.compile(r"[A-Za-z0-9+/_-]{11,}")
_BASE32 = re.compile(r"[A-Za-z2-7]{16,}")
_HEX = re.compile(r"(?:0x)?((?:[0-9a-fA-F]{2}[:.\s-]?){6,})")
_ESCAPED = re.compile(r"\\(?:u\{?([0-9a-fA-F]{2,6})\}?|x([0-9a-fA-F]{2}))")
_OCTAL = re.compile(r"\\([0-3][0-7]{2})")
_IN_STYLE = re.compile(r"\\([0-9a-fA-F]{2,6})\s?")
_QUOTED = re.compile(rb"=([0-9A-Fa-f]{2})")
_TOKEN = re.compile(r"[a-z2-7]{24}(?:[@.]redacted\.invalid)?;?")  # ours already
_OURS = "@redacted.invalid"
_LONG_HEX = re.compile(r"[0-9a-fA-F]{32,128}")
_DIGEST = re.compile(r"[A-Za-z0-9+/_-]{22,86}")  # in base64
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,40})\?([bqBQ])\?([^?\s]*)\?=")
# Without any of these nothing that is longer than a name can be hidden.
_MAY_HIDE = re.compile(
    r"[%&\\=][0-9A-Za-z#{?]|[A-Za-z0-9+/_-]{11,}|[^\x00-\x7f]|@|xn--|(?:[0-9a-f]{2}[:.\s-]){6}", re.IGNORECASE
)
_DELIMITERS = re.compile(r"([\s<>\"'(),\[\]{}|]+)")
_PIECES = re.compile(r"[^\s@=%,;:<>\"'()\[\]{}|&?/#]+")


@dataclass(frozen=True, slots=True)
class _Known:
    """The private strings, and by what each is known: `by_mark` where they are too many to be looked for singly, which
    finds them between signs only, but for hosts, whose labels nobody can count."""

    private: Sought
    marks: tuple[tuple[str, tuple[str, ...]], ...]
    by_mark: Mapping[str, str]

    def find(self, view: str) -> str | None:
        folded = view.casefold()
        if self.by_mark:
            pieces = (
                piece for found in _PIECES.findall(folded) for piece in (found, *found.split("+"), *found.split("-"))
            )
            if (one := next((self.by_mark[piece] for piece in pieces if piece in self.by_mark), None)) is not None:
                return one
        for one, named in self.marks:
            for mark in named:
                if mark in folded and (len(mark) >= _SHORTEST_PART or not mark.isascii() or _alone(mark, folded)):
                    return one
        return None


def _alone(mark: str, text: str) -> bool:
    """Does it stand there as a word? Three letters of a name stand in many others."""
    at = text.find(mark)
    while at >= 0:
        if not (text[at - 1 : at].isalnum() or text[at + len(mark) : at + len(mark) + 1].isalnum()):
            return True
        at = text.find(mark, at + 1)
    return False


@lru_cache(maxsize=16)  # all lines of a mail ask for the same
def _known(private: Sought) -> _Known:
    known = tuple((one, marks(one)) for one in private.strings)
    if len(known) <= _FEW:
        return _Known(private, known, {})
    hosts = tuple(named for named in known if named[0].startswith("@"))
    return _Known(private, hosts, {mark: one for one, named in known for mark in named})


def may_hide(text: str) -> bool:
    """False for nearly every line: nothing in it can be read in another way."""
    return _MAY_HIDE.search(text) is not None


def replaced(line: str, private: Sought, by: Callable[[str], str]) -> str:
    """`line` with each word in which one of `private` hides replaced by what `by` makes of that string. Words that name
    somebody in the clear are the caller's."""
    if not private.strings or not may_hide(line):
        return line
    known = _known(private)
    pieces = _DELIMITERS.split(line[:_LONGEST])
    for at in range(0, len(pieces), 2):
        word = pieces[at]
        found = _hides(word, known) if len(word) > 7 and _MAY_HIDE.search(word) and not _TOKEN.fullmatch(word) else None
        if found is not None:
            pieces[at] = by(found)
    again = "".join(pieces)
    # An encoding can reach over words ("Bob&#32;Smith", hexadecimal with blanks): then all of it goes.
    plain = again.casefold()
    for view in (*_wide(again), *_turned(again)):
        found = known.find(view)
        if found is not None and not any(mark in plain for mark in marks(found)):
            return by(found)
    return again


def whose(word: str, private: Sought) -> str | None:
    """The one of `private` that stands or hides in a word."""
    known = _known(private)
    return known.find(word) or (_hides(word, known) if may_hide(word) else None)


def _hides(word: str, known: _Known, depth: int = _DEEPEST) -> str | None:
    """The private string that some reading of the word shows, and the word itself does not."""
    if (found := _as_digest(word, known.private)) is not None:
        return found
    # What is turned twice is the word itself.
    for view in (*_readings(word), *(_turned(word) if depth == _DEEPEST else ())):
        if (found := known.find(view)) is not None:
            return found
        if depth > 1 and view.isprintable() and (found := _hides(view, known, depth - 1)) is not None:
            return found
    return None


def _as_digest(word: str, private: Sought) -> str | None:
    for pattern in (_LONG_HEX, _DIGEST):
        for match in pattern.finditer(word):
            if (found := _digests(private).get(match[0] if pattern is _DIGEST else match[0].lower())) is not None:
                return found
    return None


def _readings(word: str) -> Iterator[str]:
    """Every other text that the word may stand for."""
    yield from (view for view in _wide(word) if view != word)
    for match in _ENCODED_WORD.finditer(word):
        raw = _loose_base64(match[3], 0) if match[2] in "bB" else _unquoted(match[3].replace("_", " "))
        with contextlib.suppress(LookupError, UnicodeError):
            yield raw.decode(match[1].partition("*")[0], "replace")
    for match in _RUN.finditer(word):
        for offset in range(4):
            yield from _texts(_loose_base64(match[0], offset))
    for match in _BASE32.finditer(word):
        for offset in range(8):
            yield from _texts(_loose_base32(match[0], offset))
    if "xn--" in word.lower():
        with contextlib.suppress(UnicodeError):
            yield word.encode("ascii").decode("idna")


def _wide(text: str) -> Iterator[str]:
    """Readings of a whole line as well as of a word."""
    if "%" in text or "+" in text:
        yield from _texts(unquote_to_bytes(text.replace("+", " ")))
    if "&" in text:
        yield html.unescape(text)
    if "\\" in text:
        yield _ESCAPED.sub(_character, text)
        yield _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)
        yield _IN_STYLE.sub(_character, text)
    if "=" in text:
        yield from _texts(_unquoted(text))
    if not text.isascii():
        wide = unicodedata.normalize("NFKC", text)
        yield wide
        yield unaccented(wide)
    for match in _HEX.finditer(text):
        digits = re.sub(r"[^0-9a-fA-F]", "", match[1])
        yield from _texts(bytes.fromhex(digits))
        yield from _texts(bytes.fromhex(digits[1:-1]))


def _turned(text: str) -> Iterator[str]:
    """Turned round, or by thirteen letters: an address still has its sign."""
    if "@" in text.replace(_OURS, ""):
        yield text.translate(ROT13)
        yield text[::-1]


def _texts(raw: bytes) -> Iterator[str]:
    """What bytes may say: UTF-8 where they are; else each byte as it is (what stands around an address may be
    anything), and Chinese. UTF-16 without its zero bytes."""
    raw = raw.replace(b"\0", b"")
    try:
        yield raw.decode("utf-8")
    except UnicodeDecodeError:
        yield raw.decode("latin-1")
        with contextlib.suppress(UnicodeDecodeError):
            yield raw.decode("gb18030")


def _character(match: re.Match[str]) -> str:
    code = int(next(group for group in match.groups() if group), 16)
    return chr(code) if code < 0xD800 or 0xDFFF < code < 0x110000 else ""


def _unquoted(text: str) -> bytes:
    return _QUOTED.sub(lambda match: bytes.fromhex(match[1].decode("ascii")), text.encode("utf-8", "replace"))


def _loose_base64(run: str, offset: int) -> bytes:
    """What a run of base64 characters says when it is read from `offset`."""
    text = run[offset:].replace("-", "+").replace("_", "/").partition("=")[0]
    text = text[: len(text) - (len(text) % 4 == 1)]
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


def _loose_base32(run: str, offset: int) -> bytes:
    text = run[offset:].upper()
    text = text[: len(text) - {1: 1, 3: 1, 6: 1}.get(len(text) % 8, 0)]  # lengths that no bytes have
    return base64.b32decode(text + "=" * (-len(text) % 8)) if text else b""


@lru_cache(maxsize=16)
def _digests(private: Sought) -> dict[str, str]:
    """Digests of addresses and hosts, as mailers write them into links (hexadecimal, base64), and whose they are."""
    known = {}
    for one, whose in [*((one, one) for one in private.strings), *private.below]:
        local = one.rpartition("@")[0]
        for spelt in {one, one.upper(), f"{one}\n", one.removeprefix("@"), *((local,) if len(local) > 3 else ())}:
            for name in ("md5", "sha1", "sha224", "sha256", "sha512"):
                digest = hashlib.new(name, spelt.encode("utf-8", "replace"), usedforsecurity=False).digest()
                known[digest.hex()] = whose
                for coded in (base64.b64encode(digest), base64.urlsafe_b64encode(digest)):
                    known[coded.decode("ascii").rstrip("=")] = whose
    return known

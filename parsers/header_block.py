"""A header block and its fields, undecoded: names, folds, and where the block ends.

Must never decode a word: that is the envelope module's.
"""

from __future__ import annotations

import re
from typing import Any

from parsers.errors import LimitError
from parsers.lazy import Lazy

# Possessive throughout: nothing is ever tried again, and it is quicker so.
FIELD = re.compile(rb"^([!-9;-~]++)[ \t]*+:[ \t]*+(.*+(?:\n[ \t].*+)*+)", re.MULTILINE)
# Nothing but fields and their folds, each with its line end, no blank before a colon, no fold of blanks: nearly
# every block.
_REGULAR = re.compile(rb"(?:[!-9;-~]++:.*+\n(?:[ \t]++[^ \t\r\n].*+\n)*+)++\Z")
_REGULAR_FIELD = re.compile(rb"([!-9;-~]++):[ \t]*+(.*+(?:\n[ \t].*+)*+)\n")  # FIELD, in such a block
# A line of a header that is neither a field nor a fold: the continuation of one that lost its indentation.
_COLUMN_1 = re.compile(rb"\n(?![!-9;-~]+[ \t]*:)(?!>?From )(?=[!-~\x80-\xff])")
_FIELD_OR_FOLD = re.compile(rb"[ \t]|[!-9;-~]+[ \t]*:|\s*\Z")
_EMPTY_LINE = re.compile(rb"\n\r?\n")
_BLANKS = (b" ", b"\t")
_BLANK_FOLD = re.compile(rb"^[ \t]+\r?$", re.MULTILINE)
_SPACED = re.compile(rb"^[!-9;-~]+[ \t]+:", re.MULTILINE)
_TEXT_FIELD = re.compile(r"([!-9;-~]++): *+(.*+(?:\n .*+)*+)\n")  # FIELD, in the text of such a block
_TAB_TO_BLANK = bytes(32 if byte == 9 else byte for byte in range(256))
_CONTROLS_IN_LINES = bytes(byte for byte in range(32) if byte not in (9, 10)) + b"\x7f"


class Guesses:
    """How much of one message may have its charset guessed: that costs milliseconds a time, more for more."""

    __slots__ = ("left",)
    LEAST = 1_000  # what the shortest value costs, in bytes

    def __init__(self, size: int = 120_000) -> None:
        self.left = size

    def take(self, size: int) -> bool:
        """May text of this size be guessed? Then it counts; what is too much counts nothing."""
        if size > self.left:
            return False
        self.left -= max(size, self.LEAST)
        return True


def is_regular(block: bytes) -> bool:
    """Is there nothing in it but fields and their folds, and each line whole?"""
    return _REGULAR.match(block) is not None


class Headers:
    """A header block, split at the first question. Names are looked up in lower case."""

    def __init__(
        self, block: bytes, longest: int, guesses: Guesses | None = None, *, regular: bool | None = None
    ) -> None:
        """`regular`: what is known of it already."""
        self.block = block
        self.longest = longest  # bytes of one field, folded lines included
        self.regular = is_regular(block) if regular is None else regular
        self.guesses = guesses or Guesses()
        self.senders: list[Any] | None = None  # what the envelope module read
        self.decoded: dict[str, str] = {}  # the same, value by value
        self.repeated: dict[str, list[str]] = {}  # of `texts`: every value of a name that stands there twice

    @Lazy
    def _lower(self) -> bytes:
        return b"\n" + self.block.lower()

    def pairs(self) -> list[tuple[bytes, bytes]]:
        """(name, value) in order; a value keeps its line ends where it was folded."""
        if self.regular:
            return _REGULAR_FIELD.findall(self.block)
        return FIELD.findall(self._folded_again)

    @property
    def unfolded_in_column_1(self) -> bool:
        """Did a continuation begin without a blank? It was read as one."""
        return self._folded_again is not self.block

    @Lazy
    def _folded_again(self) -> bytes:
        return _refolded(self.block) if not self.regular and _COLUMN_1.search(self.block) else self.block

    @Lazy
    def fields(self) -> dict[bytes, list[bytes]]:
        pairs = self.pairs()
        if len(self.block) > self.longest:
            _check(pairs, self.longest)
        fields: dict[bytes, list[bytes]] = {}
        for written, value in pairs:
            name = written.lower()
            if name in fields:
                fields[name].append(value)
            else:
                fields[name] = [value]
        return fields

    @Lazy
    def texts(self) -> dict[str, str]:
        """The first value of each name without control characters, of a block that is regular ASCII. Else empty: each
        value has to be decoded. Folds and encoded words are left as they are."""
        first: dict[str, str] = {}
        block, repeated = self.block, self.repeated
        if self.regular and len(block) <= self.longest and block.isascii() and b"\x1b" not in block:
            text = block.translate(_TAB_TO_BLANK, _CONTROLS_IN_LINES).decode("ascii")
            for written, value in _TEXT_FIELD.findall(text):
                name = written.lower()
                if name not in first:
                    first[name] = value
                elif name in repeated:
                    repeated[name].append(value)
                else:
                    repeated[name] = [first[name], value]
        return first

    def may_have(self, name: str) -> bool:
        """Is there a field of that name? Where there are no `texts`, it has to be looked for."""
        texts = self.texts
        return name in texts if texts else name.encode() in self.fields

    def all_texts(self, name: str) -> list[str]:
        """Every value of that name, where there are `texts`."""
        texts = self.texts
        if name in self.repeated:
            return self.repeated[name]
        return [texts[name]] if name in texts else []

    def all(self, name: bytes) -> list[bytes]:
        return self.fields.get(name, [])

    def first(self, name: bytes) -> bytes | None:
        if not self.regular or len(self.block) > self.longest:
            found = self.fields.get(name)
            return found[0] if found else None
        # In a regular block a line that does not begin with a blank begins with a name: for a value or two that is a
        # quarter of the work.
        at = self._lower.find(b"\n" + name + b":")
        if at < 0:
            return None
        begin = at + len(name) + 1
        end = self.block.find(b"\n", begin)
        while self.block[end + 1 : end + 2] in _BLANKS:
            end = self.block.find(b"\n", end + 1)
        return self.block[begin:end].lstrip(b" \t")

    def __contains__(self, name: bytes) -> bool:
        return self.first(name) is not None

    @property
    def spaced(self) -> bool:
        """Does a blank stand before a colon (RFC 5322 section 4.5.8, obsolete)? Other readers end the header there."""
        return not self.regular and _SPACED.search(self.block) is not None

    @property
    def blank_fold(self) -> bool:
        """Is there a line of nothing but blanks (RFC 5322 section 4.2, obsolete)? Others end the header there."""
        return not self.regular and _BLANK_FOLD.search(self.block) is not None


def _check(pairs: list[tuple[bytes, bytes]], longest: int) -> None:
    for name, value in pairs:
        if len(value) > longest:
            raise LimitError(f"header field {name[:40].decode('ascii')} is longer than {longest} bytes")


def ended(raw: bytes, start: int, header_end: int) -> int:
    """Where the header ends: before, where its last lines are words of a body that no empty line cut off."""
    last = raw.rfind(b"\n", start, header_end - 1) + 1
    while last > start and raw[last : last + 1] in (b" ", b"\t"):
        last = raw.rfind(b"\n", start, last - 1) + 1
    if last <= start or _FIELD_OR_FOLD.match(raw, last, header_end):
        return header_end
    block = raw[start:header_end]
    end = max((found.end() for found in FIELD.finditer(block)), default=0)
    continued = block[:end].rstrip()[-1:] in (b";", b",")
    if not end or continued or raw.startswith(b"--", start + end + 1):
        return header_end
    return start + end + 1


def _refolded(block: bytes) -> bytes:
    """With a blank before each line that continues a field: one that stands between fields, or after `;` or `,`."""
    fields = list(FIELD.finditer(block))
    last = fields[-1].start() if fields else 0
    first = fields[0].start() if fields else len(block)
    pieces: list[bytes] = []
    at = 0
    for hit in _COLUMN_1.finditer(block):
        before = block[max(0, hit.start() - 2) : hit.start()].rstrip(b"\r")[-1:]
        if first < hit.start() and (hit.start() < last or before in (b";", b",")):
            pieces += [block[at : hit.end()], b" "]
            at = hit.end()
    if not pieces:
        return block
    return b"".join([*pieces, block[at:]])


def cut_at_once(raw: bytes, start: int, end: int, longest: int) -> tuple[int, int]:
    """As `cut`, by the kind of line end that the first line has. Right where the header is regular: no empty line of
    the other kind stands in one."""
    stop = min(end, start + longest + 4)
    line = raw.find(b"\n", start, stop)
    if line > start + 1:
        if raw[line - 1] == 13:  # CR
            at = raw.find(b"\n\r\n", line, stop)
            if at > 0:
                return at + 1, at + 3
        else:
            at = raw.find(b"\n\n", line, stop)
            if at > 0:
                return at + 1, at + 2
    return cut(raw, start, end, longest)


def cut(raw: bytes, start: int, end: int, longest: int) -> tuple[int, int]:
    """(end of the header block with its last line end, start of the body)."""
    if raw.startswith(b"\n", start) and start < end:
        return start, start + 1
    if raw.startswith(b"\r\n", start) and start + 1 < end:
        return start, start + 2
    stop = min(end, start + longest + 4)
    if found := _EMPTY_LINE.search(raw, start, stop):
        return found.start() + 1, found.end()
    if stop < end:
        raise LimitError(f"a header is longer than {longest} bytes")
    return end, end

"""Reads on in a file that grows or is replaced: whole lines or blocks only, in bounded pieces.

A file that was rotated away is read to its end first, where it still lies beside the new one; a file that is another
one than before, or shorter, is read from its beginning. Must never hold the whole file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.connectors.sources.contract import Position, SourceError

LINE_BYTES = 64 * 1024
_ROTATED = re.compile(r"\.\d+|-\d{4,14}(?:\.\d+)?|~")
_HEAD = 512  # bytes at a file's beginning by which it is known again: its number may be another's by now


@dataclass(frozen=True, slots=True)
class Line:
    """`number` counts from where this reading began; `inode` and `head` of its file, `end` the place behind it, in
    bytes."""

    number: int
    text: str
    inode: int
    end: int
    head: str = ""

    @property
    def place(self) -> Position:
        """Where to read on."""
        return {"inode": self.inode, "offset": self.end, "head": self.head}


def begin(path: Path, position: Position) -> Position:
    """The place from which `unread` reads: the one given while its file is there, else the file's beginning.
    Raises SourceError."""
    (file, inode, offset), *_ = _pieces(path, position)
    return {"inode": inode, "offset": offset, "head": _head(file)}


def lost(path: Path, position: Position) -> bool:
    """Is what stood behind the position gone: its file lies beside the new one no more, or was cut short? Raises
    SourceError."""
    if position.get("inode") is None:
        return False
    (_, inode, offset), *_ = _pieces(path, position)
    return (inode, offset) != (position["inode"], int(position.get("offset", 0)))


def unread(path: Path, position: Position) -> Iterator[Line]:
    """Whole lines behind a position; the last one only when it is finished. Raises SourceError."""
    number = 0
    for file, inode, offset in _pieces(path, position):
        try:
            with file.open("rb") as opened:
                head = _digest(opened.read(_HEAD))
                opened.seek(offset)
                end = offset
                while raw := opened.readline(LINE_BYTES):
                    if not raw.endswith(b"\n") and len(raw) < LINE_BYTES:
                        break  # being written
                    number += 1
                    end += len(raw)
                    yield Line(number, raw.decode("utf-8", "replace").rstrip("\r\n"), inode, end, head)
        except OSError as error:
            raise _unreadable(file, error) from None


def _pieces(path: Path, position: Position) -> list[tuple[Path, int, int]]:
    """(file, inode, offset) of what is to be read, in order."""
    before, offset = position.get("inode"), int(position.get("offset", 0))
    try:
        now = path.stat()
        if before == now.st_ino:
            same = offset <= now.st_size and _is_known(path, str(position.get("head", "")))
            return [(path, now.st_ino, offset if same else 0)]
        rotated = _rotated(path, before) if before is not None else []
    except OSError as error:
        raise _unreadable(path, error) from None
    there = [(file, inode, 0 if number else offset) for number, (file, inode) in enumerate(rotated)]
    return [*there, (path, now.st_ino, 0)]


def _head(path: Path) -> str:
    try:
        with path.open("rb") as opened:
            return _digest(opened.read(_HEAD))
    except OSError as error:
        raise _unreadable(path, error) from None


def _digest(head: bytes) -> str:
    """How long the beginning was, and what it was: a file grows."""
    return f"{len(head)} {hashlib.sha256(head).hexdigest()[:16]}"


def _is_known(path: Path, head: str) -> bool:
    """Does the file begin as it did? Of a position without one nothing else is known."""
    length = head.partition(" ")[0]
    if not length.isdigit():
        return True
    with path.open("rb") as opened:
        return _digest(opened.read(int(length))) == head


def _rotated(path: Path, inode: int) -> list[tuple[Path, int]]:
    """The file that had the name before, and those that had it since, in order: beside it, under its name and something
    more (.1, -20260131, ~). None where it is not there."""
    beside = [one for one in path.parent.glob(f"{path.name}[.~-]*") if _ROTATED.fullmatch(one.name[len(path.name) :])]
    known = sorted(((one.stat().st_mtime_ns, one.stat().st_ino, one) for one in beside), key=lambda one: one[0])
    numbers = [number for _, number, _ in known]
    start = numbers.index(inode) if inode in numbers else len(known)
    return [(file, number) for _, number, file in known[start:]]


def _unreadable(path: Path, error: OSError) -> SourceError:
    return SourceError(f"{path}: cannot be read ({error.strerror}); check the setting and who may read it")

"""Reads on in a file that grows or is replaced: whole lines or blocks only, in bounded pieces.

A file that was rotated away is read to its end first, where it still lies beside the new one; a file that is another
one than before, or shorter, is read from its beginning. Must never hold the whole file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.connectors.sources.contract import Position, SourceError

LINE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """`number` counts from where this reading began; `inode` of its file, `end` the place behind it, in bytes."""

    number: int
    text: str
    inode: int
    end: int

    @property
    def place(self) -> Position:
        """Where to read on."""
        return {"inode": self.inode, "offset": self.end}


def begin(path: Path, position: Position) -> Position:
    """The place from which `unread` reads: the one given while its file is there, else the file's beginning.
    Raises SourceError."""
    (_, inode, offset), *_ = _pieces(path, position)
    return {"inode": inode, "offset": offset}


def unread(path: Path, position: Position) -> Iterator[Line]:
    """Whole lines behind a position; the last one only when it is finished. Raises SourceError."""
    number = 0
    for file, inode, offset in _pieces(path, position):
        try:
            with file.open("rb") as opened:
                opened.seek(offset)
                end = offset
                while raw := opened.readline(LINE_BYTES):
                    if not raw.endswith(b"\n") and len(raw) < LINE_BYTES:
                        break  # being written
                    number += 1
                    end += len(raw)
                    yield Line(number, raw.decode("utf-8", "replace").rstrip("\r\n"), inode, end)
        except OSError as error:
            raise _unreadable(file, error) from None


def _pieces(path: Path, position: Position) -> list[tuple[Path, int, int]]:
    """(file, inode, offset) of what is to be read, in order."""
    before, offset = position.get("inode"), int(position.get("offset", 0))
    try:
        now = path.stat()
        if before == now.st_ino:
            return [(path, now.st_ino, offset if offset <= now.st_size else 0)]
        rotated = _rotated(path, before) if before is not None else None
    except OSError as error:
        raise _unreadable(path, error) from None
    return [*([(rotated, int(before or 0), offset)] if rotated else []), (path, now.st_ino, 0)]


def _rotated(path: Path, inode: int) -> Path | None:
    """The file that had the name before: beside it, under its name and something more (.1, -20260131)."""
    for sibling in path.parent.glob(f"{path.name}[.-]*"):
        if sibling.suffix not in {".gz", ".xz", ".bz2", ".zst"} and sibling.stat().st_ino == inode:
            return sibling
    return None


def _unreadable(path: Path, error: OSError) -> SourceError:
    return SourceError(f"{path}: cannot be read ({error.strerror}); check the setting and who may read it")

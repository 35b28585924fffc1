"""Reads on in a file that grows or is replaced: whole lines or blocks only, in bounded pieces.

A file that is another one than before (rotated, rewritten), or shorter, is read from its beginning. Must never hold
the whole file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.connectors.sources.contract import Position, SourceError

LINE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """`number` counts from where this reading began; `end` is the place behind it, in bytes."""

    number: int
    text: str
    end: int


def begin(path: Path, position: Position) -> tuple[int, int]:
    """(inode, place to read on from). Raises SourceError."""
    try:
        now = path.stat()
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}); check the setting and who may read it") from None
    same = position.get("inode") == now.st_ino and int(position.get("offset", 0)) <= now.st_size
    return now.st_ino, int(position.get("offset", 0)) if same else 0


def lines(path: Path, offset: int) -> Iterator[Line]:
    """Whole lines from a place on; the last one only when it is finished."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            end = offset
            number = 0
            while raw := file.readline(LINE_BYTES):
                if not raw.endswith(b"\n") and len(raw) < LINE_BYTES:
                    return  # being written
                number += 1
                end += len(raw)
                yield Line(number, raw.decode("utf-8", "replace").rstrip("\r\n"), end)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}); check the setting and who may read it") from None

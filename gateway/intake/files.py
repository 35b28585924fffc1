"""Files, folders, mbox, Maildir and standard input -> one message after the other, in bounded memory.

For `arfgate parse` and `arfgate ingest`. Must never change what it reads (a `>From ` stays
as it is: the bytes are evidence) and never follow a link out of a folder.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from parsers.report import Limits

STANDARD_INPUT = "-"
LINE_BYTES = 64 * 1024  # read at once; a longer line comes in pieces
# One byte more than is read: the parser then says that the message is too large.
MESSAGE_BYTES = Limits().message_bytes + 1
# The line above each message of an mbox: sender and time. A body line that begins with "From " has no time.
SEPARATOR = re.compile(rb"From \S{1,320} .{0,60}\d{1,2}:\d{2}")


class PathError(Exception):
    """A path that cannot be read: which, why, and what to do."""


def read_messages(
    paths: list[str], failed: Callable[[PathError], None] | None = None
) -> Iterator[tuple[str, int, bytes]]:
    """(file, place inside an mbox, raw bytes) of every message under `paths`, folders in sorted order.

    Arguments that do not exist are an error before the first message is read. A file that
    fails later goes to `failed`, and the next is read; without `failed` it raises PathError.
    """
    for path in paths:
        if path != STANDARD_INPUT and not os.path.lexists(path):
            raise PathError(
                f"{path}: there is no such file or folder; check the spelling, or give - for standard input"
            )
    return _messages(paths, failed)


def _messages(paths: list[str], failed: Callable[[PathError], None] | None) -> Iterator[tuple[str, int, bytes]]:
    for path in paths:
        if path == STANDARD_INPUT:
            yield from ((path, index, raw) for index, raw in split_stream(sys.stdin.buffer))
            continue
        for file in _files(path):
            try:
                with Path(file).open("rb") as stream:
                    # An .eml file holds one message, whatever its text looks like.
                    whole = file.lower().endswith(".eml")
                    for index, raw in [(0, stream.read(MESSAGE_BYTES))] if whole else split_stream(stream):
                        yield file, index, raw
            except OSError as error:
                problem = PathError(f"{file}: cannot be read ({error.strerror}); check its permissions")
                if failed is None:
                    raise problem from error
                failed(problem)


def _files(path: str) -> Iterator[str]:
    """The file itself, or the files in a folder: of a Maildir those in `new` and `cur`, never hidden ones."""
    if not os.path.isdir(path):  # noqa: PTH112  paths stay as they were given
        yield path
        return
    for folder, inner, names in os.walk(path):
        if {"cur", "new"} <= set(inner):
            # Maildir: `tmp` is unfinished; sub-folders (Maildir++) begin with a dot.
            inner[:] = sorted(name for name in inner if name in ("cur", "new") or name.startswith("."))
            continue  # what lies beside them are the server's own files
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(names):
            file = os.path.join(folder, name)  # noqa: PTH118
            if not name.startswith(".") and os.path.isfile(file):  # noqa: PTH113
                yield file


def split_stream(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The messages of an mbox, one at a time; a stream that does not begin like one is one message."""
    line = stream.readline(LINE_BYTES)
    if not SEPARATOR.match(line):
        yield 0, (line + stream.read(max(0, MESSAGE_BYTES - len(line))))[:MESSAGE_BYTES]
        return
    index = 0
    message = bytearray(line)
    after_blank = False
    whole = line.endswith(b"\n")  # does the next piece begin a line?
    while line := stream.readline(LINE_BYTES):
        if whole and after_blank and line.startswith(b"From ") and SEPARATOR.match(line):
            yield index, bytes(message)
            index += 1
            message.clear()
        after_blank = whole and line in (b"\n", b"\r\n")
        whole = line.endswith(b"\n")
        if len(message) < MESSAGE_BYTES:
            message += line[: MESSAGE_BYTES - len(message)]
    yield index, bytes(message)

"""Files that hold all that is in force, written whole: a second run writes the same, a killed one leaves the old.

What is in force is read while the file's lock is held, so that of two writers the later one knows more. After the
files are in place an optional command (`reload`) makes a server read them; the order is done when that is done. Must
never leave half a file, and never write what a report says.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import stat
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.connectors.actions.program import run
from gateway.connectors.contract import Done, Entry, NotNow, Order, Outcome, Standing
from gateway.model import ActionKind

Render = Callable[[Sequence[Entry], Sequence[str]], Mapping[str, str]]
"""(entries in force, what must stay reachable) -> {suffix of the file's name: text}."""


@dataclass(frozen=True, slots=True)
class FileConnector:
    """The connector. `reload` is a command, `{file}` in it the file's path; `seconds` bounds it."""

    name: str
    kinds: frozenset[ActionKind]
    give_up_hours: float
    file: Path
    render: Render
    fits: Callable[[ActionKind, str], bool]
    reload: tuple[str, ...] = ()
    seconds: float = 30.0

    def takes(self, kind: ActionKind, target: str) -> bool:
        return kind in self.kinds and self.fits(kind, target)

    async def carry_out(self, order: Order, standing: Standing) -> Outcome:
        try:
            async with _alone(self.file):
                texts = self.render(await standing(), order.reachable)
                await asyncio.to_thread(_write_all, self.file, texts)
                if self.reload:
                    return await run(self.reload, {"file": str(self.file)}, b"", self.seconds)
        except BlockingIOError:
            return NotNow(f"{self.file}: another program is writing it")
        except OSError as error:
            return NotNow(f"{error.filename or self.file}: cannot be written ({error.strerror or error})")
        return Done(f"{self.file} is written")


@asynccontextmanager
async def _alone(file: Path) -> AsyncIterator[None]:
    """Nobody else writes the file meanwhile. Raises BlockingIOError where somebody does, OSError."""
    lock = os.open(file.with_name(f".{file.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(lock)


def _write_all(file: Path, texts: Mapping[str, str]) -> None:
    for suffix, text in texts.items():
        _write(file.with_name(file.name + suffix), text.encode())


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing; who may read the old file may read the new one."""
    try:
        if path.read_bytes() == content:
            return
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        mode = 0o644
    draft = path.with_name(f".{path.name}.new")  # the lock is held: nobody else has one
    try:
        with draft.open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
            os.fchmod(handle.fileno(), mode)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)

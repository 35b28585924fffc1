"""The demo goes on: the service runs, mail that is dropped into a folder arrives, and each step is told as a line.

Must never take a file that somebody is still writing.
"""

from __future__ import annotations

import asyncio
import hashlib
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

from gateway.demo.folder import DemoError
from gateway.demo.screen import one_line
from gateway.demo.story import Stage

_LOOK_SECONDS = 1.0
_MAILBOX = "abuse"


async def go_on(stage: Stage, begun: Callable[[], Awaitable[None]]) -> None:
    """Until Ctrl-C or SIGTERM; `begun` is called as soon as the pages answer."""
    stopped = asyncio.Event()
    watching = asyncio.create_task(_watch(stage, begun))
    watching.add_done_callback(lambda _: stopped.set())  # its error must not stay unseen
    try:
        await stage.service.run(stopped)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    if not watching.cancelled() and (error := watching.exception()) is not None:
        raise error
    stage.screen.say("Stopped.")


async def _watch(stage: Stage, begun: Callable[[], Awaitable[None]]) -> None:
    await stage.service.ready.wait()
    await begun()
    told = await stage.facts()
    lines = {line.message for line in told.lines}
    said = {one.id for one in told.said if one.path}
    drop = _Drop(stage)
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        await drop.take()
        news = await stage.facts()
        for line in news.lines:
            if line.message not in lines and line.verdict != "stored":
                stage.screen.say(f"worked:  {one_line(line)}")
        lines |= {line.message for line in news.lines if line.verdict != "stored"}
        for one in news.said:
            if one.path and one.id not in said:
                said.add(one.id)
                stage.screen.say(f"sent:    {one.what} to {one.to}: {one.path}")


class _Drop:
    """The folder into which people drop mails. What cannot be taken is said once and then left alone."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._sizes: dict[Path, int] = {}
        self._refused: set[Path] = set()
        self._known = {_digest(path.read_bytes()) for path in stage.folder.incoming.glob("*.eml")}

    async def take(self) -> None:
        """Deliver the files whose size did not change since the last look."""
        before, self._sizes = self._sizes, {}
        for path, size in _dropped(self._stage.folder.drop):
            if before.get(path) != size:
                self._sizes[path] = size
            elif path not in self._refused:
                await self._deliver(path)

    async def _deliver(self, path: Path) -> None:
        stage = self._stage
        try:
            raw = await asyncio.to_thread(path.read_bytes)
            await stage.mailroom.deliver(_MAILBOX, [(raw, stage.clock())])
            await asyncio.to_thread(_put_away, path, stage.folder.done)
        except (OSError, DemoError) as error:
            self._refused.add(path)
            stage.screen.say(f"dropped: {path.name} could not be taken: {error}")
            return
        digest = _digest(raw)
        again = "; the same bytes came before, and a message is stored once: change something in it"
        stage.screen.say(f"dropped: {path.name} arrived in {_MAILBOX}@{again if digest in self._known else ''}")
        self._known.add(digest)


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _dropped(folder: Path) -> list[tuple[Path, int]]:
    """Regular *.eml files and their sizes in bytes."""
    found = []
    for path in sorted(folder.glob("*.eml")):
        try:
            status = path.lstat()
        except OSError:
            continue  # gone again
        if stat.S_ISREG(status.st_mode):
            found.append((path, status.st_size))
    return found


def _put_away(path: Path, folder: Path) -> None:
    """Under a name that is not taken, so that a mail dropped twice is kept twice."""
    target, number = folder / path.name, 1
    while target.exists():
        number += 1
        target = folder / f"{path.stem}~{number}{path.suffix}"
    path.replace(target)

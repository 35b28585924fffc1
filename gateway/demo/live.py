"""The demo goes on: the service runs, mail that is dropped into a folder arrives, and each step is told as a line.

Must never take a file that somebody is still writing.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.demo.screen import one_line
from gateway.demo.story import Stage

_LOOK_SECONDS = 1.0
_MAILBOX = "abuse"


async def go_on(stage: Stage) -> None:
    """Until Ctrl-C or SIGTERM."""
    stopped = asyncio.Event()
    watching = asyncio.create_task(_watch(stage))
    watching.add_done_callback(lambda _: stopped.set())  # its error must not stay unseen
    try:
        await stage.service.run(stopped)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    if not watching.cancelled() and (error := watching.exception()) is not None:
        raise error
    stage.screen.say("Stopped.")


async def _watch(stage: Stage) -> None:
    told = await stage.facts()
    lines = {line.message for line in told.lines}
    said = {one.id for one in told.said if one.path}
    sizes: dict[Path, int] = {}
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        sizes = await _take(stage, sizes)
        news = await stage.facts()
        for line in news.lines:
            if line.message not in lines and line.verdict != "stored":
                stage.screen.say(f"worked: {one_line(line)}")
        lines |= {line.message for line in news.lines if line.verdict != "stored"}
        for one in news.said:
            if one.path and one.id not in said:
                said.add(one.id)
                stage.screen.say(f"sent:   {one.kind} about {one.about} to {one.to}: {one.path}")


async def _take(stage: Stage, before: dict[Path, int]) -> dict[Path, int]:
    """Deliver the files whose size did not change since the last look; the sizes of the others."""
    sizes: dict[Path, int] = {}
    for path, size in _dropped(stage.folder.drop):
        if before.get(path) != size:
            sizes[path] = size
            continue
        try:
            raw = path.read_bytes()
            await stage.mailroom.deliver(_MAILBOX, [(raw, stage.clock())])
            path.replace(_free(stage.folder.done / path.name))
        except OSError as error:
            stage.screen.say(f"dropped: {path} cannot be read or moved ({error.strerror}); take it away")
            continue
        stage.screen.say(f"dropped: {path.name} arrived in {_MAILBOX}@")
    return sizes


def _dropped(folder: Path) -> list[tuple[Path, int]]:
    found = []
    for path in sorted(folder.glob("*.eml")):
        try:
            found.append((path, path.stat().st_size))
        except OSError:
            continue  # gone again
    return found


def _free(path: Path) -> Path:
    """A name that is not taken, so that a mail dropped twice is kept twice."""
    number = 1
    while path.exists():
        number += 1
        path = path.with_name(f"{path.stem.split('~')[0]}~{number}{path.suffix}")
    return path

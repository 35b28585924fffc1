"""What the scenarios share: a house under one policy on a moved clock, people who complain, staff who carry out."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from whole.scene import HOUR, Scene, opened_scene, text_of
from whole.world import World

from gateway import enforcement, measures, pipeline, staff_cases
from servers.readers import complaint
from servers.receiver import SmtpReceiver

READERS = [f"reader@r{number}.example" for number in range(20)]


@contextlib.asynccontextmanager
async def under(policy: str, folder: Path, url: str, relay: SmtpReceiver) -> AsyncIterator[Scene]:
    """A house whose default policy is this one, with a SQLite database and a real SMTP receiver."""
    world = World(folder, url)
    async with opened_scene(world, relay, policy={"name": policy}) as scene:
        yield scene


async def complain(scene: Scene, source: str, *readers: str, **more: str) -> None:
    """Signed complaints of these readers, each about a mail of an hour ago."""
    at = scene.house.clock() - HOUR
    await scene.take_in(*(complaint(reader, source, at, **more) for reader in readers))


async def later(scene: Scene, hours: float, every: timedelta = HOUR) -> None:
    """Time passes, and what it brings is done: an hour at a time, nearly as a running service would see it.
    For weeks in which nothing is to happen between the steps of a clock, `every` may be more."""
    until = scene.time[0] + timedelta(hours=hours)
    while scene.time[0] < until:
        scene.time[0] = min(scene.time[0] + every, until)
        await pipeline.drain(scene.house)


async def enter(scene: Scene, *what: str, **more: Any) -> None:
    """Staff open a case themselves: account, class, resource."""
    await staff_cases.enter(scene.house, *what, **more)
    await pipeline.drain(scene.house)


def mails(scene: Scene, to: str) -> list[str]:
    """Subject and text of each mail to this address, in order."""
    return [text_of(mail.raw) for mail in scene.relay.received if mail.rcpt_tos == [to]]


def subjects(scene: Scene, to: str) -> list[str]:
    return [mail.partition("\n")[0] for mail in mails(scene, to)]


async def actions(scene: Scene) -> list[tuple[str, str, str]]:
    return await scene.ask("SELECT kind, target, state FROM actions ORDER BY id")


async def carry_out(scene: Scene, *, approved_by: tuple[str, ...] = ("ann",)) -> None:
    """Staff agree where they have to, and do by hand what no connector does."""
    for number, state in await scene.ask("SELECT id, state FROM actions WHERE state = 'proposed' ORDER BY id"):
        assert state == "proposed"
        for who in approved_by:
            await measures.approve(scene.house, number, who=who, why="it is right")
    await enforcement.run(scene.house)
    for (number,) in await scene.ask("SELECT id FROM actions WHERE state = 'asked' ORDER BY id"):
        await measures.done(scene.house, number, who="ann", why="done by hand")
    await pipeline.drain(scene.house)


async def verdicts(scene: Scene) -> list[tuple[str, str]]:
    return await scene.ask("SELECT verdict, reason FROM reports ORDER BY id")

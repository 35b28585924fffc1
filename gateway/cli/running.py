"""`arfgate run`, `poll`, `tick`, `ingest`, `pause`, `resume`: the gateway at work, as a service or a step at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from gateway import enforcement, logs, pipeline
from gateway.app import opened
from gateway.cli.session import FOR_PEOPLE, ConfigOption, fail, in_house, settings_of, who
from gateway.house import House
from gateway.intake.files import PathError, read_messages
from gateway.intake.imap import MailboxError
from gateway.intake.poll import poll as poll_mailbox
from gateway.service import Service
from gateway.settings import Settings
from gateway.store import messages, switches
from gateway.store.messages import Arrived

_BATCH = 100


def run(config: ConfigOption = None) -> None:
    """The service: reads the mailboxes, works, sends, serves the queue page, until SIGTERM or Ctrl-C."""
    settings = settings_of(config)
    logs.configure(settings.log.level, settings.log.format)
    try:
        asyncio.run(_serve(settings))
    except FOR_PEOPLE as error:
        fail(*str(error).splitlines())


async def _serve(settings: Settings) -> None:
    async with opened(settings) as house:
        await Service(house).run()


def poll(
    name: Annotated[str | None, typer.Argument(help="Only this mailbox.")] = None, config: ConfigOption = None
) -> None:
    """Read the mailboxes once, work and send."""
    settings = settings_of(config)
    boxes = [box for box in settings.mailboxes if name in (None, box.name)]
    if not boxes:
        fail(f"there is no mailbox '{name}' in {settings.path}" if name else f"{settings.path} names no mailbox")

    async def work(house: House) -> list[str]:
        wrong = []
        for box in boxes:
            try:
                typer.echo(f"{box.name}: {await poll_mailbox(house, box)} new messages")
            except MailboxError as error:
                wrong.append(str(error))
        await pipeline.drain(house)
        return wrong

    wrong = in_house(config, work, log_level="error")  # a mailbox's trouble is said once, below
    if wrong:
        fail(*wrong)


def tick(config: ConfigOption = None) -> None:
    """Do once what time brings: reminders, overdue clocks; then send, and carry out what was approved."""

    async def work(house: House) -> None:
        await pipeline.drain(house)
        await enforcement.run(house)

    in_house(config, work)


def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files, folders, mbox, Maildir, or - for standard input.")],
    config: ConfigOption = None,
) -> None:
    """Take in mail from files as if it had just arrived. A message that is known already is not taken twice."""

    async def work(house: House) -> int:
        count = 0
        with Progress(transient=True) as progress:
            task = progress.add_task("messages", total=None)
            for batch in _batches(paths):
                now = house.clock()
                async with house.database.writing() as connection:
                    await messages.store(connection, [Arrived(raw, now) for raw in batch], None, now)
                await pipeline.work(house)
                count += len(batch)
                progress.update(task, completed=count)
        await pipeline.drain(house)
        return count

    try:
        typer.echo(f"{in_house(config, work)} messages taken in.")
    except PathError as error:
        fail(str(error))


def _batches(paths: list[Path]) -> Iterator[list[bytes]]:
    found = (raw for _, _, raw in read_messages([str(path) for path in paths]))
    while batch := list(islice(found, _BATCH)):
        yield batch


def pause(
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept in the events.")] = "",
    config: ConfigOption = None,
) -> None:
    """Stop all sending and acting at once, on every node. Mail is still read and shown."""
    _switch(config, paused=True, reason=reason)
    typer.echo("Paused: nothing is sent and nothing is done until 'arfgate resume'.")


def resume(
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept in the events.")] = "",
    config: ConfigOption = None,
) -> None:
    """Take up sending and acting again."""
    _switch(config, paused=False, reason=reason)
    typer.echo("Running again.")


def _switch(config: Path | None, *, paused: bool, reason: str) -> None:
    async def work(house: House) -> None:
        async with house.database.writing() as connection:
            await switches.pause(connection, paused=paused, who=who(), why=reason, now=house.clock())

    in_house(config, work)

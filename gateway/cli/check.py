"""`arfgate check`: tries everything that the settings name, and says in plain words what is wrong with which.

One line for each try; exit status 0 when all is well, 1 otherwise. Must never end in a traceback.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from gateway import logs
from gateway.selfcheck import State
from gateway.selfcheck import check as try_everything
from gateway.settings import Settings, SettingsError, load

_MARKS = {State.OK: "ok     ", State.WRONG: "WRONG  ", State.SKIPPED: "skipped"}


def check(
    config: Annotated[Path | None, typer.Option("--config", help="Settings file.", metavar="PATH")] = None,
    wait: Annotated[
        float, typer.Option("--wait", help="Seconds to look for the mail that is sent to ourselves.", min=1, max=3600)
    ] = 60.0,
    intake: Annotated[
        bool,
        typer.Option("--intake", help="Also send a sample of forwarded spam to each mailbox: does it get through?"),
    ] = False,
) -> None:
    """Try mailboxes, mail, database and registries, and say what is wrong. Sends one mail to ourselves."""
    logs.configure("error", "text")
    try:
        settings = load(config)
    except SettingsError as error:
        for line in error.problems:
            typer.echo(f"WRONG   settings: {line}")
        raise typer.Exit(1) from None
    typer.echo(f"ok      settings: {settings.path}")
    for line in settings.warnings():
        typer.echo(f"WARNING {line}")
    wrong = asyncio.run(_print_results(settings, wait, intake=intake))
    typer.echo("All is well." if not wrong else f"{wrong} to put right: see the lines that begin with WRONG.")
    raise typer.Exit(1 if wrong else 0)


async def _print_results(settings: Settings, wait: float, *, intake: bool) -> int:
    """How many are wrong."""
    wrong = 0
    async for result in try_everything(settings, wait, intake=intake):
        wrong += result.state is State.WRONG
        typer.echo(f"{_MARKS[result.state]} {result.name}: {result.text}")
    return wrong

"""`arfgate demo`: the whole gateway at work on embedded servers and sample mail, in a folder of its own.

Each start begins from nothing, also with `--hours`. Must never use the user's own settings.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.session import FOR_PEOPLE, fail
from gateway.settings import ENVIRONMENT_PREFIX, SettingsError

if TYPE_CHECKING:
    from gateway.demo import story
    from gateway.demo.screen import Screen

DIRECTORY = Path("arfgate-demo")
_HARMLESS = frozenset({"ARFGATE_CONFIG", "ARFGATE_REQUIRE"})


def demo(
    directory: Annotated[
        Path, typer.Option("--dir", help="Folder to play in; it is emptied at each start.", metavar="DIR")
    ] = DIRECTORY,
    once: Annotated[
        bool, typer.Option("--once", help="End after the tables instead of going on until Ctrl-C.")
    ] = False,
    hours: Annotated[
        float, typer.Option("--hours", help="Play it anew, then move the clock so many hours on.", min=0, max=24 * 60)
    ] = 0,
) -> None:
    """Show everything at work: sample mail in, verdicts, cases, notices out, on servers of its own."""
    try:
        from gateway.demo import live, story  # noqa: PLC0415  (the extra [demo] may not be installed)
        from gateway.demo.folder import DemoError  # noqa: PLC0415
        from gateway.demo.screen import Screen  # noqa: PLC0415
    except ModuleNotFoundError as error:
        fail(f"the demo needs {error.name}, which is not installed; run: pip install 'arfgate[demo]'")
    own = sorted(name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX) and name not in _HARMLESS)
    if own:  # the demo must not write into the database that they may name
        fail(f"these environment variables change settings, also the demo's; unset them first: {' '.join(own)}")
    screen = Screen()

    async def then(stage: story.Stage) -> None:
        await live.go_on(stage, partial(_how_to_go_on, screen, stage))

    try:
        asyncio.run(story.play(directory, hours, screen, None if once else then))
    except (DemoError, SettingsError, *FOR_PEOPLE) as error:
        fail(*str(error).splitlines())
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    if once:
        _how_to_look_further(screen, directory)


def _how_to_look_further(screen: Screen, directory: Path) -> None:
    config = f"--config {shlex.quote(str(directory / 'arfgate.toml'))}"
    first = shlex.quote(str(directory / "in" / "01-abuse.eml"))
    arfgate = _as_called()
    screen.say("")
    screen.say("Look further:", "bold")
    for command in (
        f"queue list {config}",
        f"case list {config}",
        f"case show 1 {config}",
        f"action list {config}",
        f"explain {first} {config}",
        f"parse {shlex.quote(str(directory / 'in'))}",
    ):
        screen.say(f"  {arfgate} {command}")
    screen.say(f"  The log: {directory / 'arfgate.log'}; every mail that went out: {directory / 'out'}")


def _as_called() -> str:
    """How this program is called from here: `arfgate` where the shell finds it, else its place (make's .venv)."""
    program = Path(sys.argv[0])
    if shutil.which("arfgate") or program.name != "arfgate":
        return "arfgate"
    here = Path.cwd()
    return shlex.quote(str(program.relative_to(here) if program.is_relative_to(here) else program))


async def _how_to_go_on(screen: Screen, stage: story.Stage) -> None:
    _how_to_look_further(screen, stage.folder.path)
    link = await stage.sign_in_link()
    screen.say("")
    screen.say("The service goes on until Ctrl-C.", "bold")
    screen.say(f"  Drop a mail (*.eml) into {stage.folder.drop} and watch it being worked here.")
    screen.say(f"  Another link: {_as_called()} user link demo --config {shlex.quote(str(stage.folder.settings))}")
    screen.say(f"  The console, signed in (this link works once, within ten minutes): {link}")

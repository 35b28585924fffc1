"""`arfgate reparse`: stored messages through today's parsers; shows what would change, and does it on request."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table, who
from gateway.house import House
from gateway.reparse import Change, Outcome, Step
from gateway.reparse import reparse as read_again
from gateway.store.again import Wanted
from gateway.workers import WorkersBrokenError
from parsers.report import Kind

_WILL = {Step.WORK: "work on it again", Step.UPDATE: "update its facts", Step.LOOK: "nothing; look at it"}
_DID = {Step.WORK: "waits to be worked on", Step.UPDATE: "facts updated", Step.LOOK: "nothing; look at it"}
_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]
_DIFFERENCES_SHOWN = 4


def reparse(
    numbers: Annotated[
        list[int] | None, typer.Argument(help="Only these messages; 'arfgate message list' shows the numbers.", min=1)
    ] = None,
    kind: Annotated[Kind | None, typer.Option(help="Only what was read as this, for example unknown.")] = None,
    since: Annotated[
        datetime | None, typer.Option(help="Only what was received since then, UTC.", formats=_TIMES)
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Make the changes that are shown.")] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Read stored messages again and show what would change; --apply changes it. Nothing is filed or sent twice."""
    wanted = Wanted(tuple(numbers or ()), kind.value if kind else None, since.replace(tzinfo=UTC) if since else None)
    with _progress() as progress:
        task = progress.add_task("reading again", total=None)

        async def work(house: House) -> Outcome:
            return await read_again(
                house, wanted, who(), apply=apply, tell=lambda done, of: progress.update(task, completed=done, total=of)
            )

        try:
            outcome = in_house(config, work)
        except WorkersBrokenError as error:
            fail(str(error))
    if json:
        as_json({"read": outcome.read, "applied": apply, "changes": outcome.changes})
    else:
        _show(outcome, apply=apply)


def _progress() -> Progress:
    """On stderr, and only where that is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


def _show(outcome: Outcome, *, apply: bool) -> None:
    rows = [
        (one.message, one.received_at, one.sender, _taken_for(one), _shown(one.differences), _done(one, apply))
        for one in outcome.changes
    ]
    if rows:
        columns = ("message", "received", "sender", "what it is", "what differs", "done" if apply else "with --apply")
        table("Read otherwise today", columns, rows, empty="")
    typer.echo(f"{outcome.read} messages read again, {outcome.read - len(outcome.changes)} as before.")
    work, update, look = (len(outcome.of(step)) for step in (Step.WORK, Step.UPDATE, Step.LOOK))
    if look:
        typer.echo(f"Something else than they were filed as, and left as they are: {look}. A person has to look.")
    if apply and work + update:
        typer.echo(f"Changed: {sum(one.applied for one in outcome.changes)}.")
    if apply and work:
        typer.echo("What waits again is taken by the running service, or by 'arfgate tick'.")
    if not apply and work + update:
        typer.echo(f"Nothing was changed. With --apply: {work} worked on again, {update} with their facts updated.")


def _taken_for(one: Change) -> str:
    before, after = (
        f"{each.kind} ({each.format})" if each.format else f"{each.kind}" for each in (one.before, one.after)
    )
    return before if before == after else f"{before} -> {after}"


def _shown(differences: tuple[str, ...]) -> str:
    more = len(differences) - _DIFFERENCES_SHOWN
    return "; ".join([*differences[:_DIFFERENCES_SHOWN], *([f"and {more} more"] if more > 0 else [])])


def _done(one: Change, apply: bool) -> str:
    if not apply:
        return _WILL[one.step]
    return _DID[one.step] if one.applied or one.step is Step.LOOK else "nothing: it changed meanwhile"

"""`arfgate block`: the Actions that wait for somebody, and what was decided about them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table, who
from gateway.house import House
from gateway.model import ActionState
from gateway.store import actions, cases

block_app = typer.Typer(help="Blocks that wait for approval, or were made.", no_args_is_help=True)

S = ActionState
Id = Annotated[int, typer.Argument(help="Number of the action, as 'arfgate block list' shows it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with the case.")]


@block_app.command("list")
def list_blocks(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Actions that wait for staff."""

    async def work(house: House) -> list[dict[str, Any]]:
        async with house.database.reading() as connection:
            return await cases.actions_of(connection)

    waiting = {S.PROPOSED.value, S.ASKED.value, S.APPROVED.value, S.FAILED.value}
    rows = [row for row in in_house(config, work) if everything or row["state"] in waiting]
    if json:
        as_json(rows)
        return
    columns = ("id", "kind", "target", "state", "case_id", "why", "created_at", "decided_by")
    table("Actions", columns, [[row[c] for c in columns] for row in rows], empty="Nothing waits for approval.")


@block_app.command()
def approve(number: Id, reason: Reason, config: ConfigOption = None) -> None:
    """Agree to it. No connector carries blocks out yet: it then asks you to do it by hand."""
    _decide(config, number, {S.PROPOSED}, S.ASKED, reason)
    typer.echo("Carry it out, then say: arfgate block done", nl=False)
    typer.echo(f" {number} --reason ...")


@block_app.command()
def done(number: Id, reason: Reason, config: ConfigOption = None) -> None:
    """It was carried out by hand."""
    _decide(config, number, {S.ASKED}, S.DONE, reason)


@block_app.command()
def cancel(number: Id, reason: Reason, config: ConfigOption = None) -> None:
    """It will not be carried out."""
    _decide(config, number, {S.PROPOSED, S.ASKED, S.FAILED}, S.CANCELLED, reason)


@block_app.command()
def undo(number: Id, reason: Reason, config: ConfigOption = None) -> None:
    """It was lifted by hand."""
    _decide(config, number, {S.DONE}, S.UNDONE, reason)


def _decide(config: Any, number: int, allowed: set[ActionState], to: ActionState, reason: str) -> None:
    async def work(house: House) -> ActionState | None:
        async with house.database.writing() as connection:
            return await actions.decide(connection, number, allowed, to, who=who(), why=reason, now=house.clock())

    was = in_house(config, work)
    if was is not None:
        fail(f"action {number} is {was.value}; this needs {' or '.join(sorted(a.value for a in allowed))}")
    typer.echo(f"Action {number} is {to.value}.")

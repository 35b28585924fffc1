"""`arfgate action`: what is to be done to resources, who agreed, what the connectors made of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, Any

import typer

from gateway import measures
from gateway.casework.actions import Action, Plan
from gateway.cli.session import ConfigOption, JsonOption, as_json, in_house, table, text, who
from gateway.house import House
from gateway.model import ActionState
from gateway.store import action_steps, actions
from gateway.store.action_steps import Step

action_app = typer.Typer(help="Actions: list, show, plan, and what staff decide about them.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(help="Number of the action, as 'arfgate action list' shows it.", metavar="ID")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with the action.")]


@action_app.command("list")
def list_actions(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are done or over.")] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Actions that wait for somebody or something."""

    async def work(house: House) -> list[Action]:
        async with house.database.reading() as connection:
            return await actions.listed(connection, states=None if everything else actions.OPEN)

    found = in_house(config, work)
    if json:
        as_json(found)
        return
    columns = ("id", "kind", "target", "state", "agreed", "case", "customer", "why", "since", "until")
    rows = [
        (
            a.id, a.kind.value, a.target, _state(a), f"{len(a.approvals)} of {a.needed}", a.case, a.account, a.why,
            a.created_at, a.expires_at,
        )
        for a in found
    ]  # fmt: skip
    table("Actions", columns, rows, empty="No action waits.")


@action_app.command()
def show(number: Number, json: JsonOption = False, config: ConfigOption = None) -> None:
    """One action whole: its plan, who agreed, what each connector answered."""

    async def work(house: House) -> tuple[Action, Plan, list[Step]]:
        action, plan = await measures.plan(house, number)
        async with house.database.writing() as connection:
            return action, plan, await action_steps.of(connection, number)

    action, plan, steps = in_house(config, work)
    if json:
        as_json(asdict(action) | {"plan": asdict(plan), "steps": [asdict(step) for step in steps]})
        return
    _tell(action, plan)
    for agreed in action.approvals:
        typer.echo(f"  {agreed.who} agreed {text(agreed.at)}: {text(agreed.why)}")
    columns = ("connector", "phase", "state", "attempts", "next", "answer", "key")
    rows = [(s.connector, s.phase.value, s.state, s.attempts, s.next_at, s.answer, s.key) for s in steps]
    table("\nConnectors", columns, rows, empty="No connector has it in hand.")


@action_app.command()
def plan(number: Number, json: JsonOption = False, config: ConfigOption = None) -> None:
    """What would happen: what, why, whom it hits, what stays reachable, how it is undone."""
    action, planned = in_house(config, lambda house: measures.plan(house, number))
    if json:
        as_json(planned)
        return
    _tell(action, planned)


@action_app.command()
def approve(
    number: Number,
    reason: Reason,
    yes: Annotated[bool, typer.Option("--yes", help="Do not show the plan and ask first.")] = False,
    config: ConfigOption = None,
) -> None:
    """Agree to it, once you saw its plan. Two-person approval needs two persons."""
    if not yes:
        _tell(*in_house(config, lambda house: measures.plan(house, number)))
        typer.confirm("Shall this be done?", abort=True)
    action = in_house(config, lambda house: measures.approve(house, number, who=who(), why=reason))
    if action.state is ActionState.PROPOSED:
        typer.echo(f"Action {number} has {len(action.approvals)} of {action.needed} agreements.")
    elif action.state is ActionState.ASKED:
        typer.echo(f"No connector takes it. Carry it out, then say: arfgate action done {number} --reason ...")
    else:
        typer.echo(f"Action {number} is {action.state.value}; the running service carries it out.")


@action_app.command()
def reject(number: Number, reason: Reason, config: ConfigOption = None) -> None:
    """It will not be carried out."""
    _decide(config, lambda house: measures.reject(house, number, who=who(), why=reason))


@action_app.command()
def done(number: Number, reason: Reason, config: ConfigOption = None) -> None:
    """It was carried out by hand."""
    _decide(config, lambda house: measures.done(house, number, who=who(), why=reason))


@action_app.command()
def retry(number: Number, reason: Reason, config: ConfigOption = None) -> None:
    """What kept its connectors from it is put right: let them try again."""
    _decide(config, lambda house: measures.retry(house, number, who=who(), why=reason))


@action_app.command()
def undo(
    number: Number,
    reason: Reason,
    by_hand: Annotated[bool, typer.Option("--by-hand", help="It was lifted already, without the connectors.")] = False,
    config: ConfigOption = None,
) -> None:
    """Lift it."""
    _decide(config, lambda house: measures.undo(house, number, who=who(), why=reason, by_hand=by_hand))


def _decide(config: Any, decision: Callable[[House], Awaitable[Action]]) -> None:
    action = in_house(config, decision)
    typer.echo(f"Action {action.id} is {_state(action)}.")


def _state(action: Action) -> str:
    return f"{action.state.value}, being undone" if action.lifting else action.state.value


def _tell(action: Action, planned: Plan) -> None:
    typer.echo(f"Action {action.id}, {_state(action)}: {text(planned.what)}")
    lines = [
        ("why", planned.why),
        ("case", action.case or ""),
        ("hits", ", ".join(planned.hits)),
        ("stays reachable", ", ".join(planned.stays)),
        ("carried out by", ", ".join(planned.carried_out_by)),
        ("undo", planned.undo),
        ("approval", planned.approval),
    ]
    for name, value in lines:
        if value:
            typer.echo(f"  {name}: {text(value)}")
    for refused in planned.refusals:
        typer.secho(f"  MUST NOT BE DONE: {text(refused)}", fg="red")

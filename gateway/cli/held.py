"""`arfgate held`: what waits for something that is missing or for a person, and a person's word on it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gateway import holding, pipeline
from gateway.cli.session import ConfigOption, JsonOption, as_json, in_house, table, who
from gateway.house import House
from gateway.store import held

held_app = typer.Typer(help="Reports that are held: list, release, drop.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(help="Number of the message, as `arfgate held list` shows it.", min=1)]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept in the events.")]


@held_app.command("list")
def list_held(
    everything: Annotated[bool, typer.Option("--all", help="Also what is completed, expired or decided.")] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """What is held, why, and until when."""

    async def work(house: House) -> list[dict[str, Any]]:
        async with house.database.reading() as connection:
            return await held.listed(connection, None if everything else held.WAITING)

    rows = in_house(config, work)
    if json:
        as_json(rows)
        return
    columns = ("message", "since", "until", "reason", "state", "sender", "subject", "completed by", "decided by")
    shown = [
        (r["message_id"], r["held_at"], r["expires_at"], r["reason"], r["state"], r["sender"], r["subject"],
         r["completed_by"], r["decided_by"])
        for r in rows
    ]  # fmt: skip
    table("Held", columns, shown, empty="Nothing is held.")


@held_app.command()
def release(message: Number, reason: Reason, config: ConfigOption = None) -> None:
    """You stand for it: it is worked on as if it were complete."""

    async def work(house: House) -> None:
        await holding.release(house, message, who=who(), why=reason)
        await pipeline.drain(house)

    in_house(config, work)
    typer.echo(f"Message {message} is released.")


@held_app.command()
def drop(message: Number, reason: Reason, config: ConfigOption = None) -> None:
    """Nothing will come of it: it is rejected."""
    in_house(config, lambda house: holding.drop(house, message, who=who(), why=reason))
    typer.echo(f"Message {message} is dropped.")

"""`arfgate mute`: complaints that are counted and not forwarded. Must never decide anything itself."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gateway import muting
from gateway.casework.mutes import MuteKind
from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table, who
from gateway.house import House
from gateway.muting import MOST_DAYS, MuteError
from gateway.store import mutes

mute_app = typer.Typer(help="Complaints that are counted and not forwarded.", no_args_is_help=True)


@mute_app.command("add")
def add(
    kind: Annotated[MuteKind, typer.Argument(help="What the rule is about.")],
    value: Annotated[str, typer.Argument(help="An address or prefix, a customer's key, a class or a feed's name.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept.")],
    days: Annotated[int, typer.Option("--days", help="For how long.", min=1, max=MOST_DAYS)],
    config: ConfigOption = None,
) -> None:
    """Count such complaints and open no case from them, for a time."""

    async def work(house: House) -> int:
        return await muting.add(house, kind, value, days, who=who(), why=reason)

    try:
        number = in_house(config, work)
    except MuteError as error:
        fail(str(error))
    typer.echo(f"rule {number}: {kind.value} {value} for {days} days")


@mute_app.command("lift")
def lift(
    number: Annotated[int, typer.Argument(min=1, help="Number of the rule.")], config: ConfigOption = None
) -> None:
    """End a rule before its time."""

    async def work(house: House) -> bool:
        return await muting.lift(house, number, who=who())

    if not in_house(config, work):
        fail(f"no rule {number} holds; `arfgate mute list` shows them")
    typer.echo(f"rule {number} is lifted")


@mute_app.command("list")
def list_mutes(json: JsonOption = False, config: ConfigOption = None) -> None:
    """Rules with how many complaints each kept back."""

    async def work(house: House) -> list[dict[str, Any]]:
        async with house.database.reading() as connection:
            return await mutes.overview(connection)

    rows = in_house(config, work)
    if json:
        as_json(rows)
        return
    columns = ("id", "kind", "value", "reason", "who", "expires_at", "lifted_at", "kept_back")
    table("Mute rules", columns, [[row[c] for c in columns] for row in rows], empty="Nothing is muted.")

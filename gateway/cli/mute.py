"""`arfgate mute`: complaints that are counted and not forwarded. Must never decide anything itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer

from gateway.casework.mutes import Mute, MuteKind
from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table, who
from gateway.house import House
from gateway.intake import customer_values
from gateway.intake.customer_values import BadValueError
from gateway.store import mutes

mute_app = typer.Typer(help="Complaints that are counted and not forwarded.", no_args_is_help=True)


@mute_app.command("add")
def add(
    kind: Annotated[MuteKind, typer.Argument(help="What the rule is about.")],
    value: Annotated[str, typer.Argument(help="An address or prefix, a customer's key, a class or a feed's name.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept.")],
    days: Annotated[int, typer.Option("--days", help="For how long.", min=1, max=366)],
    config: ConfigOption = None,
) -> None:
    """Count such complaints and open no case from them, for a time."""
    family = first = last = 0
    if kind is MuteKind.ADDRESS:
        try:
            value, family, first, last = customer_values.resource(value)
        except BadValueError as error:
            fail(f"{value[:80]!r} {error}")
        if not family:
            fail(f"{value!r} is no address or prefix")
    if not reason.strip():
        fail("say why: the reason is kept")

    async def work(house: House) -> int:
        now = house.clock()
        rule = Mute(0, kind, value, now + timedelta(days=days), family, first, last)
        async with house.database.writing() as connection:
            return await mutes.add(connection, rule, reason.strip(), who=who(), now=now)

    typer.echo(f"rule {in_house(config, work)}: {kind.value} {value} for {days} days")


@mute_app.command("lift")
def lift(
    number: Annotated[int, typer.Argument(min=1, help="Number of the rule.")], config: ConfigOption = None
) -> None:
    """End a rule before its time."""

    async def work(house: House) -> bool:
        async with house.database.writing() as connection:
            return await mutes.lift(connection, number, who=who(), now=house.clock())

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

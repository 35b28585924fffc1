"""`arfgate watch`: what DNS block lists say of our own addresses (NET-3)."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table
from gateway.house import House
from gateway.store import watch
from gateway.watch import blocklists

watch_app = typer.Typer(help="Our own reputation: block lists that list us.", no_args_is_help=True)


@watch_app.command("list")
def list_listings(
    everything: Annotated[bool, typer.Option("--all", help="Also listings that are over.")] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """The lists that are asked, and our addresses that they list."""

    async def work(house: House) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        async with house.database.reading() as connection:
            return await watch.shown(connection, everything=everything)

    zones, found = in_house(config, work)
    if json:
        as_json({"zones": zones, "listings": found})
        return
    rows = [(z["zone"], z["checked_at"], z["asked"], z["failed"], z["trouble"], z["next_at"]) for z in zones]
    columns = ("list", "asked at", "addresses", "no answer", "trouble", "next")
    table("Block lists", columns, rows, empty="No list was asked yet; name some in blocklists.zones.")
    names = ("address", "zone", "codes", "reason", "account", "listed_at", "seen_at", "delisted_at")
    table("\nListed", names, [[one[name] for name in names] for one in found], empty="None of our addresses is listed.")


@watch_app.command()
def check(config: ConfigOption = None) -> None:
    """Ask all lists now."""
    asked = in_house(config, lambda house: blocklists.run(house, at_once=True))
    if not asked:
        fail("no list is named; write blocklists.zones into the settings file")
    typer.echo(f"{asked} lists asked; 'arfgate watch list' shows what they say.")

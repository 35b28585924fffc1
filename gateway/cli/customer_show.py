"""More of `arfgate customer`: one customer whole."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from gateway.cli.customer import customer_app
from gateway.cli.session import ConfigOption, JsonOption, as_json, in_house, table, text
from gateway.house import House
from gateway.store import customer_card
from gateway.store.customer_card import Card


@customer_app.command("show")
def show(
    key: Annotated[str, typer.Argument(help="Key of the customer.")],
    limit: Annotated[int, typer.Option("--limit", help="Most addresses to show.", min=1, max=100_000)] = 50,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Terms, contacts in order of trial, accounts, the tree around it, and what it holds and held."""

    async def work(house: House) -> Card:
        async with house.database.reading() as connection:
            return await customer_card.card(connection, key, limit)

    card = in_house(config, work)
    if json:
        as_json(asdict(card))
        return
    typer.echo(f"{card.key}  {text(card.name)}")
    for name, value in _terms(card):
        typer.echo(f"  {name}: {text(value)}")
    told = [(n, c.address, c.role, c.language) for n, c in enumerate(card.contacts, 1)]
    table("\nContacts", ("", "address", "role", "language"), told, empty="\nNobody can be told: it has no contact.")
    columns = ("account", "resource", "ports", "valid_from", "valid_to", "use", "origin")
    rows = [[getattr(one, column) for column in columns] for one in card.holdings]
    more = f" (the latest {limit} of {card.held})" if card.held > limit else ""
    table(f"\nHolds and held{more}", columns, rows, empty="\nIt holds nothing.")
    if card.identifiers:
        names = ("account", "kind", "value", "valid_from", "valid_to", "origin")
        table("\nIdentifiers", names, [[getattr(one, n) for n in names] for one in card.identifiers], empty="")


def _terms(card: Card) -> list[tuple[str, str]]:
    said = [
        ("accounts", ", ".join(card.accounts)),
        ("above it", ", then ".join(card.above)),
        ("below it", ", ".join(card.below)),
        ("language", card.language),
        ("told by", card.delivery),
        ("policy", card.policy or "the default"),
        ("vetted", "yes" if card.vetted else ""),
    ]
    return [(name, value) for name, value in said if value]

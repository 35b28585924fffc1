"""`arfgate customer postmaster`: who reads postmaster@ of customers' domains, and who did not say so."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gateway.cli.customer import customer_app
from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table, who
from gateway.house import House
from gateway.store import postmasters
from gateway.watch import postmaster as watch
from notifier.dns import Resolver


@customer_app.command("postmaster")
def postmaster(
    add: Annotated[tuple[str, str] | None, typer.Option(help="CUSTOMER DOMAIN: another domain to ask.")] = None,
    *,
    probe: Annotated[str | None, typer.Option(help="DOMAIN: ask its mail server with RCPT, send nothing.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Also those who confirmed.")] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Domains whose postmaster did not confirm that somebody reads the mailbox."""
    if add is not None:
        customer, domain = add
        in_house(config, lambda house: watch.add(house, customer, domain))
    if probe is not None:
        domain = probe
        typer.echo(in_house(config, lambda house: watch.probe(house, domain, Resolver(), who=who())))

    async def work(house: House) -> tuple[list[dict[str, Any]], bool]:
        async with house.database.reading() as connection:
            return await postmasters.listed(connection, unconfirmed=not everybody), house.policy.postmaster.ask

    rows, asks = in_house(config, work)
    if json:
        as_json(rows)
        return
    columns = ("customer", "domain", "asked_at", "mail", "confirmed_at", "confirmed_by", "next_at", "probe")
    table("Postmasters", columns, [[r[c] for c in columns] for r in rows], empty="Everybody who was asked confirmed.")
    if not asks:
        fail("nobody is asked: postmaster.ask in the policy is off")

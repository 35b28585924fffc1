"""`arfgate customer strikes|activity|threat|reset|annul|warned`: what counts against a customer; staff decide."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway import staff_strikes
from gateway.cli.customer import customer_app
from gateway.cli.session import ConfigOption, JsonOption, as_json, in_house, table, who
from gateway.house import House
from gateway.staff_strikes import Standing

Account = Annotated[str, typer.Argument(help="Customer, or customer/account.")]
Number = Annotated[int, typer.Argument(help="Number of the strike, as 'arfgate customer strikes' shows it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept.")]


@customer_app.command("strikes")
def show_strikes(account: Account, json: JsonOption = False, config: ConfigOption = None) -> None:
    """What counts against a customer, and what came of it."""

    async def work(house: House) -> Standing:
        return await staff_strikes.standing(house, account)

    found = in_house(config, work)
    if json:
        as_json(found)
        return
    counted = ", ".join(f"{count} {state}" for state, count in sorted(found.marks.items())) or "none"
    typer.echo(f"{found.account}, policy {found.policy}. Complaints and notices of activity: {counted}.")
    columns = ("id", "kind", "number", "at", "complaints", "state", "policy", "why", "warned_at", "reason")
    table("Strikes", columns, [[row[c] for c in columns] for row in found.strikes], empty="No strike.")


@customer_app.command()
def activity(account: Account, reason: Reason, config: ConfigOption = None) -> None:
    """Staff saw abuse of the account themselves: it counts like a complaint."""

    async def work(house: House) -> int:
        return await staff_strikes.activity(house, account, who=who(), why=reason)

    typer.echo("Noted." if in_house(config, work) == 0 else "Noted; it makes a strike.")


@customer_app.command()
def threat(account: Account, reason: Reason, config: ConfigOption = None) -> None:
    """Declare an immediate threat: what the policy has for it is done at once."""

    async def work(house: House) -> None:
        await staff_strikes.threat(house, account, who=who(), why=reason)

    in_house(config, work)
    typer.echo(f"{account} is an immediate threat.")


@customer_app.command()
def reset(account: Account, reason: Reason, config: ConfigOption = None) -> None:
    """Begin anew: no strike stands, and nothing that was counted so far counts."""

    async def work(house: House) -> int:
        return await staff_strikes.reset(house, account, who=who(), why=reason)

    typer.echo(f"{in_house(config, work)} strikes of {account} were annulled.")


@customer_app.command()
def annul(number: Number, reason: Reason, config: ConfigOption = None) -> None:
    """A strike does not stand: the ladder goes back by one."""

    async def work(house: House) -> None:
        await staff_strikes.annul(house, number, who=who(), why=reason)

    in_house(config, work)
    typer.echo(f"Strike {number} is annulled.")


@customer_app.command()
def warned(number: Number, reason: Reason, config: ConfigOption = None) -> None:
    """The customer was warned by telephone or in person."""

    async def work(house: House) -> None:
        await staff_strikes.told(house, number, who=who(), why=reason)

    in_house(config, work)
    typer.echo(f"The warning of strike {number} counts as delivered.")

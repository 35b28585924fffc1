"""`arfgate customer feedback-id`: what a customer's mail carries so that a complaint finds it.

Must never decide anything itself.
"""

from __future__ import annotations

import re
from typing import Annotated

import typer

from gateway.attribution.identifiers import cfbl_token
from gateway.cli.customer import customer_app
from gateway.cli.session import ConfigOption, fail, in_house
from gateway.house import House
from gateway.store import customers

_CAMPAIGN = re.compile(r"[A-Za-z0-9._-]{1,60}")


@customer_app.command("feedback-id")
def feedback_id(
    name: Annotated[str, typer.Argument(help="`customer` or `customer/account`.")],
    campaign: Annotated[str, typer.Option(help="Whatever you want to find again: letters, digits, . _ -")] = "0",
    config: ConfigOption = None,
) -> None:
    """Print a CFBL-Feedback-ID (RFC 9477) for an account's mail: your relay adds it before it signs."""
    if not _CAMPAIGN.fullmatch(campaign):
        fail(f"{campaign[:80]!r} is no campaign; at most 60 letters, digits, dots, dashes and underscores")

    async def work(house: House) -> str:
        async with house.database.reading() as connection:
            account = await customers.account_named(connection, name.strip())
        if account is None:
            raise LookupError(f"there is no account {name[:80]!r}; 'arfgate customer list' shows them")
        return cfbl_token(house.key("cfbl"), account, campaign)

    typer.echo(in_house(config, work))

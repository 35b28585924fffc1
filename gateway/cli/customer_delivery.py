"""`arfgate customer delivery`: how a customer wants to be told. Must never decide anything itself."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.customer import customer_app
from gateway.cli.session import ConfigOption, fail, in_house, who
from gateway.house import House
from gateway.intake import customer_values
from gateway.intake.customer_values import BadValueError
from gateway.store import customers
from gateway.store.parties import CHANNEL


@customer_app.command()
def delivery(
    key: Annotated[str, typer.Argument(help="Key of the customer.")],
    how: Annotated[str, typer.Argument(help="mail, xarf, digest, portal, or channel:NAME of the settings.")],
    config: ConfigOption = None,
) -> None:
    """Say how a customer is told: by mail, with XARF evidence, or by a program (its addresses are tried after it)."""
    try:
        customer_values.delivery(how)
    except BadValueError as error:
        fail(f"{how[:80]!r} {error}")

    async def work(house: House) -> None:
        if how.startswith(CHANNEL) and how.removeprefix(CHANNEL) not in house.channels:
            known = ", ".join(sorted(house.channels)) or "none"
            raise LookupError(f"{house.settings.path} has no channel {how.removeprefix(CHANNEL)}; it has {known}")
        async with house.database.writing() as connection:
            await customers.deliver(connection, key, how, who=who(), now=house.clock())

    in_house(config, work)

"""More of `arfgate customer`: volumes in, rates out. Must never judge: the policy's bounds do."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from gateway import volumes
from gateway.casework.rates import Alert, Day
from gateway.cli.customer import customer_app
from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table, text, who
from gateway.house import House
from gateway.volumes import VolumesError


@customer_app.command("volumes")
def import_volumes(
    file: Annotated[Path, typer.Argument(help="CSV: customer, account, campaign, day, sent, added.")],
    config: ConfigOption = None,
) -> None:
    """Bring in how many mails were sent and subscribers added, per day: the whole file, or nothing of it."""

    async def work(house: House) -> tuple[int, int, list[Alert]]:
        return await volumes.import_file(house, file, who())

    try:
        new, changed, told = in_house(config, work)
    except VolumesError as error:
        fail(*str(error).splitlines())
    typer.echo(f"{new} days new, {changed} changed")
    for alert in told:
        typer.echo(
            f"  {alert.level}: {text(alert.day.account)} {text(alert.day.campaign)} {alert.day.day}: {alert.what}"
        )


@customer_app.command("rates")
def show_rates(
    customer: Annotated[str, typer.Argument(help="Whose: a customer, or one of its accounts.")],
    days: Annotated[int, typer.Option("--days", help="How far back.", min=1, max=3660)] = 31,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Complaints, bounces, opt-outs and additions per day, against what was sent."""
    view = in_house(config, lambda house: volumes.of_customer(house, customer, timedelta(days=days)))
    if json:
        as_json({"bounds": view.bounds.model_dump(), "days": view.days, "alerts": view.alerts})
        return
    columns = ("day", "account", "campaign", "sent", "complaints", "bounces", "opt-outs", "added")
    rows = [
        (
            d.day, d.account, d.campaign, d.sent, _with_share(d, d.complaints), _with_share(d, d.bounces),
            _with_share(d, d.opt_outs), d.added,
        )
        for d in view.days
    ]  # fmt: skip
    table(f"Rates of {customer}", columns, rows, empty="Nothing was counted in that time.")
    for alert in view.alerts:
        typer.echo(
            f"  {alert.level}: {text(alert.day.account)} {text(alert.day.campaign)} {alert.day.day}: {alert.what}"
        )


def _with_share(day: Day, count: int) -> str:
    share = day.share(count)
    return f"{count}" if share is None or not count else f"{count} ({share:.2%})"

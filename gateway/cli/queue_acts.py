"""More of `arfgate queue`: not ours, put off, several at once, and taking a decision back.

Must never decide anything: `gateway.queue_acts` does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, TypeVar

import typer

from gateway import queue_acts
from gateway.cli.queue import EntryNumber, queue_app
from gateway.cli.session import ConfigOption, fail, in_house, text, who
from gateway.house import House
from gateway.queue import QueueError
from gateway.queue_acts import Passed
from gateway.queue_rules import moment

Numbers = Annotated[list[int], typer.Argument(help="Numbers of entries, as `list` shows them.", metavar="ID...")]
_Result = TypeVar("_Result")


@queue_app.command("not-ours")
def not_ours(
    number: EntryNumber,
    alike: Annotated[bool, typer.Option("--alike", help="And all that wait like it.")] = False,
    config: ConfigOption = None,
) -> None:
    """Another network's: out of the queue; shows whom one could tell there."""

    async def work(house: House) -> Passed:
        return await queue_acts.not_ours(house, number, who(), alike=alike)

    done = _in_house(config, work)
    typer.echo(f"not ours: {_listed(done.ids)}")
    for contact in done.contacts:
        typer.echo(f"  {text(contact)}")


@queue_app.command("assign-all")
def assign_all(
    numbers: Numbers,
    account: Annotated[str, typer.Option("--to", help="Whose they were.", metavar="CUSTOMER[/ACCOUNT]")],
    alike: Annotated[bool, typer.Option("--alike", help="And all that wait like them.")] = False,
    config: ConfigOption = None,
) -> None:
    """Place several reports with one account, each about its own resource."""

    async def work(house: House) -> tuple[list[int], list[str]]:
        chosen = numbers
        if alike:
            chosen = [one for number in numbers for one in await queue_acts.alike(house, number)]
        return await queue_acts.assign(house, chosen, account, who())

    done, refused = _in_house(config, work)
    typer.echo(f"placed with {account}: {_listed(done)}")
    for line in refused:
        typer.echo(f"  {text(line)}")


@queue_app.command("snooze")
def snooze(
    numbers: Numbers,
    until: Annotated[str, typer.Option("--until", help="2026-01-31T12:00 in UTC, or hours or days: 12h, 3d.")],
    config: ConfigOption = None,
) -> None:
    """Put off; a rule that places them meanwhile still does."""

    async def work(house: House) -> list[int]:
        length = {"h": "hours", "d": "days"}.get(until[-1:])
        if length and until[:-1].isdigit() and len(until) < 6:
            return await queue_acts.snooze(
                house, numbers, house.clock() + timedelta(**{length: int(until[:-1])}), who()
            )
        return await queue_acts.snooze(house, numbers, moment(until), who())

    typer.echo(f"put off: {_listed(_in_house(config, work))}")


@queue_app.command("reject-all")
def reject_all(
    numbers: Numbers,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept with each report.")],
    config: ConfigOption = None,
) -> None:
    """Take several entries out of the queue for good."""

    async def work(house: House) -> list[int]:
        return await queue_acts.reject(house, numbers, reason, who())

    typer.echo(f"rejected: {_listed(_in_house(config, work))}")


@queue_app.command("undo")
def undo(
    number: EntryNumber,
    rule: Annotated[
        bool, typer.Option("--rule", help="Withdraw the rule that placed it, and all that it placed.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Take a decision back, as long as nobody was told of it."""

    async def work(house: House) -> list[int]:
        return await queue_acts.undo(house, number, who(), whole_rule=rule)

    typer.echo(f"waits again: {_listed(_in_house(config, work))}")


def _in_house(config: ConfigOption, work: Callable[[House], Awaitable[_Result]]) -> _Result:
    try:
        return in_house(config, work)
    except QueueError as error:
        fail(*str(error).splitlines())


def _listed(ids: list[int]) -> str:
    return ", ".join(str(one) for one in ids)

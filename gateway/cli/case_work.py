"""`arfgate case new|merge|split|note|assign|severity|hold`: what staff do with whole cases.

The commands of `cli/case.py` decide about their clocks. Must never decide anything itself.
"""

from __future__ import annotations

from typing import Annotated

import typer

from gateway import staff_cases
from gateway.cli.case import Number, Reason, case_app
from gateway.cli.session import ConfigOption, in_house, moment, who
from gateway.model import Severity
from parsers.report import Category, Role


@case_app.command()
def new(
    account: Annotated[str, typer.Argument(help="Customer, or customer/account.")],
    resource: Annotated[str, typer.Argument(help="Address, host or mailbox that it is about.")],
    *,
    cls: Annotated[str, typer.Option("--class", help="Class of the case, as the policy names it.")],
    reason: Annotated[str, typer.Option("--reason", help="What is known; the customer is told it.")],
    role: Annotated[Role, typer.Option(help="What the resource did.")] = Role.SOURCE,
    category: Annotated[Category, typer.Option(help="What is said to have happened.")] = Category.OTHER,
    at: Annotated[str | None, typer.Option(help="When it happened, in UTC.")] = None,
    config: ConfigOption = None,
) -> None:
    """Enter a case by hand: a notice of activity without a report. The customer is told as ever."""
    case = in_house(
        config,
        lambda house: staff_cases.enter(
            house,
            account,
            cls,
            resource,
            who=who(),
            why=reason,
            role=role,
            category=category,
            conduct_at=moment(at) if at else None,
        ),
    )
    typer.echo(f"{case.number} is {case.state.value}.")


@case_app.command()
def merge(
    number: Number,
    into: Annotated[str, typer.Argument(help="The open case that takes it, of the same customer.")],
    reason: Reason,
    config: ConfigOption = None,
) -> None:
    """Put a case into another one: its resources go over, and so does what comes later."""
    case = in_house(config, lambda house: staff_cases.merge(house, number, into, who=who(), why=reason))
    typer.echo(f"Its resources are in {case.number} now.")


@case_app.command()
def split(
    number: Number,
    resources: Annotated[list[str], typer.Argument(help="The resources that go.")],
    reason: Reason,
    config: ConfigOption = None,
) -> None:
    """Give some of its resources a case of their own; what comes about them goes there."""
    made = in_house(config, lambda house: staff_cases.split(house, number, resources, who=who(), why=reason))
    typer.echo(f"They are in {made} now.")


@case_app.command()
def note(
    number: Number, text: Annotated[str, typer.Argument(help="For staff alone.")], config: ConfigOption = None
) -> None:
    """Write a note on it."""
    in_house(config, lambda house: staff_cases.note(house, number, text, who=who()))


@case_app.command()
def assign(
    number: Number,
    person: Annotated[str | None, typer.Argument(help="Who sees to it; left out: nobody.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept with the case.")] = "",
    config: ConfigOption = None,
) -> None:
    """Say who sees to it."""
    in_house(config, lambda house: staff_cases.assign(house, number, person, who=who(), why=reason))


@case_app.command()
def severity(number: Number, how: Severity, reason: Reason, config: ConfigOption = None) -> None:
    """Say how much it presses."""
    in_house(config, lambda house: staff_cases.press(house, number, how, who=who(), why=reason))


@case_app.command()
def hold(
    number: Number,
    reason: Reason,
    release: Annotated[bool, typer.Option("--release", help="Lift it.")] = False,
    config: ConfigOption = None,
) -> None:
    """Legal hold: nothing of it is erased while it lasts."""
    in_house(config, lambda house: staff_cases.hold(house, number, on=not release, who=who(), why=reason))

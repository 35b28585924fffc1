"""`arfgate charge`: the ledger of fines: list, add, reverse, a customer's statement, export as CSV."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer

from gateway import fines
from gateway.casework import ledger
from gateway.casework.ledger import Entry
from gateway.cli.case import Number, Reason
from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table, who
from gateway.house import House
from gateway.spreadsheets import guarded
from gateway.store import cases, charges

charge_app = typer.Typer(help="Fines: one for each complaint that is held valid.", no_args_is_help=True)

COLUMNS = ("id", "at", "customer", "case_id", "report_id", "amount", "currency", "why", "who", "reverses")


@charge_app.command("list")
def list_charges(
    customer: Annotated[str | None, typer.Option(help="Only this customer's.")] = None,
    case: Annotated[str | None, typer.Option(help="Only this case's.")] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """The lines of the ledger, oldest first; a reversal is a line of its own."""
    lines = _lines(config, customer, case)
    if json:
        as_json(lines)
        return
    table("Charges", COLUMNS, [[getattr(line, c) for c in COLUMNS] for line in lines], empty="Nothing was charged.")


@charge_app.command()
def add(
    number: Number,
    reason: Reason,
    *,
    report: Annotated[list[int] | None, typer.Option(help="Only this report of it; may be repeated.")] = None,
    amount: Annotated[str | None, typer.Option(help="Another amount than the policy's, in its currency.")] = None,
    config: ConfigOption = None,
) -> None:
    """Hold a case's complaints valid: each is charged once."""
    price = _money(amount) if amount else None
    count = in_house(
        config, lambda house: fines.charge(house, number, who=who(), why=reason, reports=report or (), amount=price)
    )
    typer.echo(f"{count} complaints are charged.")


@charge_app.command()
def reverse(
    ids: Annotated[list[int], typer.Argument(help="Numbers of the charges, as 'arfgate charge list' shows them.")],
    reason: Reason,
    config: ConfigOption = None,
) -> None:
    """Take charges back, each with a line of its own."""
    count = in_house(config, lambda house: fines.reverse(house, ids, who=who(), why=reason))
    typer.echo(f"{count} charges are reversed.")


@charge_app.command()
def statement(
    customer: Annotated[str, typer.Argument(help="Key of the customer.")],
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """What one customer owes, and for what."""
    lines = _lines(config, customer, None)
    owed = {currency: str(amount) for currency, amount in ledger.balances(lines).items()}
    if json:
        as_json({"customer": customer, "owed": owed, "lines": lines})
        return
    columns = ("at", "case_id", "amount", "currency", "why")
    rows = [[getattr(line, c) for c in columns] for line in lines]
    table(f"Statement of {customer}", columns, rows, empty=f"{customer} was charged nothing.")
    for currency, amount in owed.items():
        typer.echo(f"owed: {amount} {currency}")


@charge_app.command()
def export(
    file: Annotated[Path | None, typer.Argument(help="CSV file to write; left out: standard output.")] = None,
    customer: Annotated[str | None, typer.Option(help="Only this customer's.")] = None,
    config: ConfigOption = None,
) -> None:
    """The ledger as CSV, for the books."""
    lines = _lines(config, customer, None)
    if file is None:
        _write(sys.stdout, lines)
        return
    try:
        with file.open("w", encoding="utf-8", newline="") as out:
            _write(out, lines)
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror}")
    typer.echo(f"{len(lines)} lines in {file}")


def _write(out: object, lines: Sequence[Entry]) -> None:
    rows = csv.writer(out)  # type: ignore[arg-type]  # anything with write()
    rows.writerow(COLUMNS)
    for line in lines:
        rows.writerow([_cell(name, getattr(line, name)) for name in COLUMNS])


def _cell(name: str, value: object) -> str:
    """Text that a spreadsheet would take for a formula is shown as text; an amount is a number."""
    text = "" if value is None else value.isoformat() if hasattr(value, "isoformat") else str(value)
    return guarded(text) if name in {"why", "who", "customer"} else text


def _money(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        fail(f"{text[:40]!r} is no amount; write it as 50.00")
    exponent = amount.as_tuple().exponent
    if not amount.is_finite() or amount <= 0 or not isinstance(exponent, int) or exponent < -2:
        fail(f"{text[:40]!r}: an amount is above zero and has two decimals at most")
    return amount


def _lines(config: Path | None, customer: str | None, case: str | None) -> list[Entry]:
    async def work(house: House) -> list[Entry]:
        async with house.database.reading() as connection:
            case_id = cases.case_id_of(case) if case else None
            return await charges.listed(connection, customer=customer, case_id=case_id)

    return in_house(config, work)

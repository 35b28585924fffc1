"""`arfgate customer`: import from CSV, and what is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table, who
from gateway.house import House
from gateway.intake.customers import CustomerFile, CustomerFileError, read_customers
from gateway.queue_rules import run_again
from gateway.store import customers

customer_app = typer.Typer(help="Customers, their contacts and addresses.", no_args_is_help=True)


@customer_app.command("import")
def import_customers(
    file: Annotated[Path, typer.Argument(help="CSV file; docs/operators.md lists its columns.")],
    config: ConfigOption = None,
) -> None:
    """Bring in customers, contacts and assignments: the whole file, or nothing of it."""

    async def work(house: House) -> tuple[customers.Imported, int]:
        async with house.database.writing() as connection:
            rows = read_customers(file, await customers.keys(connection))
            _policies_exist(house, rows)
            done = await customers.import_file(connection, rows, who=who(), now=house.clock())
        return done, len(await run_again(house, who(), f"customers imported from {file.name}"))

    try:
        done, placed = in_house(config, work)
    except CustomerFileError as error:
        fail(*error.problems, f"nothing was imported from {file}")
    typer.echo(
        f"{done.customers} customers, {done.accounts} new accounts, "
        f"{done.assignments_new} new assignments, {done.assignments_changed} changed; "
        f"{placed} waiting reports are placed by them."
    )


def _policies_exist(house: House, rows: CustomerFile) -> None:
    known = ", ".join(house.book.current)
    unknown = sorted({row.policy for row in rows.customers if row.policy} - set(house.book.current))
    if unknown:
        raise CustomerFileError(
            [f'column policy: "{name}" is not in the settings; there are: {known} (policy.others)' for name in unknown]
        )


@customer_app.command("list")
def list_customers(json: JsonOption = False, config: ConfigOption = None) -> None:
    """Customers with their accounts, first contact and number of assignments."""

    async def work(house: House) -> list[dict[str, Any]]:
        async with house.database.reading() as connection:
            return await customers.overview(connection)

    rows = in_house(config, work)
    if json:
        as_json(rows)
        return
    columns = ("key", "name", "account", "language", "address", "assignments")
    table("Customers", columns, [[row[c] for c in columns] for row in rows], empty="No customers: import some.")

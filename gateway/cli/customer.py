"""`arfgate customer`: import from CSV, and what is known."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table, text, who
from gateway.coverage_check import Coverage, coverage
from gateway.house import House
from gateway.intake.customers import CustomerFile, CustomerFileError, read_customers
from gateway.queue_rules import run_again
from gateway.spreadsheets import guarded
from gateway.store import customers, suppressions
from gateway.store.suppressions import Suppression

_DEEPEST = 16  # levels of the tree that are shown

customer_app = typer.Typer(help="Customers, their contacts and addresses.", no_args_is_help=True)


@customer_app.command("import")
def import_customers(
    file: Annotated[Path, typer.Argument(help="CSV file; docs/operators.md lists its columns.")],
    config: ConfigOption = None,
) -> None:
    """Bring in customers, contacts and assignments: the whole file, or nothing of it."""

    async def work(house: House) -> tuple[customers.Imported, int, Coverage | None]:
        async with house.database.writing() as connection:
            rows = read_customers(file, await customers.keys(connection))
            _policies_exist(house, rows)
            done = await customers.import_file(connection, rows, who=who(), now=house.clock())
        placed = len(await run_again(house, who(), f"customers imported from {file.name}"))
        return done, placed, await coverage(house)

    try:
        done, placed, left = in_house(config, work)
    except CustomerFileError as error:
        fail(*error.problems, f"nothing was imported from {file}")
    typer.echo(
        f"{done.customers} customers, {done.accounts} new accounts, "
        f"{done.assignments_new} new assignments, {done.assignments_changed} changed; "
        f"{placed} waiting reports are placed by them."
    )
    for line in left.lines if left else []:
        typer.echo(f"  {line}")


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


@customer_app.command("tree")
def show_tree(json: JsonOption = False, config: ConfigOption = None) -> None:
    """Who stands below whom: resellers, their customers, accounts, and who is told first."""

    async def work(house: House) -> list[dict[str, Any]]:
        async with house.database.reading() as connection:
            return await customers.tree(connection)

    rows = in_house(config, work)
    if json:
        as_json(rows)
        return
    below: dict[str | None, list[dict[str, Any]]] = {}
    for row in rows:
        below.setdefault(row["parent"], []).append(row)

    def show(parent: str | None, depth: int) -> None:
        for row in below.get(parent, []) if depth < _DEEPEST else []:
            more = [name for name in row["accounts"] if name != "main"]
            terms = [row["language"], f"policy {row['policy']}" if row["policy"] else "", row["delivery"]]
            said = "; ".join(filter(None, [row["name"], ", ".join(filter(None, terms)), ", ".join(row["contacts"])]))
            typer.echo(f"{'  ' * depth}{row['key']}  {text(said)}")
            for name in more:
                typer.echo(f"{'  ' * (depth + 1)}/{name}")
            show(row["key"], depth + 1)

    show(None, 0)
    if not rows:
        typer.echo("No customers: import some.")


@customer_app.command("suppressions")
def list_suppressions(
    key: Annotated[str, typer.Argument(help="Key of the customer.")],
    as_csv: Annotated[bool, typer.Option("--csv", help="For the customer: address, cause, since.")] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Addresses that the customer is to write to no more: opt-outs, dead mailboxes, permitted complaints."""

    async def work(house: House) -> list[Suppression]:
        async with house.database.reading() as connection:
            return await suppressions.of_customer(connection, key)

    rows = in_house(config, work)
    if json:
        as_json(rows)
    elif as_csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(("address", "cause", "since"))
        writer.writerows((guarded(r.address), r.cause, r.at.isoformat()) for r in rows)
    else:
        shown = [(r.address, r.cause, r.at, "yes" if r.authenticated else "") for r in rows]
        table("Suppressions", ("address", "cause", "since", "authenticated"), shown, empty="The list is empty.")

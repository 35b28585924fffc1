"""`arfgate case consent|appeal|appeals|publish|withdraw`: proof of permission, reviews, public display.

Must never decide anything itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gateway import appeals, consents, publication
from gateway.casework.consent import ConsentFileError
from gateway.cli.case import Number, Reason, case_app
from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table, who
from gateway.house import House
from gateway.store import appeals as appeal_store
from gateway.store import cases
from gateway.store import consents as consent_store

Folder = Annotated[Path, typer.Option("--folder", help="Folder that your web server shows.")]


@case_app.command()
def consent(
    number: Number,
    file: Annotated[Path | None, typer.Argument(help="CSV of permissions that reached you by another way.")] = None,
    *,
    ask: Annotated[bool, typer.Option("--ask", help="Ask the customer for the records.")] = False,
    campaign: Annotated[str, typer.Option(help="Which mailing, as the customer knows it.")] = "",
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Proof of permission: ask for it, compare a file, or show what was found. Nobody is named."""
    if ask:
        in_house(config, lambda house: consents.ask(house, number, campaign, who=who()))
    if file is not None:
        _upload(config, number, file)
    rows = in_house(config, lambda house: _consents(house, number))
    if json:
        as_json(rows)
        return
    columns = ("campaign", "state", "asked_at", "due_at", "received_at", "source", "rows")
    table("Proof of permission", columns, [[r[c] for c in columns] for r in rows], empty="Nothing was asked for.")
    found = [(m["report"], m["result"], m["time"], m["source"]) for r in rows for m in r["results"]]
    table("By report", ("report", "permission", "given", "how"), found, empty="")


def _upload(config: Path | None, number: str, file: Path) -> None:
    try:
        content = file.read_bytes()
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")
    try:
        done = in_house(config, lambda house: consents.upload(house, number, content, file.name, who=who()))
    except ConsentFileError as error:
        fail(f"{file}: {error}")
    typer.echo(f"{done.rows} permissions compared with {len(done.matches)} reports: {done.result.value}.")


async def _consents(house: House, number: str) -> list[dict[str, Any]]:
    async with house.database.reading() as connection:
        return await consent_store.of_case(connection, cases.case_id_of(number))


@case_app.command()
def appeal(
    number: Number,
    reason: Reason,
    *,
    grant: Annotated[bool, typer.Option("--grant", help="Decide: it is lifted.")] = False,
    refuse: Annotated[bool, typer.Option("--refuse", help="Decide: it stays.")] = False,
    config: ConfigOption = None,
) -> None:
    """The customer asks for a review (by telephone; a mail does so by itself), or you decide one."""
    if grant and refuse:
        fail("choose one: --grant or --refuse")
    if not grant and not refuse:
        is_new = in_house(config, lambda house: appeals.ask(house, number, reason, who=who()))
        typer.echo("A review waits for a decision." if is_new else "A review waits already; this was noted.")
        return
    lift = in_house(config, lambda house: appeals.decide(house, number, granted=grant, who=who(), why=reason))
    typer.echo(f"The review is {'granted' if grant else 'refused'}; the customer is told.")
    for action in lift:
        typer.echo(f"Action {action} is being lifted.")


@case_app.command("appeals")
def list_appeals(json: JsonOption = False, config: ConfigOption = None) -> None:
    """Reviews that wait for a decision."""

    async def work(house: House) -> list[dict[str, Any]]:
        async with house.database.reading() as connection:
            return await appeal_store.of_case(connection)

    rows = in_house(config, work)
    if json:
        as_json(rows)
        return
    columns = ("case_id", "opened_at", "opened_by", "said")
    table("Reviews", columns, [[r[c] for c in columns] for r in rows], empty="No review waits.")


@case_app.command()
def publish(number: Number, reason: Reason, folder: Folder, config: ConfigOption = None) -> None:
    """Publish a redacted page of it, where the policy allows public display."""
    name, page = in_house(config, lambda house: publication.publish(house, number, who=who(), why=reason))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(page, encoding="utf-8")
    except OSError as error:
        fail(f"{folder / name}: the page cannot be written: {error.strerror}")
    typer.echo(f"Published: {folder / name}")


@case_app.command()
def withdraw(number: Number, reason: Reason, folder: Folder, config: ConfigOption = None) -> None:
    """Take a published page back."""
    name = in_house(config, lambda house: publication.withdraw(house, number, who=who(), why=reason))
    try:
        (folder / name).unlink(missing_ok=True)
    except OSError as error:
        fail(f"{folder / name}: the page cannot be removed: {error.strerror}")
    typer.echo(f"Withdrawn: {folder / name}")

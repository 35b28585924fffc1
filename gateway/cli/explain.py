"""`arfgate explain FILE`: what would be made of a mail, step by step; stores and sends nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gateway import explaining, identities
from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table, text
from gateway.intake.files import PathError, read_messages


def explain(
    file: Annotated[Path, typer.Argument(help="One mail.")], json: JsonOption = False, config: ConfigOption = None
) -> None:
    """Parse, screen and attribute one mail, and say which notices would go out. Nothing is stored."""
    try:
        name, index, raw = next(iter(read_messages([str(file)])))
    except PathError as error:
        fail(str(error))
    except StopIteration:
        fail(f"{file}: there is no message in it")
    told = in_house(config, lambda house: explaining.explain(house, name, index, raw))
    if json:
        as_json(told)
    else:
        _print(told)


def _print(told: dict[str, Any]) -> None:
    screening, identity = told["screening"], told["screening"]["identity"]
    typer.echo(f"message      {told['kind']}" + (f", format {told['format']}" if told["format"] else ""))
    for report in told["reports"]:
        where = {"source_ip": report["source_ip"], "arrival_date": report["arrival_date"]}
        for field, value in where.items():
            source = report["provenance"].get(field)
            typer.echo(f"  {field:<12} {text(value) or 'not stated'}" + (f"  (from {source})" if source else ""))
    typer.echo(f"identity     {identity['kind']}: {text(identities.in_one_line(identity))}")
    for line in identities.evidence(identity):
        typer.echo(f"  because    {text(line)}")
    typer.echo(f"reporter     {text(screening['reporter'] or 'nobody accountable')}")
    for one in screening["reports"] or [screening]:
        typer.echo(f"screening    {one['verdict']}: {one['reason']}; {text(one['detail'])}")
    for one in told["attribution"]:
        holder = one["account"] or "nobody"
        typer.echo(f"attribution  {text(one['resource']['value'])}: {holder} ({one['reason']}); {text(one['how'])}")
    reply = told["reply"]
    said = f"{reply['kind'].value} to {reply['to']}" if reply["kind"] else f"none: {reply['why_not'].value}"
    typer.echo(f"reply        {text(said)}")
    rows = [(notice["kind"], notice["to"]) for notice in told["notices"]]
    counted = ", ".join(told["counted_in"])
    nothing = f"No notice would go out: the resource is in hand in {counted}, where it is counted." if counted else ""
    table("Notices that would go out", ("kind", "to"), rows, empty=nothing or "No notice would go out.")

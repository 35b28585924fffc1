"""`arfgate case release-outcome|outcome`: what those who complained may hear, and who waits for it.

Must never decide anything itself.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gateway import outcomes
from gateway.cli.case import Number, Reason, case_app
from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table, who
from gateway.house import House
from gateway.store import outcomes as store
from gateway.store.cases import case_id_of


@case_app.command("release-outcome")
def release_outcome(
    number: Number,
    reason: Reason,
    result: Annotated[
        str | None,
        typer.Option(help="solved, unfounded, or closed (says nothing); default: by the case's cause."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Let those who complained and asked hear how it ended: in general words, never who the customer is or what was
    done to it. Who complains of the case later hears the same."""
    if result is not None and result not in outcomes.RESULTS:
        fail(f"{result[:40]!r} is no outcome; write {', '.join(outcomes.RESULTS)}")
    said, waiting = in_house(
        config, lambda house: outcomes.release(house, number, who=who(), why=reason, result=result)
    )
    typer.echo(f"Released: {said}. {waiting} complaints wait for it; each is told once all its cases are released.")


@case_app.command()
def outcome(number: Number, json: JsonOption = False, config: ConfigOption = None) -> None:
    """What complainants may hear of the case, who waits for it and who heard it."""
    found = in_house(config, lambda house: _outcome(house, number))
    if json:
        as_json(found)
        return
    released = found["released"]
    typer.echo(f"Released: {released['result']}, by {released['released_by']}." if released else "Not released.")
    rows = [
        (w["number"], w["to"], w["how"], w["wished_at"], w["result"] or "waits", w["done_at"]) for w in found["wishes"]
    ]
    table("Who asked", ("complaint", "to", "how", "since", "result", "told"), rows, empty="Nobody asked.")


async def _outcome(house: House, number: str) -> dict[str, Any]:
    async with house.database.reading() as connection:
        return await store.of_case(connection, case_id_of(number))

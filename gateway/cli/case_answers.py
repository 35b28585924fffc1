"""`arfgate case answers|answer|answer-file`: what customers answered, with their files; one taken down by telephone.

Must never decide anything itself.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway import answers
from gateway.answers import Answer
from gateway.cli.case import Number, case_app
from gateway.cli.session import ConfigOption, JsonOption, as_json, in_house, moment, table, who
from gateway.house import House
from gateway.staff import Solved
from gateway.store import answers as store
from gateway.store.cases import case_id_of


@case_app.command("answers")
def list_answers(number: Number, json: JsonOption = False, config: ConfigOption = None) -> None:
    """What the customer answered, what was quoted folded away, with the files that came with it."""
    found = in_house(config, lambda house: _answers(house, number))
    if json:
        as_json(found)
        return
    rows = [(a["id"], a["at"], a["way"], a["who"], a["stopped"], a["resolution"] or a["text"]) for a in found]
    table("Answers", ("id", "when", "way", "who", "stops", "says"), rows, empty="Nobody has answered.")
    files = [
        (f["id"], a["id"], f["name"], f["content_type"], f["size"], f["sha256"]) for a in found for f in a["files"]
    ]
    if files:
        table("Files", ("file", "answer", "name", "type", "bytes", "sha256"), files, empty="")


@case_app.command()
def answer(
    number: Number,
    text: Annotated[str, typer.Argument(help="What the customer said.")],
    *,
    solved: Annotated[str, typer.Option(help="It says that it is solved: what was done.")] = "",
    prevention: Annotated[str, typer.Option(help="What keeps it from coming back.")] = "",
    since: Annotated[str | None, typer.Option(help="Since when it is solved.")] = None,
    config: ConfigOption = None,
) -> None:
    """Write down an answer that came by telephone or in person: it stops the clocks like any other."""
    stated = Solved(solved, prevention, moment(since) if since else None) if solved or prevention or since else None

    async def work(house: House) -> int:
        given = Answer(f"staff:{uuid.uuid4()}", case_id_of(number), "staff", who(), house.clock(), text, solved=stated)
        return await answers.give(house, given)

    typer.echo(f"It stops {in_house(config, work)} clocks.")


@case_app.command("answer-file")
def answer_file(
    number: Annotated[int, typer.Argument(help="Number of the file, as `case answers` shows it.")],
    to: Annotated[Path, typer.Option("--to", help="Where to write it. It came from outside: do not open it here.")],
    config: ConfigOption = None,
) -> None:
    """Write a file that came with an answer to disk."""
    content = in_house(config, lambda house: _file(house, number))
    try:
        with to.open("xb") as out:
            out.write(content)
    except OSError as error:
        raise typer.BadParameter(f"{to}: {error.strerror or error}") from error
    typer.echo(f"{len(content)} bytes are in {to}.")


async def _answers(house: House, number: str) -> list[dict[str, Any]]:
    async with house.database.reading() as connection:
        return await store.of_case(connection, case_id_of(number))


async def _file(house: House, number: int) -> bytes:
    async with house.database.reading() as connection:
        found = await store.file(connection, number)
    if found is None:
        raise LookupError(f"there is no file {number}; 'arfgate case answers CASE' lists them")
    if found["content"] is None:
        raise LookupError(f"file {number} was too large to keep ({found['size']} bytes, sha256 {found['sha256']})")
    return bytes(found["content"])

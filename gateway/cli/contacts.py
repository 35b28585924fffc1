"""`arfgate contacts ADDRESS`: who would be told about a network or site, and where each address comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table
from gateway.house import House
from gateway.would_tell import WouldTell, would_tell
from parsers.fields import ip, registrable


def contacts(
    subject: Annotated[str, typer.Argument(help="An address or a host name.")],
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Ask the registry for the contacts of an address or domain. Nobody is written to."""
    told = in_house(config, lambda house: _contacts(house, subject))
    if told.notes and not told.rows:
        fail(f"{subject}: {told.notes[0]}")
    if json:
        as_json(told.rows)
    else:
        columns = ("address", "roles", "would be told", "registration", "source")
        rows = [[row[column] for column in columns] for row in told.rows]
        table(f"Contacts for {subject}", columns, rows, empty=f"Nobody is known to be told about {subject}.")
    for note in told.notes:
        typer.echo(f"{subject}: {note}", err=True)


async def _contacts(house: House, subject: str) -> WouldTell:
    if house.contacts is None:
        raise LookupError("rdap.enabled = false: the registries are not asked")
    address = ip(subject)
    domain = None if address else registrable(subject.lower())
    if address is None and domain is None:
        fail(f"{subject}: neither an address nor a host name under a public suffix")
    return await would_tell(house, house.contacts, "ip" if address else "domain", address or domain or "")

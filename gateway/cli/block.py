"""`arfgate block`: the list of foreign addresses, prefixes, senders and domains that are refused (SES-9, SES-11).

Actions against customers are `arfgate action`'s. Must never decide: `gateway.blocklist` does.
"""

from __future__ import annotations

import csv
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gateway import blocklist
from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table, text, who
from gateway.model import ActionState
from gateway.spreadsheets import guarded

block_app = typer.Typer(help="The block list: list, add, remove, export.", no_args_is_help=True)

Entry = Annotated[str, typer.Argument(help="Address, prefix, mail address or domain.", metavar="ENTRY")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with the entry.")]


class Format(StrEnum):
    """How the list is written for others."""

    PLAIN = "plain"  # one entry a line
    CSV = "csv"
    JSON = "json"
    DNSBL = "dnsbl"
    POSTFIX = "postfix"
    NFTABLES = "nftables"


@block_app.command("list")
def list_entries(
    everything: Annotated[bool, typer.Option("--all", help="Also what was taken off, and what waits.")] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """What is on the list, with reason and expiry."""
    found = in_house(config, lambda house: blocklist.entries(house, everything=everything))
    if json:
        as_json(found)
        return
    columns = ("id", "entry", "kind", "state", "why", "since", "until")
    rows = [(a.id, a.target, a.kind.value, a.state.value, a.why, a.created_at, a.expires_at) for a in found]
    table("Block list", columns, rows, empty="The block list is empty.")


@block_app.command()
def add(
    entry: Entry,
    reason: Reason,
    days: Annotated[float | None, typer.Option("--days", help="How long; default: the policy's.", min=0.01)] = None,
    config: ConfigOption = None,
) -> None:
    """Refuse it."""
    action = in_house(config, lambda house: blocklist.add(house, entry, days=days, who=who(), why=reason))
    until = f" until {text(action.expires_at)}"
    if action.state is ActionState.PROPOSED:
        agreed = f"{len(action.approvals)} of {action.needed}"
        typer.echo(
            f"Entry {action.id} has {agreed} agreements; another person says: arfgate action approve {action.id}"
        )
    else:
        typer.echo(f"{text(action.target)} is entry {action.id}{until}.")


@block_app.command()
def remove(
    entry: Annotated[str, typer.Argument(help="The entry or its number.", metavar="ENTRY")],
    reason: Reason,
    config: ConfigOption = None,
) -> None:
    """Take it off the list."""
    action = in_house(config, lambda house: blocklist.remove(house, entry, who=who(), why=reason))
    typer.echo(f"{text(action.target)} is {'being taken' if action.lifting else ''} off the list.".replace("  ", " "))


@block_app.command()
def export(
    form: Annotated[Format, typer.Option("--format", help="How it is written.")] = Format.PLAIN,
    output: Annotated[Path | None, typer.Option("--output", help="File; dnsbl and postfix write several.")] = None,
    config: ConfigOption = None,
) -> None:
    """Write the list for another program. Reasons stand in csv and json only."""
    if form in (Format.CSV, Format.JSON):
        found = in_house(config, blocklist.entries)
        if form is Format.JSON:
            as_json([{"entry": a.target, "kind": a.kind, "why": a.why, "until": a.expires_at} for a in found])
            return
        writer = csv.writer(sys.stdout)
        writer.writerow(("entry", "kind", "why", "since", "until"))
        writer.writerows((guarded(a.target), a.kind, guarded(a.why), a.created_at, a.expires_at) for a in found)
        return
    held = in_house(config, blocklist.export)
    if form is Format.PLAIN:
        texts = {"": "".join(f"{one.target}\n" for one in held)}
    else:
        texts = dict(blocklist.FORMATS[form.value](held))
    for suffix, written in texts.items():
        if output is None:
            typer.echo(f"# {suffix.lstrip('.')}\n{written}" if suffix else written, nl=False)
            continue
        try:
            output.with_name(output.name + suffix).write_text(written, encoding="utf-8")
        except OSError as error:
            fail(f"{error.filename}: cannot be written ({error.strerror}); choose another file")

"""`arfgate reporter`: who reports, how often rightly, and what staff think of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gateway import identities, reporting
from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table, text, who
from gateway.house import House
from gateway.screening.reporters import Trust
from gateway.store import reporters

reporter_app = typer.Typer(help="Who reports: feeds, organisations, people.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A feed's name, a domain, an address, or a key as 'list' shows it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept, and shown with each verdict.")]


@reporter_app.command("list")
def list_reporters(
    everything: Annotated[bool, typer.Option("--all", help="Also registered feeds that never reported.")] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Reporters, those with the most reports first. Precision: the part of the accepted reports that held."""
    rows = in_house(config, lambda house: reporting.listed(house, everything=everything))
    if json:
        as_json(rows)
        return
    columns = ("reporter", "trust", "weight", "opens cases", "reports", "accepted", "disputed", "false", "precision",
               "last seen")  # fmt: skip
    shown = [
        (r["key"], _trust(r), f"{r['weight']:g}", _yes(r["opens_cases"]), r["reports"], r["accepted"], r["disputed"],
         r["false"], _percent(r["precision"]), r["last_seen"])
        for r in rows
    ]  # fmt: skip
    table("Reporters", columns, shown, empty="Nobody has reported yet; --all shows the feeds that are known.")


@reporter_app.command()
def show(name: Name, json: JsonOption = False, config: ConfigOption = None) -> None:
    """One reporter: how it is recognised, how it stands, its newest reports."""
    row = in_house(config, lambda house: reporting.shown(house, name))
    if json:
        as_json(row)
        return
    said = {
        "reporter": row["key"], "title": row["title"], "note": row["note"], "domains": ", ".join(row["domains"]),
        "own alias": ", ".join(row["aliases"]), "trust": _trust(row), "weight": f"{row['weight']:g}",
        "may be answered": _yes(row["may_reply"]), "opens cases": _yes(row["opens_cases"]),
        "shown raw to customers": _yes(row["raw_forwarding"]), "throttle": _throttle(row["throttle"]),
        "reports": f"{row['reports']}: {row['accepted']} accepted, {row['disputed']} disputed, {row['false']} false",
        "precision": _percent(row["precision"]), "first seen": row["first_seen"], "last seen": row["last_seen"],
        "decided": f"{text(row['decided_at'])} by {row['decided_by']}: {row['why']}" if row["decided_by"] else "",
    }  # fmt: skip
    for label, value in said.items():
        if shown := text(value):
            typer.echo(f"{label:<24} {shown}")
    newest = [
        (r["id"], r["received_at"], r["category"], r["source_ip"], r["verdict"], r["reason"], r["judgement"],
         identities.in_one_line(r["identity"]))
        for r in row["latest"]
    ]  # fmt: skip
    columns = ("report", "received", "category", "source", "verdict", "reason", "judged", "identity")
    table("\nNewest reports", columns, newest, empty="\nNo reports yet.")


@reporter_app.command()
def trust(  # noqa: PLR0917  (typer calls it by name)
    name: Name,
    reason: Reason,
    level: Annotated[
        Trust, typer.Option(help="trusted: believed like a registered feed; doubtful: a person looks at each report.")
    ] = Trust.TRUSTED,
    weight: Annotated[float | None, typer.Option(help="Weight of one report.", min=0, max=100)] = None,
    throttle: Annotated[
        int | None, typer.Option(help="Most reports an hour that are acted on; -1: no limit.", min=-1)
    ] = None,
    may_reply: Annotated[
        bool | None, typer.Option("--may-reply/--no-reply", help="Whether it may be answered.")
    ] = None,
    opens_cases: Annotated[
        bool | None, typer.Option("--opens-cases/--counts-only", help="Whether its reports open cases.")
    ] = None,
    raw: Annotated[
        bool | None, typer.Option("--raw/--no-raw", help="Whether customers may see its reports raw.")
    ] = None,
    alias: Annotated[str | None, typer.Option(help="Address of yours that only this feed writes to.")] = None,
    config: ConfigOption = None,
) -> None:
    """How far a reporter is believed, and what follows from its reports. Lifts a block."""
    given = {"weight": weight, "may_reply": may_reply, "opens_cases": opens_cases, "raw_forwarding": raw,
             "alias": alias.lower() if alias else None, "throttle": throttle}  # fmt: skip
    values: dict[str, Any] = {"trust": level.value, "blocked": False}
    values |= {key: value for key, value in given.items() if value is not None}
    if values.get("throttle") == -1:
        values["throttle"] = None
    _decide(config, name, values, reason)


@reporter_app.command()
def block(name: Name, reason: Reason, config: ConfigOption = None) -> None:
    """Take nothing from it any more: its reports are rejected, and kept. `trust` lifts it."""
    _decide(config, name, {"blocked": True}, reason)


@reporter_app.command()
def throttle(
    name: Name,
    reason: Reason,
    hourly: Annotated[int, typer.Option(help="Most reports an hour that are acted on; the rest waits.", min=0)],
    config: ConfigOption = None,
) -> None:
    """Act on so many of its reports an hour; what is more is held for a person."""
    _decide(config, name, {"throttle": hourly}, reason)


@reporter_app.command()
def judge(
    report: Annotated[int, typer.Argument(help="Number of the report.", min=1)],
    judgement: Annotated[str, typer.Argument(help="false, disputed, or right.", metavar="false|disputed|right")],
    reason: Reason,
    config: ConfigOption = None,
) -> None:
    """What became of one report's claim; it counts for or against its reporter."""
    if judgement not in {reporters.FALSE, reporters.DISPUTED, reporters.RIGHT}:
        fail(f"{judgement}: say false, disputed or right")

    async def work(house: House) -> bool:
        async with house.database.writing() as connection:
            return await reporters.judge(connection, report, judgement, who(), reason, house.clock())

    if not in_house(config, work):
        fail(f"there is no report {report}; 'arfgate reporter show' lists a reporter's newest")
    typer.echo(f"Report {report} is {judgement}.")


def _decide(config: Path | None, name: str, values: dict[str, Any], reason: str) -> None:
    key = in_house(config, lambda house: reporting.decide(house, name, values, who(), reason))
    said = ", ".join(f"{field.replace('_', ' ')} {_yes(value)}" for field, value in values.items())
    typer.echo(f"{text(key)}: {said}")


def _trust(row: dict[str, Any]) -> str:
    return "BLOCKED" if row["blocked"] else str(row["trust"])


def _throttle(value: int | None) -> str:
    return "" if value is None else f"{value} reports an hour"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"


def _yes(value: object) -> str:
    return (
        {True: "yes", False: "no", None: "none"}.get(value, str(value))
        if isinstance(value, bool | None)
        else str(value)
    )

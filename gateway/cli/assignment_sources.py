"""More of `arfgate assignment`: the systems that are read, when, and what each run brought."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from gateway import sources
from gateway.cli.assignment import assignment_app
from gateway.cli.session import ConfigOption, JsonOption, as_json, in_house, table, text
from gateway.house import House
from gateway.sources import Seen
from gateway.store import source_runs
from gateway.store.source_runs import Run

_COUNTED = ("new", "changed", "ended", "unchanged", "identifiers", "mails", "placed")


@assignment_app.command("sources")
def show_sources(
    name: Annotated[str | None, typer.Argument(help="Only this one, with its last runs.", metavar="[NAME]")] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """The systems that are read: last run, what it changed, what is wrong with it."""
    if name is not None:
        _runs(name, json=json, config=config)
        return
    seen = in_house(config, sources.overview)
    if json:
        as_json([asdict(one) for one in seen])
        return
    columns = ("source", "kind", "last run", "last good", "brought", "next", "wrong with it")
    empty = "No source is named: write [[sources]] into the settings, or import a file."
    table("Sources", columns, [_line(one) for one in seen], empty=empty)


def _line(one: Seen) -> tuple[object, ...]:
    state = one.state
    upcoming = f"being read by {state.reader}" if state.reader else state.next_at
    wrong = f"{state.failures} times: {state.error}" if state.error else ""
    brought = _brought(one.last) if one.last else ""
    return (state.name, one.kind or "by hand", state.last_run, state.last_good, brought, upcoming, wrong)


def _runs(name: str, *, json: bool, config: ConfigOption) -> None:
    async def work(house: House) -> list[Run]:
        async with house.database.reading() as connection:
            found = await source_runs.history(connection, name)
        if not found and name not in {source.name for source in house.settings.sources}:
            raise LookupError(f"there is no source {name!r}; `arfgate assignment sources` shows them")
        return found

    runs = in_house(config, work)
    if json:
        as_json([asdict(run) for run in runs])
        return
    rows = [(run.began_at, run.ended_at, run.who, _brought(run), run.error) for run in runs]
    table(f"Runs of {name}", ("began", "ended", "by", "brought", "wrong"), rows, empty="It was never read.")
    if runs:
        for line in _faults(runs[0].report):
            typer.echo(f"  {text(line)}")


def _faults(report: dict[str, Any]) -> list[str]:
    """What the last run could not place or read."""
    unknown = [f"nobody is called {holder}: {count} passed over" for holder, count in report.get("unknown", {}).items()]
    return [*unknown, *report.get("differing", []), *report.get("problems", [])]


def _brought(run: Run) -> str:
    return ", ".join(f"{run.report[key]} {key}" for key in _COUNTED if run.report.get(key)) or "nothing"

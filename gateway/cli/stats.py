"""`arfgate stats`: how quickly, how much, from whom, about whom, and what waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table
from gateway.house import House
from gateway.statistics import PeriodError, Statistics, days_of, figures
from gateway.store.statistics import Spread
from gateway.web.charts import duration

Day = Annotated[str, typer.Option(metavar="DAY", help="As 2026-01-31, UTC.")]


def stats(
    days: Annotated[int, typer.Option("--days", help="How far back, with today.", min=1, max=3660)] = 30,
    since: Day = "",
    until: Day = "",
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Time to acknowledge, notify and resolve, reports by kind, source and customer, and what waits."""

    async def work(house: House) -> Statistics:
        return await figures(house, *days_of(house.clock(), days, since, until))

    try:
        found = in_house(config, work)
    except PeriodError as error:
        fail(str(error))
    if json:
        as_json(asdict(found) | {"in_time": found.in_time, "repeated": found.repeated})
    else:
        _print(found)


def _print(found: Statistics) -> None:
    typer.echo(f"{found.since} to {found.until} (not included)")
    times = {"acknowledge": found.acknowledged, "notify": found.notified, "resolve": found.resolved}
    rows = [(name, *_of_all(spreads)) for name, spreads in times.items() if spreads]
    table("Times", ("to", "of", "median", "90 in 100 within"), rows, empty="Nothing was told or resolved.")
    answers = found.answers
    typer.echo(f"answered in 24 h: {_percent(found.in_time)} of {answers.ripe}")
    typer.echo(f"told again after they were resolved: {_percent(found.repeated)} of {answers.told}")
    kinds: dict[str, int] = {}
    for _, kind, count in found.by_kind:
        kinds[kind] = kinds.get(kind, 0) + count
    _counted("Reports by kind", sorted(kinds.items(), key=lambda pair: -pair[1]))
    sources = [
        (s.key or "nobody", s.reports, s.accepted, s.disputed, s.false, _percent(s.precision)) for s in found.by_source
    ]
    columns = ("reporter", "reports", "accepted", "disputed", "false", "precision")
    table("Reports by source", columns, sources, empty="No reports.")
    _counted("Reports by customer", [(key, count) for key, _, count in found.by_customer])
    _counted("Unmatched, by reason", list(found.unmatched.items()))
    _counted("Waiting now", list(found.backlog.items()))


def _counted(title: str, pairs: Sequence[tuple[str, int]]) -> None:
    table(title, ("", "number"), pairs, empty=f"{title}: nothing.")


def _of_all(spreads: list[Spread]) -> tuple[int, str, str]:
    first = spreads[0]
    return first.count, duration(first.median), duration(first.ninety)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"

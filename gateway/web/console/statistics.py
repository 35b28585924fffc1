"""The statistics of a period: how quickly, how much, from whom, about whom, and what waits, as charts over tables.

The period stands in the address. Must never count anything itself: `gateway.statistics` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from starlette.responses import Response

from gateway.statistics import PeriodError, Statistics, days_of, figures
from gateway.store.statistics import Spread
from gateway.web import charts
from gateway.web.charts import Chart
from gateway.web.visit import Place, Role, Visit

CHOICES = (7, 30, 90, 365)  # days
_KINDS = 5  # areas of their own; the others are one


@dataclass(frozen=True, slots=True)
class Kinds:
    """Reports by kind: the kinds that stand alone, most first, then all others as `other`; a count each start."""

    names: tuple[str, ...]
    rows: list[tuple[str, list[int]]]
    sums: list[int]
    chart: Chart


async def page(visit: Visit) -> Response:
    """`?days=30`, or `?since=2026-01-01&until=2026-01-31`."""
    now = visit.house.clock()
    days = visit.asked_number("days")
    asked = {"since": visit.asked("since"), "until": visit.asked("until")}
    error = ""
    try:
        period = days_of(now, min(days or 30, 3660), **asked)
    except PeriodError as wrong:
        error, period = str(wrong), days_of(now, 30)
    found = await figures(visit.house, *period)
    return visit.show(
        "console/statistics.html",
        422 if error else 200,
        error=error,
        found=found,
        last=found.until - timedelta(days=1),
        choices=CHOICES,
        days=None if any(asked.values()) else days or 30,
        times=[
            ("acknowledge", found.acknowledged, _times(found.acknowledged, found.starts)),
            ("notify", found.notified, _times(found.notified, found.starts)),
            ("resolve", found.resolved, _times(found.resolved, found.starts)),
        ],
        kinds=_kinds(found),
        duration=charts.duration,
        most_source=max((s.reports for s in found.by_source), default=1),
        most_customer=max((count for *_, count in found.by_customer), default=1),
        most_reason=max(found.unmatched.values(), default=1),
        most_waiting=max(found.backlog.values(), default=1) or 1,
        flow=_flow(found),
    )


PLACES = (Place("/statistics", page, Role.VIEWER),)


def _times(spreads: Sequence[Spread], starts: Sequence[str]) -> Chart:
    by_start = {spread.start: spread for spread in spreads}
    its = [by_start.get(start) for start in starts]
    return charts.lines(
        {"ninety": [s.ninety if s else None for s in its], "median": [s.median if s else None for s in its]},
        starts,
        "seconds",
    )


def _kinds(found: Statistics) -> Kinds:
    total: dict[str, int] = {}
    counts: dict[tuple[str, str], int] = {}
    for start, kind, count in found.by_kind:
        total[kind] = total.get(kind, 0) + count
        counts[start, kind] = count
    alone = sorted(total, key=lambda kind: (-total[kind], kind))[:_KINDS]
    rest = sorted(set(total) - set(alone))
    series = {kind: [counts.get((start, kind), 0) for start in found.starts] for kind in alone}
    if rest:
        series["other"] = [sum(counts.get((start, kind), 0) for kind in rest) for start in found.starts]
    rows = [(start, [values[n] for values in series.values()]) for n, start in enumerate(found.starts)]
    sums = [sum(values) for values in series.values()]
    return Kinds(tuple(series), rows, sums, charts.stacked(series or {"none": [0] * len(found.starts)}, found.starts))


def _flow(found: Statistics) -> tuple[Chart, list[tuple[str, int, int]]]:
    """Cases opened and resolved, as lines and as rows."""
    ended = {spread.start: spread.count for spread in found.resolved}
    rows = [(start, found.opened.get(start, 0), ended.get(start, 0)) for start in found.starts]
    chart = charts.lines({"opened": [row[1] for row in rows], "resolved": [row[2] for row in rows]}, found.starts)
    return chart, rows

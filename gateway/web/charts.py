"""Charts: values in, coordinates out. Templates draw them as SVG; a text table stands under each.

Pure. Coordinates are in the units of the drawing (`WIDTH` x `HEIGHT`), rounded to tenths. Must never return markup.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import ceil

WIDTH, HEIGHT = 480, 208
LEFT, RIGHT, TOP, BOTTOM = 48, 472, 12, 180
ROW = 24  # height of a row of a time line
LINE_LEFT, LINE_RIGHT, LINE_WIDTH = 168, 952, 960  # of a time line; names stand left of it
_MOST_TICKS = 4
_DATES = 5
_SECONDS = (
    *(n * 60 for n in (1, 2, 5, 10, 15, 30)),
    *(n * 3600 for n in (1, 2, 3, 6, 12)),
    *(n * 86400 for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)),
)
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis: where, and what stands there."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Shape:
    """One line or area: `path` for SVG's `d`, and single points, which no line would show."""

    name: str
    path: str
    points: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """`shapes` from below to the top; `rows` and `columns` are the ticks of the two axes."""

    shapes: tuple[Shape, ...]
    rows: tuple[Tick, ...]
    columns: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A span of a time line. `open`: it goes on. `kind` names its look."""

    name: str
    left: float
    width: float
    top: float
    kind: str
    open: bool


@dataclass(frozen=True, slots=True)
class TimeLine:
    bars: tuple[Bar, ...]
    columns: tuple[Tick, ...]
    height: int


def lines(
    series: Mapping[str, Sequence[float | None]], starts: Sequence[str], unit: str = "", *, least_top: float = 0
) -> Chart:
    """Each series as a line over the same days; None leaves a gap. `unit` "seconds": the axis has times,
    "share": it has percentages. `least_top`: the axis holds this value too."""
    most = max((value for values in series.values() for value in values if value is not None), default=0)
    step, top = _scale(max(most, least_top), unit)
    shapes = tuple(_line(name, values, top) for name, values in series.items())
    return Chart(shapes, _rows(step, top, unit), _columns(starts))


def stacked(series: Mapping[str, Sequence[int]], starts: Sequence[str]) -> Chart:
    """Each series as an area upon those before it."""
    whole = [sum(values) for values in zip(*series.values(), strict=True)]
    step, top = _scale(max(whole, default=0), "")
    below = [0.0] * len(starts)
    shapes = []
    for name, values in series.items():
        above = [low + value for low, value in zip(below, values, strict=True)]
        edge = [f"{_x(n, len(starts))} {_y(value, top)}" for n, value in enumerate(above)]
        base = [f"{_x(n, len(starts))} {_y(value, top)}" for n, value in enumerate(below)]
        if len(starts) == 1:  # a single day is as wide as the drawing
            edge, base = (
                [f"{LEFT} {_y(above[0], top)}", f"{RIGHT} {_y(above[0], top)}"],
                [f"{LEFT} {_y(below[0], top)}", f"{RIGHT} {_y(below[0], top)}"],
            )
        shapes.append(Shape(name, "M" + " L".join([*edge, *reversed(base)]) + " Z"))
        below = above
    return Chart(tuple(shapes), _rows(step, top, ""), _columns(starts))


def threshold(value: float, chart_top: float) -> float:
    """The height of a bound in a chart whose axis ends at `chart_top`."""
    return _y(value, chart_top)


def top_of(values: Sequence[float], unit: str = "") -> float:
    """Where the axis of a chart with these values ends."""
    return _scale(max(values, default=0), unit)[1]


def time_line(spans: Sequence[tuple[str, datetime, datetime | None, str]], since: datetime, now: datetime) -> TimeLine:
    """(name, from, to, kind) each as a bar in a row of its own; names that follow each other share one."""
    full = max((now - since).total_seconds(), 1)

    def place(at: datetime) -> float:
        share = min(max((at - since).total_seconds() / full, 0), 1)
        return round(LINE_LEFT + share * (LINE_RIGHT - LINE_LEFT), 1)

    bars: list[Bar] = []
    row, last = -1, None
    for name, start, end, kind in spans:
        row += name != last
        left, right = place(start), place(end or now)
        bars.append(
            Bar(name if name != last else "", left, max(round(right - left, 1), 2), row * ROW + 4, kind, end is None)
        )
        last = name
    days = max((now.date() - since.date()).days, 1)
    marks = [date.fromordinal(since.date().toordinal() + days * n // 4) for n in range(5)]
    columns = tuple(
        Tick(
            round(LINE_LEFT + n / 4 * (LINE_RIGHT - LINE_LEFT), 1),
            f"{day:%Y-%m}" if days > 400 else f"{day.isoformat()}",
        )
        for n, day in enumerate(marks)
    )
    return TimeLine(tuple(bars), columns, (row + 1) * ROW + 28)


def duration(seconds: float | None) -> str:
    """`45 s`, `12 min`, `3.5 h`, `2.1 d`; nothing for None."""
    if seconds is None:
        return ""
    for size, unit in _UNITS:
        if seconds >= 2 * size or (unit == "min" and seconds >= size):
            return f"{round(seconds / size, 1):g} {unit}"
    return f"{seconds:.0f} s"


def _line(name: str, values: Sequence[float | None], top: float) -> Shape:
    path, points, pen_down = [], [], False
    for n, value in enumerate(values):
        if value is None:
            pen_down = False
            continue
        x, y = _x(n, len(values)), _y(value, top)
        alone = not pen_down and (n + 1 == len(values) or values[n + 1] is None)
        if alone:
            points.append((x, y))
        else:
            path.append(f"{'L' if pen_down else 'M'}{x} {y}")
        pen_down = True
    return Shape(name, " ".join(path), tuple(points))


def _scale(most: float, unit: str) -> tuple[float, float]:
    """Step and end of an axis that holds `most` with few round marks."""
    if unit == "seconds":
        seconds = next((s for s in _SECONDS if most <= s * _MOST_TICKS), 2000 * 86400)
        return float(seconds), float(seconds * max(1, ceil(most / seconds)))
    least = 0.0001 if unit == "share" else 1.0
    step: float = least
    while most > step * _MOST_TICKS:
        step = step * 2.5 if f"{step:e}"[0] == "2" else step * 2
    return step, step * max(1, ceil(round(most / step, 6)))


def _rows(step: float, top: float, unit: str) -> tuple[Tick, ...]:
    return tuple(Tick(_y(n * step, top), _said(n * step, unit)) for n in range(round(top / step) + 1))


def _said(value: float, unit: str) -> str:
    if unit == "seconds":
        return next((f"{value / size:g} {name}" for size, name in _UNITS if value >= size), "0")
    return f"{value * 100:g}%" if unit == "share" else f"{value:,.0f}".replace(",", " ")


def _columns(starts: Sequence[str]) -> tuple[Tick, ...]:
    """A few of the days; the first and the last among them."""
    if not starts:
        return ()
    steps = min(_DATES, len(starts)) - 1
    chosen = [round(n * (len(starts) - 1) / steps) for n in range(steps + 1)] if steps else [0]
    longest = len(starts) > 1 and starts[0][:4] != starts[-1][:4]
    return tuple(Tick(_x(n, len(starts)), starts[n] if longest else starts[n][5:]) for n in chosen)


def _x(n: int, many: int) -> float:
    return round(LEFT + (n / (many - 1) if many > 1 else 0.5) * (RIGHT - LEFT), 1)


def _y(value: float, top: float) -> float:
    return round(BOTTOM - min(value / top, 1) * (BOTTOM - TOP), 1)

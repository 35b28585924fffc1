"""The statistics: figures that can be counted by hand, on both databases, on the page and the command line."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from typer.testing import CliRunner

from gateway import statistics
from gateway.cli import build
from gateway.statistics import PeriodError, days_of
from gateway.web import charts
from servers.seeded import Taken
from servers.waiting import NOW, arf, waiting_house

HOUR = 3600.0


@pytest.fixture
async def desk(database_url, tmp_path):
    async with waiting_house(tmp_path, database_url) as made:
        made.house.mailer = Taken()
        yield made


async def test_the_figures_are_what_happened(desk):
    """Ten resources reported at noon; the notices go out 1, 2 ... 10 minutes later."""
    for minute in range(10):
        await desk.take_in(arf(f"198.51.100.{70 + minute}"))
    await desk.take_in(arf("203.0.113.9"), arf("198.51.100.7"))
    for minute in range(10):
        desk.time[0] = NOW + timedelta(minutes=minute + 1)
        async with desk.house.database.writing() as connection:
            await connection.exec_driver_sql(
                f"UPDATE clocks SET notified_at = '{desk.time[0]:%Y-%m-%d %H:%M:%S.%f}"
                f"{'' if desk.house.database.is_sqlite else '+00'}' WHERE value = '198.51.100.{70 + minute}'"
            )
    desk.time[0] = NOW + timedelta(hours=30)
    found = await statistics.figures(desk.house, date(2026, 11, 14), date(2026, 11, 22))
    assert [(s.start, s.count, round(s.median), round(s.ninety)) for s in found.notified] == [
        ("", 10, 300, 540),
        ("2026-11-20", 10, 300, 540),
    ]
    assert found.by_kind == [("2026-11-20", "spam", 12)]
    assert [(s.key, s.reports, s.precision) for s in found.by_source] == [("feed:fbl", 12, 1.0)]
    assert found.by_customer == [("birch", "Birch Letters", 10)]
    assert (found.answers.ripe, found.answers.in_time, found.answers.told) == (10, 0, 10)
    assert (found.in_time, found.repeated) == (0.0, 0.0)
    assert found.opened == {"2026-11-20": 1}
    assert found.unmatched == {"not-assigned-then": 1, "not-ours": 1}
    assert found.backlog["queue"] == 2
    assert (found.acknowledged, found.resolved) == ([], [])
    assert len(found.starts) == 8

    weekly = await statistics.figures(desk.house, date(2026, 1, 1), date(2026, 11, 22))
    assert weekly.weekly
    assert weekly.by_kind == [("2026-11-16", "spam", 12)]
    assert weekly.starts[0] == "2025-12-29"
    assert weekly.starts[-1] == "2026-11-16"

    none = await statistics.figures(desk.house, date(2026, 1, 1), date(2026, 1, 2))
    assert (none.notified, none.by_kind, none.by_source, none.in_time) == ([], [], [], None)


async def test_the_page_and_its_tables_say_so_too(waiting, staff):
    await waiting.take_in(arf("198.51.100.70"), arf("203.0.113.9"))
    text = (await staff.get("/statistics?days=7")).text
    for said in ("Birch Letters", "feed:fbl", "Time to notify", "The figures as a table", 'aria-current="true">7 days'):
        assert said in text, said
    year = await staff.get("/statistics?days=365")
    assert "Reports per week" in year.text
    wrong = await staff.get("/statistics?since=tomorrow")
    assert wrong.status_code == 422
    assert "That is no day" in wrong.text


@pytest.mark.parametrize(
    ("since", "until"), [("2026-11-20", "2026-11-19"), ("x", ""), ("0001-01-01", ""), ("", "9999-12-31")]
)
def test_what_is_no_period_is_told(since, until):
    with pytest.raises(PeriodError):
        days_of(datetime(2026, 11, 20, tzinfo=UTC), 30, since, until)


def test_the_command_prints_one_document(waiting_config):
    done = CliRunner().invoke(build("stats"), ["stats", "--json", "--config", str(waiting_config)])
    assert done.exit_code == 0, done.output
    said = json.loads(done.output)
    assert said["by_kind"] == []
    assert said["in_time"] is None
    assert CliRunner().invoke(build("stats"), ["stats", "--config", str(waiting_config)]).exit_code == 0
    assert CliRunner().invoke(build("stats"), ["stats", "--since", "x", "--config", str(waiting_config)]).exit_code == 1


def test_a_line_has_a_gap_where_nothing_is_known_and_a_point_for_one_day_alone():
    chart = charts.lines({"a": [0.0, HOUR, None, HOUR, None]}, ["1", "2", "3", "4", "5"], "seconds")
    (shape,) = chart.shapes
    assert shape.path == "M48.0 180.0 L154.0 12.0"
    assert shape.points == ((366.0, 12.0),)
    assert [tick.text for tick in chart.rows] == ["0", "15 min", "30 min", "45 min", "1 h"]


def test_areas_stand_upon_each_other_up_to_the_top_of_the_axis():
    chart = charts.stacked({"a": [1, 3], "b": [1, 1]}, ["2026-11-19", "2026-11-20"])
    assert chart.shapes[1].path == "M48.0 96.0 L472.0 12.0 L472.0 54.0 L48.0 138.0 Z"
    assert [tick.text for tick in chart.columns] == ["11-19", "11-20"]


@pytest.mark.parametrize("most", [0, 1, 3, 4, 5, 17, 99, 100, 101, 12_345, 10**7])
def test_an_axis_holds_its_values_with_few_marks(most):
    chart = charts.lines({"a": [float(most)]}, ["2026-11-20"])
    assert 2 <= len(chart.rows) <= 5
    assert all(12 <= tick.at <= 180 for tick in chart.rows)
    assert int(chart.rows[-1].text.replace(" ", "")) >= most


def test_durations_are_said_as_people_say_them():
    said = [charts.duration(seconds) for seconds in (None, 0, 59, 60, 7199, 7200, 90000, 2e5)]
    assert said == ["", "0 s", "59 s", "1 min", "120 min", "2 h", "25 h", "2.3 d"]

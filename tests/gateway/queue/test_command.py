"""`arfgate queue` as people type it, on a SQLite file."""

from __future__ import annotations

import asyncio
import json
import os

import pytest
from typer.testing import CliRunner

from gateway.cli import build
from servers.waiting import arf, waiting_house


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch):
    for name in os.environ:
        if name.startswith("ARFGATE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SUDO_USER", "ann")
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def run(tmp_path, sqlite_url):
    """The command on a queue of three reports about 198.51.100.7 and .9 and one about a stranger."""

    async def fill() -> None:
        async with waiting_house(tmp_path, sqlite_url) as waiting:
            hostile = arf("203.0.113.9", subject="=?utf-8?q?gone_=E2=80=AE_red_=1B[31m?=")
            await waiting.take_in(arf(), arf(), arf("198.51.100.9"), hostile)

    asyncio.run(fill())

    def command(*words: str, status: int = 0, typed: str = "") -> str:
        done = CliRunner().invoke(
            build("queue"), ["queue", *words, "--config", str(tmp_path / "arfgate.toml")], input=typed
        )
        assert "Traceback" not in done.output
        assert done.exit_code == status, done.output
        return done.output

    return command


def test_list_shows_each_resource_once_with_reason_and_candidates(run):
    lines = run("list").splitlines()
    assert lines[0].strip() == "4 waiting"
    (line,) = [line for line in lines if " 198.51.100.7 " in f" {line} "]
    assert line.split()[0] == "1"
    assert "not-assigned-then" in line
    assert line.rstrip().endswith("alder")
    assert len(run("list", "--limit", "1").splitlines()) == 3


def test_list_for_programs(run):
    groups = json.loads(run("list", "--json"))
    assert [(g["id"], g["value"], g["seen"]) for g in groups] == [
        (1, "198.51.100.7", 2),
        (3, "198.51.100.9", 1),
        (4, "203.0.113.9", 1),
    ]
    assert groups[0]["candidates"][0]["account"] == "alder"


def test_show_tells_everything_and_nothing_that_steers_the_terminal(run):
    output = run("show", "4")
    assert "not-ours" in output
    assert "feed fbl" in output
    assert "\x1b[31m" not in output
    assert "\u202e" not in output
    assert json.loads(run("show", "1", "--json"))["entry"]["value"] == "198.51.100.7"


def test_assign_places_one_and_the_second_time_says_who_was_faster(run):
    assert "198.51.100.7 placed with birch: case AG-" in run("assign", "1", "birch")
    assert "ann was faster: entry 1 was assigned to birch" in run("assign", "1", "alder", status=1)


def test_a_rule_shows_what_it_would_place_and_asks(run):
    rule = ("assign", "1", "birch", "--rule", "--from", "2026-11-03", "--resource", "198.51.100.0/26")
    output = run(*rule, status=1, typed="n\n")
    assert "198.51.100.0/26 to birch from 2026-11-03 00:00Z would place 3" in output
    assert "Nothing was changed." in output
    assert json.loads(run("list", "--json"))[0]["seen"] == 2
    assert "placed 3" in run(*rule, typed="y\n")
    assert [g["value"] for g in json.loads(run("list", "--json"))] == ["203.0.113.9"]


def test_with_yes_a_rule_asks_nothing(run):
    assert "placed 2" in run("assign", "1", "birch", "--rule", "--from", "2026-11-03", "--yes")


def test_reject_needs_a_reason_and_takes_those_alike_on_demand(run):
    assert "--reason" in run("reject", "1", status=2)
    assert run("reject", "2", "--reason", "not ours", "--alike").strip() == "rejected: 1, 2"
    assert "Nothing waits" not in run("list")


def test_several_are_placed_at_once_with_those_alike(run):
    output = run("assign-all", "1", "--to", "birch", "--alike")
    assert output.splitlines()[0] == "placed with birch: 1, 2"
    again = run("assign-all", "1", "3", "--to", "birch").splitlines()
    assert again[0] == "placed with birch: 3"
    assert "ann was faster: entry 1" in again[1]
    assert "was faster" in run("assign-all", "1", "3", "--to", "birch", status=1)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("assign", "99", "birch"), "the queue has no entry 99"),
        (("assign-all", "1", "--to", "nobody"), "there is no customer 'nobody'"),
        (("assign", "1", "nobody"), "there is no customer 'nobody'"),
        (("assign", "1", "birch", "--rule"), "--rule needs --from"),
        (("assign", "1", "birch", "--from", "2026-11-03"), "--from and --to belong to --rule"),
        (("assign", "1", "birch", "--rule", "--from", "soon"), "'soon' is no time; write 2026-01-31"),
        (("reject", "1", "--reason", " "), "say why"),
    ],
)
def test_what_cannot_be_done_is_one_line(run, words, says):
    assert says in run(*words, status=1)

"""`arfgate reparse` as people type it, on a SQLite file; the parsers run in their worker processes."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from gateway.cli import build
from parsers.report import Kind
from servers.waiting import arf, waiting_house


@pytest.fixture
def run(tmp_path, sqlite_url, yesterday, monkeypatch):
    """The command on two unknown messages that are reports today, and one that is read as it was."""
    for name in os.environ:
        if name.startswith("ARFGATE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SUDO_USER", "ann")

    async def fill() -> None:
        async with waiting_house(tmp_path, sqlite_url) as waiting:
            unknown = lambda parsed: replace(parsed, kind=Kind.UNKNOWN, format=None, reports=())  # noqa: E731
            await yesterday(waiting, unknown, arf("198.51.100.70"), arf("198.51.100.71"))
            await waiting.take_in(arf("198.51.100.72"))

    asyncio.run(fill())

    def command(*words: str, status: int = 0) -> str:
        done = CliRunner().invoke(build("reparse"), ["reparse", *words, "--config", str(tmp_path / "arfgate.toml")])
        assert "Traceback" not in done.output
        assert done.exit_code == status, done.output
        return done.output

    return command


def test_it_shows_then_applies_then_has_nothing_to_do(run):
    shown = run()
    assert shown.count("unknown -> report (arf)") == 2
    assert "work on it again" in shown
    assert "3 messages read again, 1 as before." in shown
    assert "Nothing was changed. With --apply: 2 worked on again, 0 with their facts updated." in shown
    assert "Changed: 2." in run("--apply")
    assert run().strip() == "1 messages read again, 1 as before."


def test_programs_get_one_json_document(run):
    told = json.loads(run("--json", "--apply"))
    assert (told["read"], told["applied"]) == (3, True)
    assert [(c["message"], c["step"], c["applied"]) for c in told["changes"]] == [(1, "work", True), (2, "work", True)]
    assert told["changes"][0]["before"] == {"kind": "unknown", "format": None, "reports": 0}
    assert told["changes"][0]["after"] == {"kind": "report", "format": "arf", "reports": 1}
    assert "reports: 0 -> 1" in told["changes"][0]["differences"]


def test_a_number_a_kind_and_a_day_narrow_it(run):
    assert "1 messages read again" in run("2")
    assert "2 messages read again" in run("--kind", "unknown")
    assert "0 messages read again" in run("--since", "2999-01-01")
    run("--since", "soon", status=2)
    run("0", status=2)

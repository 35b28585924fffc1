"""`arfgate held`, `legal`, `message`, `customer suppressions` and `case show` as people type them, on a SQLite file."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os

import pytest
import structlog
from typer.testing import CliRunner

from gateway.cli import build
from servers.people import attached, complaint, inline, spam
from servers.waiting import arf, waiting_house

ANN, BOB = "ann@isp.example", "bob@isp.example"
BIRCH = "198.51.100.70"
ORDER = "Please find attached the court order against your customer."
OFFER = "Dear reader, this is our very best offer of the whole year, with watches and handbags for everybody. " * 3


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch):
    for name in os.environ:
        if name.startswith("ARFGATE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SUDO_USER", "carol")
    monkeypatch.setenv("COLUMNS", "200")
    structlog.reset_defaults()  # a command before this one wrote to a runner's output that is closed now


@pytest.fixture
def run(tmp_path, sqlite_url):
    """The command after mails (1) incomplete, (2) legal, (3) an opt-out, (4, 5) two of one mailing."""

    async def fill() -> None:
        legal = {"staff": [ANN, BOB], "jurisdictions": ["eu"]}
        url = sqlite_url
        async with waiting_house(tmp_path, url, legal=legal, replies={"enabled": False}) as waiting:
            opt_out = arf(BIRCH, complainant="=cmd@reader.example")
            await waiting.take_in(
                inline(),
                attached(text=ORDER, subject="Order of the court"),
                opt_out.replace(b"Feedback-Type: abuse", b"Feedback-Type: opt-out"),
                attached(spam(BIRCH, body=OFFER)),
                attached(spam(BIRCH, body=f"{OFFER} Bye!"), sender="bob@other.example"),
            )

    asyncio.run(fill())

    def command(*words: str, status: int = 0) -> str:
        done = CliRunner().invoke(build(words[0]), [*words, "--config", str(tmp_path / "arfgate.toml")])
        assert "Traceback" not in done.output
        assert done.exit_code == status, done.output
        return done.output

    return command


def test_what_is_held_is_listed_released_and_dropped_by_name(run):
    assert "evidence-missing" in run("held", "list")
    (row,) = json.loads(run("held", "list", "--json"))
    assert (row["message_id"], row["state"]) == (1, "waiting")
    run("held", "drop", "1", "--reason", "nonsense")
    assert "Nothing is held." in run("held", "list")
    assert "carol" in run("held", "list", "--all")
    assert "does not wait" in run("held", "release", "1", "--reason", "again", status=1)


def test_the_lane_is_closed_to_others_and_shows_words_and_steps_to_named_staff(run):
    assert "legal.staff" in run("legal", "list", "--who", "mallory@isp.example", status=1)
    assert "court-or-police" in run("legal", "list", "--who", ANN)
    shown = run("legal", "show", "1", "--who", ANN)
    assert "court order against your customer" in shown
    assert "[ ] DSA articles 9 and 10" in shown
    assert "2703" not in shown  # another jurisdiction's


def test_two_persons_close_a_matter(run):
    run("legal", "act", "1", "close", "--who", ANN, "--reason", "answered")
    assert "another person" in run("legal", "confirm", "1", "--who", ANN, status=1)
    assert "Confirmed: close." in run("legal", "confirm", "1", "--who", BOB)
    assert "There are none." in run("legal", "list", "--who", ANN)
    assert "closed" in run("legal", "list", "--who", ANN, "--all")
    assert "there is no legal matter 9" in run("legal", "show", "9", "--who", ANN, status=1)


def test_nothing_of_a_legal_message_is_in_the_ordinary_lists(run):
    assert "Order of the court" not in run("message", "list")
    assert "legal lane" in run("message", "raw", "2", status=1)
    assert "Order of the court" not in run("reparse")
    assert "Order of the court" in run("legal", "raw", "1", "--who", ANN, "--reason", "for the court")


def test_a_suppression_list_is_exported_without_formulas(run):
    rows = list(csv.reader(io.StringIO(run("customer", "suppressions", "birch", "--csv"))))
    assert rows[0] == ["address", "cause", "since"]
    assert rows[1][:2] == ["'=cmd@reader.example", "opt-out"]
    assert "opt-out" in run("customer", "suppressions", "birch")
    assert "customer list" in run("customer", "suppressions", "nobody", status=1)


def test_a_case_numbers_the_mailings_that_its_reports_are_about(run):
    (case,) = json.loads(run("case", "list", "--json"))
    shown = json.loads(run("case", "show", case["number"], "--json"))
    assert [report["mailing"] for report in shown["reports"]] == [1, 1]


def test_a_complaint_in_words_alone_is_held_too(tmp_path, run):
    file = tmp_path / "mail.eml"
    file.write_bytes(complaint("198.51.100.70 sends me spam.", subject="Spam complaint"))
    run("ingest", str(file))
    assert "evidence-missing" in run("held", "list", "--all")

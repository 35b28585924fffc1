"""`arfgate customer show` as people type it, and files that hold nothing."""

from __future__ import annotations

import asyncio
import json

import pytest
from typer.testing import CliRunner

from gateway import settings, tokens
from gateway.attribution.identifiers import checked_cfbl
from gateway.cli import build
from servers.waiting import waiting_house


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    async def prepare() -> None:
        async with waiting_house(tmp_path, f"sqlite+aiosqlite:///{tmp_path / 'arfgate.db'}"):
            pass

    asyncio.run(prepare())

    def command(*words: str, status: int = 0) -> str:
        done = CliRunner().invoke(build(words[0]), [*words, "--config", str(tmp_path / "arfgate.toml")])
        assert "Traceback" not in done.output
        assert done.exit_code == status, done.output
        return done.output

    return command


def test_a_feedback_id_names_its_account_and_nobody_else_can_make_one(run, tmp_path):
    said = run("customer", "feedback-id", "dogwood/home", "--campaign", "spring").strip()
    key = tokens.derive(settings.load(tmp_path / "arfgate.toml").secret_key.get_secret_value(), "cfbl")
    others = [checked_cfbl(key, run("customer", "feedback-id", name).strip()) for name in ("alder", "birch", "elder")]
    assert len({*others, checked_cfbl(key, said)} - {None}) == 4
    assert ".spring." in said
    assert checked_cfbl(b"another", said) is None
    for words in (("nobody",), ("dogwood/home", "--campaign", "a b")):
        assert len(run("customer", "feedback-id", *words, status=1).splitlines()) == 1


def test_one_customer_with_contacts_accounts_and_addresses(run):
    lines = run("customer", "show", "alder").splitlines()
    assert lines[0] == "alder  Alder Hosting"
    assert ["1", "abuse@alder.example", "abuse", "en"] in [line.split() for line in lines]
    assert ["2", "second@alder.example", "abuse", "en"] in [line.split() for line in lines]
    assert any("198.51.100.0/26" in line and "2026-11-03 00:00Z" in line for line in lines)
    card = json.loads(run("customer", "show", "dogwood", "--json"))
    assert (card["accounts"], card["holdings"][0]["ports"]) == (["home", "main"], "1024-2047")
    assert "there is no customer 'nobody'" in run("customer", "show", "nobody", status=1)


@pytest.mark.parametrize(
    ("words", "header"),
    [
        (("customer", "import"), "customer,name,resource,valid_from\n"),
        (("customer", "volumes"), "customer,day,sent\n"),
    ],
)
def test_a_file_that_is_only_its_header_is_refused(run, tmp_path, words, header):
    file = tmp_path / "empty.csv"
    file.write_text(header)
    assert "nothing below the header" in run(*words, str(file), status=1)


def test_a_table_of_assignments_without_a_row_is_told(run, tmp_path):
    (tmp_path / "held.csv").write_text("customer,resource,valid_from\n")
    assert "holds no row" in run("assignment", "import", str(tmp_path / "held.csv"))


def test_an_import_tells_of_overlaps_and_of_what_nobody_holds(run, tmp_path):
    file = tmp_path / "held.csv"
    file.write_text(
        "customer,resource,valid_from\n"
        "elder,198.51.100.64/26,2026-01-01T00:00:00Z\nalder,198.51.100.0/26,2026-11-03T00:00:00Z\n"
    )
    output = run("assignment", "import", str(file))
    assert "1 overlaps: reports about them attribute nobody; `arfgate assignment overlaps`" in output
    assert "held by nobody: 198.51.100.128/25, 192.0.2.0/29, 192.0.2.9-192.0.2.255; `arfgate assignment gaps`" in output
    (tmp_path / "more.csv").write_text("customer,resource,valid_from\nalder,198.51.100.128/25,2026-01-01T00:00:00Z\n")
    assert "held by nobody: 192.0.2.0/29" in run("customer", "import", str(tmp_path / "more.csv"))

"""`arfgate user`: the first account, its password from standard input, roles, links, keys, sign-ins."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from gateway.cli import build
from servers.waiting import write_settings


@pytest.fixture
def run(tmp_path):
    config = write_settings(tmp_path, f"sqlite+aiosqlite:///{tmp_path / 'users.db'}")
    app = build("user")
    return lambda *arguments, typed="": CliRunner().invoke(
        app, ["user", *arguments, "--config", str(config)], input=typed
    )


def test_the_first_account_and_what_becomes_of_it(run):
    assert "arfgate user add NAME --role admin" in run("list").output
    made = run("add", "ann", "--role", "admin", "--email", "ann@isp.example", typed="seven grey herons\n")
    assert made.exit_code == 0, made.output
    assert "herons" not in made.output
    assert run("add", "ann", "--without-password").exit_code == 1
    [row] = json.loads(run("list", "--json").output)
    assert (row["name"], row["role"], row["closed"], row["second_factor"]) == ("ann", "admin", False, False)
    refused = run("role", "ann", "viewer")
    assert refused.exit_code == 1
    assert "the last admin" in refused.output
    assert run("add", "ben", "--without-password").exit_code == 0
    assert run("role", "ben", "approver").exit_code == 0
    assert run("disable", "ben").exit_code == 0
    assert "is closed" in run("link", "ben").output
    assert run("disable", "ben", "--undo").exit_code == 0
    assert run("link", "ben").output.startswith("http://127.0.0.1:8025/sign-in/")
    assert run("token", "ben", "stats", "--role", "admin").exit_code == 1
    assert run("token", "ben", "stats", "--role", "viewer").output.startswith("arfgate_")
    assert run("password", "ben", typed="short\n").exit_code == 1
    assert run("password", "ben", typed="nine quiet otters\n").exit_code == 0
    assert "There were none." in run("sessions", "ben").output
    assert run("sessions", "ben", "--end", "7").exit_code == 1
    assert "there is no account 'eve'" in run("link", "eve").output

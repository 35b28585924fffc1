"""The list of what is refused: entries of four kinds, each with its reason and its end, nothing of ours on it."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from gateway import blocklist, enforcement
from gateway.casework.states import NotAllowedError
from gateway.cli import build
from gateway.model import ActionKind


async def targets(acting) -> list[str]:
    return [action.target for action in await blocklist.entries(acting.house)]


@pytest.mark.duty("SES-9")
@pytest.mark.duty("SES-11")
@pytest.mark.parametrize(
    ("text", "kind", "target"),
    [
        ("203.0.113.7", "list-foreign", "203.0.113.7"),
        ("203.0.113.7/32", "list-foreign", "203.0.113.7"),
        ("203.0.113.9/24", "list-foreign", "203.0.113.0/24"),
        ("2001:DB8:0::/48", "list-foreign", "2001:db8::/48"),
        ("Spammer@Bulk.Example", "block-sender", "spammer@bulk.example"),
        ("Bulk.Example.", "block-domain", "bulk.example"),
        (".bulk.example", "block-domain", "bulk.example"),
    ],
)
async def test_an_entry_is_an_address_a_prefix_a_sender_or_a_domain(make_acting, text, kind, target):
    acting = await make_acting()
    action = await blocklist.add(acting.house, text, days=None, who="ann", why="open relay")
    assert (action.kind, action.target, action.state.value) == (ActionKind(kind), target, "done")
    assert action.expires_at == acting.time[0] + timedelta(days=acting.house.policy.actions.foreign_days)
    assert await targets(acting) == [target]


@pytest.mark.duty("SES-9")
async def test_an_entry_comes_off_by_itself_when_its_time_is_over(make_acting):
    acting = await make_acting()
    short = await blocklist.add(acting.house, "203.0.113.7", days=1, who="ann", why="scan")
    await blocklist.add(acting.house, "203.0.113.8", days=5, who="ann", why="scan")
    acting.time[0] += timedelta(days=1)
    assert await targets(acting) == ["203.0.113.8"]
    await enforcement.run(acting.house)
    await enforcement.run(acting.house)
    assert await acting.state(short.id) == "undone"
    assert await acting.said() == [
        ("ann", "action list-foreign proposed"),
        ("ann", "action list-foreign approved"),
        ("ann", "action list-foreign approved"),
        ("arfgate", "action list-foreign done"),
    ] * 2 + [("arfgate", "action list-foreign undone")]
    await blocklist.add(acting.house, "203.0.113.7", days=1, who="ann", why="again")
    assert sorted(await targets(acting)) == ["203.0.113.7", "203.0.113.8"]


@pytest.mark.parametrize("text", ["198.51.100.7", "192.0.2.25", "isp.example", "abuse@isp.example", "127.0.0.1"])
async def test_nothing_of_ours_comes_on_the_list(make_acting, text):
    acting = await make_acting()
    with pytest.raises(NotAllowedError, match="protected"):
        await blocklist.add(acting.house, text, days=1, who="ann", why="spam")
    assert await targets(acting) == []


@pytest.mark.parametrize("text", ["", "nobody@", "not a name", "300.1.1.1/40", "-x", "a@b@c"])
async def test_what_is_no_entry_is_refused_with_a_sentence(make_acting, text):
    acting = await make_acting()
    with pytest.raises(NotAllowedError, match="give an address"):
        await blocklist.add(acting.house, text, days=1, who="ann", why="spam")


async def test_the_same_entry_twice_is_one(make_acting):
    acting = await make_acting()
    answers = await asyncio.gather(
        *(blocklist.add(acting.house, "203.0.113.7", days=1, who=who, why="x") for who in ("ann", "ben")),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, NotAllowedError) for answer in answers) == 1
    assert await targets(acting) == ["203.0.113.7"]


async def test_what_is_not_on_the_list_cannot_be_taken_off(make_acting):
    acting = await make_acting()
    number = await acting.approved("198.51.100.70")  # a customer's block is no entry
    for text in ("203.0.113.7", "198.51.100.70", str(number)):
        with pytest.raises(NotAllowedError, match="not on the block list"):
            await blocklist.remove(acting.house, text, who="ann", why="")


async def test_the_command_lists_adds_removes_and_exports(make_acting, tmp_path):
    acting = await make_acting()

    async def run(*arguments: str, status: int = 0) -> str:
        command = [*arguments, "--config", str(acting.config)]
        done = await asyncio.to_thread(CliRunner().invoke, build(command[0]), command)
        assert done.exit_code == status, done.output
        return done.output

    await run("block", "add", "203.0.113.0/24", "--reason", "=cmd|open relays", "--days", "3")
    await run("block", "add", "bulk.example", "--reason", "spam")
    assert "protected" in await run("block", "add", "198.51.100.7", "--reason", "x", status=1)
    assert "203.0.113.0/24" in await run("block", "list")
    assert [entry["target"] for entry in json.loads(await run("block", "list", "--json"))] == [
        "203.0.113.0/24",
        "bulk.example",
    ]
    assert await run("block", "export") == "203.0.113.0/24\nbulk.example\n"
    rows = list(csv.DictReader(io.StringIO(await run("block", "export", "--format", "csv"))))
    assert [(row["entry"], row["why"]) for row in rows] == [
        ("203.0.113.0/24", "'=cmd|open relays"),
        ("bulk.example", "spam"),
    ]
    await run("block", "export", "--format", "dnsbl", "--output", str(tmp_path / "list"))
    assert "203.0.113.0/24 " in (tmp_path / "list").read_text()
    assert ".bulk.example " in (tmp_path / "list.domains").read_text()
    assert "open relays" not in (tmp_path / "list").read_text()
    assert "off the list" in await run("block", "remove", "203.0.113.0/24", "--reason", "closed")
    assert await run("block", "export") == "bulk.example\n"


async def test_the_command_shows_plans_approves_and_undoes_an_action(make_acting):
    acting = await make_acting()
    number = str(await acting.proposed())

    async def run(*arguments: str, status: int = 0, given: str | None = None) -> str:
        command = [*arguments, "--config", str(acting.config)]
        done = await asyncio.to_thread(CliRunner().invoke, build(command[0]), command, input=given)
        assert done.exit_code == status, done.output
        return done.output

    assert "198.51.100.70" in await run("action", "list")
    plan = await run("action", "plan", number)
    assert "block all traffic from and to 198.51.100.70" in plan
    assert "birch/main" in plan
    assert "stays reachable: 192.0.2.80:443, 192.0.2.25:25" in plan
    await run("action", "approve", number, "--reason", "yes", given="n\n", status=1)
    assert await acting.state(int(number)) == "proposed"
    assert "Carry it out, then say" in await run("action", "approve", number, "--reason", "yes", given="y\n")
    assert f"action {number} is asked; this needs proposed" in await run(
        "action", "approve", number, "--reason", "yes", "--yes", status=1
    )
    assert "is done" in await run("action", "done", number, "--reason", "router")
    assert "No action waits" in await run("action", "list")
    assert json.loads(await run("action", "show", number, "--json"))["state"] == "done"
    assert "is undone" in await run("action", "undo", number, "--reason", "resolved")
    other = str(await acting.proposed("198.51.100.71"))
    assert "is cancelled" in await run("action", "reject", other, "--reason", "no")
    assert "there is no action 99" in await run("action", "show", "99", status=1)

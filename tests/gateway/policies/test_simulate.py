"""What another policy would have done to the past is told, and nothing of it happens; the commands say what they find."""

from __future__ import annotations

from pathlib import Path

import pytest
from whole.scene import ALDER, HOUR, NOW, opened_scene
from whole.world import World

from gateway.policies.policy import file_of, load
from gateway.simulate import simulate
from servers.readers import complaint


@pytest.fixture
def world(tmp_path: Path, sqlite_url: str) -> World:
    return World(tmp_path, sqlite_url)


async def test_the_past_under_another_policy(world, smtp_receiver):
    async with opened_scene(world, smtp_receiver) as scene:
        await scene.take_in(*(complaint(f"reader@r{n}.example", ALDER, NOW - HOUR) for n in range(10)))
        scene.after(100)
        sent, rows = len(smtp_receiver.received), await scene.ask("SELECT count(*) FROM events")
        would, happened = await simulate(scene.house, load("pageant"), 30)
        said = [(step.account, step.what) for step in would.steps]
        assert [what for _, what in said[:2]] == ["first warning", "final warning"]
        assert said[2][1].startswith("disable-mail proposed to staff (nobody who complained has a history")
        assert said[3][1].startswith("suspend-account")
        assert said[4] == ("alder", "staff are told"), "72 hours passed without an answer"
        assert dict(would.cases) == {"mail": 1}
        assert happened == {"cases": 1, "strikes": 0, "actions": 0}
        assert (len(smtp_receiver.received), await scene.ask("SELECT count(*) FROM events")) == (sent, rows)
        plain, _ = await simulate(scene.house, scene.house.policy, 30)
        assert [step.what for step in plain.steps] == ["block-address proposed to staff"]
        nothing, _ = await simulate(scene.house, load("pageant"), 1)
        assert nothing.steps == []


def test_the_commands_show_check_and_compare(world, tmp_path):
    world.write()
    assert "plain" in world.run("policy", "list").out
    mine = tmp_path / "mine.toml"
    mine.write_text(
        file_of("ses")
        .read_text()
        .replace('name = "ses"', 'name = "mine"')
        .replace("hours = 2\nreminder", "hours = 3\nreminder")
    )
    bare = world_run("policy", "check", str(mine))
    assert bare == (0, "mine 1 is well-formed: 3 classes of cases.\n")
    assert world_run("policy", "diff", "ses", str(mine)) == (
        0,
        "classes.support-service.hours: 2.0 -> 3.0\nname: ses -> mine\n",
    )
    assert "strike 3: disable-mail, without asking" in world_run("policy", "show", "pageant")[1]
    assert world_run("policy", "show", "pageant", "--toml")[1] == file_of("pageant").read_text()
    mine.write_text(mine.read_text().replace("hours = 3", "hours = 0"))
    status, _ = world_run("policy", "check", str(mine))
    assert status == 1


def test_the_past_of_a_new_house_is_empty(world):
    world.write()
    done = world.run("policy", "simulate", "pageant", "--days", "7")
    assert (done.status, "It would have acted against nobody." in done.out) == (0, True), done.err


def world_run(*arguments: str) -> tuple[int, str]:
    """A command that needs no settings."""
    from typer.testing import CliRunner  # noqa: PLC0415

    from gateway.cli import build  # noqa: PLC0415

    done = CliRunner().invoke(build(arguments[0]), list(arguments))
    return done.exit_code, done.stdout

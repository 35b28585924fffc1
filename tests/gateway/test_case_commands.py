"""`arfgate case`, `charge` and `customer postmaster` as staff type them, and two clocks that a machine slept through."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from whole.scene import NOW, Scene, opened_scene
from whole.world import World

from gateway import pipeline, staff_cases
from gateway.policies import policy as policies


@pytest.fixture
def world(tmp_path: Path, sqlite_url: str) -> World:
    made = World(tmp_path, sqlite_url)
    rules = Path(policies.__file__).with_name("default.toml").read_text(encoding="utf-8")
    extra = '\n[fines]\nmode = "staff"\namount = "12.50"\n'
    (tmp_path / "mine.toml").write_text(rules.replace('name = "default"', 'name = "mine"') + extra, encoding="utf-8")
    made.sections["policy"] = {"name": "mine.toml"}
    made.write()
    assert made.run("customer", "import", str(made.customers())).status == 0
    return made


def test_a_case_is_entered_worked_on_and_closed_from_the_command_line(world: World, tmp_path: Path):
    entered = world.run("case", "new", "alder", "198.51.100.7", "--class", "mail", "--reason", "seen by us")
    assert "-000001 is open." in entered.out
    for said in (
        ("note", "1", "they will call back"),
        ("assign", "1", "bob"),
        ("severity", "1", "critical", "--reason", "a bank"),
        ("hold", "1", "--reason", "a court asks"),
    ):
        assert world.run("case", *said).status == 0, said
    shown = world.run("case", "show", "1").out
    for word in ("they will call back", "assigned to bob", "severity critical", "LEGAL HOLD"):
        assert word in shown
    solved = ("resolve", "1", "--reason", "closed", "--prevention", "rate limit", "--cause", "wilful")
    assert "closed" in world.run("case", *solved).out
    assert json.loads(world.run("case", "show", "1", "--json").out)["cause"] == "wilful"


def test_what_cannot_be_done_is_one_line_and_status_one(world: World, tmp_path: Path):
    table = tmp_path / "table.csv"
    table.write_text("name\nAnn\n", encoding="utf-8")
    world.run("case", "new", "alder", "198.51.100.7", "--class", "mail", "--reason", "seen")
    for said, why in (
        (("case", "new", "nobody", "192.0.2.1", "--class", "mail", "--reason", "x"), "no customer or account nobody"),
        (("case", "new", "alder", "192.0.2.1", "--class", "nope", "--reason", "x"), "has no class nope"),
        (("case", "merge", "1", "1", "--reason", "x"), "cannot go into itself"),
        (("case", "split", "1", "198.51.100.7", "--reason", "x"), "left with nothing"),
        (("case", "resolve", "1", "--reason", "x", "--since", "yesterday"), "is no time"),
        (("case", "consent", "1", str(table)), "one of them 'email'"),
        (("case", "appeal", "1", "--reason", "x"), "nothing was carried out"),
        (("case", "publish", "1", "--reason", "x", "--folder", str(tmp_path / "www")), "public display is off"),
        (("charge", "add", "1", "--reason", "x"), "nothing to charge"),
        (("charge", "add", "1", "--reason", "x", "--amount", "0.001"), "two decimals"),
        (("charge", "reverse", "7", "--reason", "x"), "does not exist"),
        (("customer", "postmaster", "--add", "nobody", "x.example"), "no customer nobody"),
    ):
        done = world.run(*said)
        assert done.status == 1, said
        assert why in done.err, (said, done.err)
        assert "Traceback" not in done.err


def test_the_ledger_is_listed_stated_and_exported(world: World, tmp_path: Path):
    assert "Nothing was charged" in world.run("charge", "list").out
    assert "was charged nothing" in world.run("charge", "statement", "alder").out
    assert json.loads(world.run("charge", "list", "--json").out) == []
    assert world.run("charge", "export", str(tmp_path / "books.csv")).status == 0
    assert (tmp_path / "books.csv").read_text(encoding="utf-8").startswith("id,at,customer,case_id")


@pytest.mark.duty("SES-7")
async def test_support_services_have_two_hours_and_a_machine_that_slept_makes_up_for_nothing(
    tmp_path, database_url, smtp_receiver
):
    async with opened_scene(World(tmp_path, database_url), smtp_receiver) as scene:
        await _enter(scene, "198.51.100.7")
        for hours in (1, 2):
            scene.after(hours)
            await pipeline.drain(scene.house)
        assert [kind for kind, _ in scene.sent()] == ["complaint", "reminder", "overdue"]
        assert await scene.ask("SELECT kind, state FROM actions") == [("suspend-support-service", "proposed")]
        scene.after(10)
        await _enter(scene, "198.51.100.200", "birch")
        scene.after(60)  # asleep over both of its steps
        await pipeline.drain(scene.house)
        assert [kind for kind, to in scene.sent() if "birch" in to] == ["complaint", "reminder"]
        scene.after(60.9)
        await pipeline.drain(scene.house)
        assert await scene.ask("SELECT count(*) FROM actions") == [(1,)]
        scene.after(61)
        await pipeline.drain(scene.house)
        assert [kind for kind, to in scene.sent() if "birch" in to] == ["complaint", "reminder", "overdue"]


@pytest.mark.duty("SES-7")
async def test_two_hours_over_a_leap_day_are_two_hours(tmp_path, database_url, smtp_receiver):
    async with opened_scene(World(tmp_path, database_url), smtp_receiver) as scene:
        scene.time[0] = NOW.replace(year=2028, month=2, day=28, hour=23)
        await _enter(scene, "198.51.100.7")
        (due_at,) = (await scene.ask("SELECT due_at FROM clocks"))[0]
        assert str(due_at).startswith("2028-02-29 01:00")


async def _enter(scene: Scene, resource: str, customer: str = "alder") -> None:
    await staff_cases.enter(scene.house, customer, "support-service", resource, who="ann", why="a shop of spammers")
    await pipeline.drain(scene.house)

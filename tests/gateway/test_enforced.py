"""How far an action is, the customer hears once for each step: planned, carried out, lifted, or never done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email import message_from_bytes
from importlib import resources

import pytest
from sqlalchemy import update
from whole.scene import ALDER, HOUR, NOW, Scene, about, opened_scene, text_of
from whole.world import World

from gateway import enforced, measures, pipeline, staff
from gateway.staff import Solved
from gateway.store import desk
from gateway.store.tables import actions
from servers.two_nodes import beside
from servers.waiting import arf

pytestmark = pytest.mark.needs("aiosmtpd")


@pytest.fixture
async def scene(tmp_path, database_url, smtp_receiver, request) -> AsyncIterator[Scene]:
    """A policy that blocks what comes back after it was called solved; `announce`: whether plans are told."""
    rules = (resources.files("gateway.policies") / "default.toml").read_text(encoding="utf-8")
    rules = rules.replace('name = "default"', 'name = "mine"').replace(
        "[classes.mail]", '[classes.mail]\non_repeat = ["block-address"]'
    )
    if getattr(request, "param", "") == "silent":
        rules = rules.replace("[actions]", "[actions]\nannounce = false")
    (tmp_path / "mine.toml").write_text(rules, encoding="utf-8")
    async with opened_scene(World(tmp_path, database_url), smtp_receiver, policy={"name": "mine.toml"}) as made:
        yield made


async def repeated(scene: Scene) -> None:
    """A report, solved, and another one about what was done later: the policy wants a block."""
    await scene.take_in(about(ALDER))
    await staff.resolve(scene.house, "1", Solved("gone"), who="ann")
    scene.after(5)
    await scene.take_in(arf(ALDER, NOW + 4 * HOUR))


def told(scene: Scene) -> list[str]:
    """Subjects of the mails about actions, in order."""
    subjects = [
        " ".join(str(message_from_bytes(mail.raw)["Subject"]).split()).partition("] ")[2]
        for mail in scene.relay.received
    ]
    return [one for one in subjects if "block" in one]


@pytest.mark.duty("MED-4")
async def test_planned_carried_out_and_lifted_are_told_once_each(scene: Scene):
    await repeated(scene)
    assert told(scene) == [f"Planned: block the traffic of {ALDER}"]
    assert "Our staff decide before it is done." in text_of(scene.relay.received[-1].raw)
    await measures.approve(scene.house, 1, who="ann", why="yes")
    await pipeline.drain(scene.house)
    await measures.done(scene.house, 1, who="ann", why="on the router")
    await pipeline.drain(scene.house)
    await measures.undo(scene.house, 1, who="ann", why="our secret reason", by_hand=True)
    await pipeline.drain(scene.house)
    await pipeline.drain(scene.house)
    assert told(scene)[1:] == [f"Carried out: block the traffic of {ALDER}", f"Lifted: block the traffic of {ALDER}"]
    assert "secret" not in text_of(scene.relay.received[-1].raw)


async def test_a_plan_is_told_beside_whoever_decides_about_its_case(scene: Scene):
    await repeated(scene)
    async with scene.house.database.writing() as connection:
        await connection.execute(update(actions).values(told=""))
    looked_at = await beside(
        scene.house.database,
        lambda deciding: desk.load_cases(deciding, [1]),
        enforced.tell(scene.house),
        lambda deciding: deciding.execute(update(actions).values(why="decided")),
    )
    assert looked_at == 1


async def test_what_staff_reject_after_it_was_announced_is_told_too(scene: Scene):
    await repeated(scene)
    await measures.reject(scene.house, 1, who="ann", why="no")
    await pipeline.drain(scene.house)
    assert told(scene)[1:] == [f"Will not be done: block the traffic of {ALDER}"]


async def test_what_an_overdue_notice_announced_is_not_announced_again(scene: Scene):
    await scene.take_in(about(ALDER))
    for hours in (12, 24, 25):
        scene.after(hours)
        await pipeline.drain(scene.house)
    assert await scene.ask("SELECT kind, state, told FROM actions") == [("block-address", "proposed", "planned")]
    assert told(scene) == []
    await measures.reject(scene.house, 1, who="ann", why="no")
    await pipeline.drain(scene.house)
    assert told(scene) == [f"Will not be done: block the traffic of {ALDER}"]


async def test_what_falls_with_a_resolution_needs_no_mail_of_its_own(scene: Scene):
    await repeated(scene)
    await staff.resolve(scene.house, "1", Solved("really gone"), who="ann")
    await pipeline.drain(scene.house)
    assert await scene.ask("SELECT state FROM actions") == [("cancelled",)]
    assert len(told(scene)) == 1


@pytest.mark.parametrize("scene", ["silent"], indirect=True)
async def test_a_policy_that_announces_nothing_tells_when_it_is_done(scene: Scene):
    await repeated(scene)
    assert told(scene) == []
    await measures.approve(scene.house, 1, who="ann", why="yes")
    await measures.done(scene.house, 1, who="ann", why="on the router")
    await pipeline.drain(scene.house)
    assert told(scene) == [f"Carried out: block the traffic of {ALDER}"]

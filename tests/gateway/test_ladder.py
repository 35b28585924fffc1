"""Strikes in a real house: counted when reports are filed, told and acted on rung by rung, decided on by staff."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from whole.scene import ALDER, HOUR, NOW, Scene, bounce, opened_scene, text_of
from whole.world import World

from gateway import pipeline, staff, staff_strikes
from gateway.casework.states import NotAllowedError
from gateway.model import Cause
from gateway.policies.policy import file_of
from gateway.staff import Solved
from servers.readers import complaint
from servers.receiver import SmtpReceiver

READERS = [f"reader@r{n}.example" for n in range(30)]


@pytest.fixture
async def scene(tmp_path: Path, database_url: str, smtp_receiver: SmtpReceiver) -> AsyncIterator[Scene]:
    world = World(tmp_path, database_url)
    async with opened_scene(world, smtp_receiver, policy={"name": "pageant"}) as made:
        yield made


async def complain(scene: Scene, count: int, first: int = 0, at=None) -> None:
    now = scene.house.clock()
    mails = [complaint(READERS[n], ALDER, at or now - HOUR) for n in range(first, first + count)]
    await scene.take_in(*mails)


async def strikes(scene: Scene) -> list[tuple[str, int, str]]:
    return await scene.ask("SELECT kind, number, state FROM strikes ORDER BY id")


async def warnings(scene: Scene) -> list[str]:
    rows = await scene.ask(
        "SELECT kind FROM notices WHERE kind IN ('first-warning', 'final-warning', 'enforced') AND state = 'sent' ORDER BY id"
    )
    return [row[0] for row in rows]


async def actions(scene: Scene) -> list[tuple[str, str, str]]:
    return await scene.ask("SELECT kind, target, state FROM actions ORDER BY id")


async def test_three_complaints_are_a_strike_and_a_first_warning(scene: Scene):
    await complain(scene, 2)
    assert await strikes(scene) == []
    await complain(scene, 1, first=2)
    assert await strikes(scene) == [("strike", 1, "told")]
    assert await warnings(scene) == ["first-warning"]
    mail = next(m for m in scene.relay.received if "First warning" in text_of(m.raw))
    assert mail.rcpt_tos == ["abuse@alder.example"]
    text = text_of(mail.raw)
    assert "3 complaints" in text
    assert "pageant 1" in text
    assert "AG-2026-000001" in text
    assert "r0.example" not in text


async def test_the_same_person_and_mail_counts_once(scene: Scene):
    one = [complaint(READERS[0], ALDER, NOW - HOUR, message_id="<one@sender.example>") for _ in range(5)]
    await scene.take_in(*one)
    assert await strikes(scene) == []
    assert await scene.ask("SELECT count(*) FROM marks") == [(1,)]


async def test_nine_complaints_at_once_climb_rung_by_rung_and_each_warning_goes_out_first(scene: Scene):
    await complain(scene, 9)
    assert await strikes(scene) == [("strike", 1, "told"), ("strike", 2, "told"), ("strike", 3, "acting")]
    assert await warnings(scene) == ["first-warning", "final-warning"]
    (action,) = await actions(scene)
    assert action[:2] == ("disable-mail", "alder")
    assert action[2] == "proposed", "nobody who complained has a history: a person decides"


async def test_while_the_first_warning_has_not_arrived_the_second_waits(scene: Scene):
    scene.relay.defer("abuse@alder.example")
    await complain(scene, 9)
    states = [state for _, _, state in await strikes(scene)]
    assert states == ["telling", "waiting", "waiting"]
    assert await actions(scene) == []


async def test_a_warning_that_bounces_goes_to_the_next_contact_and_counts_when_it_arrived(scene: Scene):
    await complain(scene, 3)
    first = next(m for m in scene.relay.received if "First warning" in text_of(m.raw))
    await scene.take_in(bounce(first.raw))
    assert await scene.ask("SELECT state FROM notices WHERE kind = 'first-warning' ORDER BY id") == [
        ("bounced",),
        ("sent",),
    ]
    assert scene.relay.received[-1].rcpt_tos == ["second@alder.example"]
    assert await strikes(scene) == [("strike", 1, "told")]
    await scene.take_in(bounce(scene.relay.received[-1].raw))
    assert await strikes(scene) == [("strike", 1, "unreachable")], "nobody is left: staff tell the customer"
    await staff_strikes.told(scene.house, 1, who="ann", why="by telephone")
    await pipeline.drain(scene.house)
    assert await strikes(scene) == [("strike", 1, "told")]


async def test_ten_complaints_are_an_immediate_threat_to_the_account(scene: Scene):
    await complain(scene, 10)
    assert ("threat", 0, "acting") in await strikes(scene)
    assert ("suspend-account", "alder", "proposed") in await actions(scene)


async def test_reporters_with_a_history_let_the_policy_act_at_once(scene: Scene):
    await complain(scene, 3)  # accepted: from now on these are known
    scene.after(24 * 40)
    for n in range(3):
        await complain(scene, 3)
        scene.after(24 * 40 + n)
    kinds = {(kind, state) for kind, _, state in await actions(scene)}
    assert kinds == {("disable-mail", "approved")}, "nobody is asked first"


async def test_staff_can_notice_declare_reset_and_annul(scene: Scene):
    for n in range(3):
        assert await staff_strikes.activity(scene.house, "alder", who="ann", why=f"seen {n}") == (n == 2)
    await pipeline.drain(scene.house)
    assert await strikes(scene) == [("strike", 1, "told")]
    await staff_strikes.annul(scene.house, 1, who="ann", why="it was our own test")
    assert await strikes(scene) == [("strike", 1, "annulled")]
    await staff_strikes.threat(scene.house, "alder", who="ann", why="a worm")
    with pytest.raises(NotAllowedError, match="already"):
        await staff_strikes.threat(scene.house, "alder", who="ann", why="again")
    await pipeline.drain(scene.house)
    assert [(kind, state) for kind, _, state in await actions(scene)] == [("suspend-account", "proposed")]
    assert await staff_strikes.reset(scene.house, "alder", who="ann", why="a new owner") == 1
    assert [(kind, state) for kind, _, state in await actions(scene)] == [("suspend-account", "cancelled")]
    assert await scene.ask("SELECT DISTINCT state FROM marks") == [("void",)]
    found = await staff_strikes.standing(scene.house, "alder")
    assert (found.policy, found.marks) == ("pageant 1", {"void": 3})
    with pytest.raises(LookupError, match="no account"):
        await staff_strikes.standing(scene.house, "nobody")


async def test_a_case_that_was_false_takes_its_strike_with_it(scene: Scene):
    await complain(scene, 3)
    await staff.resolve(scene.house, "AG-2026-000001", Solved("forged"), who="ann", cause=Cause.MISATTRIBUTED)
    assert await strikes(scene) == [("strike", 1, "annulled")]
    assert await scene.ask("SELECT DISTINCT state FROM marks") == [("void",)]


async def test_an_exempt_customer_gets_notices_but_no_strikes(tmp_path, database_url, smtp_receiver):
    world = World(tmp_path, database_url)
    text = file_of("pageant").read_text().replace('name = "pageant"', 'name = "mine"')
    (tmp_path / "mine.toml").write_text(text.replace("[defence]", '[defence]\nexempt_customers = ["alder"]'))
    async with opened_scene(world, smtp_receiver, policy={"name": "mine.toml"}) as scene:
        await complain(scene, 10)
        assert await strikes(scene) == []
        told = [mail for mail in scene.relay.received if mail.rcpt_tos[0].endswith("alder.example")]
        assert len(told) == 1, "the complaint itself"


async def test_pausing_stops_what_follows_from_strikes(scene: Scene):
    await scene.pause(paused=True)
    await complain(scene, 3)
    assert await strikes(scene) == [("strike", 1, "waiting")]
    await scene.pause(paused=False)
    scene.time[0] += timedelta(minutes=1)
    await pipeline.drain(scene.house)
    assert await strikes(scene) == [("strike", 1, "told")]

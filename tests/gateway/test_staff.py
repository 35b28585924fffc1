"""What staff decide about cases, on both databases: each once, whole, with who and why; what follows goes out by mail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from importlib import resources

import pytest
from whole.scene import ALDER, BIRCH, HOUR, NOW, Scene, about, answer, opened_scene, text_of
from whole.world import World

from gateway import pipeline, staff, staff_cases
from gateway.casework.clocks import may_lift
from gateway.casework.states import NotAllowedError
from gateway.model import Cause, Severity
from gateway.staff import Solved
from gateway.store import cases
from gateway.store import desk as desk_store
from servers.waiting import arf

OTHER = "198.51.100.9"
LATER = "198.51.100.11"


@pytest.fixture
async def scene(tmp_path, database_url, smtp_receiver) -> AsyncIterator[Scene]:
    async with opened_scene(World(tmp_path, database_url), smtp_receiver) as made:
        yield made


def after(scene: Scene, source: str, hours: float) -> bytes:
    """A report on conduct at the scene's present time."""
    scene.after(hours)
    return arf(source, scene.house.clock() - timedelta(minutes=1))


async def states(scene: Scene) -> list[tuple[int, str, str]]:
    return await scene.ask("SELECT case_id, value, state FROM clocks ORDER BY id")


async def shown(scene: Scene, number: str) -> dict:
    async with scene.house.database.reading() as connection:
        case = await cases.shown(connection, number)
    assert case is not None
    return case


async def only_clock(scene: Scene):
    async with scene.house.database.reading() as connection:
        (clock,) = (await desk_store.load_cases(connection, [1])).clocks.values()
    return clock


# --- answers and what is solved -----------------------------------------------------------------------------------


async def test_a_rejected_answer_is_told_to_the_customer_with_the_reason_and_the_new_end(scene: Scene):
    await scene.take_in(about(ALDER))
    scene.after(12)
    await pipeline.drain(scene.house)
    scene.after(23)
    await scene.take_in(answer(scene.relay.received[0].raw))
    assert (await scene.clock())[0] == "answered"
    scene.after(30)
    await staff.reject_answer(scene.house, "1", who="ann", why="You do not say which account it was.")
    await pipeline.drain(scene.house)
    said = text_of(scene.relay.received[-1].raw)
    assert "not sufficient" in said
    assert "You do not say which account it was." in said
    assert "21 November 2026 20:00" in said  # who answered with less left gets two hours
    assert await scene.ask("SELECT count(*) FROM notices WHERE kind = 'answer-rejected'") == [(1,)]


async def test_a_rejection_that_goes_out_late_moves_the_end_by_as_much(scene: Scene):
    await scene.take_in(about(ALDER))
    scene.after(1)
    await scene.take_in(answer(scene.relay.received[0].raw))
    await scene.pause(paused=True)
    await staff.reject_answer(scene.house, "1", who="ann", why="no")
    due_at = (await only_clock(scene)).due_at
    scene.after(40)
    await scene.pause(paused=False)
    await pipeline.drain(scene.house)
    assert (await only_clock(scene)).due_at == due_at + 39 * HOUR
    assert (await scene.clock())[0] == "running"


async def test_a_warning_that_failed_for_our_own_fault_keeps_the_end_waiting_until_it_is_put_right(scene: Scene):
    await scene.take_in(about(ALDER))
    scene.relay.refuse("*", "550 5.7.1 Relaying denied")
    scene.after(12.1)
    await pipeline.drain(scene.house)
    scene.after(12.1 + 24 * 6)  # given up
    await pipeline.drain(scene.house)
    assert await scene.ask("SELECT state, why FROM notices WHERE kind = 'reminder'") == [("failed", "sender")]
    scene.after(12.1 + 24 * 8)
    await pipeline.drain(scene.house)
    assert (await scene.clock())[0] == "running"
    scene.relay.accept()
    await staff.retry(scene.house, "1", who="ann", why="the relay takes us again")
    await pipeline.drain(scene.house)
    scene.after(12.1 + 24 * 8 + 12.1)
    await pipeline.drain(scene.house)
    assert (await scene.clock())[0] == "overdue"


async def test_a_block_may_be_lifted_when_it_is_resolved_and_something_keeps_it_from_coming_back(scene: Scene):
    await scene.take_in(about(ALDER))
    await staff.resolve(scene.house, "1", Solved("the account is closed"), who="ann")
    assert not may_lift(await only_clock(scene))
    await staff.resolve(scene.house, "1", Solved("", "new accounts are rate-limited"), who="ann")
    clock = await only_clock(scene)
    assert (clock.resolution, clock.prevention) == ("the account is closed", "new accounts are rate-limited")
    assert may_lift(clock)


async def test_since_when_it_is_solved_is_the_customers_word_at_latest_the_answers_time(scene: Scene):
    await scene.take_in(about(ALDER))
    scene.after(5)
    await scene.take_in(answer(scene.relay.received[0].raw))
    await staff.resolve(scene.house, "1", Solved("closed", since=NOW + 2 * HOUR), who="ann")
    assert (await only_clock(scene)).resolved_at == NOW + 2 * HOUR
    await staff.resolve(scene.house, "1", Solved("closed", since=NOW + 9 * HOUR), who="ann")
    assert (await only_clock(scene)).resolved_at == NOW + 2 * HOUR  # not later than was said before


async def test_a_resource_can_be_resolved_alone_and_the_case_with_its_last_one(scene: Scene):
    await scene.take_in(about(ALDER), about(OTHER))
    case = await staff.resolve(scene.house, "1", Solved("moved", resource=ALDER), who="ann")
    assert case.state == "open"
    case = await staff.resolve(scene.house, "1", Solved("moved", resource=OTHER), who="ann")
    assert case.state == "resolved"


async def test_closing_keeps_the_cause_in_one_step_and_a_reopened_case_has_none_any_more(scene: Scene):
    await scene.take_in(about(ALDER))
    await staff.resolve(scene.house, "1", Solved("cleaned", "patched"), who="ann", cause=Cause.INFECTED)
    assert await scene.ask("SELECT state, cause FROM cases") == [("closed", "infected")]
    await scene.take_in(after(scene, ALDER, 24 * 29))
    assert await scene.ask("SELECT state, cause, severity FROM cases") == [("open", None, "high")]
    assert await scene.ask("SELECT round, resolution, prevention FROM clocks") == [(2, "", "")]
    assert await scene.ask("SELECT count(*) FROM events WHERE what = 'alarm'") == [(1,)]


async def test_after_thirty_days_another_case_is_opened(scene: Scene):
    await scene.take_in(about(ALDER))
    await staff.resolve(scene.house, "1", Solved("cleaned"), who="ann", cause=Cause.INFECTED)
    await scene.take_in(after(scene, ALDER, 24 * 31))
    assert await scene.ask("SELECT id, state FROM cases ORDER BY id") == [(1, "closed"), (2, "open")]


async def test_a_notice_of_a_dismissed_case_that_comes_back_does_not_touch_the_case_that_followed(scene: Scene):
    await scene.take_in(about(ALDER))
    await staff.resolve(scene.house, "1", Solved("not theirs"), who="ann", cause=Cause.MISATTRIBUTED)
    await scene.take_in(about(ALDER))
    await scene.take_in(answer(scene.relay.received[0].raw))
    assert await states(scene) == [(1, ALDER, "resolved"), (2, ALDER, "running")]


# --- nobody can be told --------------------------------------------------------------------------------------------


async def test_nobody_who_can_be_told_is_no_immunity_where_the_policy_says_when_the_time_starts(
    tmp_path, database_url, smtp_receiver
):
    rules = (resources.files("gateway.policies") / "default.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(f"{rules}\n[delivery]\nundeliverable_after_hours = 72\n", encoding="utf-8")
    world = World(tmp_path, database_url)
    async with opened_scene(world, smtp_receiver, policy={"name": "mine.toml"}) as scene:
        smtp_receiver.refuse("*", "550 5.1.1 No such user")
        await scene.take_in(about(ALDER))
        assert (await scene.clock())[0] == "unreachable"
        scene.after(71)
        await pipeline.drain(scene.house)
        assert (await scene.clock())[0] == "unreachable"
        scene.after(72)
        await pipeline.drain(scene.house)
        assert (await only_clock(scene)).due_at == NOW + 96 * HOUR
        for hours in (84.5, 97):
            scene.after(hours)
            await pipeline.drain(scene.house)
        assert (await scene.clock())[0] == "overdue"


# --- whole cases ---------------------------------------------------------------------------------------------------


async def test_a_case_entered_by_hand_is_a_case_like_any_other(scene: Scene):
    case = await staff_cases.enter(scene.house, "alder", "connection", "198.51.100.7", who="ann", why="It scans us.")
    await pipeline.drain(scene.house)
    assert (case.number, case.cls) == ("AG-2026-000001", "connection")
    assert scene.sent() == [("complaint", "abuse@alder.example")]
    assert "It scans us." in text_of(scene.relay.received[0].raw)
    assert (await scene.clock())[0] == "running"
    for whose, what, said in (("nobody", OTHER, "no customer"), ("alder", "not an address", "no address, host")):
        with pytest.raises((LookupError, NotAllowedError), match=said):
            await staff_cases.enter(scene.house, whose, "mail", what, who="ann", why="?")


async def test_merging_takes_the_clocks_their_notices_and_what_comes_later(scene: Scene):
    await scene.take_in(about(ALDER))
    await staff_cases.enter(scene.house, "alder", "connection", OTHER, who="ann", why="the same machine")
    await pipeline.drain(scene.house)
    await staff_cases.merge(scene.house, "1", "2", who="ann", why="one intruder")
    assert await states(scene) == [(2, ALDER, "running"), (2, OTHER, "running")]
    await scene.take_in(about(LATER))
    assert (await states(scene))[2] == (2, LATER, "running")
    await scene.take_in(answer(scene.relay.received[0].raw))  # to the notice of the case that is gone
    assert {state for _, _, state in await states(scene)} == {"answered"}
    assert (await shown(scene, "1"))["case"].state == "merged"
    assert len((await shown(scene, "2"))["notices"]) == 4  # and the confirmation of the answer
    with pytest.raises(NotAllowedError, match="is merged: nothing can be decided"):
        await staff.resolve(scene.house, "1", Solved("done"), who="ann")


async def test_what_came_to_a_merged_case_opens_its_own_again_once_the_other_takes_nothing_any_more(scene: Scene):
    await scene.take_in(about(ALDER))
    await staff_cases.enter(scene.house, "alder", "connection", OTHER, who="ann", why="the same machine")
    await staff_cases.merge(scene.house, "1", "2", who="ann", why="one intruder")
    await staff.resolve(scene.house, "2", Solved("done"), who="ann", cause=Cause.FALSE)
    await scene.take_in(after(scene, ALDER, 1))
    assert await scene.ask("SELECT id, cls, state FROM cases ORDER BY id") == [
        (1, "mail", "merged"), (2, "connection", "dismissed"), (3, "mail", "open"),
    ]  # fmt: skip


async def test_only_a_customers_own_cases_merge_and_a_resource_of_both_is_solved_first(scene: Scene):
    await scene.take_in(about(ALDER), about(BIRCH))
    await staff_cases.enter(scene.house, "alder", "connection", ALDER, who="ann", why="scans")
    for source, target, said in (("1", "2", "only one's own"), ("1", "3", "resolve it in"), ("1", "1", "itself")):
        with pytest.raises(NotAllowedError, match=said):
            await staff_cases.merge(scene.house, source, target, who="ann", why="?")
    await staff.resolve(scene.house, "1", Solved("done"), who="ann")
    await staff_cases.merge(scene.house, "1", "3", who="ann", why="goes on there")
    assert [row for row in await states(scene) if row[1] == ALDER] == [(1, ALDER, "resolved"), (3, ALDER, "waiting")]


async def test_a_split_off_resource_has_its_own_case_and_what_comes_about_it_goes_there(scene: Scene):
    await scene.take_in(about(ALDER), about(OTHER))
    with pytest.raises(NotAllowedError, match="left with nothing"):
        await staff_cases.split(scene.house, "1", [ALDER, OTHER], who="ann", why="?")
    with pytest.raises(NotAllowedError, match=r"does not hold 198\.51\.100\.11"):
        await staff_cases.split(scene.house, "1", [LATER], who="ann", why="?")
    assert await staff_cases.split(scene.house, "1", [OTHER], who="ann", why="another story") == "AG-2026-000002"
    await staff.resolve(scene.house, "2", Solved("cleaned"), who="ann")
    await scene.take_in(after(scene, OTHER, 3), about(LATER))
    assert await states(scene) == [(1, ALDER, "running"), (2, OTHER, "running"), (1, LATER, "running")]
    assert await scene.ask("SELECT round FROM clocks WHERE case_id = 2") == [(2,)]
    await staff_cases.merge(scene.house, "2", "1", who="ann", why="one story after all")
    assert {case for case, _, _ in await states(scene)} == {1}


async def test_what_staff_write_on_a_case_is_kept_with_who_and_when(scene: Scene):
    await scene.take_in(about(ALDER))
    house = scene.house
    await staff_cases.note(house, "1", "They call back on Monday.", who="ann")
    await staff_cases.assign(house, "1", "bob", who="ann")
    await staff_cases.press(house, "1", Severity.CRITICAL, who="ann", why="a bank")
    await staff_cases.hold(house, "1", on=True, who="ann", why="court order 7")
    case = await shown(scene, "1")
    line = case["case"]
    assert (line.assignee, line.severity, line.legal_hold) == ("bob", "critical", True)
    assert [(e.who, e.what, e.why) for e in case["events"]][-4:] == [
        ("ann", "note", "They call back on Monday."),
        ("ann", "case assigned", "bob"),
        ("ann", "severity critical", "a bank"),
        ("ann", "legal hold set", "court order 7"),
    ]
    with pytest.raises(LookupError, match="there is no case 9"):
        await staff_cases.note(house, "9", "?", who="ann")

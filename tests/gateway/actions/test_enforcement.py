"""What is approved is carried out once, said to be done when it is, tried again when it fails, and lifted as surely."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from gateway import enforcement, measures
from gateway.casework.states import NotAllowedError
from gateway.model import ActionKind
from gateway.store import action_steps, actions, switches
from notifier.webhook import SIGNATURE, TIMESTAMP, sign

from .conftest import REACHABLE, SECRET, webhook

HOUR = timedelta(hours=1)


async def test_without_a_connector_staff_are_asked_and_say_when_it_is_done(make_acting):
    acting = await make_acting()
    number = await acting.approved()
    assert await acting.state(number) == "asked"
    assert await enforcement.run(acting.house) == 0
    assert await acting.state(number) == "asked"
    await measures.done(acting.house, number, who="ben", why="router 1")
    assert await acting.state(number) == "done"
    await measures.undo(acting.house, number, who="ben", why="they answered")
    assert await acting.state(number) == "undone"


async def test_an_approved_action_is_done_when_its_connector_says_so_and_not_before(make_acting, hook):
    acting = await make_acting(webhook(hook.place))
    number = await acting.approved()
    assert await acting.state(number) == "approved"
    hook.hold()
    running = asyncio.create_task(enforcement.run(acting.house))
    while not hook.posted:
        await asyncio.sleep(0)  # the server runs in another thread
    assert await acting.state(number) == "approved"
    hook.let_go()
    await running
    assert await acting.state(number) == "done"
    assert ("arfgate", "action block-address done") in await acting.said()


async def test_the_call_is_signed_carries_its_key_and_says_what_must_stay_reachable(make_acting, hook):
    acting = await make_acting(webhook(hook.place))
    number = await acting.approved()
    await enforcement.run(acting.house)
    (posted,) = hook.posted
    assert posted.headers[SIGNATURE.lower()] == sign(SECRET, int(posted.headers[TIMESTAMP.lower()]), posted.body)
    order = json.loads(posted.body)
    assert posted.headers["idempotency-key"] == order["key"] == f"action-{number}-hook-do-1"
    assert order["target"] == "198.51.100.70"
    assert order["keep_reachable"] == REACHABLE


async def test_a_failing_connector_is_tried_again_with_the_same_key_and_ends_in_an_alarm(make_acting, hook):
    hook.usual = (503, b"busy")
    acting = await make_acting(webhook(hook.place, give_up_hours=3))
    number = await acting.approved()
    while await acting.state(number) == "approved":
        await enforcement.run(acting.house)
        acting.time[0] += timedelta(minutes=10)
    assert await acting.state(number) == "failed"
    assert len(hook.posted) > 3
    assert {posted.headers["idempotency-key"] for posted in hook.posted} == {f"action-{number}-hook-do-1"}
    assert ("arfgate", "action block-address alarm") in await acting.said()
    hook.usual = (200, b"")
    await measures.retry(acting.house, number, who="ann", why="it is back")
    await enforcement.run(acting.house)
    assert await acting.state(number) == "done"


async def test_what_the_other_side_refuses_for_good_is_not_tried_again(make_acting, hook):
    hook.usual = (422, b"no such port")
    acting = await make_acting(webhook(hook.place))
    number = await acting.approved()
    await enforcement.run(acting.house)
    acting.time[0] += 100 * HOUR
    await enforcement.run(acting.house)
    assert len(hook.posted) == 1
    assert await acting.state(number) == "failed"


async def test_it_is_done_only_when_the_last_of_its_connectors_is(make_acting, hook):
    hook.answers = [(200, b""), (500, b"")]
    acting = await make_acting(webhook(hook.place), webhook(hook.place, name="second"))
    number = await acting.approved()
    await enforcement.run(acting.house)
    assert await acting.state(number) == "approved"
    acting.time[0] += HOUR
    await enforcement.run(acting.house)
    assert await acting.state(number) == "done"
    assert len(hook.posted) == 3  # who had done it was not asked again


async def test_a_service_that_died_in_a_call_repeats_it_under_the_same_key_and_nothing_else(make_acting, hook):
    acting = await make_acting(webhook(hook.place))
    number = await acting.approved()
    hook.hold()
    running = asyncio.create_task(enforcement.run(acting.house))
    while not hook.posted:
        await asyncio.sleep(0)
    running.cancel()  # the other side has it, we never heard so
    await asyncio.gather(running, return_exceptions=True)
    hook.let_go()
    assert await acting.state(number) == "approved"
    assert await enforcement.run(acting.house) == 0  # claimed: no other node takes it yet
    async with acting.house.database.writing() as connection:
        await action_steps.release(connection, acting.house.node)  # the next start
    await enforcement.run(acting.house)
    await enforcement.run(acting.house)
    assert [posted.headers["idempotency-key"] for posted in hook.posted] == [f"action-{number}-hook-do-1"] * 2
    assert hook.posted[0].body == hook.posted[1].body
    assert await acting.state(number) == "done"


async def test_two_rounds_at_once_call_a_connector_once(make_acting, hook):
    acting = await make_acting(webhook(hook.place))
    await acting.approved()
    await asyncio.gather(*(enforcement.run(acting.house) for _ in range(5)))
    assert len(hook.posted) == 1


async def test_nothing_is_carried_out_while_everything_is_paused(make_acting, hook):
    acting = await make_acting(webhook(hook.place))
    number = await acting.approved()
    for paused in (True, False):
        async with acting.house.database.writing() as connection:
            await switches.pause(connection, paused=paused, who="ann", why="", now=acting.time[0])
        await enforcement.run(acting.house)
        assert await acting.state(number) == ("approved" if paused else "done")


async def test_an_undo_is_carried_out_by_the_same_connector_and_undone_only_then(make_acting, hook):
    acting = await make_acting(webhook(hook.place))
    number = await acting.approved()
    await enforcement.run(acting.house)
    hook.answers = [(503, b"")]
    await measures.undo(acting.house, number, who="ann", why="resolved")
    await enforcement.run(acting.house)
    assert await acting.state(number) == "done"  # and it still is
    acting.time[0] += HOUR
    await enforcement.run(acting.house)
    assert await acting.state(number) == "undone"
    assert [json.loads(posted.body)["phase"] for posted in hook.posted] == ["do", "undo", "undo"]


async def test_an_undo_before_the_connector_began_calls_nobody(make_acting, hook):
    acting = await make_acting(webhook(hook.place))
    number = await acting.approved()
    await measures.undo(acting.house, number, who="ann", why="a mistake")
    await enforcement.run(acting.house)
    assert await acting.state(number) == "undone"
    assert hook.posted == []


async def test_a_connector_that_is_gone_from_the_settings_is_undone_by_hand(make_acting, hook):
    acting = await make_acting(webhook(hook.place))
    number = await acting.approved()
    await enforcement.run(acting.house)
    acting.house.connectors = {}
    await measures.undo(acting.house, number, who="ann", why="resolved")
    await enforcement.run(acting.house)
    assert await acting.state(number) == "done"
    assert ("arfgate", "action block-address alarm") in await acting.said()
    await measures.undo(acting.house, number, who="ann", why="on the router", by_hand=True)
    assert await acting.state(number) == "undone"


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("192.0.2.25", "one of our relays"),
        ("192.0.2.0/24", "one of our relays"),
        ("192.0.2.80", "must stay reachable"),
        ("127.0.0.1", "this machine"),
        ("0.0.0.0/0", "large part of the Internet"),
        ("isp.example", "would hit isp.example"),
    ],
)
async def test_a_protected_target_is_never_acted_on_and_nothing_is_kept_of_the_wish(make_acting, target, why):
    acting = await make_acting()
    with pytest.raises(NotAllowedError, match=why):
        await acting.proposed(target)
    assert await acting.ask("SELECT id FROM actions") == []


async def test_our_own_infrastructure_is_never_acted_on(make_acting):
    acting = await make_acting(attribution={"protected": ["198.51.100.72/30"]})
    async with acting.house.database.writing() as connection:
        await connection.execute(text("UPDATE assignments SET use = 'protected' WHERE resource = '192.0.2.8'"))
    for target, why in {
        "198.51.100.73": r"our own infrastructure \(attribution.protected\)",
        "192.0.2.0/28": "192.0.2.8 is assigned as our own infrastructure",
    }.items():
        with pytest.raises(NotAllowedError, match=why):
            await acting.proposed(target)


async def test_what_became_protected_after_its_approval_is_not_carried_out(make_acting, hook):
    acting = await make_acting(webhook(hook.place))
    async with acting.house.database.writing() as connection:
        row = {"key": "k", "kind": "block-address", "state": "approved", "approval": "none", "target": "192.0.2.25"}
        await actions.plan(connection, [row | {"why": "overdue", "created_at": acting.time[0]}])
    await enforcement.run(acting.house)
    assert await acting.state(1) == "cancelled"
    assert hook.posted == []
    assert ("arfgate", "action block-address alarm") in await acting.said()


async def test_two_person_approval_means_two_persons(make_acting, hook):
    acting = await make_acting(webhook(hook.place))
    number = await acting.proposed("birch", ActionKind.SUSPEND_ACCOUNT)
    await measures.approve(acting.house, number, who="ann", why="yes")
    for again in ("ann", "Ann", " ANN "):
        with pytest.raises(NotAllowedError, match="needs 2 persons"):
            await measures.approve(acting.house, number, who=again, why="yes, yes")
    await enforcement.run(acting.house)
    assert await acting.state(number) == "proposed"
    assert hook.posted == []
    await measures.approve(acting.house, number, who="ben", why="I agree")
    await enforcement.run(acting.house)
    assert await acting.state(number) == "done"


async def test_of_two_persons_at_once_one_agrees_and_the_other_is_told(make_acting):
    acting = await make_acting()
    number = await acting.proposed()
    answers = await asyncio.gather(
        *(measures.approve(acting.house, number, who=who, why="") for who in ("ann", "ben", "cid")),
        return_exceptions=True,
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Action", "NotAllowedError", "NotAllowedError"]


async def test_the_plan_says_what_why_whom_it_hits_what_stays_and_how_it_is_undone(make_acting, hook):
    acting = await make_acting(webhook(hook.place))
    number = await acting.proposed("198.51.100.64/26")
    _, plan = await measures.plan(acting.house, number)
    assert plan.what == "block all traffic from and to 198.51.100.64/26"
    assert plan.why == "it attacks"
    assert plan.hits == ("birch/main",)
    assert plan.stays == tuple(REACHABLE)
    assert plan.carried_out_by == ("hook",)
    assert plan.undo == "let traffic from and to 198.51.100.64/26 through again"
    assert plan.approval == "1 of 1 still to agree"


@pytest.mark.duty("CON-5")
async def test_an_account_is_suspended_by_a_connector_and_taken_up_again(make_acting, hook):
    acting = await make_acting(webhook(hook.place, kinds=["suspend-account"]))
    number = await acting.approved("birch", ActionKind.SUSPEND_ACCOUNT)
    await enforcement.run(acting.house)
    assert await acting.state(number) == "done"
    await measures.undo(acting.house, number, who="ann", why="the appeal was right")
    await enforcement.run(acting.house)
    assert await acting.state(number) == "undone"
    assert [(json.loads(p.body)["phase"], json.loads(p.body)["kind"]) for p in hook.posted] == [
        ("do", "suspend-account"),
        ("undo", "suspend-account"),
    ]


async def test_a_slow_connector_keeps_no_other_waiting(make_acting, hook, tmp_path):
    acting = await make_acting(
        webhook(hook.place, kinds=["suspend-account"]),
        {"name": "files", "type": "nftables", "file": str(tmp_path / "set.nft")},
    )
    hook.hold()
    slow = await acting.approved("birch", ActionKind.SUSPEND_ACCOUNT)
    quick = await acting.approved("198.51.100.70")
    running = asyncio.create_task(enforcement.run(acting.house))
    async with asyncio.timeout(20):
        while await acting.state(quick) != "done":
            await asyncio.sleep(0.01)  # another task writes it
    assert await acting.state(slow) == "approved"
    hook.let_go()
    await running
    assert await acting.state(slow) == "done"

"""Put off, not ours, several at once, taken back, confirmed once: every decision with its author, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from gateway import outbox, pipeline, queue, queue_acts, queue_rules
from gateway.intake.customers import AssignmentRow
from gateway.queue import DecidedError, QueueError
from gateway.queue_rules import Terms
from gateway.queue_view import look
from gateway.store import assignments, customers, desk
from gateway.store import queue as store
from gateway.store.tables import cases
from servers.two_nodes import beside
from servers.waiting import NOW, arf

NOVEMBER = datetime(2026, 11, 3, tzinfo=UTC)


async def rows(waiting, query):
    async with waiting.house.database.reading() as connection:
        return [dict(row) for row in (await connection.execute(text(query))).mappings()]


async def states(waiting):
    return [row["queue"] for row in await rows(waiting, "select queue from attributions order by id")]


async def said(waiting):
    return [
        (r["who"], r["what"]) for r in await rows(waiting, "select who, what from events where who = 'ann' order by id")
    ]


async def count(waiting):
    async with waiting.house.database.reading() as connection:
        return await store.count(connection)


async def test_what_is_put_off_waits_again_at_its_time(waiting):
    await waiting.take_in(arf(), arf())
    assert await queue_acts.snooze(waiting.house, [1, 2], NOW + timedelta(hours=2), "ann") == [1, 2]
    assert await count(waiting) == 0
    assert await queue_acts.wake(waiting.house) == 0
    waiting.time[0] = NOW + timedelta(hours=2)
    await pipeline.drain(waiting.house)
    assert await states(waiting) == ["waiting", "waiting"]
    assert await said(waiting) == [("ann", "entry snoozed")] * 2


async def test_a_rule_places_what_is_put_off_too(waiting):
    await waiting.take_in(arf(), arf())
    await queue_acts.snooze(waiting.house, [1], NOW + timedelta(days=1), "ann")
    _, placed = await queue_rules.assign_rule(waiting.house, 2, Terms("alder", NOVEMBER), "ann")
    assert {e.id for e in placed} == {1, 2}


@pytest.mark.parametrize("until", [NOW, NOW + timedelta(days=91)])
async def test_put_off_to_a_time_within_three_months(waiting, until):
    await waiting.take_in(arf())
    with pytest.raises(QueueError, match="90 days"):
        await queue_acts.snooze(waiting.house, [1], until, "ann")


async def test_not_ours_with_all_alike_and_only_once(waiting):
    await waiting.take_in(arf("203.0.113.9"), arf("203.0.113.9"), arf())
    done = await queue_acts.not_ours(waiting.house, 1, "ann", alike=True)
    assert (done.ids, done.contacts) == ([1, 2], [])
    assert await states(waiting) == ["not-ours", "not-ours", "waiting"]
    with pytest.raises(DecidedError, match="ann was faster"):
        await queue_acts.not_ours(waiting.house, 1, "bob")


async def test_several_are_rejected_at_once_and_taken_back_one_by_one(waiting):
    await waiting.take_in(arf(), arf("203.0.113.9"), arf())
    assert await queue_acts.reject(waiting.house, [1, 2], "test mails", "ann") == [1, 2]
    assert await queue_acts.undo(waiting.house, 2, "bob") == [2]
    assert await states(waiting) == ["rejected", "waiting", "waiting"]
    (how,) = await rows(waiting, "select how, reason from attributions where id = 2")
    assert "rejected" not in how["how"]
    with pytest.raises(QueueError, match="nothing to take back"):
        await queue_acts.undo(waiting.house, 2, "bob")


async def test_a_placement_is_taken_back_before_anybody_was_told(waiting):
    await waiting.take_in(arf())
    await queue.assign(waiting.house, 1, "alder", "ann")
    assert await queue_acts.undo(waiting.house, 1, "bob") == [1]
    (entry,) = await rows(waiting, "select queue, reason, account_id, clock_id from attributions")
    assert entry == {"queue": "waiting", "reason": "not-assigned-then", "account_id": None, "clock_id": None}
    assert [r["state"] for r in await rows(waiting, "select state from notices")] == ["cancelled"]
    assert [(r["state"], r["current"]) for r in await rows(waiting, "select state, current from cases")] == [
        ("dismissed", None)
    ]
    assert (await queue.assign(waiting.house, 1, "birch", "bob")).case == "AG-2026-000002"


async def test_a_decision_is_taken_back_beside_whoever_has_its_case_in_hand(waiting):
    await waiting.take_in(arf())
    await queue.assign(waiting.house, 1, "alder", "ann")
    its_case = select(cases).where(cases.c.id == 1).with_for_update(key_share=True)
    undone = await beside(
        waiting.house.database,
        lambda filing: filing.execute(its_case),
        queue_acts.undo(waiting.house, 1, "bob"),
        lambda filing: desk.load_cases(filing, [1]),
    )
    assert undone == [1]


async def test_once_somebody_was_told_it_is_not_taken_back(waiting):
    await waiting.take_in(arf())
    await queue.assign(waiting.house, 1, "alder", "ann")
    await outbox.send_due(waiting.house)  # there is no server: it was tried
    with pytest.raises(QueueError, match="close case AG-2026-000001"):
        await queue_acts.undo(waiting.house, 1, "bob")
    assert await states(waiting) == ["assigned"]


async def test_a_rule_is_withdrawn_with_all_that_it_placed(waiting):
    await waiting.take_in(arf("198.51.100.7"), arf("198.51.100.8"))
    terms = Terms("alder", NOVEMBER, None, "198.51.100.0/26")
    await queue_rules.assign_rule(waiting.house, 1, terms, "ann")
    assert await states(waiting) == ["assigned", "assigned"]
    assert await queue_acts.undo(waiting.house, 2, "bob", whole_rule=True) == [1, 2]
    await waiting.take_in(arf("198.51.100.7"))
    assert await states(waiting) == ["waiting"] * 3


@pytest.mark.duty("SES-7")
async def test_staff_confirm_the_first_report_about_a_host_and_the_rest_follows(waiting):
    async with waiting.house.database.writing() as connection:
        account = await customers.account_named(connection, "birch")
        row = AssignmentRow("birch", "main", "shop.example", 0, 0, 0, None, None, NOVEMBER, None, 0)
        await assignments.add(connection, row, account, origin="import", who="test", now=NOW)
    shop = "Reported-URI: http://www.shop.example/earn"
    await waiting.take_in(arf("203.0.113.9", extra=shop), arf("203.0.113.10", extra=shop))
    assert {r["reason"] for r in await rows(waiting, "select reason from attributions")} == {"first-of-kind"}
    entry = await queue.waiting_entry(waiting.house, 1)
    assert [c.account for c in entry.candidates] == ["birch"]
    await queue.assign(waiting.house, 1, "birch", "ann")
    assert await queue_acts.confirm(waiting.house, entry, "birch", "ann") == 1
    assert await states(waiting) == ["assigned", "assigned"]
    await waiting.take_in(arf("203.0.113.11", extra=shop))
    assert (await rows(waiting, "select reason, queue from attributions where id = 3")) == [
        {"reason": "assigned", "queue": None}
    ]


async def test_staff_confirm_an_advertised_address_by_itself(waiting):
    links = [f"Reported-URI: http://198.51.100.{n}/earn" for n in (70, 70, 71)]
    await waiting.take_in(*(arf("203.0.113.9", extra=link) for link in links))
    assert {r["reason"] for r in await rows(waiting, "select reason from attributions")} == {"first-of-kind"}
    entry = await queue.waiting_entry(waiting.house, 1)
    await queue.assign(waiting.house, 1, "birch", "ann")
    assert await queue_acts.confirm(waiting.house, entry, "birch", "ann") == 1
    assert await states(waiting) == ["assigned", "assigned", "waiting"], "its neighbour has to be confirmed too"


async def test_earlier_reports_and_the_mailing_stand_beside_an_entry(waiting):
    listed = "Great Offers <offers@sender.example>\nList-Id: Offers <offers.sender.example>"
    await waiting.take_in(arf(sender=listed), arf("203.0.113.9", sender=listed), arf())
    view = await look(waiting.house, 1)
    assert [e.report_id for e in view.earlier] == [3]
    assert (view.campaign, [e.report_id for e in view.same_campaign]) == ("offers.sender.example", [2])

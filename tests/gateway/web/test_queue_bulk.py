"""The queue over real HTTP, several at once: what one decision would solve stands together, and each can be taken back."""

from __future__ import annotations

import re

import httpx
import pytest

from gateway import queue
from gateway.queue_groups import around
from servers.waiting import arf


async def send(client: httpx.AsyncClient, path: str, **form: object) -> httpx.Response:
    text = (await client.get("/queue")).text
    proof = re.search(r'name="proof" value="([0-9a-f]{64})"', text)[1]
    return await client.post(path, data={"proof": proof} | form)


async def states(waiting) -> list[str]:
    return [row[0] for row in await waiting.ask("SELECT queue FROM attributions ORDER BY id")]


@pytest.mark.parametrize(
    ("kind", "value", "network"),
    [
        ("ip", "198.51.100.7", "198.51.100.0/24"),
        ("ip", "2001:db8:1:2::3", "2001:db8:1::/48"),
        ("ip", "", ""),
        ("host", "www.shop.example.net", "example.net"),
        ("mailbox", "a@mail.example.net", "example.net"),
        ("url", "https://www.example.net/x", "example.net"),
        ("phone", "+4021", ""),
    ],
)
def test_what_one_decision_would_solve_is_around_the_resource(kind, value, network):
    assert around(kind, value) == network


async def test_entries_of_one_network_stand_together(waiting, staff):
    await waiting.take_in(arf("198.51.100.7"), arf("198.51.100.9"), arf("203.0.113.9"))
    text = (await staff.get("/queue")).text
    assert re.search(r"198\.51\.100\.0/24</span> · 2 reports", text)
    assert "203.0.113.0/24" not in text  # alone


async def test_ticked_entries_are_placed_with_all_like_them_and_taken_back(waiting, staff):
    await waiting.take_in(arf("198.51.100.7"), arf("198.51.100.7"), arf("203.0.113.9"))
    answer = await send(staff, "/queue/bulk", entry="1", do="assign", other="alder")
    assert answer.headers["location"] == "/queue?last=1,2&count=2"
    assert await states(waiting) == ["assigned", "assigned", "waiting"]
    text = (await staff.get(answer.headers["location"])).text
    assert "2 reports were placed with" in text
    assert text.count('name="entry" value="') >= 2
    refused = await send(staff, "/queue/undo", entry=["1"])
    assert refused.status_code == 422  # others are in the same clock
    assert "close case" in refused.text


@pytest.mark.parametrize(
    ("form", "state"),
    [
        ({"do": "reject", "reason": "junk"}, "rejected"),
        ({"do": "not-ours"}, "not-ours"),
        ({"do": "snooze", "hours": "24"}, "snoozed"),
    ],
)
async def test_what_was_decided_of_several_is_undone(waiting, staff, form, state):
    await waiting.take_in(arf("198.51.100.7"), arf("203.0.113.9"), arf("203.0.113.10"))
    answer = await send(staff, "/queue/bulk", entry=["2", "3"], **form)
    assert answer.status_code == 303
    assert await states(waiting) == ["waiting", state, state]
    assert 'action="/queue/undo"' in (await staff.get(answer.headers["location"])).text
    back = await send(staff, "/queue/undo", entry=["2", "3"])
    assert back.headers["location"] == "/queue/2"
    assert await states(waiting) == ["waiting"] * 3


async def test_a_rule_is_taken_back_with_all_that_it_placed(waiting, staff):
    await waiting.take_in(arf("198.51.100.7"), arf("203.0.113.9"))
    said = {"other": "birch", "from": "2026-11-03", "resource": "198.51.100.0/26"}
    made = await send(staff, "/queue/1/rule", **said)
    assert 'name="rule" value="yes"' in (await staff.get(made.headers["location"])).text
    assert (await send(staff, "/queue/undo", entry="1", rule="yes")).status_code == 303
    assert await states(waiting) == ["waiting", "waiting"]


async def test_an_entry_is_put_off_or_given_to_another_network(waiting, staff):
    await waiting.take_in(arf("203.0.113.9"), arf("203.0.113.10"))
    assert (await send(staff, "/queue/1/snooze", hours="3")).headers["location"] == "/queue?last=1&count=1"
    answer = await send(staff, "/queue/2/not-ours")
    assert answer.headers["location"] == "/queue/2?last=2&count=1"
    assert "not ours" in (await staff.get(answer.headers["location"])).text
    assert (await queue.entry(waiting.house, 1)).queue == "snoozed"


@pytest.mark.parametrize(
    ("path", "form", "sentence"),
    [
        ("/queue/bulk", {"do": "reject", "reason": "x"}, "tick the entries"),
        ("/queue/bulk", {"do": "dance", "entry": "1"}, "choose what is to be done"),
        ("/queue/bulk", {"do": "reject", "entry": "1"}, "say why"),
        ("/queue/bulk", {"do": "assign", "entry": "1"}, "Choose a candidate"),
        ("/queue/bulk", {"do": "snooze", "entry": "1", "hours": "never"}, "for how many hours"),
        ("/queue/1/snooze", {"hours": "99999"}, "for how many hours"),
        ("/queue/undo", {"entry": "1"}, "nothing to take back"),
        ("/queue/undo", {}, "nothing to take back"),
    ],
)
async def test_a_mistake_is_told_and_changes_nothing(waiting, staff, path, form, sentence):
    await waiting.take_in(arf("198.51.100.7"))
    answer = await send(staff, path, **form)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert await states(waiting) == ["waiting"]

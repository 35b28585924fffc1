"""Block list, opt-outs and innocent domains over real HTTP: read, added to and taken from, each with who and why."""

from __future__ import annotations

import re

import httpx
import pytest

from gateway import third_party_mail


async def send(client: httpx.AsyncClient, path: str, seen_on: str, **form: object) -> httpx.Response:
    text = (await client.get(seen_on)).text
    proof = re.search(r'name="proof" value="([0-9a-f]{64})"', text)[1]
    return await client.post(path, data={"proof": proof} | form)


async def test_an_entry_is_put_on_the_block_list_found_and_taken_off(waiting, staff):
    answer = await send(staff, "/blocks", "/blocks", entry="203.0.113.66", text="listed by hand", days="3")
    assert answer.status_code == 303
    waits = answer.headers["location"].startswith("/action/")
    shown = (await staff.get("/blocks?all=1&q=113.66")).text
    assert "203.0.113.66" in shown
    assert "listed by hand" in shown
    assert "203.0.113.66" not in (await staff.get("/blocks?all=1&q=nothing")).text
    gone = await send(staff, "/blocks/1/remove", "/blocks", text="it is clean")
    assert gone.headers["location"] == "/blocks?done=removed"
    assert waits or "203.0.113.66" not in (await staff.get("/blocks")).text
    assert (await send(staff, "/blocks/9/remove", "/blocks", text="x")).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"entry": "??"}, "give an address"),
        ({"entry": "198.51.100.7"}, "it is ours"),
        ({"text": ""}, "say why"),
        ({"days": "many"}, "as a number"),
        ({"days": "-1"}, "for how many days"),
    ],
)
async def test_a_mistake_is_told_with_what_was_typed(staff, wrong, sentence):
    said = {"entry": "203.0.113.66", "text": "listed", "days": "3"} | wrong
    answer = await send(staff, "/blocks", "/blocks", **said)
    assert answer.status_code == 422
    assert sentence in answer.text


async def test_whoever_wants_no_mail_is_on_the_list_until_taken_off(waiting, staff):
    assert (await send(staff, "/outside", "/outside", entry="Abuse@Net.example")).status_code == 303
    assert (await send(staff, "/outside", "/outside", entry="@other.example")).status_code == 303
    text = (await staff.get("/outside")).text
    assert "abuse@net.example" in text
    assert "@other.example" in text
    assert (await send(staff, "/outside/remove", "/outside", entry="@other.example")).status_code == 303
    assert (await send(staff, "/outside/remove", "/outside", entry="@other.example")).status_code == 404
    assert "@other.example" not in (await staff.get("/outside")).text
    assert (await send(staff, "/outside", "/outside", entry="nobody")).status_code == 422


async def test_innocent_domains_are_added_and_taken_off_for_all_decisions(waiting, staff):
    house = waiting.house
    known = min(house.bystanders)
    for name, on in (("portal.example", "yes"), (known, "no")):
        answer = await send(staff, "/outside/innocent", "/outside", entry=name, text="seen in spam", on=on)
        assert answer.status_code == 303
    async with house.database.reading() as connection:
        rules = await third_party_mail.rules(house, connection, house.policy)
        network = await house.network(connection)
    assert "portal.example" in rules.bystanders
    assert known not in rules.bystanders
    assert network.is_bystander("www.portal.example")
    assert "portal.example" in (await staff.get("/outside?q=portal")).text
    assert (await send(staff, "/outside/innocent", "/outside", entry="x y", text="z", on="yes")).status_code == 422
    said = await waiting.ask("SELECT what FROM events WHERE what LIKE 'bystander%' ORDER BY id")
    assert said == [("bystander added",), ("bystander removed",)]

"""Muted complaints are counted and not forwarded; the operator's own system is a second opinion, never the first."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from datetime import timedelta

import pytest
from fastapi import FastAPI, Request
from sqlalchemy import text

from gateway import queue_acts, queue_rules
from gateway.casework.mutes import Mute, MuteKind
from gateway.intake.customers import AssignmentRow
from gateway.queue import QueueError
from gateway.store import assignments, customers, mutes
from servers.waiting import INCIDENT, NOW, arf, served, waiting_house

DAY = timedelta(days=1)
BIRCH = "198.51.100.70"
BIRCH_NUMBER = int.from_bytes(bytes((198, 51, 100, 70)))
KEY = "a shared key for the tests of second opinions"


async def rows(waiting, query):
    async with waiting.house.database.reading() as connection:
        return [dict(row) for row in (await connection.execute(text(query))).mappings()]


async def mute(waiting, kind, value, *, days=1, **bounds):
    async with waiting.house.database.writing() as connection:
        rule = Mute(0, kind, value, NOW + days * DAY, **bounds)
        return await mutes.add(connection, rule, "they know and are at it", who="ann", now=NOW)


ADDRESS = {"family": 4, "first": BIRCH_NUMBER - 6, "last": BIRCH_NUMBER + 1}


@pytest.mark.parametrize(
    ("kind", "value", "bounds"),
    [
        (MuteKind.ADDRESS, "198.51.100.64/29", ADDRESS),
        (MuteKind.CUSTOMER, "birch", {}),
        (MuteKind.CLASS, "mail", {}),
        (MuteKind.FEED, "fbl", {}),
    ],
)
async def test_what_is_muted_is_counted_and_not_forwarded(waiting, kind, value, bounds):
    number = await mute(waiting, kind, value, **bounds)
    await waiting.take_in(arf(BIRCH))
    (found,) = await rows(waiting, "select reason, account_id, clock_id, muted_by, queue from attributions")
    assert (found["reason"], found["clock_id"], found["muted_by"], found["queue"]) == ("assigned", None, number, None)
    assert found["account_id"] is not None
    assert await rows(waiting, "select * from notices") == []
    async with waiting.house.database.reading() as connection:
        (rule,) = await mutes.overview(connection)
    assert (rule["kept_back"], rule["reason"], rule["who"]) == (1, "they know and are at it", "ann")


@pytest.mark.parametrize(
    ("kind", "value"), [(MuteKind.CUSTOMER, "alder"), (MuteKind.CLASS, "content"), (MuteKind.FEED, "other")]
)
async def test_what_is_not_muted_is_forwarded(waiting, kind, value):
    await mute(waiting, kind, value)
    await waiting.take_in(arf(BIRCH))
    assert len(await rows(waiting, "select * from notices")) == 1


async def test_a_rule_ends_with_its_time_or_when_it_is_lifted(waiting):
    number = await mute(waiting, MuteKind.CUSTOMER, "birch")
    waiting.time[0] = NOW + DAY
    await waiting.take_in(arf(BIRCH))
    assert len(await rows(waiting, "select * from notices")) == 1
    waiting.time[0] = NOW
    async with waiting.house.database.writing() as connection:
        assert await mutes.lift(connection, number, who="bob", now=NOW)
        assert not await mutes.lift(connection, number, who="bob", now=NOW)
        assert await mutes.active(connection, NOW) == ()
    assert [
        (e["who"], e["what"])
        for e in await rows(waiting, "select who, what from events where who in ('ann', 'bob') order by id")
    ] == [("ann", "muted"), ("bob", "mute lifted")]


@contextlib.asynccontextmanager
async def asking(tmp_path, url, answer, **more):
    """A house whose own system answers with `answer` (account by address); yields it and what was asked."""
    app, asked = FastAPI(), []

    @app.post("/holder")
    async def holder(request: Request):
        body = await request.body()
        stamp = request.headers["x-arfgate-timestamp"].encode()
        digest = hmac.new(KEY.encode(), stamp + b"." + body, hashlib.sha256).hexdigest()
        assert request.headers["x-arfgate-signature"] == f"v1={digest}"
        questions = (await request.json())["questions"]
        asked.extend(questions)
        return {"answers": [answer.get(q["address"]) for q in questions]}

    async with served(app) as base:
        section = {
            "outside_url": f"{base}/holder",
            "outside_secret": KEY,
            "outside_private_hosts": [base.removeprefix("http://")],
        } | more
        async with waiting_house(tmp_path, url, attribution=section) as made:
            yield made, asked


async def test_the_operators_system_agrees_disagrees_or_suggests(tmp_path, database_url):
    answer = {BIRCH: "birch", "198.51.100.71": "alder", "198.51.100.7": "birch", "198.51.100.72": "unheard of"}
    async with asking(tmp_path, database_url, answer) as (waiting, asked):
        await waiting.take_in(*(arf(ip) for ip in (*answer, "203.0.113.9")))
        found = await rows(waiting, "select value, reason, confidence, candidates, how from attributions order by id")
    by = {row["value"]: row for row in found}
    assert (by[BIRCH]["reason"], by[BIRCH]["confidence"]) == ("assigned", 0.97)
    assert by["198.51.100.71"]["reason"] == "outside-disagrees"
    assert by["198.51.100.7"]["reason"] == "not-assigned-then"
    assert "our own system says that it was birch" in str(by["198.51.100.7"]["candidates"])
    assert (by["198.51.100.72"]["reason"], "whom nobody knows here" in by["198.51.100.72"]["how"]) == ("assigned", True)
    assert {q["address"] for q in asked} == set(answer), "a foreign address is none of its business"
    assert asked[0]["time"] == INCIDENT.isoformat()


async def test_without_an_answer_everything_is_as_it_was(tmp_path, database_url):
    section = {
        "outside_url": "http://127.0.0.1:9/holder",
        "outside_secret": KEY,
        "outside_private_hosts": ["127.0.0.1:9"],
    }
    async with waiting_house(tmp_path, database_url, attribution=section) as waiting:
        await waiting.take_in(arf(BIRCH))
        assert (await rows(waiting, "select reason from attributions")) == [{"reason": "assigned"}]


async def test_what_the_operators_system_contradicted_is_left_to_people_whatever_is_imported_later(
    tmp_path, database_url
):
    async with asking(tmp_path, database_url, {"198.51.100.71": "alder"}) as (waiting, asked):
        await waiting.take_in(arf("198.51.100.71"))
        assert await queue_rules.run_again(waiting.house, "system", "assignments from radius") == []
        assert len(asked) == 2
        assert await rows(waiting, "select reason, queue from attributions") == [
            {"reason": "outside-disagrees", "queue": "waiting"}
        ]
        assert await rows(waiting, "select * from notices") == []


async def test_what_an_import_places_later_is_asked_about_too(tmp_path, database_url):
    async with asking(tmp_path, database_url, {"198.51.100.200": "alder"}) as (waiting, _):
        await waiting.take_in(arf("198.51.100.200"))
        async with waiting.house.database.writing() as connection:
            row = AssignmentRow(
                "birch", "main", "198.51.100.200", 4, *(BIRCH_NUMBER + 130,) * 2, None, None, NOW - 9 * DAY, None, 0
            )
            account = await customers.account_named(connection, "birch")
            await assignments.add(connection, row, account, origin="dhcp", who="dhcp", now=NOW)
        await queue_rules.run_again(waiting.house, "system", "assignments from dhcp")
        (found,) = await rows(waiting, "select reason, queue from attributions")
        assert found == {"reason": "outside-disagrees", "queue": "waiting"}


async def test_a_port_belongs_to_the_source_alone(tmp_path, database_url):
    async with asking(tmp_path, database_url, {}, confirm_first=False) as (waiting, asked):
        await waiting.take_in(
            arf("192.0.2.8", extra="Source-Port: 1500"),
            arf("203.0.113.9", extra="Source-Port: 1500\nReported-URI: http://198.51.100.71/x"),
        )
    assert {q["address"]: q["port"] for q in asked} == {"192.0.2.8": 1500, "198.51.100.71": None}


async def test_it_is_asked_about_the_moment_and_port_by_which_we_looked(tmp_path, database_url):
    """The relay's own line tells when our customer handed the mail in, and from which port."""
    async with asking(tmp_path, database_url, {}) as (waiting, asked):
        sent = INCIDENT - timedelta(hours=7)
        line = (
            "Received: from home (home [192.0.2.8]:1500) by out1.isp.example ([192.0.2.25]) with ESMTP id q1;\n"
            f"\t{sent:%a, %d %b %Y %H:%M:%S} +0000\n"
        )
        raw = arf("192.0.2.25", extra="Source-Port: 40000")
        await waiting.take_in(raw.replace(b"From: Great Offers", line.encode() + b"From: Great Offers"))
        (found,) = await rows(waiting, "select value, reason from attributions")
    assert found == {"value": "192.0.2.8", "reason": "assigned"}
    assert asked == [{"address": "192.0.2.8", "time": sent.isoformat(), "port": 1500}]


async def test_a_rule_that_was_made_since_the_last_mail_holds_for_what_staff_place(waiting):
    await waiting.take_in(arf("198.51.100.200"))
    await mute(waiting, MuteKind.CUSTOMER, "birch")
    (entry,) = await rows(waiting, "select id from attributions")
    await queue_rules.assign_rule(waiting.house, entry["id"], queue_rules.Terms("birch", NOW - 30 * DAY), "ann")
    assert await rows(waiting, "select reason, clock_id from attributions") == [
        {"reason": "assigned", "clock_id": None}
    ]
    assert await rows(waiting, "select * from notices") == []


async def test_a_rule_that_placed_two_reports_about_one_address_is_taken_back_with_both(waiting):
    await waiting.take_in(arf("198.51.100.200"), arf("198.51.100.200"), arf("198.51.100.201"))
    first, *others = [row["id"] for row in await rows(waiting, "select id from attributions order by id")]
    terms = queue_rules.Terms("birch", NOW - 30 * DAY, None, "198.51.100.192/26")
    await queue_rules.assign_rule(waiting.house, first, terms, "ann")
    with pytest.raises(QueueError, match="other reports are in the same clock"):
        await queue_acts.undo(waiting.house, first, "ann")
    assert await queue_acts.undo(waiting.house, first, "ann", whole_rule=True) == [first, *others]
    assert {row["queue"] for row in await rows(waiting, "select queue from attributions")} == {"waiting"}
    assert {row["state"] for row in await rows(waiting, "select state from notices")} == {"cancelled"}

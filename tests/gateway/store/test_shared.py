"""What all nodes share: the switches, the registries' answers, who wants no more mail, what reports said."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from gateway.store import messages, reports, switches, third_parties
from gateway.store.messages import Arrived
from gateway.store.rdap_cache import StoredRdapCache
from gateway.store.tables import opt_outs, rdap_cache
from gateway.store.tables import reports as report_rows
from gateway.store.text import storable
from notifier.rdap import FRESH, Cached, NotFound, cache_key
from notifier.registration import Person, RdapAnswer
from servers.two_nodes import overlapping

from .conftest import T0

STORE = Path(__file__).resolve().parents[3] / "gateway" / "store"


# --- switches -----------------------------------------------------------------------------


async def test_pausing_holds_for_every_node_until_it_is_taken_back(database, said):
    for paused in (True, True, False):
        async with database.writing() as connection:
            await switches.pause(connection, paused=paused, who="ann", why="fire drill", now=T0)
            assert await switches.is_paused(connection) is paused
    assert await said() == [("ann", "paused"), ("ann", "paused"), ("ann", "resumed")]


async def test_nothing_is_paused_that_nobody_paused(database):
    async with database.reading() as connection:
        assert not await switches.is_paused(connection)


async def test_two_nodes_that_set_a_value_for_the_first_time_both_set_it(database):
    async def write(connection, value):
        await switches.write(connection, "x", value)

    await overlapping(database, lambda one: write(one, "1"), lambda other: write(other, "2"))
    async with database.reading() as connection:
        assert await switches.read(connection, "x") == "2"


async def test_two_nodes_that_count_up_get_numbers_of_their_own_from_the_first_on(database):
    for numbers in ((1, 2), (3, 4)):
        assert await overlapping(database, *[lambda one: switches.count_up(one, "n")] * 2) == numbers


@pytest.mark.parametrize("before", [None, "yesterday"])
async def test_of_two_nodes_that_claim_the_same_one_gets_it(database, before):
    if before is not None:
        async with database.writing() as connection:
            await switches.write(connection, "x", before)
    claims = [lambda one: switches.claim(one, "x", before, "today")] * 2
    assert await overlapping(database, *claims) == (True, False)
    async with database.reading() as connection:
        assert await switches.read(connection, "x") == "today"


# --- the registries' answers --------------------------------------------------------------


def answer(first, last, handle):
    people = (Person("abuse@net.example", ("abuse", "technical"), "Desk"), Person("noc@net.example", ("technical",)))
    return RdapAnswer("ip", first, last, handle, "EXAMPLE-NET", "DE", "rdap.example", people, withheld=True)


async def test_an_answer_comes_back_as_it_was_put_for_every_address_in_its_range(database):
    cache = StoredRdapCache(database)
    wide, narrow = answer("192.0.2.0", "192.0.2.255", "WIDE"), answer("192.0.2.64", "192.0.2.127", "NARROW")
    for one in (wide, narrow):
        await cache.put("ip", cache_key("ip", one.first), cache_key("ip", one.last), Cached(one, T0))
    assert await cache.get("ip", cache_key("ip", "192.0.2.1")) == Cached(wide, T0)
    assert await cache.get("ip", cache_key("ip", "192.0.2.70")) == Cached(narrow, T0)
    assert await cache.get("ip", cache_key("ip", "192.0.3.1")) is None
    assert await cache.get("domain", cache_key("ip", "192.0.2.1")) is None


async def test_that_nothing_is_known_is_kept_too(database):
    cache = StoredRdapCache(database)
    await cache.put("domain", "shop.example", "shop.example", Cached(NotFound("rdap.example"), T0))
    assert await cache.get("domain", "shop.example") == Cached(NotFound("rdap.example"), T0)


async def test_a_newer_answer_replaces_the_older_and_stale_ones_are_forgotten(database):
    cache = StoredRdapCache(database)
    key = cache_key("ip", "2001:db8::")
    for hours in (0, 5):
        await cache.put(
            "ip", key, key, Cached(answer("2001:db8::", "2001:db8::", f"H{hours}"), T0 + timedelta(hours=hours))
        )
    assert (await cache.get("ip", key)).answer.handle == "H5"
    await cache.forget(T0 + FRESH + timedelta(hours=4))
    assert await cache.get("ip", key) is not None
    await cache.forget(T0 + FRESH + timedelta(hours=6))
    async with database.reading() as connection:
        assert (await connection.execute(select(func.count()).select_from(rdap_cache))).scalar_one() == 0


# --- contacts outside ---------------------------------------------------------------------


async def test_opting_out_is_kept_once_with_its_event(database, said):
    for _ in range(2):
        async with database.writing() as connection:
            await third_parties.opt_out(connection, {"abuse@net.example": 7}, T0)
            assert await third_parties.opted_out(connection) == {"abuse@net.example"}
    async with database.reading() as connection:
        assert (await connection.execute(select(func.count()).select_from(opt_outs))).scalar_one() == 1
    assert await said() == [("abuse@net.example", "opted out")]


@pytest.fixture
async def report(database):
    """A stored report that waits for a look-up: its id."""
    row = {"position": 0, "category": "spam", "source_ip": "203.0.113.9", "received_at": T0, "verdict": "accepted"}
    row |= {"reason": "feed", "identity": {"feed": "fbl"}, "fingerprint": "f", "outer_id": "<o@x.example>"}
    row |= {"parsed": {"resources": [{"kind": "ip", "role": "source", "value": "203.0.113.9"}], "text": "\0\ud800"}}
    row |= {
        "would_send": [],
        "detail": "nul \0",
        "contacts_state": "wanted",
        "contacts_next_at": T0,
        "contacts_tries": 0,
    }
    async with database.writing() as connection:
        (message,) = await messages.store(connection, [Arrived(b"raw", T0)], None, T0)
        (made,) = await reports.add(connection, [row | {"message_id": message}])
    return made


async def test_a_report_waits_for_its_look_up_until_it_is_found_or_given_up(database, report):
    async with database.writing() as connection:
        (wanted,) = await third_parties.wanted(connection, T0, 10)
        assert (wanted.report_id, wanted.source_ip, wanted.feed, wanted.case_id) == (report, "203.0.113.9", "fbl", None)
        await third_parties.take(connection, [report], T0 + timedelta(minutes=5))
        assert await third_parties.wanted(connection, T0, 10) == []
        await third_parties.later(connection, report, T0 + timedelta(hours=1))
        (again,) = await third_parties.wanted(connection, T0 + timedelta(hours=1), 10)
        assert again.tries == 1
        contact = {"subject": "203.0.113.9", "address": "abuse@net.example", "role": "abuse", "source": "rdap.example"}
        await third_parties.found(connection, report, [contact | {"decision": "told", "notice_id": None}])
        assert await third_parties.wanted(connection, T0 + timedelta(days=9), 10) == []
        assert [row["address"] for row in await third_parties.of_report(connection, report)] == ["abuse@net.example"]


# --- reports ------------------------------------------------------------------------------


async def test_a_reports_twin_is_known_by_its_evidence_and_the_outer_message_id(database, report):
    async with database.reading() as connection:
        assert await reports.twins(connection, ["f", "other"]) == {("f", "<o@x.example>")}
        assert await reports.twins(connection, []) == set()


async def test_a_report_holds_no_text_that_a_database_refuses(database, report):
    async with database.reading() as connection:
        row = (await connection.execute(select(report_rows))).one()
    assert (row.detail, row.parsed["text"]) == ("nul ", "?")


async def test_what_was_only_observed_is_replaced_by_what_is_filed(database, report):
    async with database.writing() as connection:
        (row,) = (await connection.execute(select(report_rows))).mappings().all()
        attribution = {
            "kind": "ip",
            "role": "source",
            "value": "203.0.113.9",
            "reason": "not-ours",
            "how": "",
            "candidates": [],
        }
        await reports.attribute(connection, [attribution | {"report_id": report, "queue": "waiting"}])
        await reports.replace(connection, [row["message_id"]])
        assert await reports.overview(connection) != []  # the message stays
        assert (await connection.execute(select(func.count()).select_from(report_rows))).scalar_one() == 0
        await connection.execute(insert(report_rows), [{k: v for k, v in row.items() if k != "id"}])


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("plain", "plain"),
        ("a\0b", "ab"),
        ("\ud800x", "?x"),
        ("广告\0", "广告"),
        ({"a": ["\0", {"b": "\udfff"}]}, {"a": ["", {"b": "?"}]}),
        # beside values that are no JSON, written as it would look in JSON, and outside the first plane
        ([{"at": T0, "raw": b"\0\xff", "a": "\0"}], [{"at": T0, "raw": b"\0\xff", "a": ""}]),
        ({"a": "\\u0000 \\ud800", "b": "𝄞"}, {"a": "\\u0000 \\ud800", "b": "𝄞"}),
        (None, None),
        (7, 7),
    ],
)
def test_only_what_no_database_can_hold_is_changed(text, kept):
    assert storable(text) == kept


def test_events_are_only_ever_inserted():
    wanted = re.compile(r"(?:update|delete)\(\s*(?:tables\.)?events\b")
    assert not [path.name for path in STORE.rglob("*.py") if wanted.search(path.read_text(encoding="utf-8"))]

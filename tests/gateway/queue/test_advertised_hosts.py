"""A DNS answer about an advertised host is a candidate with its time: never an attribution, never in the hot path."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network

import pytest

from gateway import advertised_hosts, queue, queue_rules
from gateway.attribution.hosts import HostIndex
from gateway.attribution.names import askable
from gateway.attribution.network import Network
from gateway.attribution.prefixes import PrefixIndex
from gateway.queue_rules import Terms
from gateway.store import queue as store
from notifier.dns import Resolver
from servers.waiting import NOW, arf, waiting_house

FOREIGN = "203.0.113.9"
BIRCH = "198.51.100.70"


def site(url, source=FOREIGN):
    return arf(source, extra=f"Reported-URI: {url}")


@pytest.fixture
def dns(waiting, name_server):
    """The zones that the house asks."""
    waiting.house.resolver = Resolver(["127.0.0.1"], name_server.port, seconds=1)
    return name_server


async def entries(waiting):
    rows = await waiting.ask("select role, value, reason, queue, account_id from attributions order by id")
    return [tuple(row) for row in rows]


@pytest.mark.duty("SES-7")
async def test_an_address_of_ours_is_a_candidate_with_its_time_and_places_nobody(waiting, dns):
    dns.zone["www.shop.example", "A"] = [BIRCH]
    await waiting.take_in(site("https://www.shop.example/offer"))
    assert dns.questions == [], "the hot path asks nothing"
    assert await advertised_hosts.run(waiting.house) == 1
    assert await entries(waiting) == [
        ("source", FOREIGN, "not-ours", None, None),
        ("advertised", "www.shop.example", "dns-points-here", "waiting", None),
    ]
    async with waiting.house.database.reading() as connection:
        (group,) = await store.groups(connection)
    (candidate,) = group.entry.candidates
    assert candidate.account == "birch"
    said = f"the DNS gave {BIRCH} for www.shop.example at 20 Nov 2026 12:00 UTC"
    assert candidate.why == f"{said}; {BIRCH}: held it then"
    assert await waiting.ask("select count(*) from cases") == [(0,)]
    ((host, first),) = await waiting.ask("select host, first_at from host_answers")
    assert (host, str(first)[:16]) == ("www.shop.example", "2026-11-20 12:00")
    assert await waiting.ask("select who, what from events where what = 'candidate by the DNS'") == [
        ("arfgate", "candidate by the DNS")
    ]
    assert await advertised_hosts.run(waiting.house) == 0


async def test_staff_place_it_once_or_as_a_rule_and_the_next_one_finds_its_customer(waiting, dns):
    dns.zone["shop.example", "A"] = [BIRCH]
    await waiting.take_in(site("http://shop.example/a"), site("http://shop.example/b"))
    await advertised_hosts.run(waiting.house)
    assert (await queue.assign(waiting.house, 3, "birch", "ann")).case
    _, placed = await queue_rules.assign_rule(waiting.house, 4, Terms("birch", NOW - timedelta(days=30)), "ann")
    assert [entry.id for entry in placed] == [4]
    await waiting.take_in(site("http://shop.example/c"))
    assert (await entries(waiting))[-1][:4] == ("advertised", "shop.example", "assigned", None)


async def test_an_answer_is_used_for_an_hour_then_asked_again_and_a_change_is_another_row(waiting, dns):
    dns.zone["shop.example", "A"] = [BIRCH]
    await waiting.take_in(site("http://shop.example/a"))
    await advertised_hosts.run(waiting.house)
    asked = len(dns.questions)
    await waiting.take_in(site("http://shop.example/b"))
    await advertised_hosts.run(waiting.house)
    assert len(dns.questions) == asked
    waiting.time[0] += timedelta(hours=2)
    waiting.house.resolver = Resolver(["127.0.0.1"], dns.port)  # its own cache is another's matter
    dns.zone["shop.example", "A"] = ["198.51.100.71"]
    await waiting.take_in(site("http://shop.example/c"))
    await advertised_hosts.run(waiting.house)
    assert [row[0] for row in await waiting.ask("select count(*) from host_answers")] == [2]


async def test_a_host_elsewhere_and_one_that_is_not_there_are_no_entries(waiting, dns):
    dns.zone["shop.example", "A"] = ["203.0.113.80"]
    await waiting.take_in(site("http://shop.example/"), site("http://gone.example/"))
    assert await advertised_hosts.run(waiting.house) == 2
    assert [row[2:4] for row in await entries(waiting)] == [("not-ours", "waiting")] * 2
    assert await waiting.ask("select state from host_questions") == [("done",), ("done",)]


async def test_an_address_that_nobody_holds_waits_without_a_candidate_and_our_own_servers_do_not(waiting, dns):
    dns.zone["shop.example", "A"] = ["198.51.100.200"]
    dns.zone["relayed.example", "A"] = ["192.0.2.25"]
    await waiting.take_in(site("http://shop.example/"), site("http://relayed.example/"))
    await advertised_hosts.run(waiting.house)
    assert [row[1] for row in await entries(waiting) if row[0] == "advertised"] == ["shop.example"]


async def test_where_its_holder_is_told_already_nobody_is_asked_again(waiting, dns):
    dns.zone["shop.example", "A"] = [BIRCH]
    await waiting.take_in(site("http://shop.example/", "198.51.100.80"))
    await advertised_hosts.run(waiting.house)
    assert [row[:3] for row in await entries(waiting)] == [("source", "198.51.100.80", "assigned")]


async def test_silent_servers_are_asked_again_later_and_then_given_up(waiting, dns):
    dns.silent.add("shop.example")
    await waiting.take_in(site("http://shop.example/"))
    for state in ("wanted", "wanted", "failed"):
        assert await advertised_hosts.run(waiting.house) == 1
        assert await waiting.ask("select state from host_questions") == [(state,)]
        assert await advertised_hosts.run(waiting.house) == 0
        waiting.time[0] += timedelta(hours=2)
    assert await waiting.ask("select count(*) from host_answers") == [(0,)]


async def test_it_can_be_switched_off(tmp_path, database_url):
    async with waiting_house(tmp_path, database_url, attribution={"ask_dns": False}) as waiting:
        await waiting.take_in(site("http://shop.example/"))
        assert await advertised_hosts.run(waiting.house) == 0
        assert await waiting.ask("select count(*) from host_questions") == [(0,)]


NETWORK = Network(
    PrefixIndex(), HostIndex(), own_networks=(ip_network("198.51.100.0/24"),), bystanders=frozenset({"bank.example"})
)


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://www.shop.example/u/7", ("www.shop.example",)),
        ("http://img01.shop-de.example/", ("img01.shop-de.example",)),
        ("http://x8f3a91c77d0e.track.shop.example/", ("track.shop.example",)),
        ("http://bob.smith.at.mail.shop.example/", ("at.mail.shop.example",)),
        ("http://averyveryverylonglabel.shop.example/", ("shop.example",)),
        ("http://login.bank.example/", ()),
        ("http://203.0.113.5/", ()),
        ("https://a.example.co.uk/", ("a.example.co.uk",)),
    ],
)
def test_no_name_is_asked_about_that_looks_made_for_one_recipient(url, asked):
    resources = [
        {"kind": "url", "role": "advertised", "value": url},
        {"kind": "ip", "role": "source", "value": FOREIGN},
    ]
    found = askable(resources, NETWORK)
    assert found == asked


def test_a_bounded_number_of_names_of_one_report():
    many = [
        {"kind": "host", "role": "advertised", "value": f"{word}.example"}
        for word in ("ab", "cd", "ef", "gh", "ij", "kl")
    ]
    assert len(askable(many, NETWORK)) == 5

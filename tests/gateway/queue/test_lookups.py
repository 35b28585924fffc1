"""Beside an entry: the registration of its network, the abuse contact, reverse DNS; from the cache, and never for long."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from gateway import queue_acts
from gateway.queue_lookups import LookUps, look_ups
from gateway.queue_view import look
from notifier.dns import LookupFailed, Resolver
from notifier.rdap import Failed, NotFound, RdapWhy
from notifier.registration import Person, RdapAnswer
from servers.waiting import arf

FOREIGN = "203.0.113.9"
ANSWER = RdapAnswer(
    "ip", "203.0.113.0", "203.0.113.255", "NET-1", "EXAMPLE-NET", "RO", "https://rdap.example/ip/203.0.113.9",
    (Person("abuse@net.example", ("abuse",)), Person("noc@net.example", ("technical",))),
)  # fmt: skip


class Registry:
    """Stands in for the RDAP client, which has tests of its own: answers, fails, or hangs."""

    def __init__(self, answer=ANSWER) -> None:
        self.answer, self.asked = answer, []

    async def ip(self, address):
        self.asked.append(address)
        if self.answer is None:
            await asyncio.Event().wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    domain = ip


async def test_network_contacts_and_reverse_dns_stand_beside_an_entry(waiting, name_server):
    name_server.zone["9.113.0.203.in-addr.arpa", "PTR"] = ["mail.net.example."]
    waiting.house.resolver = Resolver(["127.0.0.1"], name_server.port)
    waiting.house.rdap = Registry()
    await waiting.take_in(arf(FOREIGN))
    found = (await look(waiting.house, 1)).outside
    assert (found.network, found.country) == ("203.0.113.0 - 203.0.113.255 (EXAMPLE-NET)", "RO")
    assert (found.abuse, found.names, found.silent) == (("abuse@net.example",), ("mail.net.example",), ())
    assert [c.address for c in found.contacts] == ["abuse@net.example", "noc@net.example"]


async def test_of_a_host_the_registrable_domain_is_asked_about(waiting):
    waiting.house.rdap = Registry()
    await look_ups(waiting.house, "www.shop.example.com")
    await look_ups(waiting.house, "a@mail.example.com")
    assert waiting.house.rdap.asked == ["example.com", "example.com"]


async def test_who_is_silent_broken_or_refuses_is_said_and_keeps_nobody_waiting(waiting):
    class Silent:
        async def records(self, name, kind, domain, seconds):
            assert domain == "0.203.in-addr.arpa"
            return LookupFailed("the servers are silent")

    waiting.house.resolver = Silent()
    said = {}
    for answer in (None, RuntimeError("a bug"), NotFound("rdap.example"), Failed(RdapWhy.RATE, "asked too often")):
        waiting.house.rdap = Registry(answer)
        said[str(answer)[:5]] = (await look_ups(waiting.house, FOREIGN, 0.05)).silent
    assert said == {
        "None": ("RDAP: no answer within 0.05 seconds", "DNS: the servers are silent"),
        "a bug": ("RDAP: no answer within 0.05 seconds", "DNS: the servers are silent"),
        "NotFo": ("RDAP: rdap.example knows no such thing", "DNS: the servers are silent"),
        "Faile": ("RDAP: asked too often", "DNS: the servers are silent"),
    }


async def test_what_has_no_resource_is_asked_about_nowhere(waiting):
    waiting.house.rdap = Registry()
    assert await look_ups(waiting.house, "") == LookUps()
    assert await look_ups(waiting.house, "tel:+40215550100") == LookUps()
    assert waiting.house.rdap.asked == []
    assert asdict(LookUps())["silent"] == ()


async def test_not_ours_proposes_the_contact_of_the_network(waiting):
    waiting.house.rdap = Registry()
    await waiting.take_in(arf(FOREIGN))
    done = await queue_acts.not_ours(waiting.house, 1, "ann")
    assert done.contacts[0] == "abuse@net.example (abuse, https://rdap.example/ip/203.0.113.9): proposed"

"""Contacts are found by RDAP, then WHOIS, then DNS, then guessed; each says where it came from, nobody is overrun."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from notifier import damping
from notifier.bootstrap import load
from notifier.discover import Finder
from notifier.http import HttpClient
from notifier.rdap import Failed, MemoryCache, RdapClient, RdapWhy
from notifier.registration import RdapAnswer
from notifier.whois import LARGEST, WhoisClient

ZONES = ("abuse-contacts.zone.example", "contacts.zone.example")


@dataclass
class WhoisServer:
    """Says what `answers` has for a question, and then closes."""

    answers: dict[str, bytes] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = (await reader.readline()).decode("ascii")
        assert question.endswith("\r\n")
        self.questions.append(question.strip())
        try:
            writer.write(self.answers.get(question.strip(), b"% nothing\r\n"))
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


@pytest.fixture
async def whois_servers() -> AsyncIterator[Callable[[], Any]]:
    started: list[asyncio.Server] = []

    async def make() -> WhoisServer:
        one = WhoisServer()
        server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
        one.port = server.sockets[0].getsockname()[1]
        started.append(server)
        return one

    yield make
    for server in started:
        server.close()
        await server.wait_closed()


def _now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def rdap(http: HttpClient, tmp_path: Path, web: Any, clock: Any) -> RdapClient:
    base = f"http://{web.place}/rdap/"
    for name, keys in {
        "ipv4.json": ["198.51.100.0/24"],
        "ipv6.json": ["2001:db8::/32"],
        "dns.json": ["example"],
    }.items():
        (tmp_path / name).write_text(json.dumps({"services": [[keys, [base]]]}))
    return RdapClient(http, MemoryCache(), load(tmp_path), clock, allow_hosts={web.place})


def finder(rdap: RdapClient, resolver: Any, *servers: WhoisServer, clock: Any = _now, **options: Any) -> Finder:
    names = ("whois.iana.org", "whois.ripe.net", "whois.apnic.net", "whois.arin.net", "whois.lacnic.net")
    places = {name: ("127.0.0.1", server.port) for name, server in zip(names, servers, strict=False)}
    whois = WhoisClient(resolver, clock, places=places) if servers else None
    return Finder(rdap, resolver, whois, ZONES, reserved=True, **options)


@pytest.mark.standard("RD-8")
async def test_rdap_is_asked_first_and_alone_where_it_names_somebody(
    rdap: RdapClient, resolver: Any, web: Any, rdap_document: Any, whois_servers: Any
) -> None:
    server = await whois_servers()
    web.page("/rdap/ip/198.51.100.7", rdap_document("arin"))
    answer = await finder(rdap, resolver, server).find("ip", "198.51.100.7")
    assert answer.found[0].source.startswith("http")
    assert server.questions == []


@pytest.mark.standard("RD-9")
async def test_whois_follows_referrals_to_known_servers_and_no_placeholder_is_taken(
    rdap: RdapClient, resolver: Any, whois_servers: Any
) -> None:
    root, ripe = await whois_servers(), await whois_servers()
    root.answers["198.51.100.7"] = b"refer:        whois.ripe.net\r\n\r\nabuse-mailbox: REDACTED FOR PRIVACY\r\n"
    ripe.answers["-r 198.51.100.7"] = (
        b"% Abuse contact for '198.51.100.0 - 198.51.100.255' is 'abuse@net.example'\r\n"
        b"inetnum: 198.51.100.0 - 198.51.100.255\r\nabuse-mailbox: removed@lacnic.net\r\nabuse-mailbox: abuse@net.example\r\n"
        b"whois: evil.example\r\n"
    )
    (found,) = (await finder(rdap, resolver, root, ripe).find("ip", "198.51.100.7")).found
    assert (found.address, found.source) == ("abuse@net.example", "whois:whois.ripe.net")
    assert found.registration == "198.51.100.0 - 198.51.100.255"


@pytest.mark.standard("RD-9")
async def test_referrals_in_a_circle_end_and_a_huge_answer_is_cut(
    rdap: RdapClient, resolver: Any, whois_servers: Any
) -> None:
    root, ripe = await whois_servers(), await whois_servers()
    root.answers["198.51.100.7"] = b"refer: whois.ripe.net\r\n"
    ripe.answers["-r 198.51.100.7"] = (
        b"refer: whois.iana.org\r\n" + b"x" * (4 * LARGEST) + b"\r\nabuse-mailbox: a@net.example"
    )
    assert (await finder(rdap, resolver, root, ripe).find("ip", "198.51.100.7")).found == ()
    assert len(root.questions) + len(ripe.questions) == 4


@pytest.mark.standard("SEC-5")
@pytest.mark.parametrize("hostile", ["198.51.100.7\r\nhelp", "shop.example\r\nx", "a b.example", "-B x.example --all"])
async def test_nothing_but_an_address_or_a_name_is_sent_to_a_whois_server(
    resolver: Any, whois_servers: Any, hostile: str
) -> None:
    server = await whois_servers()
    client = WhoisClient(resolver, _now, places={"whois.iana.org": ("127.0.0.1", server.port)})
    assert await client.find("ip", hostile) == ()
    assert await client.find("domain", hostile) == ()
    assert server.questions == []


@pytest.mark.standard("RD-9")
@pytest.mark.parametrize(
    "said",
    [
        b"% Query rate limit exceeded. Reduced information.\r\n",
        b"%ERROR:201: access denied for 192.0.2.1\r\n",
        b"Number of allowed queries exceeded.\r\n",
    ],
)
async def test_a_whois_server_that_has_enough_is_left_alone(
    rdap: RdapClient, resolver: Any, whois_servers: Any, said: bytes
) -> None:
    server = await whois_servers()
    server.answers = {"198.51.100.7": said, "198.51.100.8": b"OrgAbuseEmail: abuse@net.example\r\n"}
    asking = finder(rdap, resolver, server)
    await asking.find("ip", "198.51.100.7")
    await asking.find("ip", "198.51.100.8")
    assert server.questions == ["198.51.100.7"]


async def test_a_pause_holds_for_the_process_that_asks_next(
    rdap: RdapClient, resolver: Any, whois_servers: Any, clock: Any
) -> None:
    server = await whois_servers()
    server.answers = {
        "198.51.100.7": b"% Query rate limit exceeded.\r\n",
        "198.51.100.8": b"OrgAbuseEmail: a@b.example\r\n",
    }
    one, other = (finder(rdap, resolver, server, clock=clock) for _ in range(2))
    await one.find("ip", "198.51.100.7")
    other.go_on_from(json.loads(json.dumps(one.asked_lately())))
    assert (await other.find("ip", "198.51.100.8")).found == ()
    assert server.questions == ["198.51.100.7"]
    clock.forward(timedelta(minutes=61))
    assert other.asked_lately()["whois"] == {}
    assert [hit.address for hit in (await other.find("ip", "198.51.100.8")).found] == ["a@b.example"]


@pytest.mark.standard("RD-8")
async def test_dns_names_a_contact_where_the_registries_do_not(
    rdap: RdapClient, resolver: Any, dns_server: Any
) -> None:
    dns_server.zone["7.100.51.198.abuse-contacts.zone.example", "TXT"] = ['"abuse@net.example, not an address"']
    dns_server.zone["shop.example.contacts.zone.example", "TXT"] = ['"abuse@shop.example"']
    (address,) = (await finder(rdap, resolver).find("ip", "198.51.100.7")).found
    (domain,) = (await finder(rdap, resolver).find("domain", "shop.example")).found
    assert (address.address, address.source) == ("abuse@net.example", "dns:abuse-contacts.zone.example")
    assert (domain.address, domain.source) == ("abuse@shop.example", "dns:contacts.zone.example")


@pytest.mark.standard("RD-8")
async def test_a_guess_is_marked_and_made_for_domains_alone(rdap: RdapClient, resolver: Any) -> None:
    (guess,) = (await finder(rdap, resolver).find("domain", "shop.example")).found
    assert guess.address == "abuse@shop.example"
    assert guess.source.startswith("guess: ")
    assert (await finder(rdap, resolver).find("ip", "198.51.100.7")).found == ()
    assert (await finder(rdap, resolver, guesses=False).find("domain", "shop.example")).found == ()


async def test_a_registry_that_was_silent_is_no_reason_to_guess(rdap: RdapClient, resolver: Any, web: Any) -> None:
    web.page("/rdap/domain/shop.example", b"{}", 429, Retry_After="120")
    answer = await finder(rdap, resolver).find("domain", "shop.example")
    assert answer.found == ()
    assert answer.failed is not None
    assert answer.failed.why is RdapWhy.RATE


async def test_of_reserved_names_only_the_registry_is_asked(rdap: RdapClient, resolver: Any, dns_server: Any) -> None:
    usual = Finder(rdap, resolver, WhoisClient(resolver, _now), ZONES)
    for kind, subject in (("ip", "198.51.100.7"), ("domain", "shop.example"), ("domain", "example.com")):
        await usual.find(kind, subject)  # type: ignore[arg-type]
    assert dns_server.questions == []


@pytest.mark.standard("RD-3")
async def test_a_registry_is_asked_no_more_often_than_it_bears(
    rdap: RdapClient, clock: Any, web: Any, rdap_document: Any
) -> None:
    document = rdap_document("arin")
    for last in range(70):
        document |= {"startAddress": f"198.51.100.{last}", "endAddress": f"198.51.100.{last}"}
        web.page(f"/rdap/ip/198.51.100.{last}", document)
    answers = [await rdap.ip(f"198.51.100.{last}") for last in range(70)]
    assert sum(isinstance(answer, RdapAnswer) for answer in answers) == 60
    waits = [answer for answer in answers if isinstance(answer, Failed)]
    assert {answer.why for answer in waits} == {RdapWhy.RATE}
    assert {answer.retry_at for answer in waits} == {clock() + timedelta(minutes=1)}
    assert len(web.requests) == 60
    clock.forward(timedelta(minutes=1))
    assert isinstance(await rdap.ip("198.51.100.69"), RdapAnswer)


@pytest.mark.standard("RD-3")
async def test_a_storm_of_429_costs_one_question_until_the_pause_is_over(
    rdap: RdapClient, clock: Any, web: Any
) -> None:
    for last in range(20):
        web.page(f"/rdap/ip/198.51.100.{last}", b"{}", 429, Retry_After="3600")
    answers = await asyncio.gather(*(rdap.ip(f"198.51.100.{last}") for last in range(20)))
    assert all(isinstance(answer, Failed) and answer.retry_at == clock() + timedelta(hours=1) for answer in answers)
    assert len(web.requests) == 1


@pytest.mark.standard("OUT-6")
def test_a_contact_is_told_less_often_while_it_goes_on() -> None:
    told = [number for number in range(1, 1201) if damping.is_told(number)]
    assert told[:14] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30, 40, 50]
    assert told[-9:] == list(range(200, 1001, 100))
    with pytest.raises(ValueError, match="begins with 1"):
        damping.is_told(0)

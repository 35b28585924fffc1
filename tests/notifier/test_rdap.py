"""The right registry is asked, one question at a time, no more often than needed, and never raises."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from notifier.bootstrap import Bootstrap, load
from notifier.contacts import who_is_told
from notifier.http import HttpClient
from notifier.rdap import Cached, Failed, MemoryCache, NotFound, RdapClient, RdapWhy, cache_key
from notifier.registration import RdapAnswer

Document = Callable[[str], Any]


@pytest.fixture
def bootstrap(tmp_path: Path, web: Any) -> Bootstrap:
    base = f"http://{web.place}/rdap/"
    for name, keys in {
        "ipv4.json": ["198.51.100.0/24", "203.0.113.0/24"],
        "ipv6.json": ["2001:db8::/32"],
        "dns.json": ["example"],
    }.items():
        (tmp_path / name).write_text(json.dumps({"services": [[keys, [base]]]}))
    return load(tmp_path)


@pytest.fixture
def rdap(http: HttpClient, bootstrap: Bootstrap, clock: Any, web: Any, rdap_document: Document) -> RdapClient:
    web.page("/rdap/ip/198.51.100.7", rdap_document("arin"))
    web.page("/rdap/ip/198.51.100.8", rdap_document("apnic"))
    web.page("/rdap/ip/203.0.113.7", rdap_document("ripe"))
    web.page("/rdap/ip/2001:db8::7", rdap_document("ipv6"))
    web.page("/rdap/domain/shop.example", rdap_document("domain"))
    return RdapClient(http, MemoryCache(), bootstrap, clock, allow_hosts={web.place})


def answered(result: RdapAnswer | NotFound | Failed) -> RdapAnswer:
    assert isinstance(result, RdapAnswer), result
    return result


async def test_the_abuse_contact_of_a_source_is_found_and_told_over_real_http(rdap: RdapClient, web: Any) -> None:
    answer = answered(await rdap.ip("198.51.100.7"))
    (contact,) = who_is_told(answer.found("198.51.100.7"))
    assert contact.address == "abuse@net.example"
    assert contact.source == f"http://{web.place}/rdap/ip/198.51.100.7"


async def test_addresses_are_asked_for_in_their_plain_form(rdap: RdapClient, web: Any) -> None:
    answered(await rdap.ip("2001:0DB8:0:0::7"))
    answered(await rdap.ip("::ffff:203.0.113.7"))
    answered(await rdap.domain("SHOP.example."))
    assert [path for path, _ in web.requests] == [
        "/rdap/ip/2001:db8::7",
        "/rdap/ip/203.0.113.7",
        "/rdap/domain/shop.example",
    ]


async def test_an_answer_serves_its_range_for_a_day(rdap: RdapClient, web: Any, clock: Any) -> None:
    first = answered(await rdap.ip("203.0.113.7"))
    assert await rdap.ip("203.0.113.200") == first
    clock.forward(timedelta(hours=23))
    assert await rdap.ip("203.0.113.7") == first
    assert len(web.requests) == 1
    clock.forward(timedelta(hours=2))
    answered(await rdap.ip("203.0.113.7"))
    assert len(web.requests) == 2


async def test_an_answer_for_a_part_does_not_serve_the_whole(rdap: RdapClient, web: Any) -> None:
    assert answered(await rdap.ip("198.51.100.8")).name == "EXAMPLE-AP"  # the lower half only
    assert await rdap.ip("198.51.100.200") == NotFound(web.place)
    assert answered(await rdap.ip("198.51.100.9")).name == "EXAMPLE-AP"


async def test_a_wide_range_serves_only_the_neighbourhood_of_what_was_asked(rdap: RdapClient, web: Any) -> None:
    answered(await rdap.ip("2001:db8::7"))
    answered(await rdap.ip("2001:db8::ffff"))
    assert await rdap.ip("2001:db8:1::7") == NotFound(web.place)  # a more specific registration may be there
    assert len(web.requests) == 2


async def test_what_a_registry_does_not_know_is_remembered_for_that_address_alone(rdap: RdapClient, web: Any) -> None:
    assert await rdap.ip("198.51.100.201") == NotFound(web.place)
    assert await rdap.ip("198.51.100.201") == NotFound(web.place)
    assert len(web.requests) == 1
    answered(await rdap.ip("198.51.100.7"))


async def test_one_question_at_a_time_and_the_same_one_only_once(rdap: RdapClient, web: Any) -> None:
    web.gate.clear()
    asked = [rdap.ip("203.0.113.7") for _ in range(5)] + [rdap.ip("198.51.100.7"), rdap.domain("shop.example")]
    together = asyncio.gather(*asked)
    await web.asked.wait()
    web.gate.set()
    assert {type(answer) for answer in await together} == {RdapAnswer}
    assert web.most_at_once == 1
    assert len(web.requests) == 3


async def test_a_registry_that_wants_a_pause_gets_it(rdap: RdapClient, web: Any, clock: Any) -> None:
    web.page("/rdap/ip/198.51.100.50", {}, status=429, Retry_After="60")
    failed = await rdap.ip("198.51.100.50")
    assert isinstance(failed, Failed)
    assert (failed.why, failed.retry_at) == (RdapWhy.RATE, clock() + timedelta(seconds=60))
    again = await rdap.ip("198.51.100.7")
    assert isinstance(again, Failed)
    assert again.why is RdapWhy.RATE
    assert len(web.requests) == 1
    clock.forward(timedelta(seconds=61))
    answered(await rdap.ip("198.51.100.7"))


@pytest.mark.standard("RD-3")
async def test_another_process_keeps_the_pause_and_the_rate_of_the_one_before(
    rdap: RdapClient, http: HttpClient, bootstrap: Bootstrap, web: Any, clock: Any
) -> None:
    web.page("/rdap/ip/198.51.100.50", {}, status=429, Retry_After="60")
    await rdap.ip("198.51.100.50")
    other = RdapClient(http, MemoryCache(), bootstrap, clock, allow_hosts={web.place})
    other.go_on_from(json.loads(json.dumps(rdap.asked_lately())))
    failed = await other.ip("198.51.100.7")
    assert isinstance(failed, Failed)
    assert (failed.why, len(web.requests)) == (RdapWhy.RATE, 1)
    clock.forward(timedelta(seconds=59))
    assert len(other.asked_lately()[web.place]) == 2  # until when, and one question within the last minute
    clock.forward(timedelta(seconds=2))
    assert other.asked_lately() == {}
    answered(await other.ip("198.51.100.7"))
    wait, *lately = other.asked_lately()[web.place]
    assert (wait, lately) == (0.0, [clock().timestamp()])


async def test_a_rate_notice_with_status_200_is_a_wish_for_a_pause(rdap: RdapClient, web: Any, clock: Any) -> None:
    web.page("/rdap/ip/198.51.100.50", {"notices": [{"title": "Rate Limit Notice"}]})
    failed = await rdap.ip("198.51.100.50")
    assert isinstance(failed, Failed)
    assert failed.why is RdapWhy.RATE
    assert failed.retry_at is not None
    assert failed.retry_at > clock()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (500, b"", RdapWhy.ANSWER),
        (200, b"<html>", RdapWhy.ANSWER),
        (200, b"{}", RdapWhy.ANSWER),
        (200, b'{"startAddress":"203.0.113.0","endAddress":"203.0.113.255"}', RdapWhy.ANSWER),
        (302, b"", RdapWhy.NOT_ALLOWED),
    ],
)
async def test_a_bad_answer_is_a_failure_and_is_not_kept(
    rdap: RdapClient, web: Any, rdap_document: Document, status: int, body: bytes, expected: RdapWhy
) -> None:
    web.page("/rdap/ip/198.51.100.50", body, status=status, Location="https://elsewhere.example/")
    failed = await rdap.ip("198.51.100.50")
    assert isinstance(failed, Failed)
    assert failed.why is expected
    web.page("/rdap/ip/198.51.100.50", rdap_document("arin"))
    answered(await rdap.ip("198.51.100.50"))


@pytest.mark.parametrize("address", ["", "nonsense", "198.51.100.7/24", "198.51.100.7\r\nX: y", "../../etc"])
async def test_what_is_no_address_is_never_asked_for(rdap: RdapClient, web: Any, address: str) -> None:
    failed = await rdap.ip(address)
    assert isinstance(failed, Failed)
    assert failed.why is RdapWhy.NOT_PUBLIC
    assert web.requests == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        "example",
        "a b.example",
        "x/../y.example",
        "x\r\ny.example",
        "1.2.3.4",
        "-",
        "a" * 64 + ".example",
        "é" * 300,
    ],
)
async def test_what_is_no_domain_is_never_asked_for(rdap: RdapClient, web: Any, name: str) -> None:
    failed = await rdap.domain(name)
    assert isinstance(failed, Failed)
    assert failed.why is RdapWhy.NOT_PUBLIC
    assert web.requests == []


async def test_a_name_in_other_letters_is_asked_for_in_a_labels(rdap: RdapClient, web: Any) -> None:
    await rdap.domain("bücher.example")
    assert web.requests[0][0] == "/rdap/domain/xn--bcher-kva.example"


async def test_private_addresses_and_plain_registries_are_not_asked_without_being_allowed(
    http: HttpClient, bootstrap: Bootstrap, clock: Any, web: Any
) -> None:
    strict = RdapClient(http, MemoryCache(), bootstrap, clock)
    failed = await strict.ip("198.51.100.7")
    assert isinstance(failed, Failed)
    assert failed.why is RdapWhy.NO_REGISTRY  # plain http is none
    packaged = RdapClient(http, MemoryCache(), load(), clock)
    failed = await packaged.ip("192.168.1.1")
    assert isinstance(failed, Failed)
    assert failed.why is RdapWhy.NOT_PUBLIC
    failed = await packaged.domain("shop.unknown")
    assert isinstance(failed, Failed)
    assert failed.why is RdapWhy.NO_REGISTRY
    assert web.requests == []


async def test_the_memory_cache_forgets_the_oldest(clock: Any) -> None:
    cache = MemoryCache(most=2)
    for last in (1, 2, 3):
        key = cache_key("ip", f"192.0.2.{last}")
        await cache.put("ip", key, key, Cached(NotFound("x"), clock()))
    assert await cache.get("ip", cache_key("ip", "192.0.2.1")) is None
    assert await cache.get("ip", cache_key("ip", "192.0.2.3")) is not None


def test_cache_keys_sort_as_addresses_do() -> None:
    addresses = ["9.0.0.0", "192.0.2.9", "192.0.2.10", "2001:db8::9", "2001:db8::10"]
    keys = [cache_key("ip", address) for address in addresses]
    assert keys == sorted(keys)

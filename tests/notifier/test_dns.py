"""The resolver finds where mail goes, tells "never" from "not now", and asks once."""

from __future__ import annotations

from typing import Any

import pytest

from notifier.dns import LookupFailed, NoMail, Resolver, is_public


async def test_mail_goes_to_the_exchangers_best_first(dns_server: Any, resolver: Resolver) -> None:
    dns_server.zone["customer.example", "MX"] = [
        "20 b.customer.example.",
        "10 A.customer.example.",
        "30 b.customer.example.",
    ]
    assert await resolver.mx("customer.example") == ["a.customer.example", "b.customer.example"]


async def test_an_answer_is_asked_for_once_within_its_time(dns_server: Any, resolver: Resolver) -> None:
    dns_server.zone["customer.example", "MX"] = ["10 a.customer.example."]
    await resolver.mx("customer.example")
    await resolver.mx("CUSTOMER.example")
    assert dns_server.questions == [("customer.example", "MX")]


async def test_a_domain_with_an_address_alone_is_its_own_exchanger(dns_server: Any, resolver: Resolver) -> None:
    dns_server.zone["customer.example", "A"] = ["192.0.2.1"]
    assert await resolver.mx("customer.example") == ["customer.example"]


@pytest.mark.parametrize(
    "zone",
    [{}, {("customer.example", "MX"): ["0 ."]}, {("customer.example", "TXT"): ['"x"']}],
    ids=["no such domain", "null MX", "neither MX nor address"],
)
async def test_a_domain_that_takes_no_mail_is_final(
    dns_server: Any, resolver: Resolver, zone: dict[tuple[str, str], list[str]]
) -> None:
    dns_server.zone.update(zone)
    answer = await resolver.mx("customer.example")
    assert isinstance(answer, NoMail)
    assert "customer.example" in answer.reason


async def test_a_broken_zone_is_not_final(dns_server: Any, resolver: Resolver) -> None:
    dns_server.broken = True
    assert isinstance(await resolver.mx("customer.example"), LookupFailed)
    assert isinstance(await resolver.addresses("customer.example"), LookupFailed)


@pytest.mark.parametrize("name", ["a" * 64 + ".example", "a..example", "\udc80.example"])
async def test_what_is_no_name_is_an_answer_and_no_exception(resolver: Resolver, name: str) -> None:
    assert isinstance(await resolver.mx(name), LookupFailed)


async def test_addresses_of_both_kinds_come_in_order(dns_server: Any, resolver: Resolver) -> None:
    dns_server.zone |= {("a.example", "A"): ["192.0.2.1"], ("a.example", "AAAA"): ["2001:db8::1"]}
    assert await resolver.addresses("a.example.") == ["192.0.2.1", "2001:db8::1"]


@pytest.mark.parametrize(
    ("host", "expected"),
    [("192.0.2.1", ["192.0.2.1"]), ("[2001:db8::1]", ["2001:db8::1"]), ("localhost", ["127.0.0.1", "::1"])],
)
async def test_literals_and_localhost_are_never_asked_for(
    dns_server: Any, resolver: Resolver, host: str, expected: list[str]
) -> None:
    assert await resolver.addresses(host) == expected
    assert dns_server.questions == []


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.0.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
        ),
        *(
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "fec0::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
        ),
        *("64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:7f00:1::1", "192.0.2.1"),
        *("", "example.com", "1", "0177.0.0.1", "127.1"),
    ],
)
def test_what_is_not_on_the_public_internet_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "193.0.6.139", "2a00:1450::1", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_what_is_on_the_public_internet_is_public(address: str) -> None:
    assert is_public(address)

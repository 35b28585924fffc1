"""Only those who are plainly meant for abuse are told, each once, and never ourselves."""

from __future__ import annotations

from typing import Any

import pytest

from notifier.contacts import NotTold, Rules, WhyNot, judge, who_is_told
from notifier.registration import Found


def found(address: str = "abuse@net.example", **changes: Any) -> Found:
    values: dict[str, Any] = {
        "address": address,
        "roles": ("abuse",),
        "name": "Abuse desk",
        "kind": "ip",
        "subject": "198.51.100.7",
        "registration": "198.51.100.0 - 198.51.100.255 (EXAMPLE-NET)",
        "source": "https://rdap.example/ip/198.51.100.7",
    }
    return Found(**(values | changes))


SITE = {"kind": "domain", "subject": "shop.example", "registration": "shop.example"}


def test_the_abuse_contact_is_told_and_learns_why() -> None:
    (contact,) = who_is_told([found()])
    assert (contact.address, contact.role, contact.source) == ("abuse@net.example", "abuse", found().source)
    assert (
        contact.why
        == "abuse contact of 198.51.100.0 - 198.51.100.255 (EXAMPLE-NET), the source network of the reported mail"
    )


@pytest.mark.parametrize("roles", [(), ("technical",), ("administrative", "registrant"), ("noc",)])
def test_other_roles_are_left_alone(roles: tuple[str, ...]) -> None:
    assert who_is_told([found(roles=roles)]) == []


def test_other_roles_are_told_where_the_policy_says_so() -> None:
    (contact,) = who_is_told([found(roles=("noc",))], roles=("abuse", "noc"))
    assert contact.role == "noc"


def test_one_address_is_told_once_for_the_first_thing_it_was_found_for() -> None:
    contacts = who_is_told([found(), found("Abuse@NET.example", **SITE), found("abuse@host.example", **SITE)])
    assert [contact.address for contact in contacts] == ["abuse@net.example", "abuse@host.example"]
    assert contacts[0].subject == "198.51.100.7"


@pytest.mark.parametrize(
    ("one", "rules", "reason"),
    [
        (found(roles=("technical",)), {}, WhyNot.ROLE),
        (found("abuse@isp.example"), {"own_domains": {"isp.example"}}, WhyNot.OURSELVES),
        (found("abuse@mail.isp.example"), {"own_domains": {"isp.example"}}, WhyNot.OURSELVES),
        (found(), {"own_networks": ["198.51.100.0/24"]}, WhyNot.OURSELVES),
        (found(subject="2001:db8::7"), {"own_networks": ["198.51.100.0/24", "2001:db8::/32"]}, WhyNot.OURSELVES),
        (found(**SITE), {"own_domains": {"shop.example"}}, WhyNot.OURSELVES),
        (found(**SITE), {"bystanders": frozenset({"shop.example"})}, WhyNot.BYSTANDER),
        (found(**(SITE | {"subject": "www.shop.example"})), {"bystanders": {"shop.example"}}, WhyNot.BYSTANDER),
        (found(), {"opted_out": {"ABUSE@net.example"}}, WhyNot.OPTED_OUT),
        (found(), {"opted_out": {"@net.example"}}, WhyNot.OPTED_OUT),
    ],
)
def test_a_contact_is_left_alone_because(one: Found, rules: dict[str, Any], reason: WhyNot) -> None:
    assert judge([one], Rules(**rules)) == [NotTold(one, reason)]
    assert who_is_told([one], **rules) == []


@pytest.mark.parametrize("domain", ["notisp.example", "isp.example.net"])
def test_a_domain_that_only_looks_like_ours_is_told(domain: str) -> None:
    assert who_is_told([found(f"abuse@{domain}")], own_domains={"isp.example"}) != []


def test_the_source_network_of_a_bystander_is_told_all_the_same() -> None:
    assert who_is_told([found("abuse@big.example")], bystanders={"big.example"}) != []

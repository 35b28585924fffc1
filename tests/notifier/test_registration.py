"""A registry's answer names only real addresses, with the roles they were given, however odd the answer is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.headers import is_address
from notifier.registration import RdapAnswer, is_rate_notice, read

Document = Callable[[str], Any]
SOURCE = "https://rdap.example/ip/198.51.100.7"


def people(answer: RdapAnswer | None) -> dict[str, tuple[str, ...]]:
    assert answer is not None
    return {person.address: person.roles for person in answer.contacts}


@pytest.mark.parametrize(
    ("name", "asked", "expected"),
    [
        ("arin", "198.51.100.7", {"abuse@net.example": ("abuse",), "noc@net.example": ("technical", "noc")}),
        ("ripe", "203.0.113.7", {"abuse@eu.example": ("abuse",)}),
        ("apnic", "198.51.100.7", {"abuse@ap.example": ("abuse",), "admin@ap.example": ("technical",)}),
        ("lacnic", "198.51.100.7", {}),
        ("afrinic", "198.51.100.7", {"person@af.example": ("technical", "administrative")}),
        ("registro-br", "198.51.100.7", {}),
        ("ipv6", "2001:db8::7", {"abuse@six.example": ("abuse",)}),
    ],
)
def test_the_contacts_of_a_registry(
    rdap_document: Document, name: str, asked: str, expected: dict[str, tuple[str, ...]]
) -> None:
    assert people(read("ip", asked, rdap_document(name), SOURCE)) == expected


def test_a_network_is_named_with_its_range_and_source(rdap_document: Document) -> None:
    answer = read("ip", "198.51.100.7", rdap_document("arin"), SOURCE)
    assert answer is not None
    assert (answer.first, answer.last, answer.handle) == ("198.51.100.0", "198.51.100.255", "NET-198-51-100-0-1")
    (found, *_) = answer.found("198.51.100.7")
    assert found.registration == "198.51.100.0 - 198.51.100.255 (EXAMPLE-NET)"
    assert (found.subject, found.source, found.name) == ("198.51.100.7", SOURCE, "Abuse Desk")


def test_a_domain_names_its_registrars_abuse_contact_and_says_what_is_withheld(rdap_document: Document) -> None:
    answer = read("domain", "shop.example", rdap_document("domain"), SOURCE)
    assert people(answer) == {"abuse@registrar.example": ("abuse",)}
    assert answer is not None
    assert answer.withheld
    assert answer.registration == "shop.example"


def with_card(*properties: Any) -> dict[str, Any]:
    entity = {"roles": ["abuse"], "vcardArray": ["vcard", list(properties)]}
    return {"startAddress": "198.51.100.0", "endAddress": "198.51.100.255", "entities": [entity]}


@pytest.mark.parametrize(
    "value",
    [
        "REDACTED FOR PRIVACY",
        "redacted@net.example",
        "NOT DISCLOSED",
        "not.disclosed@net.example",
        "Please query the RDDS service",
        "removed@lacnic.net",
        "noreply@net.example",
        "no-reply@net.example",
        "abuse@redacted.invalid",
        "abuse@localhost",
        "abuse",
        "a@b@net.example",
        "abuse@net.example, other@net.example",
        "abuse@net.example\r\nBcc: victim@example.com",
        "abuse@" + "x" * 300 + ".example",
        "",
        None,
        7,
        ["abuse@net.example"],
        {"a": 1},
    ],
)
def test_what_only_stands_where_an_address_should_be_is_none(value: object) -> None:
    assert people(read("ip", "198.51.100.7", with_card(["email", {}, "text", value]), SOURCE)) == {}


@pytest.mark.parametrize("value", ["mailto:abuse@net.example", "<abuse@net.example>", " abuse@NET.example. "])
def test_an_address_in_other_dress_is_one(value: str) -> None:
    assert list(people(read("ip", "198.51.100.7", with_card(["email", {}, "text", value]), SOURCE))) == [
        "abuse@net.example"
    ]


@pytest.mark.parametrize(
    ("cards", "chosen"),
    [
        ([("first@net.example", {}), ("second@net.example", {})], "first@net.example"),
        ([("hostmaster@net.example", {}), ("abuse@net.example", {})], "abuse@net.example"),
        ([("abuse@net.example", {}), ("desk@net.example", {"pref": 1})], "desk@net.example"),
        ([("desk@net.example", {"pref": "nonsense"}), ("abuse@net.example", {"pref": [1]})], "abuse@net.example"),
        ([("desk@net.example", {"pref": "nan"}), ("abuse@net.example", {"pref": -5})], "abuse@net.example"),
        ([("REDACTED", {"pref": 1}), ("abuse@net.example", {"pref": 2})], "abuse@net.example"),
    ],
)
def test_of_several_addresses_on_a_card_one_is_chosen(cards: list[tuple[str, dict[str, Any]]], chosen: str) -> None:
    document = with_card(*(["email", parameters, "text", address] for address, parameters in cards))
    assert list(people(read("ip", "198.51.100.7", document, SOURCE))) == [chosen]


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "x",
        {},
        {"errorCode": 404, "startAddress": "198.51.100.0", "endAddress": "198.51.100.255"},
        {"startAddress": "203.0.113.0", "endAddress": "203.0.113.255"},
        {"startAddress": "198.51.100.255", "endAddress": "198.51.100.0"},
        {"startAddress": "2001:db8::", "endAddress": "2001:db8::ffff"},
        {"startAddress": "198.51.100.0"},
        {"startAddress": 7, "endAddress": None},
    ],
)
def test_a_document_about_something_else_is_no_answer(data: object) -> None:
    assert read("ip", "198.51.100.7", data, SOURCE) is None


def test_entities_without_end_are_bounded() -> None:
    nested: dict[str, Any] = {"entities": []}
    for _ in range(500):
        nested = {"roles": ["abuse"], "entities": [nested, nested]}
    wide = [
        {"roles": ["abuse"], "vcardArray": ["vcard", [["email", {}, "text", f"a{n}@net.example"]]]} for n in range(5000)
    ]
    document = {"startAddress": "198.51.100.0", "endAddress": "198.51.100.255", "entities": [nested, *wide]}
    assert 0 < len(people(read("ip", "198.51.100.7", document, SOURCE))) <= 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["entities", "vcardArray", "roles", "email", "handle", "notices", "title"]), inner
        )
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["entities", "handle", "name", "redacted", "notices", "ldhName"]), JSON))
def test_no_document_is_too_odd_to_be_read(data: dict[str, Any]) -> None:
    for kind, asked in (("ip", "198.51.100.7"), ("domain", "shop.example")):
        bounds = {"startAddress": "198.51.100.0", "endAddress": "198.51.100.255"}
        answer = read(kind, asked, data | bounds, SOURCE)  # type: ignore[arg-type]
        assert all(is_address(address) for address in people(answer))
    is_rate_notice(data)


def test_a_rate_limit_notice_is_told_from_an_answer(rdap_document: Document) -> None:
    notice = {"notices": [{"title": "Rate Limit Notice", "description": ["slow down"]}]}
    assert is_rate_notice(notice)
    assert not is_rate_notice(rdap_document("arin") | notice)

"""A contact outside is written to in the language of its registry's country, else of its address, else in English."""

from __future__ import annotations

import pytest

from notifier.contacts import Contact, Rules, judge
from notifier.languages import of_contact
from notifier.registration import read

ALL = ("en", "zh", "ro")


@pytest.mark.parametrize(
    ("country", "address", "language"),
    [
        ("CN", "abuse@net.example", "zh"),
        ("tw", "abuse@net.example", "zh"),
        ("RO", "abuse@net.example", "ro"),
        ("MD", "abuse@net.example", "ro"),
        ("DE", "abuse@net.cn", "en"),
        (None, "abuse@net.example.ro", "ro"),
        (None, "abuse@net.example.cn", "zh"),
        (None, "abuse@net.example", "en"),
        ("", "abuse@net.example.ro", "ro"),
    ],
)
def test_the_country_decides_then_the_address_then_english(country: str | None, address: str, language: str) -> None:
    assert of_contact(country, address, ALL) == language
    assert of_contact(country, address, ("en", "de")) == "en"


def test_the_registrys_country_comes_along_with_the_contact() -> None:
    card = ["vcard", [["version", {}, "text", "4.0"], ["email", {}, "text", "abuse@net.example"]]]
    entity = {"roles": ["abuse"], "vcardArray": card}
    document = {"startAddress": "192.0.2.0", "endAddress": "192.0.2.255", "country": "CN", "entities": [entity]}
    answer = read("ip", "192.0.2.7", document, "https://rdap.example/ip/192.0.2.7")
    assert answer is not None
    (contact,) = judge(answer.found("192.0.2.7"), Rules())
    assert isinstance(contact, Contact)
    assert contact.country == "CN"

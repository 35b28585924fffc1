"""Mail that no format claims: does it name an address or host of ours?"""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_network

import pytest

from gateway.attribution.hosts import HostIndex
from gateway.attribution.network import TEXT_CHARS, Network, names_ours
from gateway.attribution.prefixes import PrefixIndex
from gateway.model import Assignment
from parsers.report import Envelope, Kind, Parsed

JAN = datetime(2026, 1, 1, tzinfo=UTC)
NETWORK = Network(
    PrefixIndex([]),
    HostIndex([Assignment(1, 1, "shop.example", 0, 0, 0, None, None, JAN, None)]),
    own_networks=(ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")),
)


@pytest.mark.parametrize(
    ("text", "subject", "named"),
    [
        ("spam from 192.0.2.1!", "", True),
        ("(192.0.2.1)", "", True),
        ("[192.0.2.1]:25", "", True),
        ("ours, though nobody holds it: 192.0.2.200.", "", True),
        ("192.0[.]2[.]1", "", True),
        ("version 1192.0.2.1", "", False),
        ("192.0.2.1.5", "", True),
        ("203.0.113.9", "", False),
        ("2001:db8:1::25 attacks", "", True),
        ("[IPv6:2001:db8:1::25]", "", True),
        ("from:2001:db8:1::25", "", True),
        ("2001:db9::1", "", False),
        ("at 10:20:30 o'clock", "", False),
        ("see http://www.shop.example/buy", "", True),
        ("请访问shop.example购买", "", True),
        ("win@shop.example", "", True),
        ("myshop.example", "", False),
        ("", "abuse from 192.0.2.1", True),
        ("", "", False),
        ("x" * TEXT_CHARS + " 192.0.2.1", "", False),
    ],
)
def test_unknown_mail_names_ours_in_text_or_subject(text: str, subject: str, named: bool) -> None:
    parsed = Parsed(Kind.UNKNOWN, None, Envelope(subject=subject), text=text)
    assert names_ours(parsed, NETWORK) is named


@pytest.mark.parametrize(
    "text", ["a." * 50_000, "1.1." * 50_000, ":" * 50_000, "a:" * 50_000, "a" * 50_000, "-_" * 50_000]
)
def test_hostile_text_is_searched_to_its_end(text: str) -> None:
    parsed = Parsed(Kind.UNKNOWN, None, Envelope(subject=None), text=text)
    assert names_ours(parsed, NETWORK) is False


def test_address_that_only_a_customer_ever_held_is_ours() -> None:
    net = ip_network("203.0.113.0/24")
    held = Assignment(1, 1, str(net), 4, int(net[0]), int(net[-1]), None, None, JAN, JAN.replace(year=2027))
    network = Network(PrefixIndex([held]), HostIndex([]))
    assert names_ours(Parsed(Kind.UNKNOWN, None, Envelope(), text="203.0.113.9"), network)
    assert not names_ours(Parsed(Kind.UNKNOWN, None, Envelope(), text="203.0.114.9"), network)

"""fields.py: one rule for each kind of value."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import fields
from parsers.report import ResourceKind


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" [192.0.2.1] ", "192.0.2.1"),
        ("192.0.2.1 (mail.sender.example)", "192.0.2.1"),
        ("<192.0.2.1>", "192.0.2.1"),
        ("IPv6:2001:DB8:0:0::1", "2001:db8::1"),
        ("[IPv6:2001:db8::1]", "2001:db8::1"),
        ("ipv6:2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:C000:201", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("192.0.2.1/32", "192.0.2.1"),
        ("192.0.2.256", None),
        ("192.0.2", None),
        ("192.0.2.01", None),
        ("192.0.2.1.5", None),
        ("x.x.x.x", None),
        ("192.0.2.1x", None),
        ("2001:db8::1::2", None),
        ("", None),
    ],
)
def test_ip_in_every_spelling(text: str, expected: str | None) -> None:
    assert fields.ip(text) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.1", "global"),
        ("198.51.100.7", "global"),
        ("2001:db8::1", "global"),
        ("10.0.0.1", "private"),
        ("172.16.9.9", "private"),
        ("100.64.0.1", "private"),
        ("169.254.1.1", "private"),
        ("fc00::1", "private"),
        ("fe80::1", "private"),
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("0.0.0.0", "loopback"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("255.255.255.255", "reserved"),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b::c000:201", "global"),
        ("2002:7f00:1::", "loopback"),
        ("2002:a00:1::", "private"),
    ],
)
def test_scope_of_an_address(address: str, expected: str) -> None:
    assert fields.scope(address) == expected


@pytest.mark.parametrize(
    ("text", "expected", "zoned"),
    [
        ("Tue, 06 Jan 2026 07:30:07 +0000", "2026-01-06T07:30:07", True),
        ("Tue, 6 Jan 2026 08:30:07 +0100 (CET)", "2026-01-06T07:30:07", True),
        ("6 Jan 2026 07:30:07 -0000", "2026-01-06T07:30:07", True),
        ("6 Jan 2026 07:30 GMT", "2026-01-06T07:30:00", True),
        ("Tue, 06 Jan 2026 02:30:07 EST", "2026-01-06T07:30:07", True),
        ("Tue, 06 Jan 2026 16:30:07 JST", "2026-01-06T07:30:07", True),
        ("Tue, 06 Jan 2026 16:30:07 IST", "2026-01-06T16:30:07", False),
        ("Tue Jan 06 2026 08:30:07 GMT+0100 (Central European Standard Time)", "2026-01-06T07:30:07", True),
        ("2026/01/06 08:30:07 CET", "2026-01-06T07:30:07", True),
        ("06/Jan/2026:08:30:07 +0100", "2026-01-06T07:30:07", True),
        ("Tuesday, January 6, 2026 7:30:07 PM", "2026-01-06T19:30:07", False),
        ("1767684607", "2026-01-06T07:30:07", True),
        ("Tue, 06 Jan 2026 07:30:07", "2026-01-06T07:30:07", False),
        ("2026-01-06T08:30:07+01:00", "2026-01-06T07:30:07", True),
        ("2026-01-06T07:30:07Z", "2026-01-06T07:30:07", True),
        ("2026-01-06 07:30:07", "2026-01-06T07:30:07", False),
        ("31 Dec 2026 23:59:60 +0000", "2026-12-31T23:59:59", True),
    ],
)
def test_time_is_utc_and_says_whether_the_zone_was_known(text: str, expected: str, zoned: bool) -> None:
    assert fields.time(text) == (datetime.fromisoformat(expected).replace(tzinfo=UTC), zoned)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "99 Foo 99999 99:99:99 +9999",
        "1 Jan 0001 00:00:00 +2300",
        "6 Jan 2026 07:30:07 +9999",
        "5" * 5000,
    ],
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert fields.time(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<Bounce@Sender.EXAMPLE>", "Bounce@sender.example"),
        ("a@sender.example", "a@sender.example"),
        ("rfc822; a@sender.example", "a@sender.example"),
        ("<>", ""),
        ("Name <a@sender.example> (x)", "a@sender.example"),
        ("<@relay.example:a@sender.example>", "a@sender.example"),
        ("nobody", None),
        ("@sender.example", None),
        ("", None),
    ],
)
def test_address(text: str, expected: str | None) -> None:
    assert fields.address(text) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://Shop.Sender.example/a?b", (ResourceKind.HOST, "shop.sender.example")),
        ("hxxps://shop[.]sender[.]example", (ResourceKind.HOST, "shop.sender.example")),
        ("http://user:pass@shop.sender.example:8080/", (ResourceKind.HOST, "shop.sender.example")),
        ("http://trusted.example@evil.example/", (ResourceKind.HOST, "evil.example")),
        ("https://[2001:DB8::80]:443/x", (ResourceKind.IP, "2001:db8::80")),
        ("http://198.51.100.80/", (ResourceKind.IP, "198.51.100.80")),
        ("http://例子.example/", (ResourceKind.HOST, "xn--fsqu00a.example")),
        ("mailto:a@sender.example", None),
        ("not a uri", None),
        ("http:///path", None),
    ],
)
def test_place_of_a_url(url: str, expected: tuple[ResourceKind, str] | None) -> None:
    assert fields.place(url) == expected


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("25", 65535, 25),
        (" 7 ", 10, 7),
        ("65536", 65535, None),
        ("-1", 10, None),
        ("٣", 10, None),
        ("9" * 400, 10, None),
    ],
)
def test_number_within_its_bounds(text: str, most: int, expected: int | None) -> None:
    assert fields.number(text, most) == expected


def test_organisations_are_told_apart_by_the_public_suffix_list() -> None:
    assert fields.registrable("mx1.mail.example.co.uk") == "example.co.uk"
    assert fields.same_organisation("mx1.reader.example", "mx.reader.example")
    assert not fields.same_organisation("a.example.co.uk", "b.other.co.uk")
    assert not fields.same_organisation("reader.example", "sender.example")


@settings(max_examples=300, deadline=None, database=None)
@given(st.text(max_size=80))
def test_no_text_makes_a_reader_fail(text: str) -> None:
    for reader in (fields.ip, fields.time, fields.address, fields.host, fields.place, fields.undefang):
        reader(text)
    found = fields.ip(text)
    assert found is None or fields.scope(found)

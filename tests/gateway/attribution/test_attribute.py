"""Whose resources a report is about: the entries that the queue shows or a case is filed under."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest

from gateway.attribution.attribute import Network, attribute
from gateway.attribution.hosts import HostIndex
from gateway.attribution.prefixes import PrefixIndex
from gateway.model import Assignment, Attribution
from gateway.model import AttributionReason as Why
from parsers.report import Hop, Original, Report, Resource, ResourceKind, Role

JAN = datetime(2026, 1, 1, tzinfo=UTC)
NOV3 = datetime(2026, 11, 3, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

RELAY = "192.0.2.250"
RELAY_2 = "192.0.2.251"
FOREIGN = "203.0.113.9"
NO_ZONE = ("unknown-time-zone",)
STATED = (("source_ip", "feedback-report:Source-IP"),)
DERIVED = (("source_ip", "original:Received[0]"),)


def ip_held(
    number: int, resource: str, ports: tuple[int, int] | None = None, start: datetime = JAN, end: datetime | None = None
) -> Assignment:
    net = ip_network(resource)
    return Assignment(
        number, number, resource, net.version, int(net[0]), int(net[-1]), *(ports or (None, None)), start, end
    )


def host_held(number: int, name: str, start: datetime = JAN, end: datetime | None = None) -> Assignment:
    return Assignment(number, number, name, 0, 0, 0, None, None, start, end)


NETWORK = Network(
    PrefixIndex(
        [
            ip_held(1, "192.0.2.0/26"),
            ip_held(2, "192.0.2.64/26", end=NOV3),
            ip_held(3, "192.0.2.64/26", start=NOV3),
            ip_held(4, "192.0.2.128", (1024, 2047)),
            ip_held(5, "192.0.2.128", (2048, 4095)),
            ip_held(6, "192.0.2.129", end=NOV3),
            ip_held(7, "2001:db8:1::/48"),
            ip_held(8, "10.1.0.0/16"),
            ip_held(10, "192.0.2.80", start=NOW - HOUR),
        ]
    ),
    HostIndex([host_held(20, "shop.example"), host_held(21, "gone.example", end=NOV3)]),
    own_networks=(ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")),
    relays=(ip_network(RELAY), ip_network(RELAY_2)),
)


def hop(ip: str | None, by: str = "mx.reporter.example", time: datetime | None = NOW, **more: object) -> Hop:
    return Hop(ip, time=time, by=by, **{"port": None, **more})  # type: ignore[arg-type]


def report(source: str | None = None, *trace: Hop, at: datetime | None = NOW, **more: object) -> Report:
    return Report(source_ip=source, arrival_date=at, trace=trace, **{"provenance": STATED, **more})  # type: ignore[arg-type]


def advertised(value: str, kind: ResourceKind = ResourceKind.HOST, role: Role = Role.ADVERTISED) -> Resource:
    return Resource(kind, role, value)


INTERNAL = hop("198.51.100.5", by="store.reporter.example", rdns="mx.reporter.example")
PRIVATE = hop("10.9.9.9", by="store.reporter.example")

SOURCES = [
    # (name, report, value, account or reason)
    ("stated, no trace", report("192.0.2.1"), "192.0.2.1", 1),
    ("stated and traced alike", report("192.0.2.1", hop("192.0.2.1")), "192.0.2.1", 1),
    ("traced only", report(None, hop("192.0.2.1")), "192.0.2.1", 1),
    ("derived by the parsers", report("192.0.2.1", hop("192.0.2.1"), provenance=DERIVED), "192.0.2.1", 1),
    ("below the reporter's own hops", report(None, PRIVATE, INTERNAL, hop("192.0.2.1")), "192.0.2.1", 1),
    ("never the line below the handover", report(None, hop(FOREIGN), hop("192.0.2.1")), FOREIGN, Why.NOT_OURS),
    (
        "handover by us, forged lines below",
        report(None, hop("192.0.2.1"), hop("192.0.2.70"), hop("192.0.2.129")),
        "192.0.2.1",
        Why.SEVERAL_OWN,
    ),
    ("v6", report("2001:db8:1::25"), "2001:db8:1::25", 7),
    ("at the old holder's time", report("192.0.2.70", at=NOV3 - HOUR), "192.0.2.70", 2),
    ("at the new holder's time", report("192.0.2.70", at=NOV3), "192.0.2.70", 3),
    ("time of the handover line", report("192.0.2.70", hop("192.0.2.70", time=NOV3 - HOUR), at=None), "192.0.2.70", 2),
    (
        "arrival date and the line's time name two holders",
        report("192.0.2.70", hop("192.0.2.70", time=NOW), at=NOV3 - HOUR),
        "192.0.2.70",
        Why.NO_TIME,
    ),
    (
        "arrival date and the line's time differ and name one",
        report("192.0.2.70", hop("192.0.2.70", time=NOW), at=NOV3),
        "192.0.2.70",
        3,
    ),
    ("no zone, on the day it moved", report("192.0.2.70", at=NOV3 + HOUR, defects=NO_ZONE), "192.0.2.70", Why.NO_TIME),
    ("no zone, days later", report("192.0.2.70", at=NOV3 + 15 * HOUR, defects=NO_ZONE), "192.0.2.70", 3),
    ("no zone, days before", report("192.0.2.70", at=NOV3 - 13 * HOUR, defects=NO_ZONE), "192.0.2.70", 2),
    (
        "no zone, but the line has one",
        report("192.0.2.70", hop("192.0.2.70", time=NOV3 - HOUR), at=NOV3 + HOUR, defects=NO_ZONE),
        "192.0.2.70",
        2,
    ),
    (
        "no zone in the line either",
        report(None, hop("192.0.2.70", time=NOV3 + HOUR, zoned=False), at=None),
        "192.0.2.70",
        Why.NO_TIME,
    ),
    (
        "no zone in our relay's line",
        report(None, hop(RELAY), hop("192.0.2.70", time=NOV3 + HOUR, zoned=False)),
        "192.0.2.70",
        Why.NO_TIME,
    ),
    ("no time and history differs", report("192.0.2.70", at=None), "192.0.2.70", Why.NO_TIME),
    ("no time, one holder", report("192.0.2.1", at=None), "192.0.2.1", 1),
    (
        "the mail's own Date is no time",
        report("192.0.2.70", at=None, original=Original(date=NOV3 - HOUR)),
        "192.0.2.70",
        Why.NO_TIME,
    ),
    ("23 hours ahead", report("192.0.2.1", at=NOW + 23 * HOUR), "192.0.2.1", 1),
    ("an hour ahead, and it is another's since today", report("192.0.2.80", at=NOW + HOUR), "192.0.2.80", Why.NO_TIME),
    ("minutes ahead are two clocks", report("192.0.2.80", at=NOW + HOUR / 10), "192.0.2.80", 10),
    ("25 hours ahead", report("192.0.2.1", at=NOW + 25 * HOUR), "192.0.2.1", Why.IN_FUTURE),
    ("foreign and ahead", report(FOREIGN, at=NOW + 25 * HOUR), FOREIGN, Why.NOT_OURS),
    ("shared without port", report("192.0.2.128"), "192.0.2.128", Why.SHARED_ADDRESS),
    ("shared with the report's port", report("192.0.2.128", source_port=2000), "192.0.2.128", 4),
    ("shared with the trace's port", report("192.0.2.128", hop("192.0.2.128", port=3000)), "192.0.2.128", 5),
    (
        "shared, the report has another port than the trace",
        report("192.0.2.128", hop("192.0.2.128", port=3000), source_port=2000),
        "192.0.2.128",
        Why.SHARED_ADDRESS,
    ),
    (
        "two ports are no matter on an address of one's own",
        report("192.0.2.1", hop("192.0.2.1", port=3000), source_port=2000),
        "192.0.2.1",
        1,
    ),
    ("shared, port of nobody", report("192.0.2.128", source_port=80), "192.0.2.128", Why.NOT_ASSIGNED_THEN),
    ("ours, holder gone", report("192.0.2.129"), "192.0.2.129", Why.NOT_ASSIGNED_THEN),
    ("ours, never assigned", report("192.0.2.200"), "192.0.2.200", Why.NOT_ASSIGNED_THEN),
    ("ours in v6, never assigned", report("2001:db8:ffff::1"), "2001:db8:ffff::1", Why.NOT_ASSIGNED_THEN),
    ("foreign", report(FOREIGN), FOREIGN, Why.NOT_OURS),
    ("private", report("10.9.9.9"), "10.9.9.9", Why.NOT_PUBLIC),
    ("loopback", report("127.0.0.1"), "127.0.0.1", Why.NOT_PUBLIC),
    ("multicast", report("224.0.0.1"), "224.0.0.1", Why.NOT_PUBLIC),
    ("v6 loopback", report("::1"), "::1", Why.NOT_PUBLIC),
    ("v6 link local", report("fe80::1"), "fe80::1", Why.NOT_PUBLIC),
    ("private, but a customer's", report("10.1.2.3"), "10.1.2.3", 8),
    ("two of ours disagree", report("192.0.2.1", hop("192.0.2.70")), "192.0.2.1", Why.ADDRESSES_DISAGREE),
    ("stated foreign, handed over by us", report(FOREIGN, hop("192.0.2.1")), FOREIGN, Why.ADDRESSES_DISAGREE),
    ("stated ours, handed over by a forwarder", report("192.0.2.1", hop(FOREIGN), hop("192.0.2.1")), "192.0.2.1", 1),
    (
        "stated foreign, handed over by another stranger",
        report("198.51.100.9", hop(FOREIGN)),
        "198.51.100.9",
        Why.NOT_OURS,
    ),
    ("our relay, client behind it", report(None, hop(RELAY), hop("192.0.2.1", by="out.isp.example")), "192.0.2.1", 1),
    (
        "our relay stated, client behind it",
        report(RELAY, hop(RELAY), hop("192.0.2.1", by="out.isp.example")),
        "192.0.2.1",
        1,
    ),
    (
        "two relays of ours, client behind both",
        report(RELAY, hop(RELAY), hop(RELAY_2), hop("192.0.2.1")),
        "192.0.2.1",
        1,
    ),
    ("client stated, relay traced", report("192.0.2.1", hop(RELAY), hop("192.0.2.1")), "192.0.2.1", 1),
    (
        "client stated deeper than the next line",
        report("192.0.2.1", hop(RELAY), hop("127.0.0.1"), hop("192.0.2.1")),
        "192.0.2.1",
        1,
    ),
    (
        "client stated, another one traced",
        report("192.0.2.1", hop(RELAY), hop("192.0.2.70")),
        "192.0.2.1",
        Why.ADDRESSES_DISAGREE,
    ),
    (
        "client stated, not in the trace of the relay",
        report("192.0.2.1", hop(RELAY)),
        "192.0.2.1",
        Why.ADDRESSES_DISAGREE,
    ),
    (
        "client stated below the stranger that our relay's line names",
        report("192.0.2.1", hop(RELAY), hop(FOREIGN), hop("192.0.2.1")),
        "192.0.2.1",
        Why.ADDRESSES_DISAGREE,
    ),
    (
        "our relay stated, its lines below a stranger's",
        report(RELAY, hop(FOREIGN), hop(RELAY), hop("192.0.2.1")),
        RELAY,
        Why.OWN_RELAY,
    ),
    ("relay stated, a customer traced", report(RELAY, hop("192.0.2.1")), RELAY, Why.ADDRESSES_DISAGREE),
    (
        "our relay, the client's time is the relay's own",
        report(None, hop(RELAY), hop("192.0.2.70", time=NOV3 - HOUR)),
        "192.0.2.70",
        2,
    ),
    ("our relay, nothing behind", report(None, hop(RELAY)), RELAY, Why.OWN_RELAY),
    ("our relay stated, no trace", report(RELAY), RELAY, Why.OWN_RELAY),
    ("our relay stated, foreign handover", report(RELAY, hop(FOREIGN)), RELAY, Why.OWN_RELAY),
    ("our relay, webmail behind it", report(None, hop(RELAY), hop("127.0.0.1", login="ann")), RELAY, Why.OWN_RELAY),
    ("our relay, roaming client behind it", report(None, hop(RELAY), hop(FOREIGN, login="ann")), RELAY, Why.OWN_RELAY),
    ("no source", report(None), "", Why.NO_SOURCE),
    ("only private hops", report(None, PRIVATE, PRIVATE), "", Why.NO_SOURCE),
    ("address that is none", report("nonsense"), "nonsense", Why.NOT_PUBLIC),
]


@pytest.mark.parametrize(
    ("given", "value", "expected"), [case[1:] for case in SOURCES], ids=[case[0] for case in SOURCES]
)
def test_source_of_a_report(given: Report, value: str, expected: int | Why) -> None:
    (found,) = attribute(given, NOW, NETWORK)
    assert (found.kind, found.role, found.value) == (ResourceKind.IP, Role.SOURCE, value)
    assert (found.account_id or found.reason) == expected
    assert found.how
    if found.account_id:
        assert found.reason is Why.ASSIGNED
        assert found.assignment_id == found.account_id


def summary(found: tuple[Attribution, ...]) -> list[tuple[str, int | Why]]:
    return [(one.value, one.account_id or one.reason) for one in found]


OURS_SITE = advertised("www.shop.example")
RESOURCES = [
    # (name, source, resources, entries)
    ("foreign source, foreign site", FOREIGN, [advertised("other.example")], [(FOREIGN, Why.NOT_OURS)]),
    ("foreign source, our site", FOREIGN, [OURS_SITE], [("www.shop.example", 20)]),
    ("private source, our site", "10.9.9.9", [OURS_SITE], [("www.shop.example", 20)]),
    ("no source, our site", None, [OURS_SITE], [("www.shop.example", 20)]),
    ("no source, foreign site", None, [advertised("other.example")], [("", Why.NO_SOURCE)]),
    ("our source, our site", "192.0.2.1", [OURS_SITE], [("192.0.2.1", 1), ("www.shop.example", 20)]),
    ("our source, foreign site", "192.0.2.1", [advertised("other.example")], [("192.0.2.1", 1)]),
    (
        "source that waits, our site",
        "192.0.2.128",
        [OURS_SITE],
        [("192.0.2.128", Why.SHARED_ADDRESS), ("www.shop.example", 20)],
    ),
    (
        "foreign source, site that was ours",
        FOREIGN,
        [advertised("gone.example")],
        [("gone.example", Why.NOT_ASSIGNED_THEN)],
    ),
    (
        "a site twice, as host and domain",
        None,
        [OURS_SITE, advertised("www.shop.example", ResourceKind.DOMAIN)],
        [("www.shop.example", 20)],
    ),
    (
        "links into one site",
        None,
        [
            advertised("http://shop.example/a", ResourceKind.URL),
            advertised("hxxp://shop[.]example/b", ResourceKind.URL),
        ],
        [("shop.example", 20)],
    ),
    (
        "link to an address of ours",
        FOREIGN,
        [advertised("https://192.0.2.1:8443/x", ResourceKind.URL)],
        [("192.0.2.1", 1)],
    ),
    ("advertised address of ours", FOREIGN, [advertised("192.0.2.1", ResourceKind.IP)], [("192.0.2.1", 1)]),
    ("advertised foreign address", FOREIGN, [advertised("198.51.100.77", ResourceKind.IP)], [(FOREIGN, Why.NOT_OURS)]),
    (
        "drop-box at a domain of ours",
        FOREIGN,
        [advertised("win@shop.example", ResourceKind.MAILBOX, Role.DROP_BOX)],
        [("win@shop.example", 20)],
    ),
    (
        "drop-box elsewhere",
        FOREIGN,
        [advertised("win@other.example", ResourceKind.MAILBOX, Role.DROP_BOX)],
        [(FOREIGN, Why.NOT_OURS)],
    ),
    (
        "relays in the trace are nobody's case",
        FOREIGN,
        [advertised("shop.example", role=Role.RELAY)],
        [(FOREIGN, Why.NOT_OURS)],
    ),
    ("telephone number", FOREIGN, [advertised("+1 555 0100", ResourceKind.PHONE)], [(FOREIGN, Why.NOT_OURS)]),
    ("nonsense as a link", FOREIGN, [advertised("javascript:alert(1)", ResourceKind.URL)], [(FOREIGN, Why.NOT_OURS)]),
]


@pytest.mark.parametrize(
    ("source", "resources", "entries"), [case[1:] for case in RESOURCES], ids=[case[0] for case in RESOURCES]
)
def test_entries_of_a_report(
    source: str | None, resources: list[Resource], entries: list[tuple[str, int | Why]]
) -> None:
    own = [Resource(ResourceKind.IP, Role.SOURCE, source)] if source else []
    assert summary(attribute(report(source, resources=(*own, *resources)), NOW, NETWORK)) == entries


def test_site_without_a_usable_time_counts_at_the_time_of_receipt() -> None:
    late = host_held(22, "late.example", start=NOV3)
    network = replace(NETWORK, hosts=HostIndex([late, host_held(23, "late.example", end=NOV3)]))
    for at in (None, NOW + 48 * HOUR):
        assert summary(attribute(report(None, at=at, resources=(advertised("late.example"),)), NOW, network)) == [
            ("late.example", 22)
        ]


def test_site_of_which_the_time_has_no_zone_is_found_where_it_did_not_move_about_then() -> None:
    site = (advertised("moved.example"),)
    moved = [host_held(24, "moved.example", end=NOV3), host_held(25, "moved.example", start=NOV3)]
    network = replace(NETWORK, hosts=HostIndex(moved))
    for at, expected in ((NOV3 + HOUR, Why.NO_TIME), (NOV3 + 15 * HOUR, 25), (NOV3 - 13 * HOUR, 24)):
        given = report(None, at=at, resources=site, defects=NO_ZONE)
        assert summary(attribute(given, NOW, network)) == [("moved.example", expected)]


def test_how_says_in_one_sentence_where_it_was_found_and_since_when_it_is_held() -> None:
    (found,) = attribute(report(None, hop(RELAY), hop("192.0.2.1", login="ann")), NOW, NETWORK)
    assert found.how == (
        "192.0.2.1 gave the mail to our relay 192.0.2.250, logged in as ann; assigned as 192.0.2.0/26 on 21 Nov 2026 12:00 UTC, held from 1 Jan 2026"
    )


def test_login_behind_the_relay_is_shown_where_no_address_is() -> None:
    (found,) = attribute(report(None, hop(RELAY), hop("127.0.0.1", login="ann")), NOW, NETWORK)
    assert "ann" in found.how


def why(given: Report) -> list[tuple[int, str]]:
    (found,) = attribute(given, NOW, NETWORK)
    return [(one.account_id, one.why) for one in found.candidates]


def test_waiting_entries_name_their_candidates() -> None:
    assert why(report("192.0.2.129")) == [(6, "had 192.0.2.129 until 3 Nov 2026")]
    assert why(report("192.0.2.1", at=NOW + 48 * HOUR)) == [(1, "holds 192.0.2.0/26 from 1 Jan 2026")]
    assert [account for account, _ in why(report("192.0.2.70", at=None))] == [3, 2]
    assert why(report("192.0.2.1", hop("192.0.2.70"))) == [
        (1, "192.0.2.1: holds 192.0.2.0/26 from 1 Jan 2026"),
        (3, "192.0.2.70: holds 192.0.2.64/26 from 3 Nov 2026"),
    ]
    assert why(report(FOREIGN, hop("192.0.2.1"))) == [(1, "192.0.2.1: holds 192.0.2.0/26 from 1 Jan 2026")]
    assert why(report("192.0.2.200")) == []
    assert why(report(FOREIGN)) == []

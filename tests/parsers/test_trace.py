"""trace.py: the shapes of Received that mail systems write, and which hop handed the mail over (RCV-1..7)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from parsers import parse, trace
from parsers.report import Hop

DATE = "; Tue, 06 Jan 2026 07:30:07 +0000"
TIME = datetime(2026, 1, 6, 7, 30, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "ip", "port", "rdns"),
    [
        (
            "from a.example (b.sender.example [198.51.100.7]) by mx.reader.example with ESMTP",
            "198.51.100.7",
            None,
            "b.sender.example",
        ),
        (
            "from a.example (unknown [198.51.100.7]) by mx.reader.example (Postfix) with ESMTP",
            "198.51.100.7",
            None,
            None,
        ),
        (
            "from a.example (b.sender.example. [198.51.100.7]) by mx.reader.example",
            "198.51.100.7",
            None,
            "b.sender.example",
        ),
        ("from x (x.sender.example [IPv6:2001:DB8::7]) by mx.reader.example", "2001:db8::7", None, "x.sender.example"),
        ("from x (x.sender.example [2001:db8:0:0::7]) by mx.reader.example", "2001:db8::7", None, "x.sender.example"),
        ("from x ([::ffff:198.51.100.7]) by mx.reader.example", "198.51.100.7", None, None),
        ("from 192.0.2.66 (EHLO h.example) (198.51.100.5) by mta.reader.example with SMTP", "198.51.100.5", None, None),
        ("from [198.51.100.7] ([198.51.100.7:50449] helo=x) by mx.reader.example", "198.51.100.7", 50449, None),
        (
            "from [198.51.100.7] (port=50449 helo=[10.0.0.1]) by mx.reader.example with esmtpa",
            "198.51.100.7",
            50449,
            None,
        ),
        (
            "from b.sender.example ([198.51.100.7]:50449 helo=h.example) by mx.reader.example",
            "198.51.100.7",
            50449,
            "b.sender.example",
        ),
        ("from User (unknown [198.51.100.7]) by mx.reader.example", "198.51.100.7", None, None),
        ("from unknown (HELO 192.0.2.66) (198.51.100.9) by mx.reader.example with SMTP", "198.51.100.9", None, None),
        ("from h.example (HELO h.example) (198.51.100.9) by 0 with SMTP", "198.51.100.9", None, "h.example"),
        (
            "from a (b.sender.example [198.51.100.7] (may be forged)) by mx.reader.example",
            "198.51.100.7",
            None,
            None,
        ),
        (
            "from h.example (198.51.100.7) by mx.reader.example (203.0.113.4) with Microsoft SMTP Server",
            "198.51.100.7",
            None,
            None,
        ),
        (
            "from h.example (2001:db8::7) by mx.reader.example (3fff:1::1) with Microsoft SMTP Server",
            "2001:db8::7",
            None,
            None,
        ),
        ("from [198.51.100.7] by web.reader.example via HTTP", "198.51.100.7", None, None),
        ("from h.example by mx.reader.example with LMTP", None, None, None),
    ],
)
def test_the_address_is_the_peers_never_a_helo(line: str, ip: str | None, port: int | None, rdns: str | None) -> None:
    hop = trace.hop(line + DATE)
    assert (hop.ip, hop.port, hop.rdns, hop.time) == (ip, port, rdns, TIME)
    assert hop.by in ("mx.reader.example", "mta.reader.example", "web.reader.example", "0")


@pytest.mark.parametrize(
    ("line", "rdns"),
    [
        (
            "from pa3.reader.example (198.51.100.7) by pa1.reader.example (198.51.9.1) with Microsoft SMTP Server",
            "pa3.reader.example",
        ),
        ("from pa3.reader.example (2001:db8:1::7) by pa1.reader.example (2001:db8:2::1) with x", "pa3.reader.example"),
        ("from pa3.reader.example (198.51.100.7) by pa1.reader.example with HTTPS", "pa3.reader.example"),
        ("from pa3.reader.example (198.51.100.7) by pa1.reader.example (10.9.8.7) with Microsoft SMTP Server", None),
        ("from pa3.reader.example (198.51.100.7) by pa1.reader.example with ESMTP", None),
        ('from pa3.reader.example (198.51.100.7) by pa1.reader.example with SMTP (from <"with mapi"@x.example>)', None),
    ],
)
def test_a_helo_is_a_name_only_where_the_by_host_shows_that_the_peer_is_its_neighbour(
    line: str, rdns: str | None
) -> None:
    assert trace.hop(line + DATE).rdns == rdns


@pytest.mark.parametrize(
    ("line", "login"),
    [
        (
            "from x (unknown [198.51.100.7]) (Authenticated sender: web42@sender.example) by mx.sender.example",
            "web42@sender.example",
        ),
        ("from x (unknown [198.51.100.7]) (using TLSv1.3) (Authenticated sender: web42) by mx.sender.example", "web42"),
        ("from unknown (HELO x) (web42@sender.example@198.51.100.7) by mx.sender.example", "web42@sender.example"),
        ("from x (unknown [198.51.100.7]) (authenticated bits=0) by mx.sender.example", None),
        ("from x (unknown [198.51.100.7]) by mx.sender.example", None),
        # what the peer chose: its return path, certificate, HELO, ident
        (
            "from [198.51.100.7] (helo=x) by mx.sender.example with esmtpsa (envelope-from <auth=victim@x.example>)",
            None,
        ),
        (
            'from x (unknown [198.51.100.7]) (Client CN "auth=victim z") (Authenticated sender: web42) by mx.sender.example',
            "web42",
        ),
        ("from [198.51.100.7] (port=2525 helo=auth=victim ident=auth=victim) by mx.sender.example", None),
        ("from x (HELO auth=victim) (198.51.100.7) by mx.sender.example", None),
        ("from x (auth=victim@h.example [198.51.100.7]) by mx.sender.example", None),
    ],
)
def test_the_login_of_a_submission(line: str, login: str | None) -> None:
    hop = trace.hop(line + DATE)
    assert (hop.ip, hop.login) == ("198.51.100.7", login)


@pytest.mark.parametrize(("how", "ident"), [("SMTP", True), ("ESMTPS", True), ("ESMTPA", False), ("ESMTPSA", False)])
def test_a_name_before_the_address_may_be_an_ident_servers_where_nobody_authenticated(how: str, ident: bool) -> None:
    hop = trace.hop(f"from unknown (HELO x) (web42@198.51.100.7) by mx.sender.example with {how}")
    assert (hop.login, hop.ident) == ("web42", ident)


@pytest.mark.parametrize(
    ("date", "zoned"),
    [
        ("Tue, 06 Jan 2026 07:30:07 +0000", True),
        ("Tue, 06 Jan 2026 16:30:07 JST", True),
        ("Tue, 06 Jan 2026 07:30:07", False),
        ("Tue, 06 Jan 2026 07:30:07 BST", False),
        ("Tue, 06 Jan 2026 01:30:07 CST", False),  # RFC 5322's, or China's
    ],
)
def test_a_time_of_which_the_zone_is_unknown_is_told_and_is_a_defect_where_it_is_taken(date: str, zoned: bool) -> None:
    line = f"from a (b.sender.example [198.51.100.7]) by mx.reader.example; {date}"
    hop = trace.hop(line)
    assert (hop.time, hop.zoned) == (TIME, zoned)
    mail = f"Subject: Fwd: spam\r\nContent-Type: message/rfc822\r\n\r\nReceived: {line}\r\nFrom: a@b.example\r\n\r\nBuy\r\n"
    (report,) = parse(mail.encode()).reports
    assert (report.arrival_date, "unknown-time-zone" in report.defects) == (TIME, not zoned)


@pytest.mark.parametrize(
    "line",
    ["", "(qmail 4711 invoked from network)", "by mx.reader.example with local", "from", "from ((((", "; ; ;", "by"],
)
def test_a_line_without_a_peer_has_no_address(line: str) -> None:
    assert trace.hop(line).ip is None


def hop(ip: str | None, rdns: str | None = None, by: str = "mx.reader.example", helo: str | None = None) -> Hop:
    return Hop(ip, None, TIME, by, None, helo, rdns)


@pytest.mark.parametrize(
    ("hops", "index"),
    [
        ([hop("198.51.100.7")], 0),
        ([hop("10.0.0.1"), hop("198.51.100.7", "mail.sender.example")], 1),
        ([hop("203.0.113.1", "mx2.reader.example"), hop("198.51.100.7")], 1),
        ([hop("198.51.100.7", None, helo="mx2.reader.example"), hop("203.0.113.99")], 0),
        ([hop(None), hop("127.0.0.1"), hop("2001:db8::7")], 2),
        ([hop("192.168.1.1"), hop("fe80::1"), hop("224.0.0.1")], None),
        ([], None),
    ],
)
def test_the_handover_is_the_first_stranger_from_the_top(hops: list[Hop], index: int | None) -> None:
    assert trace.handover(tuple(hops)) == index

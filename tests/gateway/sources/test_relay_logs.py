"""A relay's log tells who handed a mail in: Postfix's own log, and Exim's lines; and a report finds the login by it."""

from __future__ import annotations

import smtplib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from gateway.connectors.sources.contract import SourceError
from gateway.connectors.sources.relay_logs import Exim, Postfix
from servers.exim import Exim as EximServer
from servers.waiting import INCIDENT, arf

POSTFIX = """\
Dec 31 23:59:58 out1 postfix/submission/smtpd[411]: 4XyB2Q1zRtz2d: client=host.example[198.51.100.7]:40112, sasl_method=PLAIN, sasl_username=fir
Dec 31 23:59:59 out1 postfix/cleanup[412]: 4XyB2Q1zRtz2d: message-id=<a1@sender.example>
Jan  1 00:00:01 out1 postfix/smtpd[413]: 4XyB2R0aBcz2e: client=unknown[2001:db8:7::25]
Jan  1 00:00:01 out1 postfix/qmgr[414]: 4XyB2Q1zRtz2d: from=<b@sender.example>, size=1, nrcpt=1 (queue active)
Jan  1 00:00:02 out1 postfix/cleanup[412]: 4XyB2R0aBcz2e: message-id=<a2@sender.example>
not a line of syslog
2026-01-01T00:00:03.123456+01:00 out1 postfix/smtpd[413]: 4XyB2S0aBcz2f: client=h.example[198.51.100.9]
2026-01-01T00:00:03.223456+01:00 out1 postfix/cleanup[412]: 4XyB2S0aBcz2f: message-id=<a3@sender.example>
"""
EXIM = """\
2026-01-01 00:00:01 1tSqAb-0003Xy-2Z <= b@sender.example H=host.example (helo) [198.51.100.7]:40112 I=[192.0.2.25]:587 P=esmtpsa X=TLS1.3 A=plain_login:fir S=1234 id=a1@sender.example
2026-01-01 00:00:02 1tSqAb-0003Xy-2Z => x@elsewhere.example R=dnslookup T=remote_smtp H=mx [203.0.113.5]
2026-01-01 01:00:03 +0100 1tSqAc-0003Xz-AB <= b@sender.example H=(x) [2001:db8:7::25] P=esmtp S=9 id=a2@sender.example
2026-01-01 00:00:04 1tSqAd-0003Xz-AB <= root@out1 U=root P=local S=9 id=local@out1
"""


@pytest.fixture
def known(waiting):
    async def read():
        async with waiting.house.database.reading() as connection:
            rows = await connection.execute(
                text("select relay, queue_id, message_id, login, client_ip, client_port from relay_mails order by id")
            )
            return [tuple(row) for row in rows]

    return read


async def test_postfix_lines_of_one_mail_belong_together_over_new_year_and_over_runs(run, known, tmp_path):
    file = tmp_path / "mail.log"
    first = POSTFIX.splitlines(keepends=True)
    file.write_text("".join(first[:1]))
    reader = Postfix(file, year=2025, zone=UTC)
    assert (await run(reader)).mails == 0
    file.write_text("".join(first[:1]))  # the same file, grown: opened for writing, it is still the same inode
    with file.open("a") as log:
        log.write("".join(first[1:]))
    assert (await run(reader)).mails == 3
    assert await known() == [
        ("out1", "4XyB2Q1zRtz2d", "a1@sender.example", "fir", "198.51.100.7", 40112),
        ("out1", "4XyB2R0aBcz2e", "a2@sender.example", None, "2001:db8:7::25", None),
        ("out1", "4XyB2S0aBcz2f", "a3@sender.example", None, "198.51.100.9", None),
    ]
    assert (await run(reader)).mails == 0


async def test_years_change_where_the_month_goes_back(tmp_path):
    file = tmp_path / "mail.log"
    file.write_text(POSTFIX)
    records = [r async for batch in Postfix(file, year=2025, zone=UTC).read({}) for r in batch.records]
    assert [r.at for r in records] == [
        datetime(2025, 12, 31, 23, 59, 58, tzinfo=UTC),
        datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC),
        datetime(2025, 12, 31, 23, 0, 3, 123456, tzinfo=UTC),
    ]


@pytest.mark.parametrize("make", [lambda file: Postfix(file, year=2025), lambda file: Exim(file, "out1")])
@pytest.mark.parametrize(
    "line",
    [POSTFIX.splitlines()[0], EXIM.splitlines()[0], POSTFIX.splitlines()[0].replace("Dec 31 23", "2026-01-01T00")],
)
async def test_times_without_a_zone_are_not_read_as_those_of_another(run, make, line, tmp_path):
    """A login that is an hour off is another customer's."""
    (tmp_path / "log").write_text(f"{line}\n")
    reader = make(tmp_path / "log")
    if ("postfix/" in line) != isinstance(reader, Postfix):
        assert (await run(reader)).mails == 0  # not its line
        return
    with pytest.raises(SourceError, match=r"log: its times have no zone; name the relay's in `time_zone`"):
        await run(reader)


async def test_times_without_a_zone_are_of_the_relays_zone(tmp_path):
    postfix, exim = tmp_path / "mail.log", tmp_path / "mainlog"
    postfix.write_text(POSTFIX)
    exim.write_text(EXIM)
    bucharest = ZoneInfo("Europe/Bucharest")
    times = [
        [r.at for batch in [b async for b in reader.read({})] for r in batch.records]
        for reader in (Postfix(postfix, None, 2025, bucharest), Exim(exim, "out1", bucharest))
    ]
    assert times[0][:2] == [
        datetime(2025, 12, 31, 21, 59, 58, tzinfo=UTC),
        datetime(2025, 12, 31, 22, 0, 1, tzinfo=UTC),
    ]
    assert times[1] == [datetime(2025, 12, 31, 22, 0, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 3, tzinfo=UTC)]


CLIENT = ("a1@sender.example", "fir", "203.0.113.8")
NO_LOGIN = ("a1@sender.example", None, "203.0.113.8")
CHOSEN = [
    # (what the client chose, Message-ID, login and client that were meant)
    ("b@x H=([198.51.100.5]) [203.0.113.8]:25 P=esmtpsa A=plain:fir S=1 id=a1@sender.example", CLIENT),
    ("b@x H=h.example ([198.51.100.5]) [203.0.113.8] P=esmtp S=1 id=a1@sender.example", NO_LOGIN),
    ("b@x H=[203.0.113.8] P=esmtpsa A=plain:fir S=1 id=a1@sender.example", CLIENT),
    ('"H=x [198.51.100.5] A=plain:victim id=v1"@x H=h [203.0.113.8] P=esmtp S=1 id=a1@sender.example', NO_LOGIN),
    ('"a \\" H=x [198.51.100.5] P=x A=plain:victim "@x H=h [203.0.113.8] P=esmtp S=1 id=a1@sender.example', NO_LOGIN),
    ('b@x H=h [203.0.113.8] P=esmtps X=TLS DN="CN=v A=plain:victim id=v1" S=1 id=a1@sender.example', NO_LOGIN),
    ("b@x H=h [203.0.113.8] P=esmtp S=1 id=A=plain:victim", ("A=plain:victim", None, "203.0.113.8")),
    ("b@x H=h [203.0.113.8] P=esmtp S=1 id=v1 A=plain:victim", ("v1", None, "203.0.113.8")),
    ('b@x H=h [203.0.113.8] P=esmtp S=1 T=" id=v1 A=plain:victim"', (None, None, "203.0.113.8")),
    ("<> H=h [203.0.113.8] P=esmtp S=1 id=a1@sender.example", NO_LOGIN),
]


@pytest.mark.parametrize(("rest", "meant"), CHOSEN, ids=[one[0][:40] for one in CHOSEN])
async def test_what_an_exim_client_chose_is_read_as_nothing_else(rest, meant, tmp_path):
    (tmp_path / "mainlog").write_text(f"2026-01-01 00:00:01 1tSqAb-0003Xy-2Z <= {rest}\n")
    (record,) = [r async for batch in Exim(tmp_path / "mainlog", "out1", UTC).read({}) for r in batch.records]
    assert (record.message_id, record.login, record.client_ip) == meant


async def test_exim_mainlog(run, known, tmp_path):
    file = tmp_path / "mainlog"
    file.write_text(EXIM)
    assert (await run(Exim(file, "out1.isp.example", UTC))).mails == 2
    assert await known() == [
        ("out1.isp.example", "1tSqAb-0003Xy-2Z", "a1@sender.example", "fir", "198.51.100.7", 40112),
        ("out1.isp.example", "1tSqAc-0003Xz-AB", "a2@sender.example", None, "2001:db8:7::25", None),
    ]


@pytest.mark.needs("exim")
async def test_exims_own_main_log(run, known):
    server = EximServer()
    try:
        server.hand_in("Message-ID: <real-1@sender.example>\n\nhello\n", login="fir")
        server.hand_in("Message-ID: <real-2@sender.example>\n\nhello\n")
        assert (await run(Exim(server.log, "out1.isp.example", UTC))).mails == 2
    finally:
        server.stop()
    rows = await known()
    assert [(r[0], r[2], r[3], r[4]) for r in rows] == [
        ("out1.isp.example", "real-1@sender.example", "fir", "127.0.0.1"),
        ("out1.isp.example", "real-2@sender.example", None, "127.0.0.1"),
    ]
    assert all(r[5] for r in rows), "the port, by log_selector"


@pytest.mark.needs("postfix")
async def test_postfix_own_log(run, known, postfix):
    with smtplib.SMTP("127.0.0.1", postfix.port) as client:
        client.sendmail("a@sender.example", ["abuse@example.net"], "Message-ID: <real-1@sender.example>\n\nhello\n")
    changes = await run(Postfix(postfix.base / "mail.log", zone=UTC))
    assert changes.mails >= 1
    assert ("real-1@sender.example", "127.0.0.1") in [(row[2], row[4]) for row in await known()]


async def test_a_report_about_our_relay_finds_the_login_in_its_log(run, waiting, named, tmp_path):
    await named("login", fir="alder")
    file = tmp_path / "mainlog"
    at = (INCIDENT - timedelta(minutes=1)).strftime("%Y-%m-%d %H:%M:%S")
    file.write_text(
        f"{at} 1tSqAb-0003Xy-2Z <= b@x H=h [203.0.113.8] P=esmtpsa A=plain:fir S=1 id=relayed-1@sender.example\n"
    )
    await run(Exim(file, "out1.isp.example", UTC))
    mail = arf("192.0.2.25")
    number = mail.split(b"Message-ID: <spam-")[1].split(b"@")[0]
    await waiting.take_in(mail.replace(b"<spam-" + number + b"@sender.example>", b"<relayed-1@sender.example>"))
    async with waiting.house.database.reading() as connection:
        (row,) = list(
            await connection.execute(text("select value, reason, account_id, confidence, how from attributions"))
        )
    assert (row.value, row.reason) == ("fir", "by-identifier")
    assert row.account_id is not None
    assert row.confidence > 0.9
    assert "our relay's log of this mail has the login" in row.how

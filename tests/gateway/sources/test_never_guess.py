"""Words that come late, are lost, or are the sender's own choose nobody's customer."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway import pipeline, sources
from gateway.connectors.sources.relay_logs import Postfix
from gateway.sources import run_reader
from gateway.store import customers, identifiers
from servers.waiting import INCIDENT, NOW, arf, waiting_house

KEA = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context\n"
ADDRESS = "198.51.100.200"
HOUR = timedelta(hours=1)
SINCE = INCIDENT - 24 * HOUR
WHEN = f"{INCIDENT:%a, %d %b %Y %H:%M:%S} +0000"
RADACCT = """CREATE TABLE radacct (radacctid INTEGER PRIMARY KEY AUTOINCREMENT, acctuniqueid varchar(32),
    username varchar(64), acctstarttime datetime, acctupdatetime datetime, acctstoptime datetime,
    callingstationid varchar(50), framedipaddress varchar(15) NOT NULL default '',
    framedipv6address varchar(45) NOT NULL default '', framedipv6prefix varchar(45) NOT NULL default '',
    delegatedipv6prefix varchar(45) NOT NULL default '')"""


def lease(start, last, *, seconds=864_000, state=0):
    machine = f"02:00:00:00:00:{last}" if last else ""
    return f"{ADDRESS},{machine},,{seconds},{int(start.timestamp()) + seconds},1,0,0,,{state},\n"


def block(start, end, state, machine):
    hardware = f"  hardware ethernet {machine};\n" if machine else ""
    times = f"  starts 5 {start:%Y/%m/%d %H:%M:%S};\n  ends 5 {end:%Y/%m/%d %H:%M:%S};\n"
    return f"lease {ADDRESS} {{\n{times}  binding state {state};\n{hardware}}}\n"


def packet(at, login, session):
    return (
        f'{at:%c}\n\tUser-Name = "{login}"\n\tAcct-Status-Type = Start\n\tAcct-Unique-Session-Id = "{session}"\n'
        f"\tFramed-IP-Address = {ADDRESS}\n\tTimestamp = {int(at.timestamp())}\n\n"
    )


def relayed(at, *lines, relay="192.0.2.25"):
    """A report about our relay, with Received lines below the reporter's own."""
    head, between, tail = arf(relay, at=at).partition(b"From: Great Offers")
    return head + "".join(f"{line}\r\n" for line in lines).encode() + between + tail


def message_id(mail):
    return "<spam-" + mail.split(b"Message-ID: <spam-")[1].split(b">")[0].decode() + ">"


def log_of(mail, queue_id="4XyB2Q1zRtz11", login=None, at=INCIDENT, client="203.0.113.5", relay="out1"):
    said = f", sasl_method=PLAIN, sasl_username={login}" if login else ""
    return (
        f"{at:%b %d %H:%M:%S} {relay} postfix/submission/smtpd[411]: {queue_id}: client=h[{client}]:1{said}\n",
        f"{at:%b %d %H:%M:%S} {relay} postfix/cleanup[412]: {queue_id}: message-id={message_id(mail)}\n",
    )


async def register(waiting, kind="login", **values):
    async with waiting.house.database.writing() as connection:
        rows = [
            {
                "kind": kind, "value": value.replace("__", "-").replace("_", ":"),
                "valid_from": NOW.replace(year=2020), "valid_to": None,
                "account_id": await customers.account_named(connection, name),
            }
            for value, name in values.items()
        ]  # fmt: skip
        await identifiers.write(connection, rows, origin="test", who="test", now=NOW)


async def read_at(waiting, time):
    waiting.time[0] = time
    assert await sources.run_due(waiting.house) == 1


async def holder_of_a_report_now(waiting, mail=None):
    waiting.time[0] = NOW
    await waiting.take_in(mail or arf(ADDRESS))
    (found,) = await waiting.ask(
        "select c.key from attributions a left join accounts o on o.id = a.account_id"
        " left join customers c on c.id = o.customer_id"
    )
    return found[0]


@pytest.mark.parametrize("kind", ["kea", "dhcpd"])
async def test_an_address_that_was_declined_is_the_former_clients_no_more(tmp_path, database_url, kind):
    file = tmp_path / "leases"
    first = KEA + lease(SINCE, "0a") if kind == "kea" else block(SINCE, NOW, "active", "02:00:00:00:00:0a")
    at = INCIDENT - HOUR
    then = lease(at, "", seconds=86400, state=1) if kind == "kea" else block(at, at, "abandoned", "")
    file.write_text(first)
    async with waiting_house(
        tmp_path, database_url, sources=[{"name": "dhcp", "kind": kind, "path": str(file)}]
    ) as made:
        await register(made, "subscriber", **{"02_00_00_00_00_0a": "alder"})
        await read_at(made, INCIDENT - 2 * HOUR)
        with file.open("a") as end:
            end.write(then)
        await read_at(made, NOW - HOUR)
        assert await holder_of_a_report_now(made) is None


@pytest.mark.parametrize("merged_before", [True, False])
async def test_an_old_clean_up_does_not_tell_what_was_lost_after_it(tmp_path, database_url, merged_before):
    file = tmp_path / "kea-leases4.csv"
    file.write_text(KEA + lease(SINCE, "0a"))
    merged = Path(f"{file}.2")
    merged.write_text(KEA + lease(SINCE, "0a"))
    then = (INCIDENT - (3 if merged_before else 1) * HOUR).timestamp()
    os.utime(merged, (then, then))
    async with waiting_house(
        tmp_path, database_url, sources=[{"name": "dhcp", "kind": "kea", "path": str(file)}]
    ) as made:
        await register(made, "subscriber", **{"02_00_00_00_00_0a": "alder"})
        await read_at(made, INCIDENT - 2 * HOUR)
        file.with_name("new").write_text(KEA)
        file.with_name("new").replace(file)
        await read_at(made, NOW - HOUR)
        assert await holder_of_a_report_now(made) == (None if merged_before else "alder")


@pytest.mark.parametrize("word", ["stop", "start"])
async def test_a_session_that_is_written_late_is_read(tmp_path, database_url, word):
    table = sqlite3.connect(tmp_path / "radius.db", isolation_level=None)
    table.execute(RADACCT)

    def started(login, at, address):
        row = (login, login, f"{at:%Y-%m-%d %H:%M:%S}", f"{at:%Y-%m-%d %H:%M:%S}", address)
        columns = "acctuniqueid, username, acctstarttime, acctupdatetime, framedipaddress"
        table.execute(f"insert into radacct({columns}) values(?,?,?,?,?)", row)

    started("alder-1", SINCE, ADDRESS)
    section = {"name": "radius", "kind": "radius-sql", "url": f"sqlite+aiosqlite:///{tmp_path / 'radius.db'}"}
    async with waiting_house(tmp_path, database_url, sources=[section]) as made:
        await register(made, alder__1="alder", birch__1="birch")
        started("other", INCIDENT - HOUR, "198.51.100.199")
        await read_at(made, INCIDENT - HOUR / 2)
        late = INCIDENT - 2 * HOUR
        if word == "stop":
            said = (f"{late:%Y-%m-%d %H:%M:%S}",) * 2
            table.execute("update radacct set acctstoptime=?, acctupdatetime=? where acctuniqueid='alder-1'", said)
        else:
            started("birch-1", late, ADDRESS)
        await read_at(made, NOW - HOUR)
        assert await holder_of_a_report_now(made) == {"stop": None, "start": "birch"}[word]
    table.close()


async def test_by_the_second_clock_it_was_nobodys(tmp_path, database_url):
    file = tmp_path / "detail"
    file.write_text(packet(SINCE, "newcomer", "1") + packet(INCIDENT - timedelta(minutes=1), "alder-1", "2"))
    section = {"name": "radius", "kind": "radius-detail", "path": str(file)}
    async with waiting_house(tmp_path, database_url, sources=[section]) as made:
        await register(made, alder__1="alder")
        await read_at(made, NOW - HOUR)
        early = f"{INCIDENT - timedelta(minutes=2):%a, %d %b %Y %H:%M:%S} +0000"
        mail = arf(ADDRESS).replace(
            f"<user@reader.example>; {WHEN}".encode(), f"<user@reader.example>; {early}".encode()
        )
        assert await holder_of_a_report_now(made, mail) is None


@pytest.mark.parametrize("forged", [True, False])
async def test_a_line_of_the_senders_own_names_no_port(waiting, forged):
    line = f"Received: from x (x.example [192.0.2.8]:1500) by any.example (Postfix) with ESMTP id AAAAA11111; {WHEN}"
    assert await holder_of_a_report_now(waiting, relayed(INCIDENT, *[line] * forged, relay="192.0.2.8")) is None


@pytest.mark.parametrize(
    ("with_log", "by"), [(True, "mail.sender.example"), (False, "mail.sender.example"), (True, "out1.isp.example")]
)
async def test_where_our_relay_writes_no_line_the_senders_is_not_taken_for_its_own(waiting, tmp_path, with_log, by):
    """The sender may know the relay's name; the relay's log knows better."""
    await register(waiting, fir="alder")
    line = f"Received: from x (x.example [198.51.100.70]) by {by} (Postfix) with ESMTP id AAAAA11111; {WHEN}"
    mail = relayed(INCIDENT, line)
    if with_log:
        (tmp_path / "mail.log").write_text("".join(log_of(mail, login="fir")))
        await run_reader(waiting.house, "out1", Postfix(tmp_path / "mail.log", None, 2026, UTC), "ann")
    assert await holder_of_a_report_now(waiting, mail) != "birch"


async def test_nor_is_the_login_in_such_a_line(waiting):
    await register(waiting, fir="alder")
    line = (
        "Received: from x (x.example [203.0.113.5]) (Authenticated sender: fir) by mail.sender.example (Postfix)"
        f" with ESMTPSA id AAAAA11111; {WHEN}"
    )
    assert await holder_of_a_report_now(waiting, relayed(INCIDENT, line)) is None


async def test_when_the_clocks_go_back_the_relays_own_line_knows_the_hour(tmp_path, database_url):
    moved, at = datetime(2026, 10, 25, 1, 0, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    file = tmp_path / "kea.csv"
    file.write_text(KEA + lease(moved - 24 * HOUR, "0a") + lease(moved, "0b"))
    line = "Received: by out1.isp.example (Postfix) with ESMTP id 4XyB2Q1zRtz11; Sun, 25 Oct 2026 03:30:00 +0200 (EET)"
    mail = relayed(at + timedelta(minutes=1), line)
    (tmp_path / "mail.log").write_text("".join(log_of(mail, at=at + 2 * HOUR, client=ADDRESS)))
    section = [{"name": "dhcp", "kind": "kea", "path": str(file)}]
    async with waiting_house(tmp_path, database_url, sources=section) as made:
        await register(made, "subscriber", **{"02_00_00_00_00_0a": "alder", "02_00_00_00_00_0b": "birch"})
        await read_at(made, NOW - HOUR)
        log = Postfix(tmp_path / "mail.log", None, 2026, ZoneInfo("Europe/Bucharest"))
        await run_reader(made.house, "out1", log, "ann")
        assert await holder_of_a_report_now(made, mail) == "birch"


async def test_a_log_that_goes_over_new_year_begins_in_the_year_before(waiting, tmp_path):
    await register(waiting, fir="alder")
    line = (
        f"Received: from h (h.example [203.0.113.5]) by out1.isp.example (Postfix) with ESMTP id 4XyB2Q1zRtz11; {WHEN}"
    )
    mail, log = relayed(INCIDENT, line), tmp_path / "mail.log"
    december, january = datetime(2025, 12, 28, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    other = arf()
    log.write_text("".join((*log_of(other, "AAAAA11111", at=december), *log_of(other, "AAAAA22222", at=january))))
    os.utime(log, (january.timestamp(),) * 2)
    await run_reader(waiting.house, "out1", Postfix(log, zone=UTC), "ann")
    with log.open("a") as end:
        end.writelines(log_of(mail, login="fir"))
    await run_reader(waiting.house, "out1", Postfix(log, zone=UTC), "ann")
    years = await waiting.ask("select at from relay_mails order by id")
    assert [str(at)[:4] for (at,) in years] == ["2025", "2026", "2026"]
    assert await holder_of_a_report_now(waiting, mail) == "alder"


async def test_two_relays_in_one_log_are_not_taken_for_each_other(waiting, tmp_path):
    await register(waiting, fir="alder", oak="birch")
    line = f"Received: from h (h.example [203.0.113.5]) by out1.isp.example (Postfix) with ESMTP id 3F2A1B77; {WHEN}"
    mail = relayed(INCIDENT, line)
    first, second = log_of(mail, "3F2A1B77", "fir"), log_of(arf(), "3F2A1B77", "oak", relay="out2")
    (tmp_path / "mail.log").write_text(first[0] + second[0] + first[1] + second[1])
    await run_reader(waiting.house, "relays", Postfix(tmp_path / "mail.log", None, 2026, UTC), "ann")
    assert await holder_of_a_report_now(waiting, mail) == "alder"


@pytest.mark.parametrize("moment", ["stopped in its last batch", "between attribution and filing"])
async def test_what_a_reading_brought_is_followed_up(tmp_path, database_url, monkeypatch, moment):
    file = tmp_path / "table.csv"
    file.write_text("customer,resource,valid_from\nalder,198.51.100.0/26,2026-11-03T00:00:00Z\n")
    section = [{"name": "csv", "kind": "csv", "path": str(file)}]
    async with waiting_house(tmp_path, database_url, sources=section) as made:
        if moment == "stopped in its last batch":
            await made.take_in(arf())
            made.house.stopping = True
            await sources.run_due(made.house)
            made.house.stopping = False
        else:
            look = pipeline.look_again

            async def meanwhile(*said):
                await look(*said)
                await sources.run_due(made.house)

            monkeypatch.setattr(pipeline, "look_again", meanwhile)
            await made.take_in(arf())
        made.time[0] += HOUR
        await sources.run_due(made.house)
        assert await made.ask("select count(*) from attributions where account_id is not null") == [(1,)]

"""Leases and sessions as FreeRADIUS, Kea, dhcpd and NetBox tell them, made assignments with their history."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse
from sqlalchemy import make_url

from gateway.attribution_sections import Source
from gateway.connectors.sources.contract import SourceError
from gateway.connectors.sources.leases import Dhcpd, Kea
from gateway.connectors.sources.radius import Detail, Radacct
from gateway.connectors.sources.tables import Table
from gateway.intake.customers import AssignmentRow
from gateway.sources import run as run_source
from gateway.store import assignments, customers, identifiers, source_runs
from servers.needs import RADIUS_SCHEMA
from servers.radius import FreeRadius
from servers.waiting import NOW, served

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ALDER_MAC, BIRCH_MAC = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
ADDRESS = "198.51.100.200"


def epoch(at):
    return int(at.timestamp())


# --- RADIUS ----------------------------------------------------------------------------


@pytest.mark.needs("freeradius")
async def test_freeradius_own_detail_file_start_interim_and_stop(run, named, holder):
    await named("login", fir="alder", birch_home="birch")
    server = FreeRadius()
    try:
        server.account(
            "Acct-Status-Type = Start", 'Acct-Session-Id = "s1"', 'User-Name = "fir"', "NAS-IP-Address = 192.0.2.250",
            f"Framed-IP-Address = {ADDRESS}", "Delegated-IPv6-Prefix = 2001:db8:7::/56",
        )  # fmt: skip
        first = await run(Detail(server.detail))
        assert (first.new, first.problems) == (2, [])
        started = datetime.now(UTC)
        assert await holder(ADDRESS, started + HOUR) == "alder"
        assert await holder("2001:db8:7:5::1", started + HOUR) == "alder"
        server.account(
            "Acct-Status-Type = Stop", 'Acct-Session-Id = "s1"', 'User-Name = "fir"', "NAS-IP-Address = 192.0.2.250",
            f"Framed-IP-Address = {ADDRESS}", "Delegated-IPv6-Prefix = 2001:db8:7::/56", "Acct-Session-Time = 0",
        )  # fmt: skip
        server.account(
            "Acct-Status-Type = Interim-Update", 'Acct-Session-Id = "s2"', 'User-Name = "nobody of ours"',
            f"Framed-IP-Address = {ADDRESS}", "Acct-Session-Time = 60",
        )  # fmt: skip
        second = await run(Detail(server.detail))
        assert (second.new, second.changed, second.unknown) == (0, 2, {"nobody of ours": 1})
        assert await holder(ADDRESS, started + HOUR) == "not-assigned-then"
    finally:
        server.stop()


RADACCT = """CREATE TABLE radacct (radacctid INTEGER PRIMARY KEY AUTOINCREMENT, acctsessionid varchar(64), acctuniqueid varchar(32),
username varchar(64), acctstarttime datetime, acctupdatetime datetime, acctstoptime datetime, callingstationid varchar(50),
framedipaddress varchar(15) NOT NULL default '', framedipv6address varchar(45) NOT NULL default '',
framedipv6prefix varchar(45) NOT NULL default '', delegatedipv6prefix varchar(45) NOT NULL default '')"""


async def test_freeradius_table_is_read_on_where_it_changed(run, named, holder, tmp_path):
    await named("login", fir="alder", ivy="birch")
    table = sqlite3.connect(tmp_path / "radius.db", isolation_level=None)
    table.execute(RADACCT)
    table.execute(
        "insert into radacct (acctuniqueid, username, acctstarttime, acctupdatetime, framedipaddress) values"
        f" ('u1', 'fir', '2026-11-19 10:00:00', '2026-11-19 10:00:00', '{ADDRESS}')"
    )
    reader = Radacct(f"sqlite+aiosqlite:///{tmp_path}/radius.db")
    assert (await run(reader)).new == 1
    again = await run(reader)
    assert (again.new, again.changed, again.unchanged) == (0, 0, 1), "only the last second is read again"
    table.execute("update radacct set acctstoptime = '2026-11-19 12:00:00' where acctuniqueid = 'u1'")
    table.execute(
        "insert into radacct (acctuniqueid, username, acctstarttime, acctupdatetime, framedipaddress) values"
        f" ('u2', 'ivy', '2026-11-19 12:30:00', '2026-11-19 12:30:00', '{ADDRESS}')"
    )
    then = await run(reader)
    assert (then.new, then.changed) == (1, 1)
    table.close()
    assert await holder(ADDRESS, datetime(2026, 11, 19, 11, tzinfo=UTC)) == "alder"
    assert await holder(ADDRESS, datetime(2026, 11, 19, 12, 10, tzinfo=UTC)) == "not-assigned-then"
    assert await holder(ADDRESS, datetime(2026, 11, 19, 13, tzinfo=UTC)) == "birch"


@pytest.fixture
def radius_tables(postgres):
    """A database of PostgreSQL with FreeRADIUS's own tables, and a connection to ask it by."""
    url = postgres.create()

    async def made():
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        await connection.execute(RADIUS_SCHEMA.read_text())
        await connection.close()

    asyncio.run(made())
    yield url
    postgres.drop(url)


@pytest.mark.needs("freeradius-sql")
async def test_freeradius_fills_its_table_in_postgresql_and_it_is_read_on(run, named, holder, radius_tables):
    await named("login", fir="alder", ivy="birch")
    place = make_url(radius_tables)
    server = FreeRadius((place.port, place.database))
    reader = Radacct(radius_tables)
    session = ('User-Name = "fir"', "NAS-IP-Address = 192.0.2.250", f"Framed-IP-Address = {ADDRESS}")
    more = ("Framed-IPv6-Address = 2001:db8:7::9", "Delegated-IPv6-Prefix = 2001:db8:8::/56")
    try:
        server.account("Acct-Status-Type = Start", 'Acct-Session-Id = "s1"', *session, *more)
        started = datetime.now(UTC)
        assert (await run(reader)).new == 3
        for address in (ADDRESS, "2001:db8:7::9", "2001:db8:8:5::1"):
            assert await holder(address, started + HOUR) == "alder"
        assert (await run(reader)).new == 0
        server.account(
            "Acct-Status-Type = Stop", 'Acct-Session-Id = "s1"', *session, *more, "Acct-Session-Time = 0"
        )  # fmt: skip
        server.account(
            "Acct-Status-Type = Start", 'Acct-Session-Id = "s2"', 'User-Name = "ivy"', "NAS-IP-Address = 192.0.2.250",
            "Framed-IP-Address = 198.51.100.201",
        )  # fmt: skip
        then = await run(reader)
        assert (then.new, then.changed, then.problems) == (1, 3, [])
        assert await holder(ADDRESS, started + HOUR) == "not-assigned-then"
        assert await holder("198.51.100.201", started + HOUR) == "birch"
    finally:
        server.stop()


async def test_a_database_that_is_not_there_is_told_in_one_line(run, waiting, tmp_path):
    with pytest.raises(SourceError, match="RADIUS database"):
        await run(Radacct(f"sqlite+aiosqlite:///{tmp_path}/none/radius.db"))
    async with waiting.house.database.reading() as connection:
        state = (await source_runs.states(connection, NOW))["test"]
    assert "RADIUS database" in state.error
    assert state.last_good is None


# --- DHCP ------------------------------------------------------------------------------

KEA = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context"


def kea_row(mac, start, seconds=3600, state=0, address=ADDRESS):
    return f"{address},{mac},,{seconds},{epoch(start) + seconds},1,0,0,,{state},"


T = datetime(2026, 11, 19, 10, tzinfo=UTC)


async def test_kea_leases_renewed_moved_and_reclaimed(run, named, holder, tmp_path):
    await named(**{ALDER_MAC.replace(":", "_"): "alder", BIRCH_MAC.replace(":", "_"): "birch"})
    file = tmp_path / "kea-leases4.csv"
    file.write_text("\n".join([KEA, kea_row(ALDER_MAC, T), kea_row(ALDER_MAC, T + HOUR / 2), ""]))
    first = await run(Kea(file))
    assert (first.new, first.changed) == (1, 1), "a renewal joins the lease"
    with file.open("a") as log:
        log.write(kea_row(ALDER_MAC, T + HOUR, 0) + "\n")  # released
        log.write(kea_row(BIRCH_MAC, T + HOUR, 7200) + "\n")
    second = await run(Kea(file))
    assert (second.new, second.ended) == (1, 1)
    assert await holder(ADDRESS, T + HOUR - timedelta(seconds=1)) == "alder"
    assert await holder(ADDRESS, T + HOUR) == "birch"
    assert await holder(ADDRESS, T + 4 * HOUR) == "not-assigned-then", "a lease ends with its time"
    assert (await run(Kea(file))).new == 0


@pytest.mark.needs("kea")
async def test_the_file_that_keas_own_lease_cleanup_wrote(run, named, holder, tmp_path):
    await named(**{ALDER_MAC.replace(":", "_"): "alder", BIRCH_MAC.replace(":", "_"): "birch"})
    rows = [kea_row(ALDER_MAC, T), kea_row(ALDER_MAC, T + HOUR / 2), kea_row(BIRCH_MAC, T, address="198.51.100.201")]
    (tmp_path / "leases.csv.1").write_text("\n".join([KEA, *rows, ""]))
    program = shutil.which("kea-lfc", path="/usr/sbin:/usr/bin")
    names = {
        flag: str(tmp_path / f"leases.csv{end}")
        for flag, end in {"x": ".2", "i": ".1", "o": ".output", "f": ".completed", "p": ".pid"}.items()
    }
    arguments = [part for flag, name in names.items() for part in (f"-{flag}", name)]
    done = subprocess.run(
        [program, "-4", "-c", str(tmp_path / "ignored"), *arguments], capture_output=True, check=False
    )
    written = tmp_path / "leases.csv.2"
    assert written.exists(), done.stderr.decode() + done.stdout.decode()
    changes = await run(Kea(written))
    assert (changes.new, changes.problems) == (2, [])
    assert await holder(ADDRESS, T + HOUR) == "alder"
    assert await holder("198.51.100.201", T + HOUR / 2) == "birch"


DHCPD = """\
# The format of this file is documented in the dhcpd.leases(5) manual page.
lease {address} {{
  starts 4 2026/11/19 10:00:00;
  ends 4 2026/11/19 12:00:00;
  cltt 4 2026/11/19 10:00:00;
  binding state active;
  next binding state free;
  hardware ethernet {alder};
  client-hostname "spring";
}}
lease {address} {{
  starts 4 2026/11/19 10:00:00;
  ends 4 2026/11/19 11:00:00;
  binding state free;
  hardware ethernet {alder};
}}
lease {address} {{
  starts epoch 1795089600; # Thu Nov 19 12:00:00 2026
  ends never;
  binding state active;
  hardware ethernet {birch};
}}
"""


@pytest.fixture
def dhcpd_file(tmp_path):
    file = tmp_path / "dhcpd.leases"
    file.write_text(DHCPD.format(address=ADDRESS, alder=ALDER_MAC, birch=BIRCH_MAC))
    return file


async def test_dhcpd_leases_the_later_block_follows_the_earlier(run, named, holder, dhcpd_file):
    await named(**{ALDER_MAC.replace(":", "_"): "alder", BIRCH_MAC.replace(":", "_"): "birch"})
    changes = await run(Dhcpd(dhcpd_file))
    assert changes.problems == []
    assert await holder(ADDRESS, T + HOUR / 2) == "alder"
    assert await holder(ADDRESS, T + 1.5 * HOUR) == "not-assigned-then", "it was given back before its time"
    assert await holder(ADDRESS, T + 30 * DAY) == "birch"


@pytest.mark.needs("dhcpd")
def test_the_sample_is_what_dhcpd_itself_reads(dhcpd_file, tmp_path):
    (tmp_path / "dhcpd.conf").write_text(
        "subnet 198.51.100.0 netmask 255.255.255.0 { range 198.51.100.200 198.51.100.210; }\n"
    )
    program = shutil.which("dhcpd", path="/usr/sbin:/usr/bin")
    command = [program, "-T", "-cf", str(tmp_path / "dhcpd.conf"), "-lf", str(dhcpd_file)]
    done = subprocess.run(command, capture_output=True, check=False)
    assert b"corrupt" not in done.stderr
    assert done.returncode == 0, done.stderr.decode()


# --- NetBox ----------------------------------------------------------------------------


def prefix(number, text, tenant, changed, status="active"):
    """As NetBox 4 answers, shortened to what is used and a little more."""
    return {
        "id": number, "url": f"/api/ipam/prefixes/{number}/", "prefix": text, "family": {"value": 4, "label": "IPv4"},
        "tenant": {"id": 5, "name": tenant, "slug": tenant} if tenant else None, "vrf": None,
        "status": {"value": status, "label": status.title()}, "created": "2025-01-01T00:00:00Z", "last_updated": changed,
    }  # fmt: skip


class Recorded:
    """A NetBox with recorded answers, over real HTTP."""

    def __init__(self) -> None:
        self.rows: list[dict] = []
        self.asked: list[Request] = []
        self.app = FastAPI()
        self.app.get("/api/ipam/prefixes/")(self.prefixes)
        self.app.get("/api/ipam/{kind}/")(self.nothing)

    async def prefixes(self, request: Request):
        self.asked.append(request)
        since = request.query_params.get("last_updated__gte", "")
        last, limit = int(request.query_params["id__gt"]), min(int(request.query_params["limit"]), 2)
        rows = [row for row in self.rows if row["last_updated"] >= since and row["id"] > last]
        return {"count": len(rows), "next": "more" if rows[limit:] else None, "previous": None, "results": rows[:limit]}

    async def nothing(self, kind: str):
        return {"count": 0, "next": None, "previous": None, "results": []}


def netbox_settings(base: str) -> Source:
    place = base.removeprefix("http://")
    return Source(name="netbox", kind="netbox", url=base, token="t0k3n", private_hosts=(place,))


async def test_netbox_pages_token_what_changed_and_history(waiting, holder):
    recorded = Recorded()
    recorded.rows = [prefix(n, f"198.51.100.{128 + n * 8}/29", "alder", "2026-01-01T00:00:00Z") for n in range(1, 6)]
    async with served(recorded.app) as base:
        first = await run_source(waiting.house, netbox_settings(base), "ann")
        assert (first.new, first.problems) == (5, [])
        assert recorded.asked[0].headers["authorization"] == "Token t0k3n"
        recorded.rows[0] = prefix(1, "198.51.100.136/29", "birch", "2026-11-01T00:00:00Z")
        recorded.rows[1] = prefix(2, "198.51.100.144/29", None, "2026-11-02T00:00:00Z")
        asked = len(recorded.asked)
        second = await run_source(waiting.house, netbox_settings(base), "ann")
        assert recorded.asked[asked].query_params["last_updated__gte"] == "2026-01-01T00:00:00Z"
        assert (second.new, second.ended) == (1, 2)
    assert await holder("198.51.100.137", datetime(2026, 10, 1, tzinfo=UTC)) == "alder"
    assert await holder("198.51.100.137", NOW) == "birch"
    assert await holder("198.51.100.145", NOW) == "not-assigned-then"
    assert await holder("198.51.100.153", NOW) == "alder"


async def test_netbox_what_was_deleted_or_renumbered_ends_within_a_day_and_what_comes_back_begins_anew(waiting, holder):
    recorded = Recorded()
    recorded.rows = [prefix(n, f"198.51.100.{128 + n * 8}/29", "alder", "2026-01-01T00:00:00Z") for n in range(1, 6)]
    async with served(recorded.app) as base:

        async def later(**time):
            waiting.time[0] += timedelta(**time)
            return await run_source(waiting.house, netbox_settings(base), "ann")

        await later()
        gone = recorded.rows.pop(0)
        recorded.rows[0] = prefix(2, "198.51.100.64/29", "alder", "2026-11-20T12:30:00Z")
        assert ((await later(hours=1)).ended, await holder("198.51.100.137", waiting.time[0])) == (1, "alder")
        assert await holder("198.51.100.145", waiting.time[0]) == "not-assigned-then", "it has another number now"
        assert (await later(hours=24)).ended == 1
        swept = waiting.time[0]
        assert await holder("198.51.100.137", swept) == "not-assigned-then"
        assert await holder("198.51.100.137", swept - HOUR) == "alder"
        assert await holder("198.51.100.153", swept) == "alder"
        recorded.rows.append(gone | {"tenant": {"slug": "birch"}, "last_updated": f"{swept + HOUR:%Y-%m-%dT%H:%M:%SZ}"})
        await later(hours=2)
        back = prefix(1, "198.51.100.136/29", "alder", f"{swept + 3 * HOUR:%Y-%m-%dT%H:%M:%SZ}")
        recorded.rows[-1] = back
        await later(hours=2)
        await later(hours=30)
    times = [await holder("198.51.100.137", swept + n * HOUR) for n in (0.5, 1.5, 3.5, 30)]
    assert times == ["not-assigned-then", "birch", "alder", "alder"]


async def test_netbox_that_shows_much_less_than_before_ends_nothing(waiting, holder):
    recorded = Recorded()
    recorded.rows = [prefix(n, f"198.51.100.{n}/32", "alder", "2026-01-01T00:00:00Z") for n in range(1, 30)]
    async with served(recorded.app) as base:
        await run_source(waiting.house, netbox_settings(base), "ann")
        recorded.rows = recorded.rows[:5]
        waiting.time[0] += DAY
        changes = await run_source(waiting.house, netbox_settings(base), "ann")
    assert (changes.ended, changes.problems) == (0, ["netbox: 24 of 29 are there no longer; none was ended: look why"])
    assert await holder("198.51.100.20", waiting.time[0]) == "alder"


async def test_netbox_that_redirects_never_gets_the_token_elsewhere(waiting):
    app, asked = FastAPI(), []

    @app.get("/api/ipam/{kind}/")
    async def away(kind: str, request: Request):
        asked.append(str(request.url))
        return RedirectResponse("http://elsewhere.example/")

    async with served(app) as base:
        with pytest.raises(SourceError, match="redirects"):
            await run_source(waiting.house, netbox_settings(base), "ann")
    assert len(asked) == 1


# --- tables, and what all have in common -----------------------------------------------

HEAD = "customer,account,resource,port_first,port_last,valid_from,valid_to,use,ref,kind,value\n"


async def test_a_csv_with_ports_identifiers_and_a_bad_row(run, waiting, holder, tmp_path):
    file = tmp_path / "held.csv"
    file.write_text(
        HEAD
        + f"alder,,{ADDRESS},1024,2047,2026-01-01T00:00:00Z,,,,,\n"
        + f"birch,,{ADDRESS},2048,4095,2026-01-01T00:00:00Z,,,,,\n"
        + "alder,,not an address,,,2026-01-01T00:00:00Z,,,,,\n"
        + "birch,,,,,2026-01-01T00:00:00Z,,,,dkim-domain,Birch.Example\n"
        + "stranger,,198.51.100.9,,,2026-01-01T00:00:00Z,,,,,\n"
    )
    changes = await run(Table(file, "csv"))
    assert (changes.new, changes.identifiers, changes.unknown) == (2, 1, {"stranger": 1})
    (problem,) = changes.problems
    assert "held.csv, line 4: column resource: 'not an address'" in problem
    assert await holder(ADDRESS, NOW, 3000) == "birch"
    assert await holder(ADDRESS, NOW) == "shared-address"
    async with waiting.house.database.reading() as connection:
        network = await waiting.house.network(connection)
        assert len(network.identifiers.holders("dkim-domain", "mail.birch.example", NOW)) == 1


async def test_json_lines(run, holder, tmp_path):
    file = tmp_path / "held.jsonl"
    file.write_text(
        '{"customer": "alder", "resource": "198.51.100.200", "valid_from": "2026-01-01T00:00:00Z"}\n{no\n[]\n'
    )
    changes = await run(Table(file, "jsonl"))
    assert (changes.new, len(changes.problems)) == (1, 2)
    assert await holder(ADDRESS, NOW) == "alder"


async def test_a_table_that_says_otherwise_than_before_is_followed(run, holder, tmp_path):
    file = tmp_path / "held.csv"

    async def said(*rows):
        file.write_text(HEAD + "".join(f"{row}\n" for row in rows))
        await run(Table(file, "csv"))
        again = await run(Table(file, "csv"))
        assert not again.anything, "a second reading changes nothing"
        return [await holder(ADDRESS, at) for at in (march, NOW)]

    march = datetime(2026, 3, 10, tzinfo=UTC)
    begins = f"{ADDRESS},,,2026-01-01T00:00:00Z"
    assert await said(f"alder,,{begins},,,,,") == ["alder", "alder"]
    assert await said(f"alder,,{begins},2026-05-01T00:00:00Z,,,,") == ["alder", "not-assigned-then"]
    assert await said(f"alder,,{begins},2026-02-01T00:00:00Z,,,,") == ["not-assigned-then", "not-assigned-then"]
    assert await said(f"alder,,{begins},,shared,,,") == ["shared-address", "shared-address"]
    assert await said(f"birch,,{begins},,,,,") == ["birch", "birch"], "it never was the other's"
    later = f"alder,,{ADDRESS},,,2026-03-20T00:00:00Z,,,,,"
    assert await said(f"birch,,{begins},,,,,", later) == ["birch", "alder"]
    assert await said(f"birch,,{begins},2026-03-01T00:00:00Z,,,,", later) == ["not-assigned-then", "alder"]


async def test_two_rows_of_one_table_that_contradict_each_other_attribute_nobody(run, holder, tmp_path):
    file = tmp_path / "held.csv"
    rows = [f"{one},,{ADDRESS},,,2026-01-01T00:00:00Z,,,,,\n" for one in ("alder", "birch")]
    for order in (rows, rows[:1], rows, rows[::-1]):
        file.write_text(HEAD + "".join(order))
        changes = await run(Table(file, "csv"))
        if len(order) == 2:
            assert await holder(ADDRESS, NOW) == "shared-address"
    assert not changes.anything


async def test_the_same_leases_read_again_bring_nothing_back(run, named, holder, tmp_path):
    await named(**{ALDER_MAC.replace(":", "_"): "alder", BIRCH_MAC.replace(":", "_"): "birch"})
    rows = [kea_row(ALDER_MAC, T, 7200), kea_row(BIRCH_MAC, T + HOUR, 1800), kea_row(ALDER_MAC, T + 2 * HOUR)]
    times = [T + n * HOUR for n in (0.5, 1.25, 1.75, 2.5)]
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        file = tmp_path / name / "kea-leases4.csv"
        file.write_text("\n".join([KEA, *rows, ""]))
        changes = await run(Kea(file))
        assert [await holder(ADDRESS, at) for at in times] == ["alder", "birch", "not-assigned-then", "alder"]
    assert (changes.new, changes.changed, changes.ended) == (0, 0, 0)


async def test_a_subscriber_is_whose_it_was_when_the_lease_began_and_never_two_accounts(run, waiting, holder, tmp_path):
    moved = T + 12 * HOUR
    async with waiting.house.database.writing() as connection:
        alder, birch = [await customers.account_named(connection, name) for name in ("alder", "birch")]
        had = [
            ("subscriber", ALDER_MAC, alder, T - DAY, moved), ("subscriber", ALDER_MAC, birch, moved, None),
            ("subscriber", BIRCH_MAC, birch, moved, None),  # written down late
            ("subscriber", "02:00:00:00:00:0c", alder, T - DAY, None), ("login", "02:00:00:00:00:0c", birch, T - DAY, None),
            ("subscriber", "02:00:00:00:00:0d", alder, T - DAY, T), ("login", "elder", birch, T - DAY, None),
        ]  # fmt: skip
        rows = [dict(zip(("kind", "value", "account_id", "valid_from", "valid_to"), one, strict=True)) for one in had]
        await identifiers.write(connection, rows, origin="test", who="test", now=NOW)
    names = [ALDER_MAC, BIRCH_MAC, "02:00:00:00:00:0c", "02:00:00:00:00:0d", "elder"]
    leases = [kea_row(name, T, address=f"198.51.100.{200 + n}") for n, name in enumerate(names)]
    file = tmp_path / "kea-leases4.csv"
    file.write_text("\n".join([KEA, *leases, kea_row(ALDER_MAC, moved, address="198.51.100.210"), ""]))
    changes = await run(Kea(file))
    found = [await holder(f"198.51.100.{200 + n}", T) for n in range(5)]
    assert found == ["alder", "birch", "not-ours", "not-ours", "birch"]
    assert await holder("198.51.100.210", moved) == "birch"
    assert changes.unknown == {"02:00:00:00:00:0c": 1, "02:00:00:00:00:0d": 1}


async def test_a_second_run_changes_nothing_and_the_report_is_kept(run, waiting, tmp_path):
    file = tmp_path / "held.csv"
    file.write_text(HEAD + f"alder,,{ADDRESS},,,2026-01-01T00:00:00Z,,,,,\n")
    assert (await run(Table(file, "csv"))).new == 1
    again = await run(Table(file, "csv"))
    assert (again.new, again.changed, again.ended, again.unchanged) == (0, 0, 0, 1)
    async with waiting.house.database.reading() as connection:
        (last, first) = await source_runs.history(connection, "test")
    assert (last.report["unchanged"], last.report["new"], last.error, last.who) == (1, 0, None, "ann")
    assert first.report["new"] == 1


async def test_a_manual_entry_beats_the_imported_one(run, waiting, holder, tmp_path):
    file = tmp_path / "held.csv"
    file.write_text(HEAD + f"alder,,{ADDRESS},,,2026-01-01T00:00:00Z,,,,,\n")
    async with waiting.house.database.writing() as connection:
        birch = await customers.account_named(connection, "birch")
        number = int.from_bytes(bytes((198, 51, 100, 200)))
        row = AssignmentRow("birch", "main", ADDRESS, 4, number, number, None, None, NOW - 30 * DAY, None, 0)
        await assignments.add(connection, row, birch, origin="manual", who="ann", now=NOW)
    changes = await run(Table(file, "csv"))
    assert (changes.new, changes.kept_by_hand, changes.differing) == (1, 1, [])
    assert await holder(ADDRESS, NOW) == "birch"
    assert await holder(ADDRESS, NOW - 60 * DAY) == "alder"


async def test_two_sources_that_differ_are_told_and_attribute_nobody(run, holder, tmp_path):
    for name, customer in (("one", "alder"), ("two", "birch")):
        file = tmp_path / f"{name}.csv"
        file.write_text(HEAD + f"{customer},,{ADDRESS},,,2026-01-01T00:00:00Z,,,,,\n")
        changes = await run(Table(file, "csv"), name)
    assert changes.differing == [f"{ADDRESS} from 2026-01-01 00:00Z: one has another holder"]
    assert await holder(ADDRESS, NOW) == "shared-address"


async def test_a_run_that_died_goes_on_behind_its_last_batch(run, named, holder, tmp_path, monkeypatch):
    await named(**{ALDER_MAC.replace(":", "_"): "alder"})
    monkeypatch.setattr("gateway.connectors.sources.contract.BATCH", 2)
    file = tmp_path / "kea-leases4.csv"
    rows = [kea_row(ALDER_MAC, T, address=f"198.51.100.{n}") for n in range(200, 205)]
    file.write_text("\n".join([KEA, *rows, ""]))

    class Dies(Kea):
        async def read(self, position):
            async for batch in super().read(position):
                yield batch
                raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        await run(Dies(file))
    assert (await run(Kea(file))).new == 3
    assert [await holder(f"198.51.100.{n}", T) for n in range(200, 205)] == ["alder"] * 5


async def test_a_rotated_file_is_read_from_its_beginning_and_doubles_nothing(run, named, tmp_path):
    await named(**{ALDER_MAC.replace(":", "_"): "alder"})
    file = tmp_path / "kea-leases4.csv"
    file.write_text("\n".join([KEA, kea_row(ALDER_MAC, T), ""]))
    assert (await run(Kea(file))).new == 1
    file.rename(tmp_path / "old")
    file.write_text("\n".join([KEA, kea_row(ALDER_MAC, T), kea_row(ALDER_MAC, T, address="198.51.100.201"), ""]))
    changes = await run(Kea(file))
    assert (changes.new, changes.unchanged) == (1, 1)

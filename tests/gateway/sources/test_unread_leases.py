"""What happened after the last reading of an address's leases waits for the next: nobody is blamed for a lease that
ended unseen."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway import queue_acts, queue_rules, sources
from gateway.cli import build
from gateway.connectors.sources.contract import Batch, Lease
from gateway.connectors.sources.tables import Table
from gateway.holdings import Holdings
from gateway.store import customers, identifiers, queue
from servers.waiting import INCIDENT, NOW, arf, waiting_house

KEA = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context\n"
ADDRESS = "198.51.100.200"
HOUR = timedelta(hours=1)


def lease(start, last, *, seconds=864_000):
    """Of ADDRESS to the machine whose address ends in `last`."""
    return f"{ADDRESS},02:00:00:00:00:{last},,{seconds},{int(start.timestamp()) + seconds},1,0,0,,0,\n"


@pytest.fixture
async def leased(tmp_path, database_url):
    """A house that reads Kea's leases every 15 minutes; alder has ADDRESS since a day before the incident."""
    file = tmp_path / "kea-leases4.csv"
    file.write_text(KEA + lease(INCIDENT - 24 * HOUR, "0a"))
    section = [{"name": "dhcp", "kind": "kea", "path": str(file)}]
    async with waiting_house(tmp_path, database_url, sources=section) as waiting:
        yield waiting, file


@pytest.fixture
def waiting(leased):
    return leased[0]


async def read_at(waiting, time):
    waiting.time[0] = time
    assert await sources.run_due(waiting.house) == 1


async def placed(waiting):
    return await waiting.ask(
        "select a.reason, a.queue, c.key from attributions a left join accounts o on o.id = a.account_id"
        " left join customers c on c.id = o.customer_id"
    )


async def test_what_happened_before_the_last_reading_is_placed_at_once(leased, named):
    waiting, _ = leased
    await named(**{"02_00_00_00_00_0a": "alder"})
    await read_at(waiting, INCIDENT + HOUR)
    waiting.time[0] = NOW
    await waiting.take_in(arf(ADDRESS))
    assert await placed(waiting) == [("assigned", None, "alder")]


@pytest.mark.parametrize(("moved", "holder"), [(True, "birch"), (False, "alder")])
async def test_what_happened_later_is_placed_by_the_next_reading(leased, named, moved, holder):
    waiting, file = leased
    await named(**{"02_00_00_00_00_0a": "alder", "02_00_00_00_00_0b": "birch"})
    await read_at(waiting, INCIDENT - HOUR)
    waiting.time[0] = NOW
    await waiting.take_in(arf(ADDRESS))
    assert await placed(waiting) == [("leases-unread", "snoozed", None)]
    assert await waiting.ask("select count(*) from cases") == [(0,)]
    if moved:
        with file.open("a") as end:
            end.write(lease(INCIDENT - HOUR / 2, "0b"))
    await read_at(waiting, NOW + HOUR / 4)
    assert await placed(waiting) == [("assigned", "assigned", holder)]
    assert await waiting.ask("select count(*) from cases") == [(1,)]


@pytest.mark.parametrize(("moved", "holder"), [(True, "birch"), (False, "alder")])
async def test_a_report_that_is_merely_counted_counts_after_the_next_reading(leased, named, moved, holder):
    waiting, file = leased
    await named(**{"02_00_00_00_00_0a": "alder", "02_00_00_00_00_0b": "birch"})
    await read_at(waiting, INCIDENT - HOUR)
    waiting.time[0] = NOW
    click = arf(ADDRESS).replace(b"Feedback-Type: abuse", b"Feedback-Type: not-spam")
    await waiting.take_in(click)
    assert await placed(waiting) == [("leases-unread", "counted", None)]
    (entry,) = await waiting.ask("select id from attributions")
    with pytest.raises(queue_rules.QueueError, match="no entry"):
        await queue_acts.entry(waiting.house, entry[0])
    if moved:
        with file.open("a") as end:
            end.write(lease(INCIDENT - HOUR / 2, "0b"))
    await read_at(waiting, NOW + HOUR / 4)
    assert await placed(waiting) == [("assigned", None, holder)]
    assert await waiting.ask("select count(*) from cases") == [(0,)]
    assert await waiting.ask("select count(*) from notices") == [(0,)]


async def test_what_is_older_than_any_rate_looks_back_is_waited_for_no_longer(leased, named):
    waiting, _ = leased
    await named(**{"02_00_00_00_00_0a": "alder"})
    await read_at(waiting, INCIDENT - HOUR)
    waiting.time[0] = NOW
    await waiting.take_in(arf(ADDRESS).replace(b"Feedback-Type: abuse", b"Feedback-Type: not-spam"))
    await read_at(waiting, NOW + timedelta(days=61))
    assert await placed(waiting) == [("leases-unread", None, None)]


async def test_when_no_reading_comes_within_an_hour_staff_see_it_with_who_had_it(leased, named):
    waiting, _ = leased
    await named(**{"02_00_00_00_00_0a": "alder"})
    await read_at(waiting, INCIDENT - HOUR)
    waiting.time[0] = NOW
    await waiting.take_in(arf(ADDRESS))
    waiting.time[0] = NOW + HOUR - timedelta(seconds=1)
    await queue_acts.wake(waiting.house)
    assert await placed(waiting) == [("leases-unread", "snoozed", None)]
    waiting.time[0] = NOW + HOUR
    await queue_acts.wake(waiting.house)
    async with waiting.house.database.reading() as connection:
        (group,) = await queue.groups(connection)
    assert (group.entry.reason, group.entry.candidates[0].account) == ("leases-unread", "alder")
    assert "the leases of dhcp were read as of" in group.entry.how


async def test_a_reading_that_failed_counts_for_nothing(leased, named):
    waiting, file = leased
    await named(**{"02_00_00_00_00_0a": "alder"})
    await read_at(waiting, INCIDENT - HOUR)
    file.rename(file.with_suffix(".away"))
    await read_at(waiting, INCIDENT + HOUR)
    waiting.time[0] = NOW
    await waiting.take_in(arf(ADDRESS))
    assert await placed(waiting) == [("leases-unread", "snoozed", None)]


async def test_a_minute_is_left_to_the_system_to_write_it_down(leased, named):
    waiting, _ = leased
    await named(**{"02_00_00_00_00_0a": "alder"})
    await read_at(waiting, INCIDENT + timedelta(seconds=59))
    waiting.time[0] = NOW
    await waiting.take_in(arf(ADDRESS))
    assert await placed(waiting) == [("leases-unread", "snoozed", None)]


def test_who_asks_whose_it_was_is_told_that_it_may_not_be_known_yet(tmp_path):
    file = tmp_path / "kea-leases4.csv"
    file.write_text(KEA + lease(INCIDENT - 24 * HOUR, "0a"))
    section = [{"name": "dhcp", "kind": "kea", "path": str(file)}]

    async def once():
        url = f"sqlite+aiosqlite:///{tmp_path / 'arfgate.db'}"
        async with waiting_house(tmp_path, url, sources=section) as made:
            row = {"kind": "subscriber", "value": "02:00:00:00:00:0a", "valid_from": NOW.replace(year=2020)}
            async with made.house.database.writing() as connection:
                row |= {"account_id": await customers.account_named(connection, "alder"), "valid_to": None}
                await identifiers.write(connection, [row], origin="test", who="test", now=NOW)
            made.time[0] = INCIDENT
            await sources.run_due(made.house)

    asyncio.run(once())

    def said(time):
        words = [
            "assignment",
            "at",
            ADDRESS,
            "--time",
            f"{time:%Y-%m-%dT%H:%M}",
            "--config",
            str(tmp_path / "arfgate.toml"),
        ]
        return CliRunner().invoke(build("assignment"), words).output

    assert "alder" in said(INCIDENT - HOUR)
    assert "waits for the next reading" not in said(INCIDENT - HOUR)
    assert "the leases of dhcp are read as of" in said(INCIDENT)


def released(at):
    """ADDRESS is given back by alder's machine."""
    return f"{ADDRESS},02:00:00:00:00:0a,,0,{int(at.timestamp())},1,0,0,,0,\n"


def packet(at, login, status="Start", session="1", address=ADDRESS):
    return (
        f'{at:%c}\n\tUser-Name = "{login}"\n\tAcct-Status-Type = {status}\n\tAcct-Unique-Session-Id = "{session}"\n'
        f"\tFramed-IP-Address = {address}\n\tTimestamp = {int(at.timestamp())}\n"
        f"\tAcct-Session-Time = {0 if status == 'Start' else int((at - SINCE).total_seconds())}\n\n"
    )


SINCE = INCIDENT - 24 * HOUR


@pytest.fixture
async def dialled(tmp_path, database_url):
    """A house that reads FreeRADIUS's detail file; alder's login holds ADDRESS since a day before the incident."""
    file = tmp_path / "detail"
    file.write_text(packet(SINCE, "alder-1"))
    section = [{"name": "radius", "kind": "radius-detail", "path": str(file)}]
    async with waiting_house(tmp_path, database_url, sources=section) as made:
        row = {"kind": "login", "value": "alder-1", "valid_from": NOW.replace(year=2020), "valid_to": None}
        async with made.house.database.writing() as connection:
            row |= {"account_id": await customers.account_named(connection, "alder")}
            await identifiers.write(connection, [row], origin="test", who="test", now=NOW)
        yield made, file


async def test_a_lease_of_somebody_whom_nobody_knows_ends_the_one_before(leased, named):
    waiting, file = leased
    await named(**{"02_00_00_00_00_0a": "alder"})
    await read_at(waiting, INCIDENT - HOUR)
    waiting.time[0] = NOW
    await waiting.take_in(arf(ADDRESS))
    with file.open("a") as end:
        end.write(lease(INCIDENT - HOUR / 2, "0c"))
    await read_at(waiting, NOW + HOUR / 4)
    assert await placed(waiting) == [("not-assigned-then", "snoozed", None)]
    assert await waiting.ask("select count(*) from cases") == [(0,)]


async def test_a_login_that_nobody_knows_ends_a_session_of_which_the_stop_was_lost(dialled):
    waiting, file = dialled
    with file.open("a") as end:
        end.write(packet(INCIDENT - HOUR, "newcomer", session="2"))
    await read_at(waiting, INCIDENT + HOUR)
    waiting.time[0] = NOW
    await waiting.take_in(arf(ADDRESS))
    assert await placed(waiting) == [("not-assigned-then", "waiting", None)]


@pytest.mark.parametrize("heard_again", [True, False])
async def test_what_was_lost_with_its_file_ends_what_was_held_until_it_is_heard_of_again(dialled, heard_again):
    waiting, file = dialled
    await read_at(waiting, INCIDENT - 2 * HOUR)
    file.unlink()  # rotated and compressed at once, with what stood in it since
    file.write_text(packet(INCIDENT - HOUR, "alder-1", "Interim-Update") if heard_again else "")
    await read_at(waiting, NOW - HOUR)
    waiting.time[0] = NOW
    during, after = INCIDENT - 1.5 * HOUR, NOW - 1.1 * HOUR
    await waiting.take_in(arf(ADDRESS, at=during), arf(ADDRESS, at=after))
    first, second = await placed(waiting)
    assert first == (("leases-unread", "snoozed", None) if heard_again else ("not-assigned-then", "waiting", None))
    assert second[0] == ("leases-unread" if heard_again else "not-assigned-then"), "lost until this reading"
    waiting.time[0] = NOW + 2 * HOUR
    await waiting.take_in(arf(ADDRESS, at=NOW - HOUR / 2))
    await read_at(waiting, NOW + 2 * HOUR)
    *_, third = await placed(waiting)
    assert third == (("assigned", "assigned", "alder") if heard_again else ("not-assigned-then", "waiting", None))
    assert await waiting.ask("select count(*) from due_alarms") == [(1,)], "staff are told of the loss"


@pytest.mark.needs("kea")
async def test_what_keas_own_cleanup_took_away_between_two_readings_is_read_from_what_it_left(leased, named):
    waiting, file = leased
    await named(**{"02_00_00_00_00_0a": "alder", "02_00_00_00_00_0b": "birch"})
    await read_at(waiting, INCIDENT - HOUR)
    with file.open("a") as end:
        end.write(released(INCIDENT - HOUR / 2) + lease(INCIDENT - HOUR / 2, "0b"))
    file.rename(f"{file}.1")
    file.write_text(KEA)
    ends = {"x": ".2", "i": ".1", "o": ".output", "f": ".completed", "p": ".pid"}
    arguments = [part for flag, end in ends.items() for part in (f"-{flag}", f"{file}{end}")]
    program = shutil.which("kea-lfc", path="/usr/sbin:/usr/bin")
    subprocess.run([program, "-4", "-c", "/x", *arguments], capture_output=True, check=False)
    assert not Path(f"{file}.1").exists()
    await read_at(waiting, INCIDENT + HOUR)
    waiting.time[0] = NOW
    await waiting.take_in(arf(ADDRESS, at=INCIDENT - HOUR * 0.75), arf(ADDRESS, at=INCIDENT))
    assert [row[0::2] for row in await placed(waiting)] == [("not-assigned-then", None), ("assigned", "birch")]


async def test_a_file_read_by_hand_under_the_name_of_a_system_vouches_for_nothing(leased, named, tmp_path):
    waiting, _ = leased
    await named(**{"02_00_00_00_00_0a": "alder"})
    await read_at(waiting, INCIDENT - HOUR)
    table = tmp_path / "dhcp.csv"
    table.write_text("customer,resource,valid_from\n")
    waiting.time[0] = INCIDENT + HOUR
    await sources.run_reader(waiting.house, "dhcp", Table(table, "csv"), "ann")
    waiting.time[0] = NOW
    await waiting.take_in(arf(ADDRESS))
    assert await placed(waiting) == [("leases-unread", "snoozed", None)]


async def test_the_leases_of_a_system_that_is_no_setting_any_more_are_not_held_for_ever(leased, named, tmp_path):
    waiting, _ = leased
    await named(**{"02_00_00_00_00_0a": "alder"})
    await read_at(waiting, INCIDENT - HOUR)
    async with waiting.house.database.reading() as connection:
        holdings = Holdings(replace(waiting.house.holdings.empty, leases=()))
        network = await holdings.network(connection)
    assert network.unread(ADDRESS, INCIDENT, INCIDENT).name == "dhcp"
    assert network.unread(ADDRESS, INCIDENT - 2 * HOUR, INCIDENT - 2 * HOUR) is None


async def test_a_reading_that_changed_nothing_reads_only_what_waited_for_it(leased, named, monkeypatch):
    waiting, _ = leased
    await named(**{"02_00_00_00_00_0a": "alder"})
    await read_at(waiting, INCIDENT - HOUR)
    waiting.time[0] = NOW
    await waiting.take_in(arf("198.51.100.130"), arf(ADDRESS), arf("198.51.100.131"))
    looked_at = []
    settle = queue_rules._settle
    monkeypatch.setattr(
        queue_rules, "_settle", lambda *said: looked_at.append(said[0].entries[0].value) or settle(*said)
    )
    await read_at(waiting, NOW + HOUR / 4)
    assert looked_at == [ADDRESS]


async def test_a_lease_that_kea_keeps_over_its_cleanups_is_held_all_the_while(leased, named):
    waiting, file = leased
    await named(**{"02_00_00_00_00_0a": "alder"})
    await read_at(waiting, INCIDENT - HOUR)
    for number in range(4):
        Path(f"{file}.2").write_text(KEA + lease(INCIDENT - 24 * HOUR, "0a"))
        file.with_name("new").write_text(KEA)
        file.with_name("new").replace(file)
        await read_at(waiting, INCIDENT + number * HOUR)
    waiting.time[0] = NOW
    await waiting.take_in(*(arf(ADDRESS, at=INCIDENT + number * HOUR / 2) for number in range(5)))
    assert {row[0] for row in await placed(waiting)} == {"assigned"}
    assert await waiting.ask("select count(*) from due_alarms") == [(0,)]


@pytest.mark.parametrize("seconds", [-1, 0, 1])
async def test_a_session_that_is_heard_of_again_is_held_however_its_beginning_is_reckoned(dialled, seconds):
    waiting, file = dialled
    await read_at(waiting, INCIDENT - 2 * HOUR)
    file.unlink()
    said = packet(INCIDENT - HOUR, "alder-1", "Interim-Update")
    before = f"Session-Time = {int((INCIDENT - HOUR - SINCE).total_seconds())}"
    file.write_text(said.replace(before, f"Session-Time = {int((INCIDENT - HOUR - SINCE).total_seconds()) + seconds}"))
    await read_at(waiting, NOW - HOUR)
    with file.open("a") as end:
        end.write(packet(NOW - HOUR / 4, "alder-1", "Interim-Update"))
    await read_at(waiting, NOW + HOUR)
    await waiting.take_in(arf(ADDRESS, at=NOW - HOUR / 2))
    assert await placed(waiting) == [("assigned", None, "alder")]
    assert await waiting.ask("select failures, error from sources") == [(0, None)]


async def test_files_that_were_rotated_one_after_the_other_are_all_read(dialled):
    waiting, file = dialled
    await read_at(waiting, INCIDENT - 3 * HOUR)
    file.rename(f"{file}.2")
    Path(f"{file}.1").write_text(
        packet(INCIDENT - 2 * HOUR, "alder-1", "Stop") + packet(INCIDENT - HOUR, "newcomer", session="2")
    )
    os.utime(f"{file}.2", ns=(1, 1))
    file.write_text("")
    await read_at(waiting, NOW - HOUR)
    waiting.time[0] = NOW
    await waiting.take_in(arf(ADDRESS))
    assert await placed(waiting) == [("not-assigned-then", "waiting", None)]
    assert await waiting.ask("select count(*) from due_alarms") == [(0,)]


async def test_what_was_lost_before_the_first_reading_was_over_is_lost_all_the_same(dialled, monkeypatch):
    waiting, file = dialled
    many = [packet(SINCE, "alder-1", session=f"x{n}", address=f"198.51.100.{130 + n % 50}") for n in range(600)]
    file.write_text(file.read_text() + "".join(many))
    take, taken = sources._take, []

    async def dies(hand, batch):
        if taken:
            raise OSError("killed")
        taken.append(batch)
        await take(hand, batch)

    monkeypatch.setattr(sources, "_take", dies)
    await read_at(waiting, INCIDENT - 2 * HOUR)
    monkeypatch.setattr(sources, "_take", take)
    file.unlink()
    file.write_text("")
    await read_at(waiting, NOW - HOUR)
    waiting.time[0] = NOW
    await waiting.take_in(arf(ADDRESS))
    assert await placed(waiting) == [("leases-unread", "snoozed", None)]
    assert await waiting.ask("select count(*) from due_alarms") == [(1,)]


async def test_a_tenant_that_nobody_knows_ends_the_one_before_when_it_was_changed(waiting, holder):
    """A source without history, as NetBox: when it was created, and when it was changed."""

    class Once:
        def __init__(self, tenant, changed):
            self.said = Lease(ADDRESS, (tenant,), NOW - 300 * 24 * HOUR, None, "ip-addresses/7", seen=changed)

        async def read(self, position):
            yield Batch({"page": 1}, [self.said])

    for tenant, days in (("alder", 300), ("stranger", 2), ("birch", 1)):
        await sources.run_reader(waiting.house, "netbox", Once(tenant, NOW - days * 24 * HOUR), "ann")
    assert await holder(ADDRESS, NOW - 3 * 24 * HOUR) == "alder"
    assert await holder(ADDRESS, NOW - 1.5 * 24 * HOUR) == "not-assigned-then"
    assert await holder(ADDRESS, NOW - HOUR) == "birch"

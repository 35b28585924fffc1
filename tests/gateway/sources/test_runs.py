"""Sources on schedule: each by one node at a time, on from where it was, with what each run brought, and an alarm."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from typer.testing import CliRunner

from gateway import queue_rules, sources
from gateway.attribution_sections import Source
from gateway.cli import build
from gateway.connectors.sources.contract import Batch, Lease
from gateway.connectors.sources.leases import Dhcpd, Kea
from gateway.connectors.sources.relay_logs import Exim
from gateway.connectors.sources.tables import Table
from gateway.service import Service
from gateway.sources import SourceBusyError
from gateway.store import source_runs
from servers.waiting import INCIDENT, NOW, arf, waiting_house

HEAD = "customer,resource,valid_from\n"
ADDRESS = "198.51.100.200"
KEA = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context\n"


def lease(number, *, seconds=3600):
    end = int((NOW - timedelta(hours=1)).timestamp()) + seconds
    return f"198.51.100.{number},02:00:00:00:00:0a,,{seconds},{end},1,0,0,,0,\n"


@pytest.fixture
async def scheduled(tmp_path, database_url):
    """A house with a CSV source every 15 minutes; yields it and the file."""
    file = tmp_path / "held.csv"
    file.write_text(f"{HEAD}alder,{ADDRESS},2026-01-01T00:00:00Z\n")
    section = [{"name": "billing", "kind": "csv", "path": str(file)}]
    async with waiting_house(tmp_path, database_url, sources=section) as waiting:
        yield waiting, file


async def runs(waiting, name="billing"):
    async with waiting.house.database.reading() as connection:
        return await source_runs.history(connection, name)


async def test_the_service_reads_a_source_when_its_time_has_come(scheduled):
    waiting, file = scheduled
    service = Service(waiting.house)
    await service.beside("sources", sources.run_due)
    await service.beside("sources", sources.run_due)
    assert [run.report["new"] for run in await runs(waiting)] == [1], "not before its time"
    file.write_text(
        f"{file.read_text()}birch,198.51.100.201,2026-01-01T00:00:00Z\nnobody,198.51.100.9,2026-01-01T00:00:00Z\n"
    )
    waiting.time[0] += timedelta(minutes=15)
    await service.beside("sources", sources.run_due)
    last, first = await runs(waiting)
    assert (last.report["new"], last.report["unchanged"], last.report["unknown"]) == (1, 1, {"nobody": 1})
    assert (first.who, last.error, last.began_at) == ("arfgate", None, NOW + timedelta(minutes=15))


async def test_what_waits_finds_its_customer_by_a_run(scheduled):
    waiting, _ = scheduled
    await waiting.take_in(arf(ADDRESS))
    assert await waiting.ask("select reason, queue from attributions") == [("not-assigned-then", "waiting")]
    await sources.run_due(waiting.house)
    assert await waiting.ask("select reason, queue from attributions") == [("assigned", "assigned")]
    assert [run.report["placed"] for run in await runs(waiting)] == [1]


async def test_what_a_relays_log_says_later_places_what_waits(scheduled, tmp_path):
    waiting, _ = scheduled
    mail = arf("192.0.2.25")
    number = mail.split(b"Message-ID: <spam-")[1].split(b"@")[0].decode()
    await waiting.take_in(mail)
    assert await waiting.ask("select reason from attributions") == [("own-relay",)]
    (tmp_path / "logins.csv").write_text("customer,kind,value,valid_from\nalder,login,fir,2026-01-01T00:00:00Z\n")
    await sources.run_reader(waiting.house, "logins", Table(tmp_path / "logins.csv", "csv"), "ann")
    (tmp_path / "mainlog").write_text(
        f"{INCIDENT:%Y-%m-%d %H:%M:%S} 1tSqAb-0003Xy-2Z <= b@x H=h [203.0.113.8] P=esmtpsa A=plain:fir S=1 "
        f"id=spam-{number}@sender.example\n"
    )
    await sources.run_reader(waiting.house, "out1", Exim(tmp_path / "mainlog", "out1.isp.example", UTC), "ann")
    assert await waiting.ask("select reason, queue from attributions") == [("by-identifier", "assigned")]


async def test_two_readers_never_read_one_source_at_once(scheduled):
    waiting, file = scheduled
    other = replace(waiting.house)  # another node

    class Slow(Table):
        async def read(self, position):
            async for batch in super().read(position):
                yield batch
                assert await sources.run_due(other) == 0
                with pytest.raises(SourceBusyError, match="is being read just now"):
                    await sources.run_reader(other, "billing", Table(file, "csv"), "ann")

    changes = await sources.run_reader(waiting.house, "billing", Slow(file, "csv"), "ann")
    assert changes.new == 1
    assert len(await runs(waiting)) == 1


async def test_a_reader_that_died_is_followed_when_its_lease_is_over_and_writes_no_more(scheduled):
    waiting, file = scheduled

    class Paused(Table):
        """Hangs for longer than its lease; meanwhile another reads the source."""

        async def read(self, position):
            waiting.time[0] += source_runs.LEASE
            assert await sources.run_due(waiting.house) == 1
            yield Batch({}, [Lease("198.51.100.250", ("alder",), NOW)])

    with pytest.raises(SourceBusyError, match="somebody else reads it by now"):
        await sources.run_reader(waiting.house, "billing", Paused(file, "csv"), "ann")
    assert await waiting.ask("select count(*) from assignments where resource = '198.51.100.250'") == [(0,)]


async def test_what_was_read_and_not_followed_up_is_followed_up_by_the_next_run(scheduled, monkeypatch):
    waiting, _ = scheduled
    await waiting.take_in(arf(ADDRESS))

    async def dies(*_):
        raise RuntimeError("killed")

    monkeypatch.setattr("gateway.sources.run_again", dies)
    assert await sources.run_due(waiting.house) == 1
    assert "a fault of arfgate" in (await runs(waiting))[0].error
    monkeypatch.setattr("gateway.sources.run_again", queue_rules.run_again)
    waiting.time[0] += timedelta(minutes=15)
    await sources.run_due(waiting.house)
    assert await waiting.ask("select reason, queue from attributions") == [("assigned", "assigned")]


async def test_a_source_that_fails_again_and_again_is_an_alarm_once(scheduled):
    waiting, file = scheduled
    written = file.read_text()
    file.unlink()
    alarms = "select why from events where what = 'alarm'"
    for turn in range(1, 5):
        await sources.run_due(waiting.house)
        assert len(await waiting.ask(alarms)) == (turn > 2)
        waiting.time[0] += timedelta(minutes=15)
    ((why,),) = await waiting.ask(alarms)
    assert why.startswith("Assignments get old: billing could not be read 3 times in a row: ")
    assert "held.csv: cannot be read (No such file or directory)" in why
    (seen,) = await sources.overview(waiting.house)
    assert (seen.state.failures, seen.state.last_good, seen.kind, seen.minutes) == (4, None, "csv", 15)
    file.write_text(written)
    await sources.run_due(waiting.house)
    assert await waiting.ask("select why from events where what = 'source works again'") == [("billing",)]
    (seen,) = await sources.overview(waiting.house)
    assert (seen.state.failures, seen.state.error, seen.last.report["new"]) == (0, None, 1)


async def test_a_source_of_another_node_is_left_alone(tmp_path, database_url):
    section = [{"name": "billing", "kind": "csv", "path": "/nowhere.csv", "node": "another"}]
    async with waiting_house(tmp_path, database_url, sources=section) as waiting:
        assert await sources.run_due(waiting.house) == 0
        assert await runs(waiting) == []


async def test_a_stop_in_the_middle_is_no_failure_and_goes_on_behind(scheduled, tmp_path, monkeypatch):
    waiting, _ = scheduled
    monkeypatch.setattr("gateway.connectors.sources.contract.BATCH", 1)
    (tmp_path / "subscribers.csv").write_text(
        "customer,kind,value,valid_from\nalder,subscriber,02:00:00:00:00:0a,2026-01-01T00:00:00Z\n"
    )
    await sources.run_reader(waiting.house, "people", Table(tmp_path / "subscribers.csv", "csv"), "ann")
    file = tmp_path / "kea.csv"
    file.write_text(KEA + lease(201) + lease(202))
    waiting.house.stopping = True
    assert (await sources.run_reader(waiting.house, "kea", Kea(file), "ann")).new == 1
    waiting.house.stopping = False
    assert await runs(waiting, "kea") == []
    assert (await sources.run_reader(waiting.house, "kea", Kea(file), "ann")).new == 1


async def test_what_was_written_before_a_rotation_is_read_from_the_rotated_file(tmp_path):
    file = tmp_path / "kea.csv"
    file.write_text(KEA + lease(201))
    *_, batch = [b async for b in Kea(file).read({})]
    with file.open("a") as log:
        log.write(lease(202))
    file.rename(tmp_path / "kea.csv.1")
    file.write_text(KEA + lease(203))
    batches = [b async for b in Kea(file).read(batch.position)]
    assert [r.resource for b in batches for r in b.records] == ["198.51.100.202", "198.51.100.203"]
    (tmp_path / "kea.csv.1").unlink()
    assert [r.resource async for b in Kea(file).read(batch.position) for r in b.records] == ["198.51.100.203"]


async def test_many_lines_without_a_record_leave_others_their_turn(tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.connectors.sources.contract.LINES", 10)
    file = tmp_path / "mainlog"
    file.write_text("nothing of interest\n" * 35)
    batches = [b async for b in Exim(file, "out1").read({})]
    assert [b.position["offset"] for b in batches] == [200, 400, 600, 700]


def test_a_source_may_belong_to_a_node():
    assert Source(name="a", kind="csv", path="/a.csv", node="one").node == "one"


def test_people_see_sources_with_their_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    file = tmp_path / "held.csv"
    file.write_text(f"{HEAD}alder,{ADDRESS},2026-01-01T00:00:00Z\nnobody,198.51.100.9,2026-01-01T00:00:00Z\n")
    section = [{"name": "billing", "kind": "csv", "path": str(file)}, {"name": "new", "kind": "csv", "path": "x.csv"}]

    async def once():
        url = f"sqlite+aiosqlite:///{tmp_path / 'arfgate.db'}"
        async with waiting_house(tmp_path, url, sources=section) as waiting:
            await sources.run(waiting.house, waiting.house.settings.sources[0], "ann")

    asyncio.run(once())

    config = str(tmp_path / "arfgate.toml")

    def said(*words, status=0):
        done = CliRunner().invoke(build("assignment"), ["assignment", "sources", *words, "--config", config])
        assert done.exit_code == status, done.output
        return done.output

    assert [line.split()[:2] for line in said().splitlines()[2:]] == [["billing", "csv"], ["new", "csv"]]
    assert "1 new" in said("billing")
    assert "nobody is called nobody: 1 passed over" in said("billing")
    assert [run["who"] for run in json.loads(said("billing", "--json"))] == ["ann"]
    assert [one["last"] is None for one in json.loads(said("--json"))] == [False, True]
    assert "It was never read." in said("new")
    assert "there is no source 'neither'" in said("neither", status=1)


async def test_dhcpd_writes_its_file_anew_and_what_stood_in_the_old_one_is_read(tmp_path):
    file = tmp_path / "dhcpd.leases"
    block = "lease {} {{\n  starts epoch 1795089600;\n  ends never;\n  hardware ethernet 02:00:00:00:00:0a;\n}}\n"
    file.write_text(block.format("198.51.100.201"))
    *_, batch = [b async for b in Dhcpd(file).read({})]
    with file.open("a") as log:
        log.write(block.format("198.51.100.202"))
    file.rename(tmp_path / "dhcpd.leases~")
    file.write_text(block.format("198.51.100.203"))
    batches = [b async for b in Dhcpd(file).read(batch.position)]
    assert [r.resource for b in batches for r in b.records] == ["198.51.100.202", "198.51.100.203"]
    assert not any(b.lost for b in batches)
    (tmp_path / "dhcpd.leases~").unlink()
    assert [b.lost async for b in Dhcpd(file).read(batch.position)] == [True]


async def test_a_file_of_the_same_number_that_begins_otherwise_is_another_one(tmp_path):
    file = tmp_path / "kea.csv"
    file.write_text(KEA + lease(201))
    *_, batch = [b async for b in Kea(file).read({})]
    file.write_text(KEA + lease(202) + lease(203))
    batches = [b async for b in Kea(file).read(batch.position)]
    assert [r.resource for b in batches for r in b.records] == ["198.51.100.202", "198.51.100.203"]
    assert [b.lost for b in batches] == [True]

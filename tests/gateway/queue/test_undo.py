"""What was taken back is as if it had never been: nothing is in hand, nothing places it by itself again."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway import muting, pipeline, queue, queue_acts, queue_rules
from gateway.connectors.sources.relay_logs import Exim
from gateway.connectors.sources.tables import Table
from gateway.queue_rules import Terms
from gateway.sources import run_reader
from gateway.store import customers, identifiers, mutes
from servers.waiting import INCIDENT, NOW, arf

ADDRESS = "198.51.100.200"
NOVEMBER = datetime(2026, 11, 3, tzinfo=UTC)
SITE = "Reported-URI: http://198.51.100.70/earn"
CLOCKS_TOLD = "select count(distinct clock_id) from notices where state != 'cancelled'"


async def held_by(waiting):
    found = await waiting.ask(
        "select c.key from attributions a left join accounts o on o.id = a.account_id"
        " left join customers c on c.id = o.customer_id order by a.id"
    )
    return [key for (key,) in found]


async def imported(waiting, folder, line):
    file = folder / "assignments.csv"
    file.write_text(f"customer,resource,valid_from\n{line},2026-11-03T00:00:00Z\n")
    await run_reader(waiting.house, "other", Table(file, "csv"), "ann")


async def relay_log_names_elder(waiting, folder, mail):
    number = mail.split(b"Message-ID: <spam-")[1].split(b"@")[0].decode()
    file = folder / "mainlog"
    file.write_text(
        f"{INCIDENT:%Y-%m-%d %H:%M:%S} 1tSqAb-0003Xy-2Z <= b@x H=h [203.0.113.8] P=esmtpsa A=plain:fir S=1"
        f" id=spam-{number}@sender.example\n"
    )
    await run_reader(waiting.house, "out1", Exim(file, "out1.isp.example", UTC), "ann")


async def fir_is_elders(waiting):
    async with waiting.house.database.writing() as connection:
        row = {"kind": "login", "value": "fir", "valid_from": NOW.replace(year=2020), "valid_to": None}
        row["account_id"] = await customers.account_named(connection, "elder")
        await identifiers.write(connection, [row], origin="test", who="test", now=NOW)


async def test_what_is_placed_again_after_an_undo_is_told(waiting):
    await waiting.take_in(arf("198.51.100.7"), arf("198.51.100.8"))
    for number in (1, 2):
        await queue.assign(waiting.house, number, "alder", "ann")
    assert await queue_acts.undo(waiting.house, 2, "bob") == [2]
    await queue.assign(waiting.house, 2, "alder", "ann")
    await waiting.later(hours=1)
    assert await waiting.ask(CLOCKS_TOLD) == [(2,)]


async def test_the_next_report_about_it_is_told_too(waiting):
    await waiting.take_in(arf("198.51.100.7"), arf("198.51.100.8"))
    for number in (1, 2):
        await queue.assign(waiting.house, number, "alder", "ann")
    await queue_acts.undo(waiting.house, 2, "bob")
    await waiting.take_in(arf("198.51.100.8"))
    await queue.assign(waiting.house, 3, "alder", "ann")
    await waiting.later(hours=1)
    assert await waiting.ask(CLOCKS_TOLD) == [(2,)]


async def test_one_of_a_rule_that_was_taken_back_waits_for_a_person(waiting, tmp_path):
    await waiting.take_in(arf("198.51.100.7"), arf("198.51.100.8"))
    rule = Terms("alder", NOVEMBER, None, "198.51.100.0/26")
    await queue_rules.assign_rule(waiting.house, 1, rule, "ann")
    assert await queue_acts.undo(waiting.house, 2, "bob") == [2]
    await imported(waiting, tmp_path, "elder,192.0.2.101")
    assert await held_by(waiting) == ["alder", None]


async def test_what_an_import_had_placed_waits_for_a_person_too(waiting, tmp_path):
    await waiting.take_in(arf(ADDRESS))
    await imported(waiting, tmp_path, f"alder,{ADDRESS}")
    assert await held_by(waiting) == ["alder"]
    assert await queue_acts.undo(waiting.house, 1, "bob") == [1]
    await imported(waiting, tmp_path, "elder,192.0.2.101")
    assert await held_by(waiting) == [None]


async def test_a_confirmation_is_taken_back_with_the_placement(waiting, tmp_path):
    await waiting.take_in(arf("203.0.113.9", extra=SITE))
    await queue_acts.assign(waiting.house, [1], "birch", "ann")
    assert await waiting.ask("select count(*) from confirmations") == [(1,)]
    assert await queue_acts.undo(waiting.house, 1, "bob") == [1]
    assert await waiting.ask("select count(*) from confirmations") == [(0,)]
    await imported(waiting, tmp_path, "elder,192.0.2.101")
    await waiting.take_in(arf("203.0.113.10", extra=SITE))
    assert await held_by(waiting) == [None, None]


async def test_a_rule_that_is_withdrawn_leaves_nothing_of_a_report_with_two_hosts(waiting):
    sites = "Reported-URI: http://a.shop.example/x\nReported-URI: http://b.shop.example/y"
    await waiting.take_in(arf("203.0.113.9", extra=sites))
    await queue_rules.assign_rule(waiting.house, 1, Terms("alder", NOVEMBER, None, "shop.example"), "ann")
    assert (await held_by(waiting)).count("alder") == 2
    await queue_acts.undo(waiting.house, 1, "bob", whole_rule=True)
    await pipeline.drain(waiting.house)
    assert "alder" not in await held_by(waiting)
    assert await waiting.ask(CLOCKS_TOLD) == [(0,)]


async def test_a_withdrawn_rule_does_not_stand_in_the_way_of_the_right_one(waiting):
    await waiting.take_in(arf("198.51.100.7"))
    wrong = Terms("alder", datetime(2026, 11, 10, tzinfo=UTC), None, "198.51.100.0/28")
    await queue_rules.assign_rule(waiting.house, 1, wrong, "ann")
    await queue_acts.undo(waiting.house, 1, "bob", whole_rule=True)
    await queue_rules.assign_rule(waiting.house, 1, Terms("birch", NOVEMBER, None, "198.51.100.0/28"), "ann")
    assert await held_by(waiting) == ["birch"]


async def test_a_rejected_source_does_not_come_back_under_the_name_of_its_login(waiting, tmp_path):
    await fir_is_elders(waiting)
    mail = arf("192.0.2.25", extra=SITE)
    await waiting.take_in(mail)
    ((own,),) = await waiting.ask("select id from attributions where reason = 'own-relay'")
    await queue_acts.reject(waiting.house, [own], "forged, not sent by us", "ann")
    await relay_log_names_elder(waiting, tmp_path, mail)
    assert "elder" not in await held_by(waiting)


async def test_a_source_that_a_person_placed_is_not_placed_a_second_time(waiting, tmp_path):
    await fir_is_elders(waiting)
    mail = arf("192.0.2.25", extra=SITE)
    await waiting.take_in(mail)
    ((own,),) = await waiting.ask("select id from attributions where reason = 'own-relay'")
    await queue.assign(waiting.house, own, "elder", "ann", "fir@elder.example")
    await relay_log_names_elder(waiting, tmp_path, mail)
    assert (await held_by(waiting)).count("elder") == 1


async def test_what_a_mute_rule_keeps_back_of_the_queue_is_counted_under_it(waiting, tmp_path):
    await muting.add(waiting.house, "customer", "alder", 3, who="ann", why="they know")
    await waiting.take_in(arf(ADDRESS))
    await imported(waiting, tmp_path, f"alder,{ADDRESS}")
    async with waiting.house.database.reading() as connection:
        (rule,) = await mutes.overview(connection)
    assert rule["kept_back"] == 1

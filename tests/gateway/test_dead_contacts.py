"""Mail outside that does not arrive: the address is marked, the next contact is told, and where none is left staff are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from whole.outside import advertising, scene, told
from whole.scene import Scene, bounce
from whole.world import World

from gateway.store import dead_addresses, third_parties
from gateway.third_parties import look_up
from notifier.discover import Finder
from servers.receiver import SmtpReceiver

HOLDER = "abuse@holder.example.net"
STAFF = {"alarms": {"address": "staff@isp.example"}}


def guessing(made: Scene) -> None:
    """After the registry somebody is named: abuse@ the site itself, also of reserved names."""
    assert made.house.rdap is not None
    made.house.contacts = Finder(made.house.rdap, made.house.resolver, None, (), reserved=True)


def mail_to(made: Scene, address: str) -> bytes:
    (found,) = [mail.raw for mail in made.relay.received if mail.rcpt_tos == [address]]
    return found


def last_to(made: Scene, address: str) -> bytes:
    return [mail.raw for mail in made.relay.received if mail.rcpt_tos == [address]][-1]


async def decisions(made: Scene, subject: str = "shop.example") -> list[tuple[Any, ...]]:
    return await made.ask(
        f"SELECT address, decision FROM third_parties WHERE subject = '{subject}' AND at IS NOT NULL ORDER BY id"  # ours
    )


@pytest.mark.duty("SES-10")
async def test_a_bounce_marks_the_address_and_the_next_contact_of_the_site_is_told(
    tmp_path: Path, smtp_receiver: SmtpReceiver
) -> None:
    async with scene(tmp_path, smtp_receiver, **STAFF) as made:
        guessing(made)
        await made.take_in(advertising("shop.example"))
        await made.take_in(bounce(mail_to(made, HOLDER)))
        assert await decisions(made) == [(HOLDER, "bounced"), ("abuse@shop.example", "told")]
        assert b"guess" in mail_to(made, "abuse@shop.example")
        assert await made.ask("SELECT address, why FROM dead_addresses") == [(HOLDER, "bounced, status 5.1.1")]
        # the same again changes nothing
        await made.take_in(bounce(mail_to(made, HOLDER)).replace(b"Message-ID: <bounce", b"Message-ID: <again"))
        assert len(await decisions(made)) == 2
        # nobody writes to the dead address about another site
        await made.take_in(advertising("store.example"))
        assert told(made) == {HOLDER}
        assert mail_to(made, "abuse@store.example")
        assert not [mail for mail in made.relay.received if mail.rcpt_tos == ["staff@isp.example"]]


async def test_where_nobody_is_left_staff_are_alarmed(tmp_path: Path, smtp_receiver: SmtpReceiver) -> None:
    async with scene(tmp_path, smtp_receiver, **STAFF) as made:
        guessing(made)
        await made.take_in(advertising("shop.example"))
        await made.take_in(bounce(mail_to(made, HOLDER)))
        await made.take_in(bounce(mail_to(made, "abuse@shop.example")))
        assert await decisions(made) == [(HOLDER, "bounced"), ("abuse@shop.example", "bounced")]
        alarm = mail_to(made, "staff@isp.example")
        assert b"No contact left" in alarm
        assert b"shop.example" in alarm


async def test_an_address_that_the_server_refuses_counts_as_one_that_bounced(
    tmp_path: Path, smtp_receiver: SmtpReceiver
) -> None:
    smtp_receiver.refuse(HOLDER)
    async with scene(tmp_path, smtp_receiver) as made:
        guessing(made)
        await made.take_in(advertising("shop.example"))
        assert await decisions(made) == [(HOLDER, "bounced"), ("abuse@shop.example", "told")]
        assert [row[0] for row in await made.ask("SELECT address FROM dead_addresses")] == [HOLDER]


async def test_a_mail_that_is_refused_for_what_it_says_marks_nobody(
    tmp_path: Path, smtp_receiver: SmtpReceiver
) -> None:
    smtp_receiver.refuse_data()
    async with scene(tmp_path, smtp_receiver) as made:
        await made.take_in(advertising("shop.example"))
        assert await made.ask("SELECT address FROM dead_addresses") == []
        assert await decisions(made) == [(HOLDER, "bounced")]


async def test_a_customers_dead_address_is_marked_too(tmp_path: Path, smtp_receiver: SmtpReceiver) -> None:
    async with scene(tmp_path, smtp_receiver) as made:
        await made.take_in(advertising("shop.example"))
        await made.take_in(bounce(mail_to(made, "abuse@alder.example")))
        assert await made.ask("SELECT address FROM dead_addresses") == [("abuse@alder.example",)]
        assert mail_to(made, "second@alder.example")


async def test_a_mark_ends_with_time_and_by_staffs_word(tmp_path: Path, smtp_receiver: SmtpReceiver) -> None:
    async with scene(tmp_path, smtp_receiver) as made:
        await made.take_in(advertising("shop.example"))
        await made.take_in(bounce(mail_to(made, HOLDER)))
        async with made.house.database.writing() as connection:
            assert HOLDER in await dead_addresses.current(connection, made.house.clock())
            later = made.house.clock() + dead_addresses.FOR
            assert await dead_addresses.current(connection, later) == {}
            assert await dead_addresses.revive(connection, HOLDER.upper(), "ann", made.house.clock())
            assert not await dead_addresses.revive(connection, HOLDER, "ann", made.house.clock())
        assert ("ann", "address revived") in await made.ask("SELECT who, what FROM events")


@pytest.mark.standard("OUT-3")
async def test_who_opts_out_does_not_get_what_waits_for_approval(tmp_path: Path, smtp_receiver: SmtpReceiver) -> None:
    async with scene(tmp_path, smtp_receiver) as made:
        made.house.book.default.third_parties.__dict__["abuse"] = "approve"
        await made.take_in(advertising("shop.example"))
        async with made.house.database.writing() as connection:
            assert await third_parties.refuse(connection, "@holder.example.net", "ann", made.house.clock())
        assert await decisions(made) == [(HOLDER, "opted-out")]
        assert await made.ask("SELECT state FROM notices WHERE kind = 'whois-contact'") == [("cancelled",)]


@pytest.mark.standard("OUT-6")
async def test_a_contact_is_told_less_often_while_it_goes_on_and_of_what_it_was_not_told(
    tmp_path: Path, smtp_receiver: SmtpReceiver
) -> None:
    async with scene(tmp_path, smtp_receiver, contacts={"most_a_day": 100}) as made:
        await made.take_in(advertising("t0.example"))
        async with made.house.database.writing() as connection:
            await connection.exec_driver_sql("UPDATE outside_contacts SET incidents = 18, untold = 8")
        made.after(24)  # one mail for each case and day
        await made.take_in(advertising("t1.example"))
        assert ("t1.example", "not told: incident 19 in a row (damped)") in await made.ask(
            "SELECT subject, decision FROM third_parties"
        )
        await made.take_in(advertising("t2.example"))
        assert b"Incidents: 10\r\n" in last_to(made, HOLDER)  # 11 to 20
        # a week of quiet: counting begins anew
        async with made.house.database.writing() as connection:
            await connection.exec_driver_sql("UPDATE outside_contacts SET last_at = '2026-11-10 00:00:00.000000'")
        made.after(48)
        await made.take_in(advertising("t3.example"))
        assert b"t3[.]example" in last_to(made, HOLDER)
        assert await made.ask("SELECT incidents, untold FROM outside_contacts") == [(1, 0)]


async def test_each_case_goes_by_its_own_policy(tmp_path: Path, smtp_receiver: SmtpReceiver) -> None:
    sections = {"policy": {"others": ["ses"]}, "contacts": {"acknowledge_rfc6650": True}}
    async with scene(tmp_path, smtp_receiver, **sections) as made:
        async with made.house.database.writing() as connection:
            await connection.exec_driver_sql("UPDATE customers SET policy = 'ses' WHERE key = 'birch'")
        await made.take_in(advertising("shop.example"))
        assert told(made) == {HOLDER}
        await made.take_in(advertising("store.example", source="198.51.100.200"))
        assert len(told(made)) == 4


async def test_a_contact_stands_once_in_the_case_however_many_reports_there_are(
    tmp_path: Path, smtp_receiver: SmtpReceiver
) -> None:
    async with scene(tmp_path, smtp_receiver) as made:
        await made.take_in(advertising("shop.example"))
        await made.take_in(advertising("shop.example"), advertising("shop.example"))
        async with made.house.database.reading() as connection:
            of_site = [c for c in await third_parties.of_case(connection, 1) if c["subject"] == "shop.example"]
        assert [(c["address"], c["decision"], c["reports"]) for c in of_site if c["at"]] == [(HOLDER, "told", 3)]


async def test_a_look_up_that_finds_nothing_new_tells_nobody_again(tmp_path: Path, smtp_receiver: SmtpReceiver) -> None:
    async with scene(tmp_path, smtp_receiver) as made:
        await made.take_in(advertising("shop.example"))
        async with made.house.database.writing() as connection:
            await connection.exec_driver_sql("UPDATE reports SET contacts_state = 'wanted'")
        made.after(48)
        assert await look_up(made.house) == 1
        await made.take_in()
        assert len([mail for mail in made.relay.received if mail.rcpt_tos == [HOLDER]]) == 1


def test_staff_list_and_revive_dead_addresses(tmp_path: Path) -> None:
    world = World(tmp_path, f"sqlite+aiosqlite:///{tmp_path}/a.db")
    world.write()
    assert world.run("notice", "dead").out == "No address is known to be dead.\n"
    asked = world.run("notice", "dead", "--revive", "x@example.net")
    assert (asked.status, "'x@example.net' is not marked as dead" in asked.err) == (1, True)

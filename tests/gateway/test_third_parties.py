"""Who outside is told: by the policy's roles, after the acknowledgement, damped, and never against a no (SES-10)."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from whole.outside import ROLES, advertising, scene, told
from whole.scene import FOREIGN

from gateway.service import Service
from gateway.store import messages, notices, switches, third_parties
from gateway.store.messages import Arrived
from gateway.third_parties import look_up, relays
from servers.receiver import SmtpReceiver


@pytest.mark.duty("SES-10")
@pytest.mark.standard("OUT-1")
async def test_the_other_roles_are_told_once_the_operator_acknowledged_what_the_rfc_says(
    tmp_path: Path, smtp_receiver: SmtpReceiver
) -> None:
    upstreams = ["noc@transit.example.net"]
    (tmp_path / "a").mkdir()
    async with scene(tmp_path / "a", smtp_receiver, policy={"name": "ses"}, contacts={"upstreams": upstreams}) as made:
        await made.take_in(advertising("shop.example"))
        assert told(made) == {"abuse@holder.example.net"}
    acknowledged = {"upstreams": upstreams, "acknowledge_rfc6650": True}
    (tmp_path / "b").mkdir()
    async with scene(tmp_path / "b", smtp_receiver, policy={"name": "ses"}, contacts=acknowledged) as made:
        await made.take_in(advertising("shop.example"))
        assert told(made) == {f"{role}@holder.example.net" for role in ROLES}
        assert "noc@transit.example.net" in {mail.rcpt_tos[0] for mail in made.relay.received}
        kinds = await made.ask("SELECT DISTINCT kind FROM notices ORDER BY kind")
        assert ("upstream",) in kinds


async def test_in_the_default_policy_only_abuse_contacts_are_told(tmp_path: Path, smtp_receiver: SmtpReceiver) -> None:
    async with scene(tmp_path, smtp_receiver, contacts={"acknowledge_rfc6650": True}) as made:
        await made.take_in(advertising("shop.example"))
        assert told(made) == {"abuse@holder.example.net"}
        left = await made.ask(
            "SELECT decision FROM third_parties WHERE role = 'technical' AND subject = 'shop.example'"
        )
        assert left == [("role",)]


@pytest.mark.standard("OUT-3")
async def test_what_the_policy_wants_approved_waits_for_a_person(tmp_path: Path, smtp_receiver: SmtpReceiver) -> None:
    async with scene(tmp_path, smtp_receiver, contacts={"most_a_day": 1}) as made:
        made.house.book.default.third_parties.__dict__["abuse"] = "approve"
        await made.take_in(advertising("shop.example"), advertising("store.example"))
        assert told(made) == set()
        async with made.house.database.writing() as connection:
            (waiting,) = await notices.proposed(connection)
            assert waiting.to == "abuse@holder.example.net"
            assert await notices.decide(connection, waiting.id, send=True, who="ann", now=made.house.clock())
            assert not await notices.decide(connection, waiting.id, send=False, who="bob", now=made.house.clock())
        await made.take_in()
        assert told(made) == {"abuse@holder.example.net"}
        assert ("ann", "notice approved") in await made.ask("SELECT who, what FROM events")
        # beyond the day's mails neither: a digest would go out by itself
        await made.take_in(advertising("shop.example"), advertising("other.example"))
        made.after(24)
        await made.take_in()
        assert await made.ask("SELECT count(*) FROM notices WHERE kind = 'digest'") == [(0,)]


@pytest.mark.standard("SEC-8")
async def test_what_comes_beyond_the_days_mails_is_told_in_one_digest_on_the_next_day(
    tmp_path: Path, smtp_receiver: SmtpReceiver
) -> None:
    async with scene(tmp_path, smtp_receiver, contacts={"most_a_day": 1}) as made:
        await made.take_in(advertising("shop.example"))
        await made.take_in(advertising("store.example"), advertising("store.example"))
        assert await made.ask("SELECT count(*) FROM notices WHERE kind = 'whois-contact'") == [(1,)]
        made.after(24)
        await made.take_in()
        (digest,) = [mail for mail in smtp_receiver.received if b"digest" in mail.raw]
        assert b"store[.]example" in digest.raw
        assert b"2 times" in digest.raw
        await made.take_in()
        assert await made.ask("SELECT count(*) FROM notices WHERE kind = 'digest'") == [(1,)]
        assert await made.ask("SELECT count(*) FROM third_parties WHERE decision = 'digest'") == [(0,)]


@pytest.mark.standard("RD-3")
async def test_one_node_asks_the_registries_at_a_time(tmp_path: Path, smtp_receiver: SmtpReceiver) -> None:
    async with scene(tmp_path, smtp_receiver) as made:
        now = made.house.clock()
        async with made.house.database.writing() as connection:
            assert await switches.lease(connection, "registries", "another node", now, now + timedelta(minutes=1))
            assert not await switches.lease(connection, "registries", "a third", now, now + timedelta(minutes=1))
            assert await switches.lease(connection, "registries", "another node", now, now + timedelta(minutes=1))
        await made.take_in(advertising("shop.example"))
        assert told(made) == set()
        made.after(0.1)
        await made.take_in()
        assert told(made) == {"abuse@holder.example.net"}
        async with made.house.database.writing() as connection:
            assert json.loads(await switches.read(connection, "registries_asked") or "")
            later = made.house.clock()
            assert await switches.lease(connection, "registries", "another node", later, later)  # given back


@pytest.mark.standard("OUT-3")
async def test_staff_put_a_domain_on_the_list_and_take_it_off(tmp_path: Path, smtp_receiver: SmtpReceiver) -> None:
    async with scene(tmp_path, smtp_receiver) as made:
        async with made.house.database.writing() as connection:
            assert await third_parties.refuse(connection, "@holder.example.net", "ann", made.house.clock())
            assert not await third_parties.refuse(connection, "@holder.example.net", "ann", made.house.clock())
        await made.take_in(advertising("shop.example"))
        assert told(made) == set()
        async with made.house.database.writing() as connection:
            assert await third_parties.opt_in(connection, "@holder.example.net", "ann", made.house.clock())
            assert not await third_parties.opt_in(connection, "@holder.example.net", "ann", made.house.clock())


@pytest.mark.duty("SES-10")
async def test_the_postmasters_of_the_relays_that_took_the_mail_are_told_and_nobody_below_the_source(
    tmp_path: Path, smtp_receiver: SmtpReceiver
) -> None:
    when = "Fri, 20 Nov 2026 11:00:00 +0000"
    below = f"Received: from x (x [192.0.2.99])\n\tby forged.innocent.example with SMTP id z; {when}\n"
    above = (
        f"Received: from relay.transit.example (relay.transit.example [192.0.2.50])\n"
        f"\tby mx.reader.example with ESMTPS id a1; {when}\n"
    )
    through = advertising("shop.example").replace(
        b"Received: from mail.sender", above.encode() + b"Received: from mail.sender"
    )
    through = through.replace(b"\tby mx.reader.example (Postfix)", b"\tby relay.transit.example (Postfix)")
    through = through.replace(b"From: Great Offers", below.encode() + b"From: Great Offers")
    settings = {"policy": {"name": "ses"}, "contacts": {"acknowledge_rfc6650": True}}
    async with scene(tmp_path, smtp_receiver, **settings) as made:
        await made.take_in(through)
        mails = {mail.rcpt_tos[0]: mail.raw for mail in smtp_receiver.received}
        relays_told = {f"{who}@{where}.example" for who in ("postmaster", "abuse") for where in ("transit", "reader")}
        assert relays_told <= set(mails)
        assert not [address for address in mails if "innocent" in address]
        assert ("relay-postmaster",) in await made.ask("SELECT DISTINCT kind FROM notices")
        assert b"ann@reader.example" not in mails["postmaster@transit.example"]
    (tmp_path / "b").mkdir()
    async with scene(tmp_path / "b", smtp_receiver, policy={"name": "ses"}) as made:  # not acknowledged
        smtp_receiver.received.clear()
        await made.take_in(through)
        assert not [mail for mail in smtp_receiver.received if "postmaster@" in mail.rcpt_tos[0]]


@pytest.mark.duty("SES-10")
def test_only_relays_above_the_source_are_believed() -> None:
    hops = [
        {"ip": "192.0.2.1", "by": "mx.reader.example"},
        {"ip": FOREIGN, "by": "relay.transit.example"},
        {"ip": "192.0.2.99", "by": "forged.innocent.example"},
    ]
    assert relays(hops, FOREIGN, "reader.example") == [("relay.transit.example", "transit.example")]
    assert relays(hops, "192.0.2.200", None) == []
    assert relays(hops, None, None) == []


async def test_the_turn_of_the_service_waits_for_no_registry(tmp_path: Path, smtp_receiver: SmtpReceiver) -> None:
    async with scene(tmp_path, smtp_receiver) as made:
        raw, now = advertising("shop.example"), made.house.clock()
        async with made.house.database.writing() as connection:
            await messages.store(connection, [Arrived(raw, now)], None, now)
        service = Service(made.house)
        await service.turn()
        assert [mail.rcpt_tos[0] for mail in smtp_receiver.received] == ["abuse@alder.example"]
        assert await made.ask("SELECT DISTINCT contacts_state FROM reports") == [("wanted",)]
        await service.beside("contacts outside", look_up)
        await service.turn()
        assert told(made) == {"abuse@holder.example.net"}

"""The ways of the settings on which notices leave: signed, by the next relay, at a domain's pace, with a return path."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from whole.scene import NOW, Scene, opened_scene
from whole.world import World

from gateway import outbox, tokens
from gateway.store import notices, third_parties
from notifier.compose import Composed
from notifier.notice import NoticeKind, Outcome
from servers.ports import free_port
from servers.receiver import SmtpReceiver

pytestmark = pytest.mark.needs("aiosmtpd")
TO = "abuse@holder.example.net"


async def plan(made: Scene, *recipients: str) -> None:
    facts: dict[str, Any] = {"day": "2026-11-19", "items": [], "more": 0}
    now = made.house.clock()
    rows = [notices.planned(NoticeKind.DIGEST, f"test:{n}", to, facts, now) for n, to in enumerate(recipients)]
    async with made.house.database.writing() as connection:
        await notices.plan(connection, rows)


def world(folder: Path) -> World:
    return World(folder, f"sqlite+aiosqlite:///{folder}/a.db")


@pytest.mark.standard("OUT-4")
async def test_a_notice_is_signed_by_our_domain_and_its_return_path_names_it(
    tmp_path: Path, smtp_receiver: SmtpReceiver
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    (tmp_path / "dkim.pem").write_bytes(pem)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    smtp = {"dkim_selector": "arfgate", "dkim_key_file": "dkim.pem"}
    async with opened_scene(world(tmp_path), smtp_receiver, smtp=smtp) as made:
        await plan(made, TO)
        await outbox.send_due(made.house)
        (mail,) = smtp_receiver.received
        zone = {b"arfgate._domainkey.isp.example.": record}
        assert dkim.verify(mail.raw, dnsfunc=lambda name, timeout=5: zone.get(name))
        token = tokens.read_token(mail.mail_from, [made.house.key("notice")])
        assert token is not None
        assert await made.ask(f'SELECT "to" FROM notices WHERE id = {token.number}') == [(TO,)]  # a number


async def test_the_next_relay_takes_what_the_first_cannot(tmp_path: Path, smtp_receiver: SmtpReceiver) -> None:
    smtp = {"port": free_port(), "fallbacks": [f"127.0.0.1:{smtp_receiver.port}"]}
    async with opened_scene(world(tmp_path), smtp_receiver, smtp=smtp) as made:
        await plan(made, TO, "abuse@other.example.net")
        await outbox.send_due(made.house)
        assert sorted(mail.rcpt_tos[0] for mail in smtp_receiver.received) == [TO, "abuse@other.example.net"]
        assert await made.ask("SELECT DISTINCT state, attempts FROM notices") == [("sent", 1)]


async def test_what_is_beyond_a_domains_pace_goes_out_in_its_minute_and_counts_as_no_attempt(
    tmp_path: Path, smtp_receiver: SmtpReceiver
) -> None:
    async with opened_scene(world(tmp_path), smtp_receiver, smtp={"domain_a_minute": 2}) as made:
        await plan(made, *(f"abuse{number}@holder.example.net" for number in range(6)), "abuse@other.example.org")
        sent = []
        for minute in range(4):
            made.time[0] = NOW + timedelta(minutes=minute)
            await outbox.send_due(made.house)
            sent.append(len(smtp_receiver.received))
        assert sent == [3, 5, 7, 7]
        assert await made.ask("SELECT DISTINCT state, attempts FROM notices") == [("sent", 1)]


async def test_what_is_cancelled_while_its_batch_goes_out_is_not_sent_and_not_taken_up_again(
    tmp_path: Path, smtp_receiver: SmtpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = ["abuse@a.example.net", "abuse@b.example.net"]
    async with opened_scene(world(tmp_path), smtp_receiver) as made:
        await plan(made, *refused, TO)
        sending = made.house.mailer.send

        async def cancelled_meanwhile(mail: Composed) -> Outcome:
            async with made.house.database.writing() as connection:
                for address in refused:
                    await third_parties.refuse(connection, address, "ann", made.house.clock())
            made.time[0] += timedelta(minutes=1)
            return await sending(mail)

        monkeypatch.setattr(made.house.mailer, "send", cancelled_meanwhile)
        smtp_receiver.defer(refused[0])
        await outbox.send_due(made.house)
        assert [mail.rcpt_tos for mail in smtp_receiver.received] == [[TO]]
        made.time[0] += timedelta(hours=1)
        smtp_receiver.accept()
        await outbox.send_due(made.house)
        assert len(smtp_receiver.received) == 1
        states = await made.ask('SELECT "to", state FROM notices ORDER BY id')
        assert states == [(refused[0], "cancelled"), (refused[1], "cancelled"), (TO, "sent")]

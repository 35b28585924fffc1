"""Several relays and connections: who is down is passed over, and no mail goes to two relays."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from notifier.compose import Composed, compose
from notifier.connection import SmtpSettings
from notifier.mailers import Mailers
from notifier.notice import Deferred, Delivered, Refused, Why
from notifier.samples import example
from notifier.signing import Signer
from servers.ports import free_port

Mail = Callable[..., Composed]


def to(port: int) -> SmtpSettings:
    return SmtpSettings(host="127.0.0.1", port=port, answer_seconds=5, connect_seconds=5, total_seconds=10)


async def test_the_next_relay_takes_over_and_the_first_is_asked_again_after_a_rest(
    mail: Mail, make_smtp: Any, clock: Any
) -> None:
    second = await make_smtp()
    first_port = free_port()
    async with Mailers([to(first_port), to(second.port)], clock) as mailers:
        assert isinstance(await mailers.send(mail()), Delivered)
        assert isinstance(await mailers.send(mail()), Delivered)
        assert len(second.messages) == 2
        first = await make_smtp(replies={"CONNECT": "421 too busy"})
        assert first.connections == 0
    async with Mailers([to(first.port), to(second.port)], clock) as mailers:
        await mailers.send(mail())
        await mailers.send(mail())
        assert first.connections == 1  # it rests
        first.replies.clear()
        clock.forward(timedelta(minutes=2))
        assert isinstance(await mailers.send(mail()), Delivered)
        assert len(first.messages) == 1


@pytest.mark.parametrize("reply", ["CUT", "SILENCE", "well, yes", "354 go on", "421 4.3.2 going down"])
async def test_a_mail_that_a_relay_may_have_goes_to_no_other(
    mail: Mail, make_smtp: Any, clock: Any, reply: str
) -> None:
    first, second = await make_smtp(replies={"MESSAGE": reply}), await make_smtp()
    settings = SmtpSettings(host="127.0.0.1", port=first.port, answer_seconds=0.5, connect_seconds=5, total_seconds=2)
    async with Mailers([settings, to(second.port)], clock) as mailers:
        outcome = await mailers.send(mail())
    assert isinstance(outcome, Deferred)
    assert outcome.may_have_it
    assert second.messages == []


@pytest.mark.parametrize("reply", ["550 5.1.1 nobody", "452 4.2.2 full"])
async def test_what_is_about_the_mail_is_no_better_elsewhere(
    mail: Mail, make_smtp: Any, clock: Any, reply: str
) -> None:
    first, second = await make_smtp(replies={"RCPT": reply}), await make_smtp()
    async with Mailers([to(first.port), to(second.port)], clock) as mailers:
        outcome = await mailers.send(mail())
    assert isinstance(outcome, Refused | Deferred)
    assert outcome.why is Why.RECIPIENT
    assert second.connections == 0


async def test_so_many_connections_send_at_the_same_time_and_no_more(mail: Mail, make_smtp: Any, clock: Any) -> None:
    server = await make_smtp()
    async with Mailers([to(server.port)], clock, connections=3) as mailers:
        outcomes = await asyncio.gather(*(mailers.send(mail(f"a{n}@example.net")) for n in range(30)))
    assert all(isinstance(outcome, Delivered) for outcome in outcomes)
    assert len(server.messages) == 30
    assert 1 < server.connections <= 3


async def test_a_domain_gets_no_more_in_a_minute_than_it_may(mail: Mail, make_smtp: Any, clock: Any) -> None:
    server = await make_smtp()
    async with Mailers([to(server.port)], clock, a_minute=2) as mailers:
        outcomes = [await mailers.send(mail("a@Example.net")) for _ in range(3)]
        assert isinstance(await mailers.send(mail("a@example.org")), Delivered)
        assert isinstance(outcomes[2], Deferred)
        assert (outcomes[2].why, outcomes[2].wait) == (Why.RATE, timedelta(minutes=1))
        clock.forward(timedelta(minutes=1))
        assert isinstance(await mailers.send(mail("a@example.net")), Delivered)
    assert len(server.messages) == 4


@pytest.mark.standard("OUT-4")
def test_a_signature_of_ours_is_valid_until_a_byte_changes() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    mail = Signer("isp.example", "arfgate", pem).sign(compose(example(language="zh", html=True)))
    look_up = {b"arfgate._domainkey.isp.example.": record}
    assert dkim.verify(mail.message, dnsfunc=lambda name, timeout=5: look_up.get(name))
    assert not dkim.verify(
        mail.message.replace(b"Subject: ", b"Subject: x"), dnsfunc=lambda name, timeout=5: look_up.get(name)
    )
    with pytest.raises(ValueError, match="RSA private key"):
        Signer("isp.example", "arfgate", b"no key")

"""The mail arrives as it is; whatever a server does instead is an outcome, and nothing is said twice by us."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from notifier.dns import Resolver
from notifier.notice import Deferred, Delivered, Outcome, Refused, Why
from notifier.smtp import Mailer, SmtpSettings
from servers.certificates import Certificate, make_certificate
from servers.ports import free_port

Make = Callable[..., Any]


def relay(port: int, **changes: Any) -> SmtpSettings:
    return SmtpSettings(
        **({"host": "127.0.0.1", "port": port, "answer_seconds": 10.0, "connect_seconds": 10.0} | changes)
    )


async def send(settings: SmtpSettings, composed: Any, resolver: Resolver | None = None) -> Outcome:
    async with Mailer(settings, resolver) as mailer:
        return await mailer.send(composed)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


def server_context(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert_file, certificate.key_file)
    return context


async def test_a_real_server_gets_the_bytes_as_they_are(smtp_receiver: Any, mail: Make) -> None:
    outcome = await send(relay(smtp_receiver.port), mail())
    assert outcome == Delivered("250 2.0.0 Kept", "127.0.0.1")
    (received,) = await smtp_receiver.wait_for(1)
    assert received.raw == mail().message
    assert received.mail_from == "abuse+n.abc@isp.example"
    assert received.rcpt_tos == ["noc@customer.example"]


async def test_many_mails_share_one_connection(make_smtp: Make, mail: Make) -> None:
    smtp = await make_smtp()
    async with Mailer(relay(smtp.port)) as mailer:
        outcomes = await asyncio.gather(*(mailer.send(mail()) for _ in range(5)))
    assert {type(outcome) for outcome in outcomes} == {Delivered}
    assert smtp.messages == [mail().message] * 5
    assert smtp.connections == 1
    assert smtp.commands[-1] == "QUIT"


async def test_we_introduce_ourselves_by_the_notice_domain_or_as_told(make_smtp: Make, mail: Make) -> None:
    smtp = await make_smtp()
    await send(relay(smtp.port), mail())
    await send(relay(smtp.port, hello="out.isp.example"), mail())
    assert [line for line in smtp.commands if line.startswith("EHLO")] == ["EHLO isp.example", "EHLO out.isp.example"]


async def test_a_delivery_report_is_asked_for_where_it_is_offered(make_smtp: Make, mail: Make) -> None:
    smtp = await make_smtp(extensions=["DSN", "SIZE 100000"])
    await send(relay(smtp.port), mail())
    size = len(mail().message)
    assert f"MAIL FROM:<abuse+n.abc@isp.example> SIZE={size} RET=HDRS ENVID=k+2B1+3Dx@isp.example" in smtp.commands
    assert "RCPT TO:<noc@customer.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;noc@customer.example" in smtp.commands


@pytest.mark.standard("AR-4")
@pytest.mark.parametrize("extensions", [["DSN"], []])
async def test_an_automatic_reply_has_the_null_return_path_and_nobody_reports_about_it(
    make_smtp: Make, mail: Make, extensions: list[str]
) -> None:
    smtp = await make_smtp(extensions=extensions)
    composed = replace(mail(), envelope_from="")
    assert isinstance(await send(relay(smtp.port, hello="isp.example"), composed), Delivered)
    assert "MAIL FROM:<>" in smtp.commands
    assert f"RCPT TO:<noc@customer.example>{' NOTIFY=NEVER' if extensions else ''}" in smtp.commands


async def test_no_delivery_report_is_asked_for_where_it_is_not_offered_or_not_wanted(
    make_smtp: Make, mail: Make
) -> None:
    for extensions, wanted in (([], True), (["DSN"], False)):
        smtp = await make_smtp(extensions=extensions)
        await send(relay(smtp.port, request_dsn=wanted), mail())
        assert "RCPT TO:<noc@customer.example>" in smtp.commands


async def test_a_server_that_knows_only_helo_gets_the_mail(make_smtp: Make, mail: Make) -> None:
    smtp = await make_smtp(replies={"EHLO": "502 5.5.1 what"})
    assert isinstance(await send(relay(smtp.port), mail()), Delivered)
    assert "HELO isp.example" in smtp.commands


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ({"RCPT": "550 5.1.1 no such user"}, Refused(Why.RECIPIENT, "550 5.1.1 no such user")),
        ({"RCPT": "450 4.2.1 busy"}, Deferred(Why.RECIPIENT, "450 4.2.1 busy")),
        ({"RCPT": "450 4.7.28 rate"}, Deferred(Why.RATE, "450 4.7.28 rate")),
        ({"MAIL": "550 5.7.1 not you"}, Refused(Why.SENDER, "550 5.7.1 not you")),
        ({"MAIL": "530 5.7.0 login first"}, Deferred(Why.AUTHENTICATION, "530 5.7.0 login first")),
        ({"MESSAGE": "554 5.6.0 bad"}, Refused(Why.CONTENT, "554 5.6.0 bad")),
        ({"MESSAGE": "451 4.3.0 later"}, Deferred(Why.SERVER, "451 4.3.0 later")),
        ({"DATA": "451 4.3.2 shutting down"}, Deferred(Why.SERVER, "451 4.3.2 shutting down")),
        ({"CONNECT": "554 5.3.2 closed"}, Deferred(Why.SERVER, "554 5.3.2 closed")),
        ({"RCPT": "421 4.3.2 closing"}, Deferred(Why.SERVER, "421 4.3.2 closing")),
    ],
)
async def test_an_answer_is_the_outcome(
    make_smtp: Make, mail: Make, replies: dict[str, str], expected: Outcome
) -> None:
    smtp = await make_smtp(replies=replies)
    assert await send(relay(smtp.port), mail()) == expected


@pytest.mark.parametrize("verb", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "MESSAGE"])
async def test_a_connection_that_breaks_is_an_outcome_and_is_tried_once(make_smtp: Make, mail: Make, verb: str) -> None:
    smtp = await make_smtp(replies={verb: "CUT"})
    outcome = await send(relay(smtp.port), mail())
    assert isinstance(outcome, Deferred)
    assert outcome.why is Why.CONNECTION
    assert smtp.connections == 1


@pytest.mark.parametrize("garbage", ["garbage", "999", "-", "250" + "x" * 9000, "\x00\x01"])
async def test_an_answer_that_is_none_is_an_outcome(make_smtp: Make, mail: Make, garbage: str) -> None:
    smtp = await make_smtp(replies={"RCPT": garbage})
    assert isinstance(await send(relay(smtp.port), mail()), Deferred)


async def test_after_a_failure_the_next_mail_goes_over_a_new_connection(make_smtp: Make, mail: Make) -> None:
    smtp = await make_smtp(replies={"RCPT": ["550 5.1.1 no"], "MESSAGE": ["CUT"]})
    async with Mailer(relay(smtp.port)) as mailer:
        first, second, third = [await mailer.send(mail()) for _ in range(3)]
    assert isinstance(first, Refused)
    assert isinstance(second, Deferred)
    assert isinstance(third, Delivered)
    assert smtp.connections == 3


async def test_a_kept_connection_that_the_server_ended_does_not_fail_the_next_mail(make_smtp: Make, mail: Make) -> None:
    smtp = await make_smtp()
    async with Mailer(relay(smtp.port)) as mailer:
        assert isinstance(await mailer.send(mail()), Delivered)
        smtp.cut_all()
        assert isinstance(await mailer.send(mail()), Delivered)
    assert smtp.connections == 2
    assert len(smtp.messages) == 2


async def test_a_kept_connection_that_is_closed_with_421_does_not_fail_the_next_mail(
    make_smtp: Make, mail: Make
) -> None:
    smtp = await make_smtp(replies={"MAIL": ["250 ok", "421 4.4.2 idle too long"]})
    async with Mailer(relay(smtp.port)) as mailer:
        assert [type(await mailer.send(mail())) for _ in range(2)] == [Delivered, Delivered]
    assert smtp.connections == 2


async def test_a_kept_connection_that_breaks_in_the_data_is_not_tried_again(make_smtp: Make, mail: Make) -> None:
    smtp = await make_smtp(replies={"MESSAGE": ["250 ok", "CUT"]})
    async with Mailer(relay(smtp.port)) as mailer:
        outcomes = [await mailer.send(mail()) for _ in range(2)]
    assert isinstance(outcomes[1], Deferred)
    assert smtp.connections == 1
    assert len(smtp.messages) == 2  # it has the bytes; whether it keeps them nobody knows


@pytest.mark.parametrize("verb", ["CONNECT", "EHLO", "RCPT", "MESSAGE"])
async def test_a_server_that_says_nothing_is_given_up(make_smtp: Make, mail: Make, verb: str) -> None:
    smtp = await make_smtp(replies={verb: "SILENCE"})
    outcome = await send(relay(smtp.port, answer_seconds=0.2, connect_seconds=0.2), mail())
    assert isinstance(outcome, Deferred)
    assert outcome.why is Why.TIMEOUT


async def test_one_mail_has_an_end_whatever_the_single_answers_take(make_smtp: Make, mail: Make) -> None:
    smtp = await make_smtp(replies={"RCPT": "SILENCE"})
    outcome = await send(relay(smtp.port, total_seconds=0.3), mail())
    assert outcome == Deferred(Why.TIMEOUT, "not finished after 0.3 seconds", may_have_it=True)


async def test_a_cancelled_mail_leaves_no_half_used_connection(make_smtp: Make, mail: Make) -> None:
    smtp = await make_smtp(replies={"RCPT": ["SILENCE"]})
    async with Mailer(relay(smtp.port)) as mailer:
        task = asyncio.ensure_future(mailer.send(mail()))
        await smtp.reached_silence.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert isinstance(await mailer.send(mail()), Delivered)
    assert smtp.connections == 2


async def test_nobody_listening_is_an_outcome(mail: Make) -> None:
    outcome = await send(relay(free_port()), mail())
    assert isinstance(outcome, Deferred)
    assert outcome.why is Why.CONNECTION


async def test_what_cannot_stand_in_an_envelope_is_refused(make_smtp: Make, mail: Make) -> None:
    smtp = await make_smtp()
    outcome = await send(relay(smtp.port), mail("noc@customer.example> NOTIFY=NEVER <x@customer.example"))
    assert isinstance(outcome, Refused)
    assert outcome.why is Why.ADDRESS
    assert not any(line.startswith("RCPT") for line in smtp.commands)


# --- TLS and login ---------------------------------------------------------------------


async def test_starttls_with_a_certificate_that_verifies(make_smtp: Make, mail: Make, certificate: Certificate) -> None:
    smtp = await make_smtp(context=server_context(certificate))
    outcome = await send(relay(smtp.port, host="localhost", tls="starttls", ca_file=certificate.ca_file), mail())
    assert isinstance(outcome, Delivered)
    assert smtp.commands[:3] == ["EHLO isp.example", "STARTTLS", "EHLO isp.example"]


async def test_a_certificate_that_does_not_verify_stops_the_mail(
    make_smtp: Make, mail: Make, certificate: Certificate, tmp_path: Path
) -> None:
    expired = make_certificate(tmp_path, expired=True)
    for shown, trusted in ((certificate, None), (expired, expired.ca_file), (certificate, expired.ca_file)):
        smtp = await make_smtp(context=server_context(shown))
        outcome = await send(relay(smtp.port, host="localhost", tls="starttls", ca_file=trusted), mail())
        assert isinstance(outcome, Deferred)
        assert outcome.why is Why.TLS
        assert smtp.messages == []


async def test_verification_can_be_turned_off(make_smtp: Make, mail: Make, certificate: Certificate) -> None:
    smtp = await make_smtp(context=server_context(certificate))
    outcome = await send(relay(smtp.port, tls="starttls", verify=False), mail())
    assert isinstance(outcome, Delivered)


async def test_starttls_that_is_not_offered_is_never_done_without(make_smtp: Make, mail: Make) -> None:
    smtp = await make_smtp()
    outcome = await send(relay(smtp.port, tls="starttls"), mail())
    assert isinstance(outcome, Deferred)
    assert outcome.why is Why.TLS
    assert smtp.messages == []


async def test_implicit_tls(make_smtp: Make, mail: Make, certificate: Certificate) -> None:
    smtp = await make_smtp(implicit=server_context(certificate))
    settings = relay(smtp.port, host="localhost", tls="implicit", ca_file=certificate.ca_file)
    assert isinstance(await send(settings, mail()), Delivered)
    wrong = await send(relay(smtp.port, host="localhost", tls="implicit"), mail())
    assert isinstance(wrong, Deferred)
    assert wrong.why is Why.TLS


async def test_a_login_is_made_before_the_mail_and_its_refusal_is_ours_to_mend(make_smtp: Make, mail: Make) -> None:
    smtp = await make_smtp(extensions=["AUTH PLAIN"], replies={"AUTH": ["235 ok", "535 5.7.8 wrong password"]})
    settings = relay(smtp.port, username="arfgate", password="secret")
    assert isinstance(await send(settings, mail()), Delivered)
    assert await send(settings, mail()) == Deferred(Why.AUTHENTICATION, "535 5.7.8 wrong password")
    assert "secret" not in repr(settings)


async def test_a_login_that_is_not_offered_is_our_settings_fault(make_smtp: Make, mail: Make) -> None:
    smtp = await make_smtp()
    outcome = await send(relay(smtp.port, username="arfgate", password="secret"), mail())
    assert isinstance(outcome, Deferred)
    assert outcome.why is Why.AUTHENTICATION


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"host": "mx.example", "username": "u", "tls": "none"}, "tls is 'none'"),
        ({"host": ""}, "host is empty"),
        ({"mode": "direct", "tls": "implicit"}, "tls is 'implicit'"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        SmtpSettings(**settings)


def test_direct_delivery_needs_a_resolver() -> None:
    with pytest.raises(ValueError, match="resolver"):
        Mailer(SmtpSettings(mode="direct"))

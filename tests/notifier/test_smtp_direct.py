"""Direct delivery finds the right server, tries the next one only while nothing was said, and stays outside our network."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from notifier.dns import Resolver
from notifier.notice import Deferred, Delivered, Outcome, Refused, Why
from notifier.smtp import Mailer, SmtpSettings
from servers.certificates import make_certificate

Make = Callable[..., Any]


def direct(port: int, **changes: Any) -> SmtpSettings:
    return SmtpSettings(**({"mode": "direct", "port": port, "private_hosts": True} | changes))


async def send(settings: SmtpSettings, composed: Any, resolver: Resolver) -> Outcome:
    async with Mailer(settings, resolver) as mailer:
        return await mailer.send(composed)


def two_exchangers(dns_server: Any) -> None:
    dns_server.zone |= {("customer.example", "MX"): ["10 a.example.", "20 b.example."]}
    dns_server.zone |= {("a.example", "A"): ["127.0.0.1"], ("b.example", "A"): ["127.0.0.1"]}


async def test_direct_delivery_goes_to_the_best_exchanger(
    make_smtp: Make, mail: Make, dns_server: Any, resolver: Resolver
) -> None:
    smtp = await make_smtp(extensions=["DSN"])
    dns_server.zone |= {
        ("customer.example", "MX"): ["10 mx.customer.example."],
        ("mx.customer.example", "A"): ["127.0.0.1"],
    }
    outcome = await send(direct(smtp.port), mail(), resolver)
    assert outcome == Delivered("250 2.0.0 queued as 1", "mx.customer.example")
    # of the last server a report is wanted only should it fail after all
    wanted = "RCPT TO:<noc@customer.example> NOTIFY=FAILURE ORCPT=rfc822;noc@customer.example"
    assert wanted in smtp.commands


async def test_direct_delivery_tries_the_next_exchanger_when_one_is_down(
    make_smtp: Make, mail: Make, dns_server: Any, resolver: Resolver
) -> None:
    smtp = await make_smtp()
    dns_server.zone |= {
        ("customer.example", "MX"): ["10 down.example.", "20 nowhere.example.", "30 up.example."],
        ("down.example", "A"): ["127.0.0.2"],
        ("up.example", "A"): ["127.0.0.1"],
    }
    outcome = await send(direct(smtp.port), mail(), resolver)
    assert isinstance(outcome, Delivered)
    assert outcome.server == "up.example"


async def test_a_refusal_by_one_exchanger_is_not_shopped_around(
    make_smtp: Make, mail: Make, dns_server: Any, resolver: Resolver
) -> None:
    smtp = await make_smtp(replies={"RCPT": "550 5.1.1 no"})
    two_exchangers(dns_server)
    assert await send(direct(smtp.port), mail(), resolver) == Refused(Why.RECIPIENT, "550 5.1.1 no")
    assert smtp.connections == 1


async def test_an_exchanger_that_may_have_the_mail_is_the_last_one(
    make_smtp: Make, mail: Make, dns_server: Any, resolver: Resolver
) -> None:
    smtp = await make_smtp(replies={"MESSAGE": ["CUT"]})
    two_exchangers(dns_server)
    outcome = await send(direct(smtp.port), mail(), resolver)
    assert isinstance(outcome, Deferred)
    assert outcome.why is Why.CONNECTION
    assert len(smtp.messages) == 1


async def test_an_exchanger_that_breaks_before_the_data_leaves_the_mail_to_the_next(
    make_smtp: Make, mail: Make, dns_server: Any, resolver: Resolver
) -> None:
    smtp = await make_smtp(replies={"RCPT": ["CUT"]})
    two_exchangers(dns_server)
    outcome = await send(direct(smtp.port), mail(), resolver)
    assert isinstance(outcome, Delivered)
    assert outcome.server == "b.example"
    assert len(smtp.messages) == 1


async def test_a_domain_without_mail_is_refused_and_a_silent_zone_deferred(
    mail: Make, dns_server: Any, resolver: Resolver
) -> None:
    dns_server.zone["null.example", "MX"] = ["0 ."]
    for domain in ("gone.example", "null.example"):
        outcome = await send(direct(1), mail(f"noc@{domain}"), resolver)
        assert isinstance(outcome, Refused)
        assert outcome.why is Why.NO_MAIL_SERVER
    dns_server.broken = True
    outcome = await send(direct(1), mail("noc@silent.example"), resolver)
    assert isinstance(outcome, Deferred)
    assert outcome.why is Why.NO_MAIL_SERVER


async def test_a_customers_exchanger_inside_our_own_network_is_never_connected_to(
    make_smtp: Make, mail: Make, dns_server: Any, resolver: Resolver
) -> None:
    smtp = await make_smtp()
    dns_server.zone |= {
        ("customer.example", "MX"): ["10 mx.customer.example."],
        ("mx.customer.example", "A"): ["127.0.0.1"],
    }
    outcome = await send(direct(smtp.port, private_hosts=False), mail(), resolver)
    assert isinstance(outcome, Refused)
    assert outcome.why is Why.NO_MAIL_SERVER
    assert smtp.connections == 0


async def test_direct_delivery_encrypts_where_it_is_offered_without_asking_for_a_name(
    make_smtp: Make, mail: Make, dns_server: Any, resolver: Resolver, tmp_path: Path
) -> None:
    certificate = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert_file, certificate.key_file)
    smtp = await make_smtp(context=context)
    dns_server.zone["customer.example", "A"] = ["127.0.0.1"]
    assert isinstance(await send(direct(smtp.port, tls="starttls"), mail(), resolver), Delivered)
    assert "STARTTLS" in smtp.commands


async def test_direct_delivery_does_without_where_the_servers_tls_is_broken(
    make_smtp: Make, mail: Make, dns_server: Any, resolver: Resolver
) -> None:
    unusable = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # no certificate: every handshake fails
    smtp = await make_smtp(context=unusable)
    dns_server.zone["customer.example", "A"] = ["127.0.0.1"]
    assert isinstance(await send(direct(smtp.port, tls="starttls"), mail(), resolver), Delivered)
    assert smtp.commands.count("STARTTLS") == 1

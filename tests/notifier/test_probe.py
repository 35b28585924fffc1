"""A probe asks with RCPT and sends nothing, and says in one line what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from notifier.connection import SmtpSettings
from notifier.dns import Resolver
from notifier.probe import probe

Make = Callable[..., Any]
DOMAIN = {("customer.example", "MX"): ["10 mx.customer.example."], ("mx.customer.example", "A"): ["127.0.0.1"]}


async def asked(port: int, resolver: Resolver, address: str = "postmaster@customer.example", **changes: Any) -> str:
    settings = SmtpSettings(**({"mode": "direct", "port": port, "private_hosts": True, "tls": "none"} | changes))
    return await probe(address, "isp.example", resolver, settings)


async def test_the_servers_word_is_told_and_no_mail_is_sent(
    make_smtp: Make, dns_server: Any, resolver: Resolver
) -> None:
    smtp = await make_smtp()
    dns_server.zone |= DOMAIN
    assert (await asked(smtp.port, resolver)).startswith("mx.customer.example: 250")
    assert "RCPT TO:<postmaster@customer.example>" in smtp.commands
    assert "MAIL FROM:<>" in smtp.commands[smtp.commands.index("RCPT TO:<postmaster@customer.example>") - 1]
    assert "DATA" not in smtp.commands


async def test_what_cannot_be_asked_is_said(make_smtp: Make, dns_server: Any, resolver: Resolver) -> None:
    smtp = await make_smtp()
    dns_server.zone |= DOMAIN
    assert "has a public address" in await asked(smtp.port, resolver, private_hosts=False)
    assert "is no mail address" in await asked(smtp.port, resolver, "not an address")
    assert smtp.commands == []
    assert "mx.customer.example" in await asked(1, resolver)  # nobody listens there


async def test_a_domain_without_mail_is_named(dns_server: Any, resolver: Resolver) -> None:
    assert "gone.example" in await asked(25, resolver, "postmaster@gone.example")

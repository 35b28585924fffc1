"""Would a server take mail to this address? Asked with RCPT, and nothing is sent.

Only when a person wants to know: servers count such questions against whoever asks. Must
never say DATA.
"""

from __future__ import annotations

import contextlib

import aiosmtplib

from notifier.answers import answer_text
from notifier.connection import SmtpSettings, Target, open_connection, tls_context
from notifier.dns import LookupFailed, NoMail, Resolver, is_public
from notifier.headers import clean, is_address
from notifier.notice import Deferred

_SECONDS = 20.0


async def probe(address: str, hello: str, resolver: Resolver, settings: SmtpSettings | None = None) -> str:
    """What the first server of the address's domain that can be reached says to RCPT, in one line for staff; or why
    none could be asked. `hello` is our name. Never raises for what the world does."""
    if not is_address(address):
        return f"{clean(address, 100)} is no mail address"
    settings = settings or SmtpSettings(mode="direct", tls="none", connect_seconds=_SECONDS, answer_seconds=_SECONDS)
    hosts = await resolver.mx(address.rpartition("@")[2])
    if isinstance(hosts, NoMail | LookupFailed):
        return hosts.reason
    said = "no server of the domain has a public address"
    for host in hosts[:3]:
        found = await resolver.addresses(host)
        for where in found[:2] if isinstance(found, list) else ():
            if not settings.private_hosts and not is_public(where):
                continue
            context = tls_context(settings) if settings.tls != "none" else None
            opened = await open_connection(settings, Target(where, host), context, hello)
            if not isinstance(opened, Deferred):
                return await _ask(opened, host, address)
            said = opened.answer
    return said


async def _ask(connection: aiosmtplib.SMTP, host: str, address: str) -> str:
    try:
        await connection.mail("")  # the null path: whoever asks wants no bounce
        response = await connection.rcpt(address)
        return f"{host}: {answer_text(response.code, response.message)}"
    except aiosmtplib.SMTPRecipientsRefused as error:
        return clean(f"{host}: {error}", 300)
    except aiosmtplib.SMTPResponseException as error:
        return f"{host}: {answer_text(error.code, error.message)}"
    except (aiosmtplib.SMTPException, OSError) as error:
        return clean(f"{host}: {error}", 300)
    finally:
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            await connection.quit(timeout=2)
        connection.close()

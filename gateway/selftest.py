"""A mail to our own notice address, and its way back into a mailbox: what every reply and bounce will have to go.

Sends one mail and looks for it by its Message-ID; reads nothing else, changes nothing, and leaves
the mail where it arrived. Must never count a bounce of the mail as its arrival.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Collection, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gateway.doors import mailbox_accesses, smtp_settings
from gateway.intake.connect import MailboxAccess, MailboxError
from gateway.intake.imap import Fetched, MailboxConnection
from gateway.intake.oauth import TokenSource
from gateway.mailbox_sections import Mailbox
from gateway.settings import Settings
from gateway.tokens import derive, notice_address
from notifier.compose import CannotComposeError, Composed, compose
from notifier.dns import Resolver
from notifier.notice import Delivered, Notice, NoticeKind, Why
from notifier.smtp import Mailer

SELF_TEST_NUMBER = 0  # the number of no notice: rows count from 1
LOOK_SECONDS = 5.0  # between two looks, where the server does not tell of new mail
_HEAD_BYTES = 64 * 1024

_NEXT_STEP = {
    Why.CONNECTION: "check smtp.host and smtp.port, and that the server runs",
    Why.TIMEOUT: "check smtp.host and smtp.port, and firewalls between; else raise smtp.timeout_seconds",
    Why.TLS: "check smtp.security and smtp.port (587 is starttls, 465 tls), the certificate, and smtp.ca_file",
    Why.AUTHENTICATION: "correct smtp.user and smtp.password",
    Why.RECIPIENT: "the server of operator.notice_address must accept subaddresses (local+anything)",
    Why.SENDER: "the server must let this machine send as operator.notice_address",
    Why.NO_MAIL_SERVER: 'correct the domain of operator.notice_address, or use smtp.mode = "relay"',
    Why.ADDRESS: "correct operator.notice_address",
    Why.COMPOSE: "correct operator.address and operator.notice_address",
}


class SelfTestError(Exception):
    """The mail did not go, or did not come back; the text says what to do."""


@dataclass(slots=True)
class Watch:
    """One folder in which the mail may arrive. Only what comes after `seen` is looked at."""

    connection: MailboxConnection
    seen: int

    @property
    def name(self) -> str:
        access = self.connection.access
        return f"{access.folder} of mailbox {access.name}"


def compose_self_test(settings: Settings, now: datetime) -> Composed:
    """A mail from and to our own notice address. Raises SelfTestError."""
    operator = settings.operator
    key = derive(settings.secret_key.get_secret_value(), "notice")
    nonce = secrets.token_hex(8)
    address = notice_address(operator.notice_address, SELF_TEST_NUMBER, key)
    notice = Notice(
        kind=NoticeKind.SELF_TEST,
        key=f"self-test-{nonce}",
        to=address,
        language="en",
        address=address,
        sender=operator.address,
        sender_name=settings.sender_name,
        date=now,
        facts={"nonce": nonce, "organisation": operator.name},
    )
    try:
        return compose(notice)
    except CannotComposeError as error:
        raise SelfTestError(f"{error}; {_NEXT_STEP[error.why]}") from error


async def send(settings: Settings, composed: Composed) -> str:
    """Hand the mail to the server. Raises SelfTestError."""
    try:
        resolver = Resolver(settings.dns.nameservers, settings.dns.port) if settings.smtp.mode == "direct" else None
        mailer = Mailer(smtp_settings(settings), resolver)
    except OSError as error:  # ssl.SSLError is one
        raise SelfTestError(
            f"smtp.ca_file {settings.smtp.ca_file}: {error.strerror or error}; give a PEM file"
        ) from error
    except ValueError as error:
        raise SelfTestError(f"smtp: {error}") from error
    async with mailer:
        outcome = await mailer.send(composed)
    if isinstance(outcome, Delivered):
        return f"{outcome.server} took a mail to {composed.envelope_to}"
    smtp = settings.smtp
    where = f"{smtp.host}:{smtp.port}" if smtp.mode == "relay" else "direct delivery"
    step = _NEXT_STEP.get(outcome.why, "check smtp.host, smtp.security and smtp.user, and ask the server's operator")
    raise SelfTestError(f"{where} did not take the mail to {composed.envelope_to} ({outcome.answer}); {step}")


async def watch(stack: AsyncExitStack, boxes: Collection[Mailbox], logins: Mapping[str, TokenSource]) -> list[Watch]:
    """Every folder where the mail may appear, also `processed`: a running service may be quicker than we are."""
    accesses = [access for box in boxes for access in mailbox_accesses(box, logins.get(box.name))]
    accesses += [replace(access, folder=access.processed) for access in accesses if access.folder != access.processed]
    opened = await asyncio.gather(*(open_watch(access) for access in dict.fromkeys(accesses)))
    watches = [found for found in opened if found is not None]
    for found in watches:
        stack.push_async_callback(found.connection.close)
    return watches


async def open_watch(access: MailboxAccess) -> Watch | None:
    """A folder to look into, None where it cannot be opened."""
    try:
        connection = await MailboxConnection.open(access)
        return Watch(connection, max(await connection.uids(), default=0))
    except MailboxError:
        return None  # no such folder yet; what is wrong with the mailbox itself has its own line


async def find(watches: list[Watch], composed: Composed, seconds: float) -> str:
    """Where the mail arrived. Raises SelfTestError when it has not come after `seconds`, or bounced."""
    found = await first([look(watch, composed.message_id) for watch in watches], seconds)
    if found is not None:
        return found
    raise SelfTestError(
        f"the mail to {composed.envelope_to} did not arrive in {seconds:g} seconds; its server must deliver "
        "subaddresses (local+anything) into one of the mailboxes: see operator.notice_address; "
        "if it is only slow, give --wait"
    )


async def look(found: Watch, message_id: str) -> str | None:
    """Until it is there. None where the connection ends before."""
    try:
        while True:
            uids = await found.connection.uids(after=found.seen)
            for mail in await found.connection.fetch(uids[:100], _HEAD_BYTES) if uids else ():
                if _is_it(mail, message_id):
                    return f"it arrived in {found.name}"
            found.seen = max(uids[:100], default=found.seen)
            if len(uids) <= 100:
                await found.connection.idle(LOOK_SECONDS)
    except MailboxError:
        return None


def _is_it(mail: Fetched, message_id: str) -> bool:
    """Whether its own Message-ID is ours. Raises SelfTestError where it is a report that ours failed."""
    raw = mail.raw or mail.head or b""
    header, _, body = raw.partition(b"\r\n\r\n")
    wanted = message_id.encode("ascii")
    if re.search(rb"(?im)^message-id:\s*" + re.escape(wanted), header):
        return True
    if wanted in body and re.search(rb"(?im)^content-type:\s*multipart/report", header):
        raise SelfTestError(
            "the mail came back as undeliverable; the server of operator.notice_address must accept "
            "subaddresses (local+anything)"
        )
    return False


async def first(looks: Sequence[Coroutine[Any, Any, str | None]], seconds: float) -> str | None:
    """The first text that one of them finds; None when nothing is found within `seconds`. The others are ended."""
    tasks = [asyncio.create_task(one) for one in looks]
    try:
        async with asyncio.timeout(seconds):
            for done in asyncio.as_completed(tasks):
                if (text := await done) is not None:
                    return text
    except TimeoutError:
        pass
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return None

"""Does a complaint get through? A sample of forwarded spam goes to each mailbox, and is looked for where it may lie.

The sample holds the GTUBE string, which every content filter takes for spam: an abuse mailbox that filters loses its
evidence (RFC 2142: do not filter it). It carries our loop token, so that a running service files it as our own. Must
never send anything else, and never move what it finds.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from email.utils import format_datetime

from gateway import selftest
from gateway.doors import mailbox_accesses
from gateway.intake.connect import MailboxAccess
from gateway.intake.oauth import TokenSource
from gateway.mailbox_sections import Mailbox
from gateway.selftest import SelfTestError, Watch
from gateway.settings import Settings
from notifier.compose import LOOP_HEADER, Composed, loop_token
from notifier.headers import header, mailbox

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
# What servers call the folder into which their filters put mail.
JUNK = ("Junk", "Spam", "Junk E-mail", "Junk Email", "Bulk Mail", "[Gmail]/Spam", "INBOX.Junk", "INBOX.Spam")
_LATE_SECONDS = 10.0  # for folders that came into being meanwhile

_TEXT = (
    "This is a test by `arfgate check --intake`: a sample of forwarded spam, to see\r\n"
    "whether a filter takes complaints away. Nobody needs to do anything.\r\n"
)


async def check_mailbox(
    settings: Settings, box: Mailbox, tokens: TokenSource | None, now: datetime, seconds: float
) -> str:
    """Where the sample arrived. Raises SelfTestError: refused, in a junk folder that is not read, or nowhere."""
    address = box.address or (box.user if "@" in box.user else None)
    if address is None:
        raise SelfTestError(f'set address in [[mailboxes]] "{box.name}": its login name is no mail address')
    async with AsyncExitStack() as stack:
        inbox = mailbox_accesses(box, tokens)[0]
        names = list(dict.fromkeys(n for n in (box.folder, box.processed, box.failed, box.junk_folder, *JUNK) if n))
        watches = await _watches(stack, inbox, names)
        if not watches:
            raise SelfTestError(f'no folder of mailbox "{box.name}" can be opened')
        composed = sample(settings, address, now)
        try:
            await selftest.send(settings, composed)
        except SelfTestError as refused:
            step = "exempt this address from content filters on your border"
            raise SelfTestError(f"a complaint with spam in it was not taken: {refused}; {step}") from refused
        found = await _where(watches, composed, seconds)
        if found is None:  # a filter makes its folder when it first needs it
            new = [name for name in names if name not in {one.connection.access.folder for one in watches}]
            late = [replace(one, seen=0) for one in await _watches(stack, inbox, new)]
            found = await _where(late, composed, _LATE_SECONDS) if late else None
        return _told(box, found, seconds)


async def _watches(stack: AsyncExitStack, inbox: MailboxAccess, names: Iterable[str]) -> list[Watch]:
    """The folders that are there, opened one after the other: servers count connections."""
    watches = []
    for name in names:
        found = await selftest.open_watch(replace(inbox, folder=name))
        if found is not None:
            stack.push_async_callback(found.connection.close)
            watches.append(found)
    return watches


async def _where(watches: list[Watch], composed: Composed, seconds: float) -> str | None:
    """The folder in which it is, None where it did not come."""

    async def look(found: Watch) -> str | None:
        return found.connection.access.folder if await selftest.look(found, composed.message_id) else None

    return await selftest.first([look(found) for found in watches], seconds)


def _told(box: Mailbox, folder: str | None, seconds: float) -> str:
    where = f'[[mailboxes]] "{box.name}"'
    if folder is None:
        raise SelfTestError(
            f"forwarded spam did not arrive in {seconds:g} seconds: a filter on your border may have taken it; "
            "exempt this address, or give --wait if mail is only slow"
        )
    if folder in (box.folder, box.processed, box.failed):
        return f"forwarded spam arrived in {folder}"
    if folder == box.junk_folder:
        return f"forwarded spam lay in {folder}, which is read too; better exempt this address from the filter"
    raise SelfTestError(
        f"forwarded spam lay in {folder}, which is not read: exempt this address, "
        f'or set junk_folder = "{folder}" in {where}'
    )


def sample(settings: Settings, to: str, now: datetime) -> Composed:
    """A complaint with GTUBE in the reported mail, as a person would forward it."""
    operator = settings.operator
    domain = operator.address.rpartition("@")[2]
    message_id = f"<intake-{secrets.token_hex(12)}@{domain}>"
    boundary = secrets.token_hex(12)
    reported = (
        "Received: from mail.sender.example (mail.sender.example [192.0.2.1]) by mx.example.net with ESMTP id 1;\r\n"
        f"\t{format_datetime(now)}\r\nFrom: offers@sender.example\r\nTo: reader@example.net\r\n"
        f"Subject: A sample of spam\r\nMessage-ID: <sample@sender.example>\r\n\r\n{GTUBE}\r\n"
    )
    head = b"".join(
        (
            mailbox("From", operator.address, settings.sender_name),
            mailbox("To", to),
            header("Subject", "Fwd: A sample of spam (arfgate check --intake)"),
            f"Date: {format_datetime(now)}\r\nMessage-ID: {message_id}\r\n".encode("ascii"),
            b"Auto-Submitted: auto-generated\r\n",
            header(LOOP_HEADER, loop_token(domain)),
            f'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="{boundary}"\r\n\r\n'.encode("ascii"),
        )
    )
    parts = (
        f"--{boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n{_TEXT}\r\n"
        f"--{boundary}\r\nContent-Type: message/rfc822\r\n\r\n{reported}\r\n--{boundary}--\r\n"
    )
    return Composed(head + parts.encode("ascii"), message_id, operator.notice_address, to)

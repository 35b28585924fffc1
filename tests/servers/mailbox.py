"""A user's mailbox on one of the IMAP servers, and plain mails to fill it with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gateway.intake.imap import MailboxAccess
from servers.dovecot import Dovecot


def mail(number: int, body: bytes = b"body (with * and ) in it\r\n") -> bytes:
    return b"From: a@example.net\r\nTo: abuse@example.com\r\nSubject: mail %d\r\n\r\n" % number + body


@dataclass
class Box:
    """A user's mailbox on one of the servers."""

    server: Any
    user: str
    access: MailboxAccess

    def deliver(self, *raws: bytes, when: datetime | None = None) -> None:
        self.server.deliver_all(self.user, list(raws), when)

    def count(self, folder: str = "INBOX") -> int:
        return self.server.count(self.user, folder)

    def messages(self, folder: str = "INBOX") -> list[bytes]:
        return self.server.messages(self.user, folder)

    def through(self, port: int, timeout: float = 5.0) -> MailboxAccess:
        return replace(self.access, port=port, timeout=timeout)


def dovecot_box(dovecot: Dovecot, security: str = "plain") -> Box:
    user = dovecot.new_user()
    port = dovecot.tls_port if security == "tls" else dovecot.port
    access = MailboxAccess(
        "abuse", "127.0.0.1", port, user, dovecot.password, security=security, ca_file=dovecot.ca_file, timeout=10
    )
    return Box(dovecot, user, access)

"""The demo's SMTP server: takes every mail and keeps it as an .eml file. aiosmtpd, on a free port of 127.0.0.1.

Stands for the mail servers of the whole world, so that nothing leaves the machine. Must
never pass a mail on.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import compat32
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

_UNFIT = re.compile(r"[^A-Za-z0-9@._-]")


@dataclass(frozen=True, slots=True)
class Kept:
    """One mail that arrived: its envelope, some of its header, and the file it lies in."""

    path: Path
    return_path: str
    recipient: str
    header: dict[str, str]


class Receiver:
    """`kept` is what arrived, in order."""

    def __init__(self, folder: Path) -> None:
        self.kept: list[Kept] = []
        self._folder = folder

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  (aiosmtpd's name)
        raw: bytes = envelope.content
        for recipient in envelope.rcpt_tos:
            path = self._folder / f"{len(self.kept) + 1:03d}-{_UNFIT.sub('_', recipient)[:80]}.eml"
            path.write_bytes(raw)
            head = message_from_bytes(raw, policy=compat32)
            header = {name: " ".join(str(head.get(name, "")).split()) for name in ("From", "Subject", "Message-ID")}
            self.kept.append(Kept(path, envelope.mail_from or "", recipient, header))
        return "250 2.0.0 Kept"

    def file_of(self, message_id: str | None) -> Path | None:
        """Where the mail with this Message-ID lies."""
        return next((mail.path for mail in self.kept if mail.header["Message-ID"] == message_id), None)


@asynccontextmanager
async def receiving(folder: Path) -> AsyncIterator[tuple[Receiver, int]]:
    """The receiver and its port."""
    receiver = Receiver(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(receiver, hostname="mx.world.example", ident="demo", loop=loop), "127.0.0.1", 0
    )
    try:
        yield receiver, server.sockets[0].getsockname()[1]
    finally:
        server.close()

"""A house with its pages for customers and reporters, the mail that it sends, and the links in it."""

from __future__ import annotations

import contextlib
import email
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from gateway import pipeline
from gateway.web.app import application
from servers.receiver import SmtpReceiver
from servers.waiting import Waiting, served, waiting_house

PUBLIC = "https://abuse.isp.example"


@dataclass
class Outside:
    """`client` is a browser without cookies of ours, `relay` the server that took our mail."""

    waiting: Waiting
    relay: SmtpReceiver
    client: httpx.AsyncClient
    url: str

    def mails(self, to: str) -> list[str]:
        """The readable text of each mail to this address, in order."""
        return [_text(mail.raw) for mail in self.relay.received if to in mail.rcpt_tos]

    def link(self, to: str) -> str:
        """The path of the newest link that this address was sent."""
        found = [path for text in self.mails(to) for path in re.findall(rf"{re.escape(PUBLIC)}(/\S+)", text)]
        return found[-1]

    async def drain(self) -> None:
        await pipeline.drain(self.waiting.house)

    async def ask(self, question: str) -> list[tuple[Any, ...]]:
        return await self.waiting.ask(question)


def _text(raw: bytes) -> str:
    said = email.message_from_bytes(raw)
    part = next(part for part in said.walk() if part.get_content_type() == "text/plain")
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return f"{said['Subject']}\n\n{content.decode('utf-8')}".replace("\r\n", "\n")


@contextlib.asynccontextmanager
async def outside_of(folder: Path, url: str, relay: SmtpReceiver, **sections: Any) -> AsyncIterator[Outside]:
    smtp = {"host": "127.0.0.1", "port": relay.port, "security": "none", "bounce_grace_minutes": 0}
    async with (
        waiting_house(folder, url, **{"smtp": smtp, "public_url": PUBLIC} | sections) as waiting,
        served(application(waiting.house)) as address,
        httpx.AsyncClient(verify=False, timeout=60, base_url=address) as client,
    ):
        yield Outside(waiting, relay, client, address)

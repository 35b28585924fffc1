"""A gateway on a moved clock: a real house, its database, and the relay that takes what it says."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from typing import Any

from sqlalchemy import text
from whole.world import CUSTOMERS, PAST, World

from gateway import pipeline
from gateway.app import opened
from gateway.house import House
from gateway.intake.customers import read_customers
from gateway.intake.poll import poll
from gateway.settings import load
from gateway.store import customers, mailboxes, messages, switches
from gateway.store.messages import Arrived
from servers.receiver import SmtpReceiver
from servers.waiting import ParserHere, arf

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ALDER, BIRCH = "198.51.100.7", "198.51.100.200"
FOREIGN = "203.0.113.7"
HOUR = timedelta(hours=1)


@dataclass
class Scene:
    """A house, its time, and what its SMTP relay got."""

    world: World
    house: House
    relay: SmtpReceiver
    time: list[datetime] = field(default_factory=lambda: [NOW])

    def after(self, hours: float) -> None:
        self.time[0] = NOW + timedelta(hours=hours)

    async def take_in(self, *raws: bytes) -> None:
        """As `arfgate ingest` does."""
        now = self.house.clock()
        async with self.house.database.writing() as connection:
            await messages.store(connection, [Arrived(raw, now) for raw in raws], None, now)
        await pipeline.drain(self.house)

    async def poll(self, *names: str) -> None:
        """The mailboxes (all), then what follows from them."""
        for box in self.house.settings.mailboxes:
            if not names or box.name in names:
                await poll(self.house, box)
        await pipeline.drain(self.house)

    async def go_live(self, *names: str, since: datetime = PAST) -> None:
        async with self.house.database.writing() as connection:
            await mailboxes.register(connection, list(names))
            for name in names:
                await mailboxes.go_live(connection, name, since, who="test", now=self.house.clock())

    async def pause(self, *, paused: bool) -> None:
        async with self.house.database.writing() as connection:
            await switches.pause(connection, paused=paused, who="test", why="", now=self.house.clock())

    async def ask(self, question: str) -> list[tuple[Any, ...]]:
        async with self.house.database.reading() as connection:
            return [tuple(row) for row in await connection.execute(text(question))]

    async def clock(self) -> tuple[Any, ...]:
        """(state, step, contact) of the one clock."""
        (row,) = await self.ask("SELECT state, step, contact FROM clocks")
        return row

    def sent(self) -> list[tuple[str, str]]:
        """(kind, to) of each mail that went out, in order; the kind as our header says it."""
        return [(_kind(mail.raw), mail.rcpt_tos[0]) for mail in self.relay.received]


def _kind(raw: bytes) -> str:
    subject = str(message_from_bytes(raw)["Subject"]).lower()
    return next((word for word in ("reminder", "overdue") if word in subject), "complaint")


@contextlib.asynccontextmanager
async def opened_scene(world: World, relay: SmtpReceiver, **sections: dict[str, Any]) -> AsyncIterator[Scene]:
    world.sections = {"smtp": {"port": relay.port, "bounce_grace_minutes": 0}}
    for name, more in sections.items():
        world.sections[name] = world.sections.get(name, {}) | more
    world.write()
    time = [NOW]
    async with opened_house(world, time) as house:
        file = world.folder / "customers.csv"
        file.write_text(CUSTOMERS, encoding="utf-8")
        async with house.database.writing() as connection:
            await customers.import_file(connection, read_customers(file), who="test", now=NOW)
        yield Scene(world, house, relay, time)


@contextlib.asynccontextmanager
async def opened_house(world: World, time: list[datetime]) -> AsyncIterator[House]:
    async with opened(load(world.config), clock=lambda: time[0]) as house:
        house.workers.close()
        house.workers = ParserHere()  # type: ignore[assignment]  # saves a second a test
        yield house


def about(source: str, **more: str) -> bytes:
    return arf(source, NOW - HOUR, **more)


def answer(notice: bytes, header: str = "") -> bytes:
    """As a mail program answers: to the Reply-To, naming the notice."""
    said = message_from_bytes(notice)
    return mail(
        f"From: boss@alder.example\r\nTo: {said['Reply-To']}\r\nSubject: Re: {said['Subject']}\r\n"
        f"In-Reply-To: {said['Message-ID']}\r\n{header}",
        "We closed the account.",
    )


def bounce(notice: bytes) -> bytes:
    """RFC 3464, by the mail system of the recipient."""
    said = message_from_bytes(notice)
    head = notice.partition(b"\r\n\r\n")[0]
    return (
        (
            f"From: MAILER-DAEMON@mx.alder.example\r\nTo: {said['Reply-To']}\r\nSubject: Undelivered Mail\r\n"
            f"Message-ID: <bounce-{hash(notice)}@mx.alder.example>\r\nMIME-Version: 1.0\r\n"
            'Content-Type: multipart/report; report-type=delivery-status; boundary="x"\r\n\r\n'
            "--x\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n\r\n"
            "--x\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.alder.example\r\n\r\n"
            f"Final-Recipient: rfc822; {said['To']}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
            "--x\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        ).encode()
        + head
        + b"\r\n\r\n--x--\r\n"
    )


def mail(headers: str, body: str) -> bytes:
    return f"{headers}Message-ID: <{abs(hash((headers, body)))}@mail.example>\r\n\r\n{body}\r\n".encode()


def text_of(raw: bytes) -> str:
    """Subject and readable text of a mail."""
    said = message_from_bytes(raw)
    part = next(part for part in said.walk() if part.get_content_type() == "text/plain")
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return f"{said['Subject']}\n\n{content.decode('utf-8')}".replace("\r\n", "\n")

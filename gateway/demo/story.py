"""The demo from beginning to end: embedded parts, the real service on them, one morning's mail, the tables.

Nothing is simulated but the world around the gateway and, with `hours`, the clock that it is
handed. Each run starts from nothing. Must never touch anything outside its folder and loopback.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway import accounts, logs, pipeline
from gateway.accounts import AccountError
from gateway.app import opened, utc_now
from gateway.demo import facts, imap_server, mails, rdap_server, robots, smtp_receiver
from gateway.demo.folder import MAILBOXES, DemoError, Folder, Ports, prepared
from gateway.demo.imap_server import Mailroom
from gateway.demo.mails import Sample
from gateway.demo.screen import Screen
from gateway.demo.smtp_receiver import Receiver
from gateway.house import House
from gateway.intake.customers import read_customers
from gateway.roles import Role
from gateway.service import Service
from gateway.settings import Settings, load
from gateway.store import customers, mailboxes, reports

WHO = "demo"
STAFF = "staff@isp.example"
STEP = timedelta(minutes=30)  # of the moved clock: as often, a service polls, ticks and sends
_EARLY = datetime(2000, 1, 1, tzinfo=UTC)
_WEB_PORT = 8025


@dataclass
class Clock:
    """The real time, moved on by `ahead`."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@dataclass
class Stage:
    """A demo that runs: the house, the service on it, and the world around it."""

    folder: Folder
    screen: Screen
    clock: Clock
    house: House
    service: Service
    mailroom: Mailroom
    receiver: Receiver
    titles: dict[tuple[str, str | None], tuple[str, str]] = field(default_factory=dict)

    def announce(self, sample: Sample) -> None:
        """Remember what a mail is called in the table."""
        self.titles[(sample.mailbox, sample.subject)] = (sample.row, sample.title)

    async def facts(self) -> facts.Facts:
        return await facts.gather(self.house, self.receiver, self.titles)

    async def sign_in_link(self) -> str:
        """Into the console, once, as the demo's own account."""
        try:
            user = await accounts.find(self.house, WHO)
        except AccountError:
            user = await accounts.add(self.house, {"name": WHO, "email": STAFF, "role": Role.ADMIN, "legal": True}, WHO)
        return accounts.link_address(self.house.settings, await accounts.link(self.house, user, WHO))

    async def poll(self) -> None:
        """Every mailbox once, and what follows from it. Raises DemoError where one cannot be read."""
        for box in self.house.settings.mailboxes:
            await self.service.poll(box)
        await pipeline.drain(self.house)  # contacts outside too, which a running service looks up beside its turns
        async with self.house.database.reading() as connection:
            states = await mailboxes.all_of(connection)
        for state in states.values():
            if state.error:
                raise DemoError(f"mailbox {state.name}: {state.error}; see {self.folder.log}")


async def play(path: Path, hours: float, screen: Screen, then: Callable[[Stage], Awaitable[None]] | None) -> None:
    """Play the morning, move the clock on by `hours`, show the tables; then `then`, if it is to go on.
    Raises DemoError, SettingsError, StoreError."""
    async with AsyncExitStack() as stack:
        with screen.step("starting IMAP, SMTP and RDAP servers and the service"):
            stage = await _set_up(stack, path, screen)
        await _morning(stage)
        if hours > 0:
            await _move_on(stage, timedelta(hours=hours))
        screen.show(await stage.facts(), stage.folder.outgoing)
        if then is not None:
            await then(stage)


async def _set_up(stack: AsyncExitStack, path: Path, screen: Screen) -> Stage:
    folder = stack.enter_context(prepared(path))
    _log_to(stack, folder.log)
    users = [f"{name}@isp.example" for name in MAILBOXES]
    mailroom = await stack.enter_async_context(imap_server.serving(users, folder.password()))
    receiver, smtp_port = await stack.enter_async_context(smtp_receiver.receiving(folder.outgoing))
    rdap_port = await stack.enter_async_context(rdap_server.answering())
    folder.write_settings(Ports(mailroom.port, smtp_port, rdap_port, _web_port()))
    settings = load(folder.settings)
    clock = Clock()
    house = await stack.enter_async_context(opened(settings, clock))
    screen.say(
        f"Embedded servers on 127.0.0.1: IMAP {mailroom.port}, SMTP {smtp_port}, RDAP {rdap_port}; "
        f"settings: {folder.settings}"
    )
    _warn(settings, screen)
    return Stage(folder, screen, clock, house, Service(house), mailroom, receiver)


def _log_to(stack: AsyncExitStack, path: Path) -> None:
    """Log lines and Python's warnings go to a file: the terminal belongs to the story."""
    stream = stack.enter_context(path.open("w", encoding="utf-8"))
    logs.configure("info", "text", stream)
    logging.captureWarnings(capture=True)
    stack.callback(logging.captureWarnings, capture=False)
    stack.callback(logging.getLogger().handlers.clear)


def _warn(settings: Settings, screen: Screen) -> None:
    for line in settings.warnings():
        screen.say(f"Warning (meant so here): {line}", "yellow")


def _web_port() -> int:
    """The usual port of the queue page, or any where that one is taken."""
    for port in (_WEB_PORT, 0):
        try:
            with socket.create_server(("127.0.0.1", port)) as probe:
                return int(probe.getsockname()[1])
        except OSError:
            continue
    raise DemoError("no free TCP port on 127.0.0.1; end some programs and try again")


async def _morning(stage: Stage) -> None:
    screen, now = stage.screen, stage.clock()
    samples = mails.samples(now)
    stage.folder.write_samples(samples, now)
    with screen.step("importing customers"):
        await _import_customers(stage, now)
    with screen.step("filling the mailboxes"):
        first = [sample for sample in samples if not sample.late]
        await _fill(stage, first)
    screen.say(f"Mailboxes filled by IMAP: {len(first)} mails in {' and '.join(f'{m}@' for m in MAILBOXES)}")
    with screen.step("observing: reading, deciding, sending nothing"):
        await stage.poll()
        async with stage.house.database.reading() as connection:
            seen = await reports.overview(connection)
    screen.say(
        f"Observed, as every new mailbox is: {len({r['message_id'] for r in seen})} mails read, nothing moved or sent; "
        f"{facts.would_go_out(seen)} notices would go out"
    )
    with screen.step("going live: filing, forwarding, asking the registries"):
        await _go_live(stage)
        await _fill(stage, [sample for sample in samples if sample.late])
        await stage.poll()
    screen.say(
        "Live since long ago, as `arfgate mailbox live NAME --since start` does: "
        f"{len(stage.receiver.kept)} mails went out"
    )
    with screen.step("the world answers"):
        for sample in await robots.answer(stage.receiver, stage.mailroom, stage.clock()):
            stage.announce(sample)
            screen.say(f"The world answers by mail to {sample.mailbox}@: {sample.title}")
        await stage.poll()
        await stage.poll()  # what was filed a moment ago leaves its mailbox


async def _fill(stage: Stage, samples: list[Sample]) -> None:
    for mailbox in MAILBOXES:
        mine = [sample for sample in samples if sample.mailbox == mailbox]
        await stage.mailroom.deliver(mailbox, [(sample.raw, sample.arrived) for sample in mine])
    for sample in samples:
        stage.announce(sample)


async def _import_customers(stage: Stage, now: datetime) -> None:
    rows = read_customers(stage.folder.customers)
    async with stage.house.database.writing() as connection:
        done = await customers.import_file(connection, rows, who=WHO, now=now)
    stage.screen.say(
        f"Customers imported from {stage.folder.customers}: {done.customers} customers, "
        f"{done.assignments_new} assignments"
    )


async def _go_live(stage: Stage) -> None:
    async with stage.house.database.writing() as connection:
        for box in stage.house.settings.mailboxes:
            await mailboxes.go_live(connection, box.name, _EARLY, who=WHO, now=stage.clock())


async def _move_on(stage: Stage, span: timedelta) -> None:
    """In the steps of a real service, so that a reminder goes out in its time and before what follows it."""
    end = stage.clock.ahead + span
    before = len(stage.receiver.kept)
    with stage.screen.step("moving the clock"):
        while stage.clock.ahead < end:
            stage.clock.ahead = min(stage.clock.ahead + STEP, end)
            stage.screen.now(f"moving the clock: {stage.clock.ahead / timedelta(hours=1):.1f} hours on")
            await stage.poll()
    stage.screen.say(
        f"The clock was moved {span / timedelta(hours=1):g} hours on, half an hour at a time: "
        f"{len(stage.receiver.kept) - before} more mails went out (other commands go by the real time)"
    )

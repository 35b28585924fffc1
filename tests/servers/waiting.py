"""A house with customers and an unmatched queue, for tests of the queue: real settings, real database, real mails.

`Waiting.take_in` puts mails through the pipeline as `arfgate ingest` does; only the parser
runs in this process, which saves a second a test.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from sqlalchemy import text

from gateway import accounts, pipeline, settings
from gateway.accounts import AccountError, From
from gateway.app import opened
from gateway.house import House
from gateway.intake.customers import read_customers
from gateway.roles import Role
from gateway.screening.verify import Job, Verified, verify_all
from gateway.store import customers, messages, sessions
from gateway.store.messages import Arrived
from gateway.store.users import User
from notifier.dns import Resolver
from parsers import DEFAULT_LIMITS, parse
from parsers.bodies import written
from parsers.claims import Claim, claims
from parsers.report import Limits, Parsed
from parsers.reported_mails import reported_mails
from parsers.reported_texts import Shown, shown
from servers.ports import free_port

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
INCIDENT = NOW - timedelta(hours=9)
STAFF = "ann"  # an admin, and one of the legal lane
TOKEN = "key-of-a-session-of-ann"  # the cookie of a browser that is signed in wherever a house is served
COOKIE = "arfgate-in"

CUSTOMERS = """\
customer,name,account,contacts,language,resource,port_first,port_last,valid_from,valid_to
alder,Alder Hosting,,abuse@alder.example;second@alder.example,en,198.51.100.0/26,,,2026-01-01T00:00:00Z,2026-11-03T00:00:00Z
birch,Birch Letters,,abuse@birch.example,en,198.51.100.64/26,,,2026-01-01T00:00:00Z,
dogwood,Dogwood Telecom,home,abuse@dogwood.example,en,192.0.2.8,1024,2047,2026-01-01T00:00:00Z,
elder,Elder Networks,,abuse@elder.example,en,192.0.2.8,2048,4095,2026-01-01T00:00:00Z,
"""

_numbers = itertools.count(1)


class ParserHere:
    """Stands in for the worker processes."""

    async def parse(self, raws: Sequence[bytes]) -> list[Parsed]:
        return [parse(raw) for raw in raws]

    async def originals(self, jobs: Sequence[tuple[bytes, int]]) -> list[Shown]:
        return [shown(raw, position, DEFAULT_LIMITS) for raw, position in jobs]

    async def reported_mails(self, raws: Sequence[bytes]) -> list[list[bytes | None]]:
        return [reported_mails(raw, Limits()) for raw in raws]

    async def written(self, raw: bytes) -> str:
        return written(raw, DEFAULT_LIMITS)

    async def claims(self, raw: bytes) -> list[Claim]:
        return claims(raw, DEFAULT_LIMITS)

    async def verify(self, jobs: Sequence[Job]) -> list[Verified]:
        return verify_all(jobs)

    def close(self) -> None:
        pass


def arf(source: str | None = "198.51.100.7", at: datetime | None = INCIDENT, **more: str) -> bytes:
    """A report of the registered feed. `more`: subject, sender and body of the reported mail, text of the human part,
    extra: further fields of the feedback part, complainant."""
    number = next(_numbers)
    when = f"{at:%a, %d %b %Y %H:%M:%S} +0000" if at else ""
    fields = [
        "Feedback-Type: abuse",
        "User-Agent: SomeGenerator/1.0",
        "Version: 1",
        *([f"Source-IP: {source}"] if source else []),
        *([f"Arrival-Date: {when}"] if at else []),
        f"Original-Rcpt-To: <{more.get('complainant', f'user{number}@reader.example')}>",
        *more.get("extra", "").splitlines(),
    ]
    name = "out1.isp.example" if source == "192.0.2.25" else "mail.sender.example"  # our own relay, by its name
    received = (
        f"Received: from {name} ({name} [{source}])\n"
        f"\tby mx.reader.example (Postfix) with ESMTPS id 7aB{number}\n\tfor <user@reader.example>; {when}\n"
        if source and at
        else ""
    )
    original = (
        f"{received}From: {more.get('sender', 'Great Offers <offers@sender.example>')}\n"
        f"To: user@reader.example\nSubject: {more.get('subject', 'An offer you did not ask for')}\n"
        f"Message-ID: <spam-{number}@sender.example>\n\n{more.get('body', 'Buy now.')}\n"
    )
    lines = f"""\
Return-Path: <feedback@fbl.example>
Received: from out.fbl.example (out.fbl.example [203.0.113.20]) by mx.isp.example with ESMTPS id q{number}
Authentication-Results: mx.isp.example; dkim=pass header.d=fbl.example; spf=pass smtp.mailfrom=fbl.example
From: Feedback Loop <feedback@fbl.example>
To: abuse@isp.example
Subject: Complaint about a message
Message-ID: <report-{number}@fbl.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b1"

--b1
Content-Type: text/plain; charset=utf-8

{more.get("text", "This is a complaint.")}

--b1
Content-Type: message/feedback-report

{chr(10).join(fields)}

--b1
Content-Type: message/rfc822

{original}
--b1--
"""
    return lines.replace("\n", "\r\n").encode("utf-8", "surrogateescape")


class NoNames(Resolver):
    """A DNS in which there is no name: nothing of a test is asked of the machine's own."""

    def __init__(self) -> None:
        super().__init__(["127.0.0.1"])

    async def _ask(self, name: str, kind: str, seconds: float | None = None) -> None:
        return None


@dataclass
class Waiting:
    """One house under test. `at` is its time and may be moved."""

    house: House
    config: Path
    time: list[datetime] = field(default_factory=lambda: [NOW])

    async def take_in(self, *mails: bytes) -> None:
        async with self.house.database.writing() as connection:
            await messages.store(connection, [Arrived(raw, NOW) for raw in mails], None, NOW)
        while await pipeline.work(self.house):
            pass

    async def work_through(self, *mails: bytes) -> None:
        """As the service does it: what follows from the mails goes out too."""
        await self.take_in(*mails)
        await pipeline.drain(self.house)

    async def later(self, **time: float) -> None:
        """The time moves on (`hours=2`), and what is due is done."""
        self.time[0] += timedelta(**time)
        await pipeline.drain(self.house)

    async def ask(self, question: str) -> list[tuple[Any, ...]]:
        async with self.house.database.reading() as connection:
            return [tuple(row) for row in await connection.execute(text(question))]


@contextlib.asynccontextmanager
async def waiting_house(folder: Path, url: str, **sections: Any) -> AsyncIterator[Waiting]:
    """A house in `folder` on the database `url`, with the customers above. `sections` go over the settings; a list is that of
    a repeated one, a text a setting of no section."""
    config = write_settings(folder, url, **sections)
    time = [NOW]
    resolver = None if "dns" in sections else NoNames()
    async with opened(settings.load(config), lambda: time[0], resolver) as house:
        real = house.workers
        house.workers = ParserHere()  # type: ignore[assignment]
        real.close()
        file = folder / "customers.csv"
        file.write_text(CUSTOMERS, encoding="utf-8")
        async with house.database.writing() as connection:
            await customers.import_file(connection, read_customers(file), who="test", now=NOW)
        yield Waiting(house, config, time)


async def account(house: House, role: Role = Role.ADMIN, name: str = STAFF) -> User:
    """An account without a password; an admin may see the legal lane where the settings name `NAME@isp.example`."""
    try:
        return await accounts.find(house, name)
    except AccountError:
        values = {"name": name, "email": f"{name}@isp.example", "role": role, "legal": role is Role.ADMIN}
        return await accounts.add(house, values, "test")


async def let_in(client: httpx.AsyncClient, house: House, role: Role = Role.ADMIN, name: str = STAFF) -> None:
    """Give a client the cookie of a session, without asking a page for it."""
    key = await accounts.begin(house, await account(house, role, name), "password", From("127.0.0.1", "tests"))
    client.cookies.set(COOKIE, key)


async def _sign_in_with_token(house: House) -> None:
    user = await account(house)
    async with house.database.writing() as connection:
        if not await sessions.listed(connection, user.id):
            until = house.clock() + timedelta(days=365)
            row = {"key": accounts.key_of(TOKEN), "how": "password", "until": until, "address": "", "browser": ""}
            await sessions.begin(connection, user, row, house.clock())


async def way_in(house: House, role: Role = Role.ADMIN, name: str = STAFF) -> str:
    """The path of a link that signs a browser in, once."""
    return f"/sign-in/{await accounts.link(house, await account(house, role, name), 'test')}"


def write_settings(folder: Path, url: str, **sections: Any) -> Path:
    values: dict[str, dict[str, Any]] = {
        "operator": {
            "name": "Example Provider", "domain": "isp.example", "address": "abuse@isp.example",
            "networks": ["198.51.100.0/24", "192.0.2.0/24"], "authserv_ids": ["mx.isp.example"],
            "relays": ["192.0.2.25"],
        },
        "database": {"url": url},
        "web": {"idle_minutes": 7 * 24 * 60, "session_hours": 30 * 24},  # tests move the time by days
        "rdap": {"enabled": False},
        "screening": {"own_checks": False},
    }  # fmt: skip
    repeated = {name: more for name, more in sections.items() if isinstance(more, list)}
    plain = {name: more for name, more in sections.items() if isinstance(more, str)}
    for name, more in sections.items():
        if name not in repeated | plain:
            values[name] = values.get(name, {}) | more
    lines = ['secret_key = "for-tests-only-0123456789-0123456789"']
    lines += [f"{name} = {json.dumps(value)}" for name, value in plain.items()]
    for name, section in values.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in section.items())]
    for name, entries in repeated.items():
        for entry in entries:
            lines += [f"[[{name}]]", *(f"{key} = {json.dumps(value)}" for key, value in entry.items())]
    lines += ["[[feeds]]", 'name = "fbl"', 'domains = ["fbl.example"]']
    config = folder / "arfgate.toml"
    config.write_text("\n".join(lines), encoding="utf-8")
    config.chmod(0o600)
    return config


@contextlib.asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """The application on a free port of loopback, as the service serves it; whose cookie COOKIE is TOKEN, is signed in.
    Yields http://127.0.0.1:PORT."""
    if house := getattr(app.state, "house", None):
        await _sign_in_with_token(house)
    port = free_port()
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        log_config=None,
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await server.shutdown()

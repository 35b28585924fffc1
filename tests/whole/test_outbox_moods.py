"""The outbox against Debian's Postfix in all its moods at once, over a network that breaks: it defers, rejects, greylists,
takes and then bounces. Every mail ends, nothing is lost, and nothing is there twice but what was in doubt."""

from __future__ import annotations

import asyncio
import email
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from whole.scene import Scene, opened_scene
from whole.world import World

from gateway import outbox
from gateway.store import notices
from notifier.notice import NoticeKind
from notifier.samples import example
from servers.budget_proxy import cutting
from servers.postfix import Postfix
from servers.receiver import SmtpReceiver

pytestmark = pytest.mark.needs("postfix")
BOXES = tuple(f"abuse@box{number}.example" for number in range(3))
OURS = "abuse@isp.example"
LATER, NEVER, GREY, GONE = "abuse@later.example", "abuse@never.example", "abuse@grey.example", "abuse@gone.example"
PENDING = "SELECT count(*) FROM notices WHERE state = 'pending' OR NOT settled"


@dataclass
class Relay:
    """What a scene wants to know of its relay."""

    port: int


@asynccontextmanager
async def greylist(grey: set[str]) -> AsyncIterator[str]:
    """A policy server of Postfix: who asks for the first time comes back later."""
    seen: set[str] = set()

    async def policy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readuntil(b"\n\n")).decode()
        recipient = next(line for line in asked.splitlines() if line.startswith("recipient=")).removeprefix(
            "recipient="
        )
        put_off = recipient in grey and recipient not in seen
        seen.add(recipient)
        writer.write(f"action={'defer_if_permit 4.7.1 greylisted' if put_off else 'dunno'}\n\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(policy, "127.0.0.1", 0)
    try:
        yield f"check_policy_service inet:127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


async def plan(made: Scene, recipients: list[str]) -> None:
    kind = NoticeKind.WHOIS_CONTACT
    facts = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in example(kind).facts.items()}
    now = made.house.clock()
    rows = [notices.planned(kind, f"test:{number}", to, facts, now) for number, to in enumerate(recipients)]
    async with made.house.database.writing() as connection:
        await notices.plan(connection, rows)


async def come_to_an_end(made: Scene) -> set[str]:
    """Send, with time passing, until nothing is pending. Message-IDs of those that were once in doubt."""
    doubtful: set[str] = set()
    send = made.house.mailer.send

    async def noted(composed: Any) -> Any:
        outcome = await send(composed)
        doubtful.update({composed.message_id} if getattr(outcome, "may_have_it", False) else ())
        return outcome

    made.house.mailer.send = noted  # type: ignore[method-assign]
    for hour in range(0, 60, 2):
        made.after(hour)
        while await outbox.send_due(made.house):
            pass
        if await made.ask(PENDING) == [(0,)]:
            return doubtful
    raise AssertionError(await made.ask("SELECT \"to\", state, why, answer FROM notices WHERE state = 'pending'"))


async def arrived(postfix: Postfix, box: str, count: int) -> list[bytes]:
    """The mails in a box once there are so many: the queue of another process gives no event."""
    async with asyncio.timeout(30):
        while len(found := postfix.messages(box)) < count:
            await asyncio.sleep(0.05)
    return found


async def reports(postfix: Postfix) -> list[bytes]:
    """What came back to our address, once the bounce is there."""
    async with asyncio.timeout(30):
        while b"Action: failed" not in b"".join(found := postfix.messages(OURS)):
            await asyncio.sleep(0.05)
    return found


@pytest.mark.standard("AR-5")
async def test_every_notice_ends_none_is_lost_and_none_is_there_twice_but_those_in_doubt(
    make_postfix: Callable[..., Postfix], smtp_receiver: SmtpReceiver, tmp_path: Path
) -> None:
    smtp_receiver.refuse("*")  # whom the relay hands on to
    recipients = [*(BOXES[number % 3] for number in range(18)), LATER, NEVER, GREY, GONE]
    postfix = make_postfix(addresses=(*BOXES, LATER, NEVER, GREY, OURS), next_hop=("127.0.0.1", smtp_receiver.port))
    moods = postfix.rules(f"{LATER} 450 4.2.1 not now\n{NEVER} 550 5.1.1 nobody\n")
    # in the greeting, in the commands, in the middle of DATA, at its end, and in the answer to it
    breaks = [
        (40, 10**9),
        (10**9, 30),
        (200, 10**9),
        (900, 10**9),
        (2500, 10**9),
        (10**9, 330),
        (10**9, 360),
        (10**9, 400),
    ]
    async with greylist({GREY}) as policy, cutting(postfix.port, breaks) as port:
        postfix.moody(f"{policy}, {moods}")
        world = World(tmp_path, f"sqlite+aiosqlite:///{tmp_path}/a.db")
        async with opened_scene(world, Relay(port), smtp={"connections": 2, "give_up_hours": 24}) as made:  # type: ignore[arg-type]
            await plan(made, recipients)
            doubtful = await come_to_an_end(made)
            states = dict(await made.ask('SELECT "to", state FROM notices'))
            ids = dict(await made.ask("SELECT mail_id, \"to\" FROM notices WHERE state = 'sent'"))
            assert {to: states[to] for to in (LATER, NEVER, GREY, GONE)} == {
                LATER: "failed", NEVER: "failed", GREY: "sent", GONE: "sent",
            }  # fmt: skip
            assert {states[box] for box in BOXES} == {"sent"}
            copies: Counter[str] = Counter()
            for box in (*BOXES, GREY):
                expected = sum(1 for to in ids.values() if to == box)
                for raw in await arrived(postfix, box, expected):
                    copies[str(email.message_from_bytes(raw)["Message-ID"])] += 1
            assert set(copies) == {mail_id for mail_id, to in ids.items() if to != GONE}  # nothing lost
            twice = {mail_id for mail_id, count in copies.items() if count > 1}
            assert twice <= doubtful  # the window: it was taken, and the answer never reached us
            assert max(copies.values()) <= 2
            # what was taken and then came back is a bounce that finds its notice and marks the address; that others
            # arrived is told too, as asked for (RFC 3461), and marks nobody
            await made.take_in(*await reports(postfix))
            assert await made.ask(f"SELECT state FROM notices WHERE \"to\" = '{GONE}'") == [("bounced",)]  # ours
            dead = {row[0] for row in await made.ask("SELECT address FROM dead_addresses")}
            assert dead == {NEVER, LATER, GONE}

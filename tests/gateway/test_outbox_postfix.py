"""Sending to Debian's Postfix in every mood: it defers, rejects, greylists, is slow, is cut off in the middle of DATA.

Nothing is lost, nothing is sent twice but one mail in the window between the server's 250 and what we know of it, and
that one carries the same Message-ID.
"""

from __future__ import annotations

import asyncio
import email
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from notifier.compose import Composed, compose
from notifier.connection import SmtpSettings
from notifier.mailers import Mailers
from notifier.notice import Deferred, Delivered, Refused, Why
from notifier.samples import example
from servers.budget_proxy import cutting
from servers.postfix import Postfix

pytestmark = pytest.mark.needs("postfix")
BOX = "abuse@example.net"


def mail(to: str = BOX, key: str = "clock:1/1") -> Composed:
    return compose(example(to=to, key=key))


def through(port: int, **more: float) -> Mailers:
    settings = SmtpSettings(host="127.0.0.1", port=port, answer_seconds=more.get("seconds", 20), total_seconds=30)
    return Mailers([settings], lambda: datetime.now(UTC), connections=int(more.get("connections", 1)))


async def arrived(postfix: Postfix, count: int) -> list[bytes]:
    """The mails in the box, once there are so many; what is still on its way is given time."""
    for _ in range(100):
        found = postfix.messages(BOX)
        if len(found) >= count:
            return found
        await asyncio.sleep(0.1)
    return postfix.messages(BOX)


async def test_it_defers_and_rejects_and_each_is_told_apart(make_postfix: Callable[..., Postfix]) -> None:
    boxes = (BOX, "later@example.net", "never@example.net")
    postfix = make_postfix(addresses=boxes)
    postfix.moody(postfix.rules("later@example.net 450 4.2.1 not now\nnever@example.net 550 5.1.1 nobody\n"))
    async with through(postfix.port) as mailers:
        later, never, box = [await mailers.send(mail(to)) for to in (boxes[1], boxes[2], BOX)]
    assert isinstance(later, Deferred)
    assert isinstance(never, Refused)
    assert (later.why, never.why) == (Why.RECIPIENT, Why.RECIPIENT)
    assert isinstance(box, Delivered)
    assert len(await arrived(postfix, 1)) == 1


async def test_greylisting_takes_the_second_try(make_postfix: Callable[..., Postfix]) -> None:
    seen: set[str] = set()

    async def policy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readuntil(b"\n\n")).decode()
        recipient = next(line for line in asked.splitlines() if line.startswith("recipient="))
        answer = "dunno" if recipient in seen else "defer_if_permit 4.7.1 greylisted, try again later"
        seen.add(recipient)
        writer.write(f"action={answer}\n\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(policy, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    postfix = make_postfix()
    postfix.moody(f"check_policy_service inet:127.0.0.1:{port}, permit_mynetworks")
    async with through(postfix.port) as mailers:
        first, second = await mailers.send(mail()), await mailers.send(mail())
    server.close()
    assert isinstance(first, Deferred)
    assert isinstance(second, Delivered)
    assert len(await arrived(postfix, 1)) == 1


async def test_a_slow_server_is_waited_for(make_postfix: Callable[..., Postfix]) -> None:
    postfix = make_postfix()
    postfix.moody("sleep 1, permit_mynetworks")
    async with through(postfix.port, connections=2) as mailers:
        outcomes = await asyncio.gather(*(mailers.send(mail(key=f"clock:{n}")) for n in range(4)))
    assert all(isinstance(outcome, Delivered) for outcome in outcomes)
    assert len(await arrived(postfix, 4)) == 4


@pytest.mark.standard("AR-5")
async def test_wherever_the_connection_is_cut_no_mail_is_lost_and_a_second_copy_has_the_same_message_id(
    make_postfix: Callable[..., Postfix],
) -> None:
    postfix = make_postfix()
    mails = [mail(key=f"clock:{number}") for number in range(16)]
    size = len(mails[0].message)
    # In the commands, in the middle of DATA, at its end; and in the server's answers, the last one too.
    client = [(at, 10**9) for at in (30, 90, 150, size // 4, size // 2, size, size + 60, size + 130)]
    server = [(10**9, at) for at in (10, 60, 200, 260, 300, 320, 340, 380)]
    doubtful: set[str] = set()
    for composed, budget in zip(mails, client + server, strict=True):
        async with cutting(postfix.port, [budget]) as port, through(port) as mailers:
            outcome = await mailers.send(composed)
            if isinstance(outcome, Deferred):
                doubtful |= {composed.message_id} if outcome.may_have_it else set()
                outcome = await mailers.send(composed)
            assert isinstance(outcome, Delivered)
    await arrived(postfix, len(mails))
    ids = Counter(str(email.message_from_bytes(raw)["Message-ID"]) for raw in await arrived(postfix, len(mails)))
    assert set(ids) == {composed.message_id for composed in mails}
    twice = {one for one, count in ids.items() if count > 1}
    assert max(ids.values()) <= 2
    assert twice <= doubtful  # the window: taken, and its answer never reached us
    assert doubtful

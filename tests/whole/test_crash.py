"""200 mails in two mailboxes of a real server, a cut connection and four kills: nothing lost, nothing twice."""

from __future__ import annotations

import os
import signal
from collections import Counter
from dataclasses import dataclass
from email import message_from_bytes
from typing import Any

import pytest
from whole.world import BROKEN, LethalReceiver, Service, Tripwire, World, report

RESOURCES = 40
STORED = "SELECT count(*) FROM messages"
UNFINISHED = """
    SELECT (SELECT count(*) FROM messages WHERE state <> 'filed')
         + (SELECT count(*) FROM deliveries WHERE disposed_at IS NULL)
         + (SELECT count(*) FROM notices WHERE state <> 'sent' OR NOT settled)
"""


@dataclass
class Mailboxes:
    """A user for each of the two mailboxes on one server."""

    server: Any
    users: dict[str, str]

    def fill(self) -> dict[str, list[bytes]]:
        """200 mails, three of them broken; every resource is reported at least twice."""
        good = [report(f"198.51.100.{100 + n % RESOURCES}") for n in range(197)]
        mails = {"abuse": [BROKEN[0], *good[:98], BROKEN[1]], "postmaster": [*good[98:150], BROKEN[2], *good[150:]]}
        for name, raws in mails.items():
            self.server.deliver_all(self.users[name], raws)
        return mails

    def count(self, folder: str) -> int:
        return sum(self.server.count(user, folder) for user in self.users.values())


@pytest.fixture(
    params=[
        pytest.param("dovecot", marks=[pytest.mark.needs("dovecot"), pytest.mark.needs("postgresql")]),
        pytest.param("pymap", marks=pytest.mark.needs("pymap")),
    ]
)
def mailboxes(request, world: World) -> Mailboxes:
    """Dovecot with PostgreSQL, pymap with SQLite."""
    if request.param == "dovecot":
        world.database_url = request.getfixturevalue("postgres").create()
        server = request.getfixturevalue("dovecot")
        return Mailboxes(server, {name: server.new_user(name) for name in ("abuse", "postmaster")})
    server = request.getfixturevalue("pymap_server")
    users = {name: f"{name}@isp.example" for name in ("abuse", "postmaster")}
    for user in users.values():
        server.add_user(user)
    return Mailboxes(server, users)


async def test_every_mail_is_stored_once_and_every_notice_sent_once_through_a_cut_and_four_kills(
    world: World, mailboxes: Mailboxes, tripwire, receiver: LethalReceiver, make_service
):
    proxy: Tripwire = tripwire(mailboxes.server.port)
    for name, user in mailboxes.users.items():
        world.mailbox(name, proxy.port, user)
    world.sections = {"smtp": {"port": receiver.port}}
    await world.prepare()
    world.run_process("pause", "--reason", "first the mailboxes")
    mails = mailboxes.fill()
    service: Service = make_service(world)

    # the connection is cut in the middle of the bodies; the service comes back by itself, and dies with mail
    # stored and not yet worked
    proxy.cut_after(40_000)
    service.start()
    await service.wait_for("mailbox cannot be read")
    await world.until(STORED, lambda row: row[0] > 0)
    os.kill(service.pid, signal.SIGKILL)
    await service.ended()
    assert mailboxes.count("INBOX") == 200

    # it dies with mail filed and not yet moved
    service.start()
    proxy.arm((b"UID MOVE", b"UID COPY"), lambda: os.kill(service.pid, signal.SIGKILL))
    assert await service.ended(60) == -signal.SIGKILL
    assert (await world.ask("SELECT count(*) FROM messages WHERE state = 'filed'"))[0][0] > 0

    # nothing was sent until here; it dies with a mail handed over and not yet accepted
    world.run_process("resume")
    service.start()
    receiver.kill_before_accepting(service.pid, 3)
    assert await service.ended(60) == -signal.SIGKILL

    # it dies with a mail accepted and that not yet committed
    service.start()
    receiver.kill_after_accepting(service.pid, 3)
    assert await service.ended(60) == -signal.SIGKILL
    in_doubt = receiver.received[-1]

    service.start()
    await world.until(UNFINISHED, lambda row: row[0] == 0)
    assert await service.stop() == 0

    await _all_is_stored_once(world, mails)
    _all_is_told_once(receiver, in_doubt.raw)
    assert [mailboxes.count(folder) for folder in ("INBOX", "Processed", "Failed")] == [0, 197, 3]


async def _all_is_stored_once(world: World, mails: dict[str, list[bytes]]) -> None:
    stored = await world.ask("SELECT raw FROM messages")
    assert sorted(bytes(row.raw) for row in stored) == sorted(raw for raws in mails.values() for raw in raws)
    placed = await world.ask("SELECT count(*), count(DISTINCT message_id) FROM deliveries")
    assert tuple(placed[0]) == (200, 200)
    unreadable = await world.ask("SELECT count(*) FROM messages WHERE kind = 'unreadable'")
    assert unreadable[0][0] == 3
    reports = await world.ask("SELECT count(*), count(DISTINCT message_id) FROM reports WHERE verdict = 'accepted'")
    assert tuple(reports[0]) == (197, 197)
    clocks = await world.ask("SELECT count(*), count(DISTINCT value) FROM clocks WHERE state = 'running'")
    assert tuple(clocks[0]) == (RESOURCES, RESOURCES)


def _all_is_told_once(receiver: LethalReceiver, in_doubt: bytes) -> None:
    sent = Counter(message_from_bytes(mail.raw)["Message-ID"] for mail in receiver.received)
    assert len(sent) == RESOURCES
    twice = [name for name, count in sent.items() if count > 1]
    assert twice == [message_from_bytes(in_doubt)["Message-ID"]]
    # whoever gets it twice gets the same mail twice
    assert [mail.raw for mail in receiver.received if mail.raw == in_doubt] == [in_doubt] * 2

"""What is wrong in the world is one clear line with a next step; nothing is lost, and once it is repaired all is worked."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from whole.world import Done, LethalReceiver, World, report

from servers.ports import free_port

pytestmark = pytest.mark.needs("dovecot")


@dataclass
class Mailbox:
    """A mailbox with two reports, and the gateway that reads it."""

    world: World
    server: object
    user: str
    receiver: LethalReceiver

    def repair(self, port: int, **settings: object) -> None:
        self.world.boxes.clear()
        self.world.mailbox("abuse", port, self.user, **settings)
        self.world.write()

    def all_is_worked(self) -> None:
        done = self.world.run("poll")
        assert (done.status, done.out, done.err) == (0, "abuse: 2 new messages\n", "")
        assert sorted(mail.rcpt_tos[0] for mail in self.receiver.received) == [
            "abuse@alder.example",
            "abuse@birch.example",
        ]
        assert self.server.count(self.user) == 0
        assert self.server.count(self.user, "Processed") == 2


@pytest.fixture
def mailbox(dovecot, world: World, receiver: LethalReceiver) -> Mailbox:
    return _with_two_reports(world, dovecot, receiver, dovecot.port)


def _with_two_reports(world: World, server, receiver: LethalReceiver, port: int, **more: object) -> Mailbox:
    user = server.new_user()
    world.mailbox("abuse", port, user, **more)
    world.sections = {"smtp": {"port": receiver.port}}
    asyncio.run(world.prepare())
    server.deliver_all(user, [report("198.51.100.7"), report("198.51.100.200")])
    return Mailbox(world, server, user, receiver)


def only_line(done: Done) -> str:
    """The one line that a command that could not do its work says."""
    assert (done.status, done.out) == (1, ""), done
    lines = done.err.splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_a_wrong_password_is_one_line_that_names_mailbox_and_setting(mailbox: Mailbox, dovecot):
    mailbox.repair(dovecot.port, password="hunter2")
    line = only_line(mailbox.world.run_process("poll"))
    assert line.startswith(f'mailbox "abuse" (127.0.0.1:{dovecot.port}): login as "{mailbox.user}" was refused')
    assert line.endswith("correct user or password of this mailbox")
    assert "hunter2" not in line
    mailbox.repair(dovecot.port)
    mailbox.all_is_worked()


def test_a_server_that_is_not_there_is_one_line(mailbox: Mailbox, dovecot):
    port = free_port()
    mailbox.repair(port)
    line = only_line(mailbox.world.run("poll"))
    assert line == (
        f'mailbox "abuse" (127.0.0.1:{port}): nobody listens there; check host and port, and that the server runs'
    )
    mailbox.repair(dovecot.port)
    mailbox.all_is_worked()


def test_an_expired_certificate_is_one_line(world: World, expired_dovecot, receiver: LethalReceiver):
    tls = {"security": "tls", "ca_file": str(expired_dovecot.ca_file)}
    mailbox = _with_two_reports(world, expired_dovecot, receiver, expired_dovecot.tls_port, **tls)
    line = only_line(world.run("poll"))
    assert "its certificate was refused: certificate has expired; renew it on the server" in line
    mailbox.repair(expired_dovecot.port)
    mailbox.all_is_worked()


def test_one_mailbox_that_cannot_be_read_does_not_stop_the_other(mailbox: Mailbox, dovecot):
    mailbox.world.boxes.insert(0, mailbox.world.boxes[0] | {"name": "postmaster", "port": free_port()})
    mailbox.world.write()
    done = mailbox.world.run("poll")
    assert (done.status, done.out) == (1, "abuse: 2 new messages\n")
    assert done.err.startswith('mailbox "postmaster" ')
    assert len(mailbox.receiver.received) == 2


def test_every_broken_setting_is_one_line_with_file_key_and_value(mailbox: Mailbox, dovecot):
    world = mailbox.world
    world.sections |= {"web": {"enabled": False, "port": 99999}, "operator": {"networks": ["198.51.100.0/33"]}}
    world.write()
    done = world.run("poll")
    assert (done.status, done.out) == (1, "")
    lines = [re.match(rf"{re.escape(str(world.config))}: line (\d+): (.*)", line) for line in done.err.splitlines()]
    about = sorted(line[2] for line in lines if line)
    assert [line.partition(" = ")[0] for line in about] == ["operator.networks[1]", "web.port"], done.err
    written = world.config.read_text().splitlines()
    assert all(
        line[2].split("[")[0].split(" =")[0].split(".")[1] in written[int(line[1]) - 1] for line in lines if line
    )
    assert "198.51.100.0/33" in about[0]
    assert "99999" in about[1]
    world.config.write_text("[operator\n")
    assert str(world.config) in only_line(world.run("poll"))
    del world.sections["web"], world.sections["operator"]
    world.write()
    mailbox.all_is_worked()


def test_settings_that_are_not_there_are_one_line_that_names_the_way_out(world: World):
    line = only_line(world.run_process("poll"))
    assert line.startswith(f"{world.config}: no such file; run `arfgate init`")


def test_a_bad_row_is_named_with_line_and_column_and_nothing_of_the_file_is_imported(mailbox: Mailbox):
    file = mailbox.world.folder / "more.csv"
    file.write_text(
        "customer,name,contacts,resource,valid_from\n"
        "cedar,Cedar Mail,abuse@cedar.example,192.0.2.0/25,2020-01-01T00:00:00Z\n"
        "dogwood,Dogwood Telecom,not an address,192.0.2.300,2020-01-01T00:00:00Z\n",
        encoding="utf-8",
    )
    done = mailbox.world.run("customer", "import", str(file))
    assert (done.status, done.out) == (1, "")
    lines = done.err.splitlines()
    assert len(lines) == 3
    assert all("line 3" in line for line in lines[:2]), lines
    assert "contacts" in lines[0]
    assert "not an address" in lines[0]
    assert "resource" in lines[1]
    assert "192.0.2.300" in lines[1]
    assert lines[2] == f"nothing was imported from {file}"
    assert "cedar" not in mailbox.world.run("customer", "list").out
    mailbox.all_is_worked()


def test_a_database_server_that_is_not_there_is_one_line_without_its_password(mailbox: Mailbox):
    world, before = mailbox.world, mailbox.world.database_url
    world.database_url = f"postgresql+asyncpg://arfgate:hunter2@127.0.0.1:{free_port()}/arfgate"
    world.write()
    line = only_line(world.run("poll"))
    assert line.startswith("database: ")
    assert "look at the setting database.url and at the server" in line
    assert "hunter2" not in line
    world.database_url = before
    world.write()
    mailbox.all_is_worked()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MB, which is soon full."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=16m", "none", str(folder)]
    done = subprocess.run(mounting, capture_output=True, text=True, check=False)
    if done.returncode:
        say = pytest.fail if os.environ.get("ARFGATE_REQUIRE") == "all" else pytest.skip
        say(f"needs a small file system, and this machine mounts none: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def test_a_full_disk_is_told_and_the_service_goes_on_by_itself_once_there_is_room(
    world: World, small_disk: Path, dovecot, receiver: LethalReceiver, make_service
):
    world.database_url = f"sqlite+aiosqlite:///{small_disk / 'arfgate.db'}"
    user = dovecot.new_user()
    world.mailbox("abuse", dovecot.port, user)
    world.sections = {"smtp": {"port": receiver.port}}
    await world.prepare()
    service = make_service(world)
    service.start()
    await service.wait_for("running")
    _fill(small_disk / "ballast")
    bulky = [report(f"198.51.100.{n}", body="x" * 8_000) for n in range(1, 41)]
    dovecot.deliver_all(user, bulky)
    line = await service.wait_for("nothing can be stored; mail stays in the mailbox")
    assert line["error"] == (
        "database: database or disk is full; "
        "free space on the disk, then start again: what was stored is safe, the rest is still in the mailbox"
    )
    assert receiver.received == []
    assert dovecot.count(user) == 40

    (small_disk / "ballast").unlink()
    received = await receiver.wait_for(40, 60)
    assert len({mail.raw for mail in received}) == 40
    await world.until("SELECT count(*) FROM deliveries WHERE disposed_at IS NOT NULL", lambda row: row[0] == 40)
    assert await service.stop() == 0
    assert [line["exception"] for line in service.lines if "exception" in line] == []
    assert service.other_output == []
    assert dovecot.count(user, "Processed") == 40
    assert len(receiver.received) == 40


def _fill(ballast: Path) -> None:
    """Take the room that is left, but for a little."""
    free = os.statvfs(ballast.parent).f_bavail * os.statvfs(ballast.parent).f_frsize
    ballast.write_bytes(b"\0" * max(0, free - 60_000))

"""`arfgate run` as a process: woken by IDLE, not held up by one bad mailbox, and ended cleanly by SIGTERM."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from whole.world import LethalReceiver, Service, World, report

from servers.ports import free_port, wait_until_listening
from servers.receiver import Received

pytestmark = pytest.mark.needs("pymap")

USER = "abuse@isp.example"


@pytest.fixture
def world(tmp_path, sqlite_url, pymap_server) -> World:
    pymap_server.add_user(USER)
    world = World(tmp_path, sqlite_url)
    world.mailbox("abuse", pymap_server.port, USER, poll_seconds=3600)
    return world


@pytest.fixture
def service(world: World) -> Iterator[Service]:
    made = Service(world)
    yield made
    made.clean_up()


@pytest.fixture
def receiver(world: World) -> Iterator[LethalReceiver]:
    server = SlowlyTaking()
    server.start()
    world.sections["smtp"] = {"port": server.port}
    yield server
    server.stop()


class SlowlyTaking(LethalReceiver):
    """Asks for SIGTERM with each mail in full and not yet accepted, while `service` is set."""

    service: Service | None = None

    def _keep(self, message: Received) -> None:
        super()._keep(message)
        if self.service is not None:
            self.service.tell(signal.SIGTERM)


def ended_cleanly(service: Service) -> bool:
    assert service.other_output == []
    assert [line for line in service.lines if line["level"] == "error" or "exception" in line] == []
    return service.lines[-1]["event"] == "stopped"


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_service_and_its_page_without_a_word_of_error(world, service, receiver, by):
    world.sections["web"] = {"enabled": True, "port": free_port()}
    await world.prepare()
    service.start()
    await service.wait_for("running")
    wait_until_listening(world.sections["web"]["port"])
    assert await service.stop(by) == 0
    assert ended_cleanly(service)


@pytest.mark.needs("dovecot")
async def test_mail_that_arrives_is_worked_long_before_the_next_poll(world, service, receiver, dovecot):
    user = dovecot.new_user()
    world.boxes.clear()
    world.mailbox("abuse", dovecot.port, user, poll_seconds=3600)
    await world.prepare()
    service.start()
    await service.wait_for("running")
    for number in range(1, 4):  # after the first poll only IDLE can tell of the next ones
        dovecot.deliver(user, report(f"198.51.100.{number}"))
        await receiver.wait_for(number, 30)
    await world.until("SELECT count(*) FROM deliveries WHERE disposed_at IS NOT NULL", lambda row: row[0] == 3)
    assert await service.stop() == 0
    assert ended_cleanly(service)
    assert dovecot.count(user, "Processed") == 3


async def test_a_mailbox_that_cannot_be_read_does_not_stop_the_other_and_is_told_of(
    world, service, receiver, pymap_server
):
    world.mailbox("postmaster", pymap_server.port, "nobody@isp.example")
    await world.prepare()
    service.start()
    line = await service.wait_for("mailbox cannot be read", mailbox="postmaster")
    assert 'login as "nobody@isp.example" was refused' in line["error"]
    pymap_server.deliver(USER, report("198.51.100.7"))
    await receiver.wait_for(1, 30)
    await service.wait_for("mailbox cannot be read", mailbox="postmaster", failures=2)
    # repaired while it runs: it comes back by itself
    pymap_server.add_user("nobody@isp.example")
    pymap_server.deliver("nobody@isp.example", report("198.51.100.8"))
    await receiver.wait_for(2, 30)
    assert await service.stop() == 0
    assert ended_cleanly(service)


async def test_a_signal_in_the_middle_of_a_mail_lets_it_be_finished_so_that_nobody_gets_it_twice(
    world, service, receiver, pymap_server
):
    await world.prepare()
    pymap_server.deliver_all(USER, [report(f"198.51.100.{n}") for n in range(1, 31)])
    receiver.service = service
    service.start()
    assert await service.ended() == 0
    assert ended_cleanly(service)
    assert 0 < len(receiver.received) < 30
    assert (await world.ask("SELECT count(*) FROM notices WHERE claimed_until IS NOT NULL"))[0][0] == 0

    receiver.service = None
    service.start()
    await receiver.wait_for(30, 30)
    await world.until("SELECT count(*) FROM notices WHERE state = 'pending'", lambda row: row[0] == 0)
    assert await service.stop() == 0
    assert len({mail.raw for mail in receiver.received}) == len(receiver.received) == 30

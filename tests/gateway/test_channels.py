"""Programs are told as mailboxes are: over real HTTP, under one key, tried again, and given up for the next contact."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from whole.scene import ALDER, BIRCH, Scene, about, opened_scene
from whole.world import World

from gateway import notice_preview, outcomes, pipeline, settings, staff
from gateway.channels import PREFIX
from gateway.intake import customer_values
from gateway.model import Cause
from gateway.staff import Solved
from gateway.store import customers, events
from gateway.store.events import Event
from notifier.webhook import SIGNATURE, TIMESTAMP, sign
from parsers import parse
from servers.background import BackgroundLoop
from servers.hook import HookServer
from servers.waiting import write_settings

pytestmark = pytest.mark.needs("aiosmtpd")
SECRET = "for-tests-only-0123456789"
STAFF = "noc@isp.example"  # hears of what bounced


@pytest.fixture
def hook(background: BackgroundLoop):
    server = HookServer(background)
    server.start()
    yield server
    server.stop()


def _lines(name: str, kind: str, hook: HookServer, **more: object) -> list[str]:
    values = {"name": name, "type": kind, "url": f"http://{hook.place}/{name}", "secret": SECRET} | more
    return ["[[channels]]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]


@pytest.fixture
async def scene(tmp_path, database_url, smtp_receiver, hook: HookServer) -> AsyncIterator[Scene]:
    """Alder has a webhook, Birch a place for XARF."""
    world = World(tmp_path, database_url)
    written = world.write

    def write() -> None:
        written()
        more = [*_lines("alder", "webhook", hook), *_lines("birch", "xarf", hook, mail_to="desk@birch.example")]
        world.config.write_text("\n".join([world.config.read_text(), *more]))

    world.write = write  # type: ignore[method-assign]
    async with opened_scene(
        world, smtp_receiver, alarms={"webhook": f"http://{hook.place}/chat", "address": STAFF}
    ) as made:
        async with made.house.database.writing() as connection:
            for key in ("alder", "birch"):
                await customers.deliver(connection, key, f"{PREFIX}{key}", who="ann", now=made.house.clock())
        yield made


def posted(hook: HookServer, path: str) -> list[dict]:
    return [json.loads(one.body) for one in hook.posted if one.path == path]


async def test_a_customers_program_gets_every_notice_signed_and_the_clock_runs_at_once(scene: Scene, hook: HookServer):
    await scene.take_in(about(ALDER))
    (one,) = hook.posted
    timestamp = int(one.headers[TIMESTAMP.lower()])
    assert one.headers[SIGNATURE.lower()] == sign(SECRET, timestamp, one.body)
    said = json.loads(one.body)
    assert (said["kind"], said["facts"]["case"], said["evidence"]["source_ip"]) == (
        "complaint",
        "AG-2026-000001",
        ALDER,
    )
    assert said["key"] == one.headers["idempotency-key"]
    assert said["subject"].endswith(ALDER)
    assert said["answer_to"].startswith("abuse+n.")
    assert said["xarf"]["source_identifier"] == ALDER
    assert "@reader.example" not in one.body.decode()  # nobody who complained
    assert (await scene.clock())[0] == "running"
    assert scene.relay.received == []
    scene.after(12)
    await pipeline.drain(scene.house)
    assert [one["kind"] for one in posted(hook, "/alder")] == ["complaint", "reminder"]


async def test_what_xarf_can_say_is_posted_as_xarf_and_everything_else_is_mailed(scene: Scene, hook: HookServer):
    await scene.take_in(about(BIRCH))
    (document,) = posted(hook, "/birch")
    read = parse(json.dumps(document).encode())
    assert (read.format, read.reports[0].source_ip, read.reports[0].defects) == ("xarf", BIRCH, ())
    scene.after(12)
    await pipeline.drain(scene.house)
    assert len(posted(hook, "/birch")) == 1
    assert scene.sent() == [("reminder", "desk@birch.example")]


async def test_a_program_that_fails_is_tried_again_under_the_same_key_and_one_that_refuses_is_passed_over(
    scene: Scene, hook: HookServer
):
    hook.answers = [(503, b"busy"), None]
    await scene.take_in(about(ALDER))
    assert (await scene.clock())[0] == "waiting"
    for hours in (0.5, 3):
        scene.after(hours)
        await pipeline.drain(scene.house)
    assert len({one.headers["idempotency-key"] for one in hook.posted}) == 1
    assert len(hook.posted) == 3
    assert (await scene.clock())[::2] == ("running", 0)
    hook.usual = (410, b"gone")
    await scene.take_in(about("198.51.100.9"))
    assert [one for one in scene.sent() if one[1] != STAFF] == [("complaint", "abuse@alder.example")]
    assert await scene.ask("SELECT state, contact FROM clocks WHERE value = '198.51.100.9'") == [("running", 1)]


async def test_a_channel_that_is_gone_from_the_settings_is_a_contact_that_is_not_there(scene: Scene, hook: HookServer):
    scene.house.channels = {}
    await scene.take_in(about(ALDER))
    assert hook.posted == []
    assert [one for one in scene.sent() if one[1] != STAFF] == [("complaint", "abuse@alder.example")]


async def test_a_reporter_with_a_channel_hears_outcomes_by_it(scene: Scene, hook: HookServer):
    section = scene.house.settings.channels[0].model_copy(update={"reporters": ("feed:fbl",)})
    object.__setattr__(scene.house.settings, "channels", (section,))
    await scene.take_in(about(BIRCH))
    await staff.resolve(scene.house, "1", Solved("done"), who="ann", cause=Cause.INFECTED)
    await outcomes.release(scene.house, "1", who="ann", why="over")
    await pipeline.drain(scene.house)
    (said,) = posted(hook, "/alder")
    assert (said["kind"], said["facts"]["machine"]["result"]) == ("outcome", "solved")


async def test_every_alarm_goes_to_staff_by_mail_and_to_their_chat_once_an_hour(scene: Scene, hook: HookServer):
    now = scene.house.clock()
    why = "192.0.2.1 is listed <!channel> @all https://evil.example/ & more"
    async with scene.house.database.writing() as connection:
        await events.add(connection, [Event(now, "arfgate", "alarm", why, case_id=None)] * 2)
        await events.add(connection, [Event(now, "arfgate", "alarm", "a legal matter", data={"alarm": None})])
    await pipeline.drain(scene.house)
    (said,) = posted(hook, "/chat")
    assert set(said) == {"text"}
    assert said["text"].startswith("*Alarm*: 192.0.2.1 is listed")
    for alive in ("<!", "@all", "https://"):
        assert alive not in said["text"]
    assert [mail.rcpt_tos for mail in scene.relay.received] == [[STAFF]]
    assert await scene.ask("SELECT count(*) FROM due_alarms") == [(0,)]
    async with scene.house.database.writing() as connection:
        await events.add(connection, [Event(now, "arfgate", "alarm", why)])
    await pipeline.drain(scene.house)
    assert len(posted(hook, "/chat")) == 1


async def test_a_clock_that_nobody_can_be_told_of_is_sent_to_staff(scene: Scene, hook: HookServer):
    scene.relay.refuse("abuse@alder.example")
    scene.relay.refuse("second@alder.example")
    hook.usual = (410, b"gone")
    await scene.take_in(about(ALDER))
    assert any("nobody is left to tell" in mail.raw.decode("utf-8", "replace") for mail in scene.relay.received)


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({"name": "alarms"}, "choose another name"),
        ({"url": "http://elsewhere.example/x"}, "use https"),
        ({"secret": "short"}, "characters"),
        ({"type": "xarf"}, "mail_to"),
    ],
)
def test_a_channel_that_cannot_work_is_told_at_the_start(tmp_path: Path, more: dict, wanted: str):
    usual = {"name": "acme", "type": "webhook", "url": "https://hooks.acme.example/x", "secret": SECRET}
    config = write_settings(tmp_path, "sqlite+aiosqlite:///x.db", channels=[usual | more])
    with pytest.raises(settings.SettingsError, match=wanted):
        settings.load(config)


def test_a_chats_address_is_a_secret_and_has_to_be_one(tmp_path: Path):
    config = write_settings(
        tmp_path, "sqlite+aiosqlite:///x.db", alarms={"webhook": "https://chat.example/hooks/s3cret"}
    )
    assert "s3cret" not in repr(settings.load(config))
    config = write_settings(tmp_path, "sqlite+aiosqlite:///x.db", alarms={"webhook": "chat.example"})
    with pytest.raises(settings.SettingsError, match=r"alarms\.webhook"):
        settings.load(config)


def test_a_customers_file_may_name_a_channel():
    assert customer_values.delivery("channel:acme") == "channel:acme"
    for wrong in ("channel:", "channel:A b", "smoke"):
        with pytest.raises(customer_values.BadValueError, match="channel:NAME"):
            customer_values.delivery(wrong)


async def test_a_preview_shows_what_a_program_would_be_given(scene: Scene, hook: HookServer):
    await scene.take_in(about(ALDER), about(BIRCH))
    scene.after(12)
    await pipeline.drain(scene.house)
    kinds = dict(await scene.ask("SELECT kind || ' ' || \"to\", id FROM notices"))

    async def shown(kind: str) -> str:
        stored = await notice_preview.stored(scene.house, kinds[kind])
        return notice_preview.worded(scene.house, stored, mail=True).mail

    assert json.loads(await shown("complaint channel:alder"))["kind"] == "complaint"
    assert json.loads(await shown("complaint channel:birch"))["xarf_version"].startswith("4")
    assert "To: desk@birch.example" in await shown("reminder channel:birch")
    scene.house.channels = {}
    with pytest.raises(LookupError, match="not in the settings"):
        await shown("complaint channel:alder")

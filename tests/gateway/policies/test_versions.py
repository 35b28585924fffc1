"""A version that takes effect is stored with its text; customers are told of a new one, each once (MED-5)."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import pytest
from whole.world import CUSTOMERS, World

from gateway import pipeline
from gateway.app import opened
from gateway.intake.customers import read_customers
from gateway.policies.policy import PolicyError, file_of
from gateway.settings import load
from gateway.store import customers, policies
from servers.receiver import SmtpReceiver

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINE = file_of("default")


@pytest.fixture
def world(tmp_path: Path, database_url: str, smtp_receiver: SmtpReceiver) -> World:
    made = World(tmp_path, database_url)
    made.sections = {
        "smtp": {"port": smtp_receiver.port, "bounce_grace_minutes": 0},
        "policy": {"name": "mine.toml"},
    }
    made.write()
    write(made, version=1)
    return made


def write(world: World, version: int, hours: int = 24) -> None:
    text = MINE.read_text().replace('name = "default"', 'name = "mine"').replace("version = 1", f"version = {version}")
    (world.folder / "mine.toml").write_text(text.replace("hours = 24", f"hours = {hours}", 1))


async def turn(world: World, then=None):
    """Open the house, let it do what there is to do, and close it."""
    async with opened(load(world.config), clock=lambda: NOW) as house:
        if then:
            await then(house)
        await pipeline.drain(house)
        async with house.database.reading() as connection:
            return await policies.versions(connection)


async def import_customers(house) -> None:
    path = house.settings.folder / "customers.csv"
    path.write_text(CUSTOMERS, encoding="utf-8")
    async with house.database.writing() as connection:
        await customers.import_file(connection, read_customers(path), who="test", now=NOW)


@pytest.mark.duty("MED-5")
async def test_customers_are_told_of_a_new_version_once_each(world, smtp_receiver):
    await turn(world, import_customers)
    assert smtp_receiver.received == [], "the first version is no change"
    write(world, version=2, hours=48)
    versions = await turn(world)
    assert [(v.label, v.since) for v in versions] == [("mine 1", NOW), ("mine 2", NOW)]
    told = [mail.rcpt_tos[0] for mail in smtp_receiver.received]
    assert told
    assert len(told) == len(set(told)), "each contact once"
    text = message_from_bytes(smtp_receiver.received[0].raw).get_payload(decode=True).decode()
    assert "mine 2" in text
    assert "classes.mail.hours: 24.0 -> 48.0" in text
    await turn(world)
    assert len(smtp_receiver.received) == len(told), "and only once"


async def test_a_change_under_the_same_version_is_refused(world):
    await turn(world)
    write(world, version=1, hours=48)
    with pytest.raises(PolicyError, match=r"policy mine: version 1: it changed since .* raise `version`"):
        await turn(world)


async def test_the_text_of_every_version_is_kept(world):
    await turn(world)
    write(world, version=2, hours=48)
    (first, second) = await turn(world)
    assert "hours = 24" in first.text
    assert "hours = 48" in second.text
    assert first.sha256 != second.sha256


async def test_a_customer_with_its_own_policy_hears_of_that_one_only(world, smtp_receiver):
    world.sections["policy"] = {"name": "default", "others": ["mine.toml"]}
    world.write()

    async def give(house):
        await import_customers(house)
        async with house.database.writing() as connection:
            await policies.assign(connection, "birch", "mine", who="ann", now=NOW)
            with pytest.raises(LookupError, match="no customer"):
                await policies.assign(connection, "nobody", "mine", who="ann", now=NOW)

    await turn(world, give)
    write(world, version=2)
    await turn(world)
    assert {mail.rcpt_tos[0].partition("@")[2] for mail in smtp_receiver.received} == {"birch.example"}

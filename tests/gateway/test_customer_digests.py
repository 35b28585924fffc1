"""A customer who wants a digest gets one mail a day about what was counted; everybody else gets none. On both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email import message_from_bytes

import pytest
from sqlalchemy import text
from whole.scene import ALDER, BIRCH, NOW, Scene, about, answer, opened_scene, text_of
from whole.world import World

from gateway import customer_digests, outbox, pipeline
from gateway.store import customers
from servers.two_nodes import both

pytestmark = pytest.mark.needs("aiosmtpd")


@pytest.fixture
async def scene(tmp_path, database_url, smtp_receiver) -> AsyncIterator[Scene]:
    async with opened_scene(World(tmp_path, database_url), smtp_receiver) as made:
        async with made.house.database.writing() as connection:
            await customers.deliver(connection, "alder", "digest", who="ann", now=NOW)
        yield made


def digests(scene: Scene) -> list[bytes]:
    return [
        mail.raw for mail in scene.relay.received if "Abuse reports of" in str(message_from_bytes(mail.raw)["Subject"])
    ]


async def test_what_was_counted_yesterday_is_told_once(scene: Scene):
    await scene.take_in(about(ALDER), about(ALDER), about(ALDER), about(BIRCH))
    assert scene.sent() == [("complaint", "abuse@alder.example"), ("complaint", "abuse@birch.example")]
    assert digests(scene) == []
    for hours in (13, 14, 36, 37):
        scene.after(hours)
        await pipeline.drain(scene.house)
    (mail,) = digests(scene)
    said = text_of(mail)
    assert message_from_bytes(mail)["To"] == "abuse@alder.example"
    assert f"* {ALDER.replace('.', '[.]')}: unsolicited bulk mail (spam), 3 times" in said
    assert "AG-2026-000001" in said
    assert "opt" not in said
    assert "reader.example" not in said


async def test_of_two_nodes_one_plans_the_first_day_of_all_and_the_other_nothing(scene: Scene):
    await scene.take_in(about(ALDER), about(ALDER))
    async with scene.house.database.writing() as connection:
        await connection.execute(text("DELETE FROM switches WHERE name = 'customer_digests'"))
    scene.after(13)
    assert await both(scene.house, customer_digests.send) == (1, 0)
    await outbox.send_due(scene.house)
    assert len(digests(scene)) == 1


async def test_a_customer_cannot_opt_out_by_it_and_who_answers_is_read_by_a_person(scene: Scene):
    await scene.take_in(about(ALDER))
    scene.after(13)
    await pipeline.drain(scene.house)
    (mail,) = digests(scene)
    await scene.take_in(
        answer(mail), answer(mail).replace(b"+n.", b"+o.", 1).replace(b"Message-ID: <", b"Message-ID: <o")
    )
    assert await scene.ask("SELECT verdict, count(*) FROM messages WHERE id > 1 GROUP BY verdict") == [("review", 2)]
    assert await scene.ask("SELECT count(*) FROM opt_outs") == [(0,)]
    assert (await scene.clock())[0] == "running"

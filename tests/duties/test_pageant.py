"""Pageant Server's policy, played from the first complaint to the last consequence."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from duties.stage import HOUR, READERS, actions, carry_out, complain, later, mails, subjects, under, verdicts
from whole.scene import ALDER, BIRCH, NOW, Scene

from servers.readers import complaint

HOLDER = "abuse@alder.example"


@pytest.fixture
async def scene(tmp_path, sqlite_url, smtp_receiver) -> AsyncIterator[Scene]:
    async with under("pageant", tmp_path, sqlite_url, smtp_receiver) as made:
        yield made


@pytest.mark.duty("PAG-2")
async def test_an_anonymous_complaint_is_kept_with_its_reason_and_counts_nowhere(scene: Scene):
    await complain(scene, ALDER, *READERS[:12], authenticated="no")
    assert await verdicts(scene) == [("rejected", "anonymous")] * 12
    assert await scene.ask("SELECT count(*) FROM messages") == [(12,)], "kept as evidence"
    assert await scene.ask("SELECT (SELECT count(*) FROM cases) + (SELECT count(*) FROM marks)") == [(0,)]
    assert scene.relay.received == [], "nobody is answered: the sender may be forged"


@pytest.mark.duty("PAG-1")
async def test_a_complaint_without_the_message_is_told_what_is_missing(scene: Scene):
    whole = complaint(READERS[0], ALDER, NOW)
    head, body = whole.split(b"MIME-Version", 1)
    bare = head + b"MIME-Version: 1.0\r\n\r\nSome spam came from 198.51.100.7.\r\n"
    assert body
    await scene.take_in(bare)
    assert await scene.ask("SELECT count(*) FROM cases") == [(0,)]
    assert await scene.ask("SELECT count(*) FROM reports WHERE verdict = 'accepted'") == [(0,)]


@pytest.mark.duty("PAG-3", "PAG-4", "PAG-5", "PAG-6")
async def test_three_events_from_the_first_complaint_to_the_end_of_the_accounts_mail(scene: Scene):
    # first event: complaint received to the complainants, complaints and first warning to the account contact
    await complain(scene, ALDER, *READERS[:3])
    assert await verdicts(scene) == [("accepted", "signed")] * 3
    assert [len(mails(scene, reader)) for reader in READERS[:3]] == [1, 1, 1]
    assert await scene.ask("SELECT DISTINCT category FROM reports") == [("spam",)]
    first = subjects(scene, HOLDER)
    assert first[0].startswith("[AG-2026-000001] Abuse report")
    assert first[-1].startswith("First warning")
    # two more complaints within the month are no second event
    await later(scene, 24 * 10, every=6 * HOUR)
    await complain(scene, ALDER, *READERS[:2])
    assert not any("Final warning" in one for one in subjects(scene, HOLDER))
    # second event: second and final warning, which names what comes next
    await complain(scene, ALDER, READERS[2])
    assert subjects(scene, HOLDER)[-1].startswith("Final warning")
    assert "disable, for good, the mail of alder" in mails(scene, HOLDER)[-1]
    assert await actions(scene) == []
    # third event: mail is disabled at once, nobody is asked; then notice
    await later(scene, 24 * 10, every=6 * HOUR)
    await complain(scene, ALDER, *READERS[:3])
    assert await actions(scene) == [("disable-mail", "alder", "approved")]
    told = len(mails(scene, HOLDER))
    assert not any("Carried out" in one for one in subjects(scene, HOLDER)), "nothing says done before it is"
    await carry_out(scene)
    assert await actions(scene) == [("disable-mail", "alder", "done")]
    assert "Carried out: disable, for good, the mail of alder" in subjects(scene, HOLDER)[told]
    assert "pageant 1" in mails(scene, HOLDER)[-1]


@pytest.mark.duty("PAG-5")
async def test_whether_the_mail_was_solicited_does_not_matter_but_misattribution_does(scene: Scene):
    from gateway import staff  # noqa: PLC0415  only here
    from gateway.model import Cause  # noqa: PLC0415
    from gateway.staff import Solved  # noqa: PLC0415

    await complain(scene, ALDER, *READERS[:3])
    assert await scene.ask("SELECT state FROM strikes") == [("told",)]
    await staff.resolve(scene.house, "1", Solved("somebody else's address"), who="ann", cause=Cause.MISATTRIBUTED)
    assert await scene.ask("SELECT state FROM strikes") == [("annulled",)]


@pytest.mark.duty("PAG-7")
async def test_ten_complaints_in_72_hours_suspend_the_account_at_once(scene: Scene):
    await complain(scene, BIRCH, *READERS[:3])
    await later(scene, 24 * 40, every=6 * HOUR)  # these three are known now, and their strike is done with
    await complain(scene, BIRCH, *READERS[:9])
    assert ("suspend-account", "birch", "approved") not in await actions(scene)
    await complain(scene, BIRCH, READERS[9])
    assert ("suspend-account", "birch", "approved") in await actions(scene)
    await carry_out(scene)
    assert any("Carried out: suspend the account of birch" in one for one in subjects(scene, "abuse@birch.example"))


async def test_one_person_with_many_addresses_brings_nobody_down(scene: Scene):
    await complain(scene, ALDER, *(f"troll{number}@gmail.com" for number in range(12)))
    assert {state for _, _, state in await actions(scene)} == {"proposed"}, "a person decides"

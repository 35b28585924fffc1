"""SES Corporate's policy, played from the first complaint to the last consequence."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from duties.stage import READERS, actions, carry_out, complain, enter, later, mails, subjects, under
from whole.scene import ALDER, Scene, answer

from gateway import fines, staff
from gateway.casework.states import NotAllowedError
from gateway.intake.customers import read_customers
from gateway.model import Cause
from gateway.staff import Solved
from gateway.store import customers

HOLDER = "abuse@alder.example"


@pytest.fixture
async def scene(tmp_path, sqlite_url, smtp_receiver) -> AsyncIterator[Scene]:
    async with under("ses", tmp_path, sqlite_url, smtp_receiver) as made:
        yield made


@pytest.mark.duty("SES-1", "SES-3", "SES-4", "SES-5")
async def test_24_hours_a_block_resolution_with_prevention_and_what_repetition_brings(scene: Scene):
    await complain(scene, ALDER, READERS[0])
    assert any("Abuse report about 198.51.100.7" in one for one in subjects(scene, HOLDER))
    assert await scene.ask("SELECT count(*) FROM notices WHERE kind = 'consent-asked'") == [(1,)], (
        "the records are asked for"
    )
    # nobody answers: a reminder at half time, and a block after 24 hours that one person approves
    await later(scene, 12.5)
    assert any("Reminder" in one for one in subjects(scene, HOLDER))
    assert await actions(scene) == []
    await later(scene, 12)
    assert await actions(scene) == [("block-address", ALDER, "proposed")]
    await carry_out(scene)
    assert await actions(scene) == [("block-address", ALDER, "done")]
    assert any(one.startswith("[AG-2026-000001] Carried out") for one in subjects(scene, HOLDER))
    # the customer answers; the provider has to be convinced that it is resolved and prevented
    report = next(m.raw for m in scene.relay.received if m.rcpt_tos == [HOLDER] and b"feedback-report" in m.raw)
    await scene.take_in(answer(report))
    with pytest.raises(NotAllowedError, match="--prevention"):
        await staff.resolve(scene.house, "1", Solved("the account is closed"), who="ann")
    solved = Solved("the account is closed", prevention="sign-ups are looked at first")
    await staff.resolve(scene.house, "1", solved, who="ann")
    assert await scene.ask("SELECT state FROM cases") == [("resolved",)]
    # conduct after that shows that it is not solved: the case opens again and escalates
    await later(scene, 5)
    await complain(scene, ALDER, READERS[1])
    assert await scene.ask("SELECT state FROM cases") == [("open",)]
    assert (await actions(scene))[-1] == ("block-address", ALDER, "proposed")
    # a heavy fine per valid complaint, by staff, reversible
    charged = await fines.charge(scene.house, "1", who="ann", why="valid")
    assert charged
    assert await scene.ask("SELECT count(*) FROM charges") == [(2,)]


@pytest.mark.duty("SES-7")
async def test_a_site_that_spam_advertises_is_suspended_on_two_hours_notice(scene: Scene):
    from parsers.report import Role  # noqa: PLC0415

    await enter(
        scene,
        "alder",
        "support-service",
        ALDER,
        who="ann",
        why="spam from abroad advertises it",
        role=Role.ADVERTISED,
    )
    await later(scene, 1.9)
    assert await actions(scene) == []
    await later(scene, 0.5)
    assert await actions(scene) == [("suspend-support-service", ALDER, "proposed")]
    assert any("Overdue" in one for one in subjects(scene, HOLDER))
    assert mails(scene, HOLDER)


@pytest.mark.duty("SES-4")
async def test_an_answer_in_time_stops_everything(scene: Scene):
    await complain(scene, ALDER, READERS[0])
    report = next(m.raw for m in scene.relay.received if m.rcpt_tos == [HOLDER] and b"feedback-report" in m.raw)
    await later(scene, 5)
    await scene.take_in(answer(report))
    await later(scene, 30)
    assert await actions(scene) == []
    await staff.resolve(scene.house, "1", Solved("closed", prevention="watched"), who="ann", cause=Cause.COMPROMISED)
    assert await scene.ask("SELECT state FROM cases") == [("closed",)]


TREE = """customer,name,parent,contacts,other_contacts,language,resource,valid_from
oak,Oak Telecom,,noc@oak.example,billing=pay@oak.example,en,198.51.100.64/26,2020-01-01T00:00:00Z
pine,Pine Hosting,oak,abuse@pine.example,,ro,198.51.100.64/27,2020-01-01T00:00:00Z
rose,Rose Shop,pine,,owner=rose@rose.example/zh,en,198.51.100.72/29,2020-01-01T00:00:00Z
"""


@pytest.mark.duty("SES-2")
async def test_a_delegated_prefix_is_its_holders_and_copies_go_up_the_tree(scene: Scene, tmp_path):
    file = tmp_path / "tree.csv"
    file.write_text(TREE)
    async with scene.house.database.writing() as connection:
        await customers.import_file(connection, read_customers(file), who="test", now=scene.time[0])
    await complain(scene, "198.51.100.74", READERS[0])
    told = [mail.rcpt_tos[0] for mail in scene.relay.received if mail.rcpt_tos != [READERS[0]]]
    assert list(dict.fromkeys(told)) == ["rose@rose.example", "abuse@pine.example", "noc@oak.example"]
    (first, *_), (second,), (third,) = (mails(scene, to) for to in dict.fromkeys(told))
    assert "滥用投诉" in first, "in the contact's own language"
    assert second.startswith("[AG-2026-000001] Copie: ")
    assert "am informat Rose Shop" in second
    assert third.startswith("[AG-2026-000001] Copy: abuse report about 198.51.100.74")
    assert "Rose Shop" in third
    assert "Their answer is due by" in third
    # a reply to a copy is no answer of the customer's: a person looks at it
    copy = next(mail.raw for mail in scene.relay.received if mail.rcpt_tos == ["noc@oak.example"])
    await scene.take_in(answer(copy))
    assert await scene.ask("SELECT state FROM clocks") == [("running",)]
    # the time is up, and those above hear of that too; nobody is told twice
    await later(scene, 25)
    copies = await scene.ask("SELECT \"to\" FROM notices WHERE kind = 'customer-copy' ORDER BY id")
    assert [one for (one,) in copies] == ["abuse@pine.example", "noc@oak.example"] * 2


async def test_who_is_told_as_the_nearest_gets_no_copy(scene: Scene, tmp_path):
    file = tmp_path / "tree.csv"
    file.write_text(
        "customer,name,parent,contacts,resource,valid_from\n"
        "oak,Oak Telecom,,noc@oak.example,,\n"
        "pine,Pine Hosting,oak,,198.51.100.64/27,2020-01-01T00:00:00Z\n"
    )
    async with scene.house.database.writing() as connection:
        await customers.import_file(connection, read_customers(file), who="test", now=scene.time[0])
    await complain(scene, "198.51.100.74", READERS[0])
    assert [mail.rcpt_tos[0] for mail in scene.relay.received][:1] == ["noc@oak.example"]
    assert await scene.ask("SELECT count(*) FROM notices WHERE kind = 'customer-copy'") == [(0,)]

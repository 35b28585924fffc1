"""Conectoo, MediaOfficers and NetEase: newsletters, bulk senders, shared mail servers."""

from __future__ import annotations

import pytest
from duties.stage import READERS, actions, carry_out, complain, enter, later, mails, subjects, under, verdicts
from whole.scene import ALDER, HOUR, about

from gateway.policies.policy import load
from parsers.report import Category, Role

HOLDER = "abuse@alder.example"


@pytest.mark.duty("CON-1", "CON-5")
async def test_conectoo_a_sample_opens_a_case_and_the_ladder_ends_in_suspension(tmp_path, sqlite_url, smtp_receiver):
    async with under("conectoo", tmp_path, sqlite_url, smtp_receiver) as scene:
        await complain(scene, ALDER, *READERS[:5])
        assert subjects(scene, HOLDER)[-1].startswith("First warning")
        await later(scene, 24)
        await complain(scene, ALDER, *READERS[:5])
        assert await actions(scene) == [("suspend-account", "alder", "proposed")]
        await carry_out(scene)
        assert any("Carried out: suspend the account of alder" in one for one in subjects(scene, HOLDER))


@pytest.mark.duty("CON-3")
async def test_conectoo_clicks_of_feedback_loops_go_into_rates_and_open_no_case(tmp_path, sqlite_url, smtp_receiver):
    async with under("conectoo", tmp_path, sqlite_url, smtp_receiver) as scene:
        await scene.take_in(*(about(ALDER) for _ in range(20)))
        assert set(await verdicts(scene)) == {("recorded", "count-only")}
        assert await scene.ask("SELECT count(*) FROM cases") == [(0,)]
        assert await scene.ask("SELECT count(*) FROM attributions WHERE account_id IS NOT NULL") == [(20,)]


@pytest.mark.duty("CON-10", "NET-6")
@pytest.mark.parametrize("policy", ["conectoo", "netease"])
async def test_illegal_content_is_a_category_that_a_person_sets(policy, tmp_path, sqlite_url, smtp_receiver):
    async with under(policy, tmp_path, sqlite_url, smtp_receiver) as scene:
        await enter(scene, "alder", "content", ALDER, who="ann", why="seen", category=Category.ILLEGAL_CONTENT)
        await later(scene, 24.5)
        assert await actions(scene) == [("suspend-account", "alder", "proposed")], "never by itself"


@pytest.mark.duty("MED-4")
async def test_mediaofficers_block_before_the_customer_is_told_and_the_notice_follows(
    tmp_path, sqlite_url, smtp_receiver
):
    async with under("mediaofficers", tmp_path, sqlite_url, smtp_receiver) as scene:
        await complain(scene, ALDER, READERS[0])  # nobody knows this reader, and it is one alone
        assert await actions(scene) == [("block-address", ALDER, "proposed")]
        await later(scene, 1)
        await complain(scene, "198.51.100.8", READERS[0], READERS[1])
        # two that are independent, one of them known: at once, before the customer was told
        assert (await actions(scene))[1] == ("block-address", "198.51.100.8", "approved")
        await carry_out(scene)
        told = [one for one in subjects(scene, HOLDER) if "Carried out: block the traffic of" in one]
        assert len(told) == 2, "the notice follows what was done"


@pytest.mark.duty("MED-6")
async def test_mediaofficers_data_of_others_and_interference_are_categories_with_a_class_of_their_own(
    tmp_path, sqlite_url, smtp_receiver
):
    rules = load("mediaofficers")
    for category in (Category.DATA_HARVESTING, Category.INTERFERENCE):
        assert rules.class_for(category, Role.SOURCE).name == "connection"
    async with under("mediaofficers", tmp_path, sqlite_url, smtp_receiver) as scene:
        await enter(scene, "alder", "connection", ALDER, who="ann", why="harvests", category=Category.DATA_HARVESTING)
        assert any("data harvesting" in one for one in mails(scene, HOLDER))
        await later(scene, 24.5)
        assert ("cancel-account", "alder", "proposed") in await actions(scene)


@pytest.mark.duty("MED-5")
async def test_notices_name_the_policy_and_its_version(tmp_path, sqlite_url, smtp_receiver):
    async with under("netease", tmp_path, sqlite_url, smtp_receiver) as scene:
        await complain(scene, ALDER, *READERS[:3])
        assert "netease 1" in mails(scene, HOLDER)[-1]


@pytest.mark.duty("NET-3", "NET-4")
async def test_netease_stops_outgoing_mail_and_the_holder_asks_for_a_review(tmp_path, sqlite_url, smtp_receiver):
    from gateway import appeals  # noqa: PLC0415  only here

    async with under("netease", tmp_path, sqlite_url, smtp_receiver) as scene:
        await complain(scene, ALDER, READERS[0])
        await later(scene, 24.5)
        assert await actions(scene) == [("stop-outgoing", "alder", "proposed")]
        await carry_out(scene)
        assert await appeals.ask(scene.house, "1", "our server was broken into", who="customer")
        lifted = await appeals.decide(scene.house, "1", granted=True, who="ann", why="it is repaired")
        assert lifted
        assert scene.time[0] > scene.house.clock() - HOUR

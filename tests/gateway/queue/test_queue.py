"""The unmatched queue on both databases: what waits, how it is placed, and that only one person decides."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from gateway import queue, queue_rules
from gateway.queue import DecidedError, NoEntryError, QueueError
from gateway.queue_rules import Terms
from gateway.queue_view import look
from gateway.store import queue as store
from servers.waiting import INCIDENT, NOW, arf

NOVEMBER = datetime(2026, 11, 3, tzinfo=UTC)


async def rows(waiting, query: str) -> list[dict]:
    async with waiting.house.database.reading() as connection:
        return [dict(row) for row in (await connection.execute(text(query))).mappings()]


async def groups(waiting) -> list[store.Group]:
    async with waiting.house.database.reading() as connection:
        return await store.groups(connection)


async def only_group(waiting) -> store.Group:
    (group,) = await groups(waiting)
    return group


async def test_what_waits_alike_is_one_line_with_reason_candidates_and_counts(waiting):
    await waiting.take_in(arf(), arf(), arf(complainant="same@reader.example"), arf("203.0.113.9"))
    by_value = {g.entry.value: g for g in await groups(waiting)}
    assert set(by_value) == {"198.51.100.7", "203.0.113.9"}
    ours = by_value["198.51.100.7"]
    assert (ours.seen, ours.first_at, ours.last_at) == (3, NOW, NOW)
    assert ours.entry.reason == "not-assigned-then"
    assert [(c.account, c.name) for c in ours.entry.candidates] == [("alder", "Alder Hosting")]
    assert "until 3 Nov 2026" in ours.entry.candidates[0].why
    assert by_value["203.0.113.9"].entry.reason == "not-ours"
    async with waiting.house.database.reading() as connection:
        assert await store.count(connection) == 4


async def test_entries_without_a_resource_are_not_taken_for_alike(waiting):
    await waiting.take_in(arf(None, None), arf(None, None))
    assert [g.entry.reason for g in await groups(waiting)] == ["no-source", "no-source"]


async def test_a_report_assigned_by_staff_is_filed_like_any_other(waiting):
    await waiting.take_in(arf())
    entry = (await only_group(waiting)).entry
    done = await queue.assign(waiting.house, entry.id, "alder", "ann")
    assert (done.queue, done.account, done.decided_by, done.reason) == ("assigned", "alder", "ann", "by-staff")
    assert done.case == "AG-2026-000001"
    (notice,) = await rows(waiting, "select * from notices")
    assert (notice["kind"], notice["to"], notice["state"]) == ("complaint", "abuse@alder.example", "pending")
    (clock,) = await rows(waiting, "select * from clocks")
    assert (clock["value"], clock["state"], clock["id"]) == ("198.51.100.7", "waiting", done.clock_id)
    said = await rows(waiting, "select * from events where report_id is not null order by id")
    assert [(e["who"], e["what"]) for e in said[1:]] == [
        ("ann", "case opened"),
        ("ann", "clock evidence"),
        ("ann", "entry assigned"),
    ]
    assert said[-1]["why"] == "to alder, this report only"
    assert said[-1]["case_id"] == 1
    assert not await groups(waiting)


async def test_the_notice_holds_the_redacted_evidence(waiting):
    await waiting.take_in(arf(complainant="private.person@reader.example"))
    await queue.assign(waiting.house, (await only_group(waiting)).entry.id, "alder", "ann")
    (notice,) = await rows(waiting, "select facts, evidence from notices")
    told = str(notice)
    assert "198.51.100.7" in told
    assert "An offer you did not ask for" in told
    assert "private.person" not in told


async def test_a_second_report_on_the_same_resource_is_counted_in_the_case(waiting):
    await waiting.take_in(arf(), arf())
    first, second = (await only_group(waiting)).entry.id, 2
    await queue.assign(waiting.house, first, "alder", "ann")
    done = await queue.assign(waiting.house, second, "alder", "ann")
    assert done.case == "AG-2026-000001"
    assert len(await rows(waiting, "select id from notices")) == 1


async def test_whoever_comes_second_is_told_who_was_faster_and_changes_nothing(waiting):
    await waiting.take_in(arf())
    entry = (await only_group(waiting)).entry
    await queue.assign(waiting.house, entry.id, "alder", "ann")
    with pytest.raises(DecidedError, match="ann was faster: entry 1 was assigned to alder on 2026-11-20 12:00Z"):
        await queue.assign(waiting.house, entry.id, "birch", "ben")
    with pytest.raises(DecidedError, match="ann was faster"):
        await queue.reject(waiting.house, entry.id, "junk", "ben")
    with pytest.raises(DecidedError, match="ann was faster"):
        await queue_rules.assign_rule(waiting.house, entry.id, Terms("birch", NOVEMBER), "ben")
    assert len(await rows(waiting, "select id from cases")) == 1
    assert not await rows(waiting, "select id from assignments where origin = 'rule'")


async def test_of_two_at_the_same_time_one_decides(waiting):
    await waiting.take_in(arf())
    outcomes = await asyncio.gather(
        queue.assign(waiting.house, 1, "alder", "ann"),
        queue.assign(waiting.house, 1, "birch", "ben"),
        queue.reject(waiting.house, 1, "junk", "eve"),
        return_exceptions=True,
    )
    assert sum(isinstance(o, DecidedError) for o in outcomes) == 2
    assert len(await rows(waiting, "select id from events where what in ('entry assigned', 'entry rejected')")) == 1


async def test_what_names_no_resource_of_a_customer_is_placed_only_with_one_that_staff_name(waiting):
    await waiting.take_in(arf(None, None), arf("192.0.2.25"))
    no_source, own_relay = (g.entry for g in await groups(waiting))
    assert (no_source.reason, own_relay.reason) == ("no-source", "own-relay")
    for entry in (no_source, own_relay):
        with pytest.raises(QueueError, match=f"entry {entry.id} names no resource of a customer"):
            await queue.assign(waiting.house, entry.id, "alder", "ann")
    done = await queue.assign(waiting.house, own_relay.id, "birch", "ann", "198.51.100.70")
    assert (done.value, done.case) == ("198.51.100.70", "AG-2026-000001")
    (clock,) = await rows(waiting, "select value from clocks")
    assert clock["value"] == "198.51.100.70"


@pytest.mark.parametrize(
    ("resource", "says"),
    [
        ("198.51.100.0/26", "is a range; a case is about one address"),
        ("<script>", "is no prefix, address, range or host"),
    ],
)
async def test_a_resource_that_is_none_is_refused(waiting, resource, says):
    await waiting.take_in(arf())
    with pytest.raises(QueueError, match=says):
        await queue.assign(waiting.house, 1, "alder", "ann", resource)


async def test_unknown_entries_and_customers_are_named(waiting):
    with pytest.raises(NoEntryError, match="the queue has no entry 77"):
        await queue.assign(waiting.house, 77, "alder", "ann")
    await waiting.take_in(arf())
    with pytest.raises(QueueError, match="there is no customer 'nobody/here'"):
        await queue.assign(waiting.house, 1, "nobody/here", "ann")


async def test_a_rejected_entry_is_gone_and_says_why(waiting):
    await waiting.take_in(arf("203.0.113.9"), arf("203.0.113.9"))
    with pytest.raises(QueueError, match="say why"):
        await queue.reject(waiting.house, 1, "  \n", "ann")
    assert await queue.reject(waiting.house, 1, "not ours", "ann") == [1]
    entry = await queue.entry(waiting.house, 1)
    assert (entry.queue, entry.decided_by, entry.decided_at) == ("rejected", "ann", NOW)
    assert entry.how.endswith("; rejected: not ours")
    (said,) = await rows(waiting, "select who, why from events where what = 'entry rejected'")
    assert said == {"who": "ann", "why": "rejected: not ours"}
    assert (await only_group(waiting)).seen == 1


async def test_all_alike_are_rejected_together(waiting):
    await waiting.take_in(arf("203.0.113.9"), arf("203.0.113.9"), arf("203.0.113.10"))
    assert await queue.reject(waiting.house, 2, "not ours", "ann", alike=True) == [1, 2]
    assert (await only_group(waiting)).entry.value == "203.0.113.10"


async def test_a_rule_shows_what_it_would_place_then_places_it_and_what_comes_later(waiting):
    await waiting.take_in(arf("198.51.100.7"), arf("198.51.100.9"), arf("198.51.100.7"), arf("203.0.113.9"))
    terms = Terms("birch", NOVEMBER, None, "198.51.100.0/26")
    rule, would = await queue_rules.preview_rule(waiting.house, 1, terms)
    assert rule.label == "198.51.100.0/26 to birch from 2026-11-03 00:00Z"
    assert [e.id for e in would] == [1, 2, 3]
    assert not await rows(waiting, "select id from cases")

    _, placed = await queue_rules.assign_rule(waiting.house, 1, terms, "ann")
    assert [(e.id, e.account, e.queue) for e in placed] == [(n, "birch", "assigned") for n in (1, 2, 3)]
    assert {e.case for e in placed} == {"AG-2026-000001"}
    assert len(await rows(waiting, "select id from clocks")) == 2
    (made,) = await rows(waiting, "select * from assignments where origin = 'rule'")
    assert made["resource"] == "198.51.100.0/26"
    said = await rows(waiting, "select who, what, why from events where who = 'ann' order by id")
    assert ("assignment made", "198.51.100.0/26 from 2026-11-03 00:00Z") in [(e["what"], e["why"]) for e in said]
    assert sum(e["why"] == f"rule: {rule.label}" for e in said) == 3

    await waiting.take_in(arf("198.51.100.11"))
    assert [g.entry.value for g in await groups(waiting)] == ["203.0.113.9"]


async def test_a_rule_ends_when_it_is_said_to(waiting):
    await waiting.take_in(arf(at=INCIDENT - timedelta(days=5)), arf())
    terms = Terms("birch", NOVEMBER, INCIDENT - timedelta(days=1))
    _, would = await queue_rules.preview_rule(waiting.house, 1, terms)
    assert [e.id for e in would] == [1]
    with pytest.raises(QueueError, match=r"entry 2 itself would still not be birch's: .*nobody held it"):
        await queue_rules.preview_rule(waiting.house, 2, terms)
    with pytest.raises(QueueError, match="the end of the time is not after its beginning"):
        await queue_rules.preview_rule(waiting.house, 1, Terms("birch", NOVEMBER, NOVEMBER))


async def test_a_rule_that_contradicts_an_assignment_is_refused_and_says_whose(waiting):
    await waiting.take_in(arf())
    october = datetime(2026, 10, 1, tzinfo=UTC)
    says = r"alder holds 198\.51\.100\.0/26 from 2026-01-01 00:00Z until 2026-11-03 00:00Z, so 198"
    with pytest.raises(QueueError, match=says):
        await queue_rules.assign_rule(waiting.house, 1, Terms("birch", october, None, "198.51.100.0/26"), "ann")
    assert not await rows(waiting, "select id from assignments where origin = 'rule'")


async def test_a_narrower_prefix_is_no_contradiction(waiting):
    await waiting.take_in(arf())
    october = datetime(2026, 10, 1, tzinfo=UTC)
    _, placed = await queue_rules.assign_rule(waiting.house, 1, Terms("birch", october), "ann")
    assert [e.value for e in placed] == ["198.51.100.7"]


async def test_the_same_rule_again_is_not_made_twice_and_places_what_a_crash_left(waiting, monkeypatch):
    await waiting.take_in(arf(), arf())
    terms = Terms("birch", NOVEMBER, None, "198.51.100.0/26")

    async def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(queue_rules, "run_again", killed)
        with pytest.raises(KeyboardInterrupt):
            await queue_rules.assign_rule(waiting.house, 1, terms, "ann")
    assert (await only_group(waiting)).seen == 2
    _, placed = await queue_rules.assign_rule(waiting.house, 1, terms, "ann")
    assert len(placed) == 2
    assert len(await rows(waiting, "select id from assignments where origin = 'rule'")) == 1


async def test_a_rule_cannot_tell_apart_who_shares_an_address(waiting):
    await waiting.take_in(arf("192.0.2.8"))
    entry = (await only_group(waiting)).entry
    assert entry.reason == "shared-address"
    assert {c.account for c in entry.candidates} == {"dogwood/home", "elder"}
    with pytest.raises(QueueError, match="several held it at once"):
        await queue_rules.preview_rule(waiting.house, 1, Terms("elder", NOVEMBER))
    done = await queue.assign(waiting.house, 1, "dogwood/home", "ann")
    assert done.account == "dogwood/home"


async def test_a_rule_for_a_host_places_the_report_about_a_foreign_source(waiting):
    shop = "Reported-URI: http://www.shop.example/earn?id=1"
    await waiting.take_in(arf("203.0.113.9", extra=shop))
    assert (await only_group(waiting)).entry.reason == "not-ours"
    terms = Terms("alder", NOVEMBER, None, "shop.example")
    _, would = await queue_rules.preview_rule(waiting.house, 1, terms)
    assert [e.id for e in would] == [1]
    _, (placed,) = await queue_rules.assign_rule(waiting.house, 1, terms, "ann")
    assert (placed.kind, placed.role, placed.value) == ("host", "advertised", "www.shop.example")
    assert placed.case == "AG-2026-000001"
    assert not await groups(waiting)


async def test_a_rule_explains_anew_what_it_does_not_place(waiting):
    await waiting.take_in(arf("203.0.113.9"), arf("203.0.113.9", at=NOW - timedelta(days=4)))
    terms = Terms("alder", NOW - timedelta(days=1), None, "203.0.113.0/24")
    _, placed = await queue_rules.assign_rule(waiting.house, 1, terms, "ann")
    assert [e.id for e in placed] == [1]
    left = (await only_group(waiting)).entry
    assert (left.id, left.reason) == (2, "not-assigned-then")
    assert [c.account for c in left.candidates] == ["alder"]


async def test_contacts_outside_are_looked_up_again_once_a_report_is_in_a_case(waiting):
    await waiting.take_in(arf(), arf())
    async with waiting.house.database.writing() as connection:
        await connection.execute(text("update reports set contacts_state = 'found', contacts_tries = 2"))
        await connection.execute(
            text("insert into third_parties (report_id, subject, address, role, source, decision) "
                 "values (1, '198.51.100.7', 'abuse@net.example', 'abuse', 'rdap', 'not told: the report is in no case')")
        )  # fmt: skip
    waiting.house.rdap = object()
    await queue.assign(waiting.house, 1, "alder", "ann")
    states = await rows(waiting, "select id, contacts_state, contacts_tries from reports order by id")
    assert [(r["contacts_state"], r["contacts_tries"]) for r in states] == [("wanted", 0), ("found", 2)]
    assert not await rows(waiting, "select id from third_parties")


async def test_one_entry_is_shown_with_everything_that_is_known(waiting):
    await waiting.take_in(arf(subject="=?utf-8?q?Gr=C3=BC=C3=9Fe?=", text="Please stop this."), arf())
    view = await look(waiting.house, 1)
    assert view.alike == [1, 2]
    assert view.identity.startswith("feed fbl (")
    facts = {fact.name: fact for fact in view.facts}
    assert facts["Source address"].value == "198.51.100.7"
    assert facts["Subject"].value == "Grüße"
    assert ("Subject", "Grüße") in view.headers
    assert view.text.strip() == "Please stop this."
    assert [(hop.ip, hop.ours) for hop in view.trace] == [("198.51.100.7", True)]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T12:30", datetime(2026, 1, 31, 12, 30, tzinfo=UTC)),
        ("2026-01-31T12:30+08:00", datetime(2026, 1, 31, 4, 30, tzinfo=UTC)),
    ],
)
def test_times_are_utc_unless_they_say_otherwise(said, meant):
    assert queue_rules.moment(said) == meant


def test_what_is_no_time_is_refused():
    with pytest.raises(QueueError, match="'yesterday' is no time"):
        queue_rules.moment("yesterday")

"""Stored messages through today's parsers, on both databases: what had no effect is worked on, what was filed keeps its case."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from gateway import pipeline, reparse
from gateway.reparse import Step
from gateway.store import messages
from gateway.store.again import Wanted
from gateway.store.messages import Arrived
from parsers.report import Category, Kind, Parsed
from servers.waiting import NOW, arf

OURS = "198.51.100.70"  # Birch's, still
EVERYTHING = Wanted()
TABLES = ("messages", "reports", "attributions", "cases", "clocks", "notices", "actions", "third_parties", "events")


def unknown(parsed: Parsed) -> Parsed:
    return replace(parsed, kind=Kind.UNKNOWN, format=None, reports=())


def unreadable(parsed: Parsed) -> Parsed:
    return replace(unknown(parsed), kind=Kind.UNREADABLE, error="no format could read it then")


def without_findings_and_port(parsed: Parsed) -> Parsed:
    reports = tuple(replace(one, findings=(), user_agent="unread/0", source_port=9) for one in parsed.reports)
    return replace(parsed, format="older", reports=reports)


async def rows(waiting, query: str) -> list[dict]:
    async with waiting.house.database.reading() as connection:
        return [dict(row) for row in (await connection.execute(text(query))).mappings()]


async def everything(waiting, *, but: tuple[str, ...] = ()) -> dict[str, list[dict]]:
    return {name: await rows(waiting, f"select * from {name} order by id") for name in TABLES if name not in but}


async def again(waiting, wanted: Wanted = EVERYTHING, *, apply: bool = True) -> reparse.Outcome:
    return await reparse.reparse(waiting.house, wanted, "ann", apply=apply)


async def test_what_is_read_as_before_is_no_change(waiting):
    await waiting.take_in(arf(), arf(OURS), b"Subject: hello\r\n\r\nnothing\r\n", b"no header at all")
    outcome = await again(waiting, apply=False)
    assert (outcome.read, outcome.changes) == (4, [])


@pytest.mark.parametrize("then", [unknown, unreadable])
async def test_what_nothing_could_be_read_of_is_filed_like_new_mail_and_only_once(waiting, yesterday, then):
    await yesterday(waiting, then, arf(OURS))
    assert not await rows(waiting, "select id from cases")
    (change,) = (await again(waiting)).changes
    assert (change.step, change.applied, change.before.kind, change.after.kind) == (
        Step.WORK,
        True,
        then(Parsed(Kind.REPORT, "arf", None)).kind.value,  # type: ignore[arg-type]
        "report",
    )
    assert (await again(waiting)).read == 0  # it waits: the service has it now
    await pipeline.work(waiting.house)
    assert [notice["to"] for notice in await rows(waiting, "select * from notices")] == ["abuse@birch.example"]
    assert len(await rows(waiting, "select id from cases")) == 1
    filed = await everything(waiting)
    assert (await again(waiting)).changes == []
    await pipeline.work(waiting.house)
    assert await everything(waiting) == filed


async def test_of_a_filed_report_only_the_facts_are_written_anew(waiting, yesterday):
    await yesterday(waiting, without_findings_and_port, arf(OURS))
    before = await everything(waiting)
    (change,) = (await again(waiting)).changes
    assert (change.step, change.applied) == (Step.UPDATE, True)
    assert "format: older -> arf" in change.differences
    assert "source_port: 9 -> none" in change.differences
    assert "user_agent: unread/0 -> SomeGenerator/1.0" in change.differences
    await pipeline.work(waiting.house)
    after = await everything(waiting)
    for table in TABLES:
        if table not in ("messages", "reports", "events"):
            assert after[table] == before[table]
    (old,), (new,) = before["reports"], after["reports"]
    assert {name for name in new if new[name] != old[name]} == {"parsed", "source_port"}
    (event,) = after["events"][len(before["events"]) :]
    assert (event["who"], event["what"], event["message_id"]) == ("ann", "message read again", change.message)
    assert "source_port: 9 -> none" in event["why"]


async def test_without_apply_nothing_is_changed(waiting, yesterday):
    await yesterday(waiting, unknown, arf(OURS))
    await yesterday(waiting, without_findings_and_port, arf(OURS))
    before = await everything(waiting)
    outcome = await again(waiting, apply=False)
    assert [change.step for change in outcome.changes] == [Step.WORK, Step.UPDATE]
    assert not any(change.applied for change in outcome.changes)
    assert await everything(waiting) == before


def second_report(parsed: Parsed) -> Parsed:
    other = replace(parsed.reports[0], source_ip="198.51.100.9", original=None)
    return replace(parsed, reports=(*parsed.reports, other))


def first_of_two(parsed: Parsed) -> Parsed:
    return replace(parsed, reports=tuple(reversed(second_report(parsed).reports)))


@pytest.mark.parametrize(
    ("then", "now"),
    [
        pytest.param(lambda p: p, unknown, id="a report is none any more"),
        pytest.param(lambda p: p, second_report, id="there is one report more"),
        pytest.param(second_report, lambda p: p, id="there is one report less"),
        pytest.param(second_report, first_of_two, id="the reports stand in another order"),
        pytest.param(lambda p: replace(p, kind=Kind.ADMIN, reports=()), lambda p: p, id="administration is a report"),
        pytest.param(
            lambda p: p,
            lambda p: replace(p, reports=(replace(p.reports[0], category=Category.CHILD_ABUSE),)),
            id="it belongs into the restricted lane",
        ),
    ],
)
async def test_what_was_filed_as_something_else_is_shown_and_left_alone(waiting, yesterday, then, now):
    await yesterday(waiting, then, arf(OURS))
    before = await everything(waiting)
    waiting.house.workers = type(waiting.house.workers)()
    real = waiting.house.workers.parse

    async def read(raws):
        return [now(parsed) for parsed in await real(raws)]

    waiting.house.workers.parse = read
    (change,) = (await again(waiting)).changes
    assert (change.step, change.applied) == (Step.LOOK, False)
    assert await everything(waiting) == before


async def test_an_observed_message_is_observed_anew(waiting, yesterday):
    await yesterday(waiting, without_findings_and_port, arf(OURS))
    async with waiting.house.database.writing() as connection:
        for table in ("notices", "attributions", "clocks", "cases"):
            await connection.execute(text(f"delete from {table}"))
        await connection.execute(text("update messages set state = 'observed', mailbox = 'elsewhere'"))
        await connection.execute(text("update reports set outer_id = null"))
    (change,) = (await again(waiting)).changes
    assert (change.step, change.applied) == (Step.WORK, True)
    await pipeline.work(waiting.house)
    (message,) = await rows(waiting, "select state, format from messages")
    assert (message["state"], message["format"]) == ("observed", "arf")
    (report,) = await rows(waiting, "select * from reports")
    assert (report["source_port"], report["verdict"]) == (None, "accepted")
    assert not await rows(waiting, "select * from notices")


async def test_a_copy_that_comes_afterwards_is_still_the_twin(waiting, yesterday):
    """The evidence is told apart by what today's parsers read: an updated report must have today's key."""

    def without_message_id(parsed: Parsed) -> Parsed:
        report = parsed.reports[0]
        return replace(parsed, reports=(replace(report, original=replace(report.original, message_id=None)),))

    mail = arf(OURS)
    await yesterday(waiting, without_message_id, mail)
    assert [change.step for change in (await again(waiting)).changes] == [Step.UPDATE]
    await waiting.take_in(b"Delivered-To: postmaster@isp.example\r\n" + mail)
    assert [row["reason"] for row in await rows(waiting, "select reason from reports order by id")] == [
        "feed",
        "duplicate",
    ]
    assert len(await rows(waiting, "select id from notices")) == 1


async def test_a_message_of_which_only_the_head_was_kept_is_not_read(waiting):
    async with waiting.house.database.writing() as connection:
        await messages.store(connection, [Arrived(arf(OURS)[:900], NOW, too_big="too big")], None, NOW)
    assert (await again(waiting)).read == 0


async def test_what_came_to_something_meanwhile_is_not_put_back(waiting, yesterday):
    await yesterday(waiting, unknown, arf(OURS))
    real = waiting.house.workers.parse

    async def read_while_another_node_files_it(raws):
        parsed = await real(raws)
        async with waiting.house.database.writing() as connection:
            await connection.execute(text("update messages set kind = 'report'"))
        return parsed

    waiting.house.workers.parse = read_while_another_node_files_it
    (change,) = (await again(waiting)).changes
    assert (change.step, change.applied) == (Step.WORK, False)
    (message,) = await rows(waiting, "select state from messages")
    assert message["state"] == "filed"


async def test_messages_can_be_chosen_by_number_kind_and_time(waiting, yesterday):
    await yesterday(waiting, unknown, arf(OURS), arf(OURS))
    await waiting.take_in(arf(OURS))
    read = [(await again(waiting, wanted, apply=False)).read for wanted in (
        Wanted(ids=(1, 3)), Wanted(kind="unknown"), Wanted(since=NOW), Wanted(since=NOW + timedelta(seconds=1)),
        Wanted(ids=(1, 3), kind="unknown"),
    )]  # fmt: skip
    assert read == [2, 2, 3, 0, 1]


async def test_many_are_read_in_batches_bounded_in_number_and_bytes(waiting, yesterday, monkeypatch):
    monkeypatch.setattr(reparse, "BATCH", 3)
    await yesterday(waiting, unknown, *(arf(OURS) for _ in range(7)), arf(OURS, body="x" * 50_000))
    monkeypatch.setattr(reparse, "BATCH_BYTES", 6_000)
    sizes, told = [], []
    real = waiting.house.workers.parse

    async def parse(raws):
        sizes.append(len(raws))
        return await real(raws)

    waiting.house.workers.parse = parse
    outcome = await reparse.reparse(
        waiting.house, EVERYTHING, "ann", apply=True, tell=lambda read, of: told.append((read, of))
    )
    assert outcome.read == len(outcome.changes) == 8
    assert sizes == [3, 3, 1, 1]
    assert told == [(3, 8), (6, 8), (7, 8), (8, 8)]
    assert len(await rows(waiting, "select id from messages where state = 'stored'")) == 8

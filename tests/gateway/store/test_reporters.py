"""Reporters as records: made once, counted from their reports, decided with a reason."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select

from gateway.model import Case, CaseState, Cause
from gateway.screening.reporters import Reporter, ReporterKind, Trust
from gateway.store import cases, reporter_lists, reporters
from gateway.store.tables import attributions, clocks, messages, reports
from gateway.store.tables import reporters as rows

from .conftest import T0

ANN = Reporter(ReporterKind.PERSON, "ann@reporter.example", "reporter.example", "organisation:reporter.example")
FBL = Reporter(ReporterKind.FEED, "fbl", "fbl.example")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def reported(database):
    """`await reported(reporter_id, n, ...)`: n reports of it; their ids."""
    number = iter(range(1000))

    async def make(reporter_id, count=1, verdict="accepted", at=T0):
        made = []
        async with database.writing() as connection:
            for _ in range(count):
                raw = {"sha256": f"{next(number)}", "raw": b"x", "size": 1, "received_at": at, "stored_at": at,
                       "state": "filed", "tries": 0, "detail": ""}  # fmt: skip
                message = (await connection.execute(insert(messages).values(raw).returning(messages.c.id))).scalar_one()
                row = {"message_id": message, "position": 0, "category": "spam", "received_at": at, "verdict": verdict,
                       "reason": "signed", "detail": "", "identity": {}, "fingerprint": str(message), "parsed": {},
                       "would_send": [], "contacts_tries": 0, "reporter_id": reporter_id}  # fmt: skip
                made.append(
                    (await connection.execute(insert(reports).values(row).returning(reports.c.id))).scalar_one()
                )
        return made

    return make


@pytest.fixture
async def ann(database):
    async with database.writing() as connection:
        return (await reporters.ensure(connection, [ANN], T0))[ANN.key]


async def test_a_reporter_is_made_once_however_often_it_reports(database, ann):
    async with database.writing() as connection:
        again = await reporters.ensure(connection, [ANN, FBL, ANN], T0 + MINUTE)
        once_more = await reporters.ensure(connection, [FBL], T0 + MINUTE)
    assert again[ANN.key] == ann
    assert once_more[FBL.key] == again[FBL.key]
    async with database.reading() as connection:
        assert (await connection.execute(select(func.count()).select_from(rows))).scalar_one() == 2


async def test_two_nodes_that_meet_a_new_reporter_at_once_agree_on_its_record(database):
    async def one():
        async with database.writing() as connection:
            return await reporters.ensure(connection, [ANN, FBL], T0)

    first, second = await asyncio.gather(one(), one())
    assert first == second


async def test_nobody_is_decided_about_until_somebody_decides(database, ann, said):
    async with database.reading() as connection:
        assert await reporters.standings(connection, T0) == {}
    async with database.writing() as connection:
        await reporters.decide(connection, ANN, {"trust": "doubtful", "weight": 0.5}, "bea", "often wrong", T0)
    async with database.reading() as connection:
        (found,) = (await reporters.standings(connection, T0)).values()
    assert (found.key, found.trust, found.weight, found.why) == (ANN.key, Trust.DOUBTFUL, 0.5, "often wrong")
    assert (found.blocked, found.opens_cases, found.throttle) == (False, None, None)
    assert await said() == [("bea", "reporter decided")]


async def test_who_never_reported_can_be_blocked(database):
    async with database.writing() as connection:
        await reporters.decide(connection, FBL, {"blocked": True}, "bea", "not ours", T0)
    async with database.reading() as connection:
        assert (await reporters.standings(connection, T0))[FBL.key].blocked


async def test_only_accepted_reports_of_the_last_hour_count_for_the_throttle(database, ann, reported):
    async with database.writing() as connection:
        await reporters.decide(connection, ANN, {"throttle": 5}, "bea", "too many", T0)
    await reported(ann, 3)
    await reported(ann, 2, verdict="held")
    await reported(ann, 4, at=T0 - timedelta(hours=2))
    async with database.reading() as connection:
        assert (await reporters.standings(connection, T0 + MINUTE))[ANN.key].recent == 3


async def test_counts_give_a_visible_precision(database, ann, reported, said):
    ids = await reported(ann, 8)
    await reported(ann, 2, verdict="rejected")
    async with database.writing() as connection:
        for number, judgement in zip(ids, (reporters.FALSE, reporters.DISPUTED, reporters.RIGHT), strict=False):
            assert await reporters.judge(connection, number, judgement, "bea", "looked", T0)
        assert not await reporters.judge(connection, 10_000, reporters.FALSE, "bea", "looked", T0)
    async with database.reading() as connection:
        shown = await reporter_lists.shown(connection, ANN.key, T0)
        (listed,) = await reporter_lists.listed(connection, T0)
        newest = await reporter_lists.latest(connection, ann, 3)
    assert (shown["reports"], shown["accepted"], shown["disputed"], shown["false"]) == (10, 8, 1, 1)
    assert shown["precision"] == pytest.approx(1 - 1.5 / 8)
    assert listed == shown
    assert [row["verdict"] for row in newest] == ["rejected", "rejected", "accepted"]
    assert [what for _, what in await said()] == [
        "report judged false",
        "report judged disputed",
        "report judged right",
    ]


async def test_a_reporter_without_reports_has_no_precision(database, ann):
    async with database.reading() as connection:
        assert (await reporter_lists.shown(connection, ANN.key, T0))["precision"] is None
        assert await reporter_lists.shown(connection, "feed:nobody", T0) is None


@pytest.mark.parametrize(("cause", "false"), [(Cause.FALSE, 1), (Cause.COMPROMISED, 0), (Cause.MISATTRIBUTED, 0)])
async def test_a_case_closed_as_false_counts_against_its_reporters(database, ann, reported, with_case, cause, false):
    account = await with_case()
    (inside,) = await reported(ann, 1)
    await reported(ann, 1)  # in no case
    async with database.writing() as connection:
        clock = (await connection.execute(select(clocks.c.id))).scalars().first()
        row = {"report_id": inside, "kind": "ip", "role": "source", "value": "192.0.2.7", "reason": "assigned",
               "account_id": account, "how": "", "candidates": [], "clock_id": clock}  # fmt: skip
        await connection.execute(insert(attributions).values(row))
        ended = Case(account, "mail", CaseState.CLOSED, T0, id=1, resolved_at=T0, cause=cause)
        await cases.end(connection, ended)
    async with database.reading() as connection:
        assert (await reporter_lists.shown(connection, ANN.key, T0))["false"] == false

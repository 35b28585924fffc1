"""What a desk decided is written whole: cases, clocks, notices under their keys, actions, events; and read back the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from gateway.casework import clocks
from gateway.casework.clocks import Change, Proposal
from gateway.casework.desk import Applied
from gateway.casework.states import ClockTrigger
from gateway.connectors.contract import Phase
from gateway.model import ActionKind, ActionState, CaseState, ClockState, NoticeState
from gateway.policies.policy import ClassRule
from gateway.store import action_steps, desk, events
from gateway.store import clocks as clock_store
from gateway.store import notices as notice_store
from gateway.store.tables import actions, cases, notices
from gateway.store.tables import clocks as clock_rows

from .conftest import T0, complaint, put

HOUR = timedelta(hours=1)
RULE = ClassRule(name="mail", hours=24)
BLOCK = (Proposal(ActionKind.BLOCK_ADDRESS),)


@pytest.fixture
def change(database):
    """`await change(account, decide, ...)`: apply a decision to every clock of the case."""

    async def run(account, decide, now=T0):
        async with database.writing() as connection:
            laid = await desk.load(connection, [account])
            for clock in list(laid.clocks.values()):
                decided = decide(clock)
                if decided is not None:
                    laid.apply(Applied(decided))
            await desk.save(connection, laid, now)

    return run


@pytest.fixture
def clocks_now(database):
    async def run(account):
        async with database.reading() as connection:
            return list((await desk.load(connection, [account])).clocks.values())

    return run


@pytest.fixture
def rows_of(database):
    async def run(table, *columns):
        async with database.reading() as connection:
            found = await connection.execute(select(*(table.c[name] for name in columns)).order_by(table.c.id))
            return [tuple(row) for row in found]

    return run


async def overdue(change, account):
    await change(account, lambda c: clocks.accepted(c, T0, timedelta(0), RULE))
    for hours in (12, 24):
        now = T0 + hours * HOUR
        await change(account, lambda c, n=now: clocks.due(c, n, n, RULE, settled=True, overdue=BLOCK), now)


async def test_a_case_its_clocks_and_notices_are_written_together(database, with_case, said, rows_of):
    await with_case("192.0.2.7", "192.0.2.8")
    assert await rows_of(cases, "current", "cls", "state", "opened_at") == [("1/mail", "mail", "open", T0)]
    assert await rows_of(clock_rows, "value", "state") == [("192.0.2.7", "waiting"), ("192.0.2.8", "waiting")]
    assert await rows_of(notices, "key", "to", "state", "next_at") == [
        (f"clock:{n}/1/start/complaint/ops@alder.example", "ops@alder.example", "pending", T0) for n in (1, 2)
    ]
    assert [what for _, what in await said()] == [
        "customers imported",
        "case opened",
        "clock evidence",
        "clock evidence",
    ]


async def test_a_clock_comes_back_as_it_was_put_away(with_case, change, clocks_now):
    account = await with_case()
    await overdue(change, account)
    (clock,) = await clocks_now(account)
    assert (clock.state, clock.step, clock.notified_at, clock.due_at, clock.next_at) == (
        ClockState.OVERDUE, 2, T0, T0 + 24 * HOUR, None,
    )  # fmt: skip
    answered = clocks.answered(clock, T0 + 25 * HOUR, 8 * HOUR, own_notice=True).clock
    await change(account, lambda _: Change(answered, ClockTrigger.ANSWER, "said"))
    assert await clocks_now(account) == [answered]


async def test_contacts_are_the_customers_own_then_those_of_its_resellers(database, imported):
    await imported()
    async with database.reading() as connection:
        laid = await desk.load(connection, [1, 2])
    assert {p.customer: p.contacts for p in laid.parties.values()} == {
        "alder": ("ops@alder.example", "boss@alder.example"),
        "birch": ("desk@birch.example", "ops@alder.example", "boss@alder.example"),
    }


async def test_of_a_customer_tree_that_is_a_ring_each_contact_is_told_once(database, imported):
    ring = "customer,name,parent,contacts,resource,valid_from\n"
    await imported(ring + "alder,A,,a@alder.example,192.0.2.0/25,2020-01-01T00:00:00+00:00\n")
    async with database.writing() as connection:
        from gateway.store.tables import customers  # noqa: PLC0415  only a hand in the database can do this

        await connection.execute(update(customers).values(parent_id=1))
        laid = await desk.load(connection, [1])
    assert laid.parties[1].contacts == ("a@alder.example",)


async def test_an_ended_case_makes_room_for_the_next_one(database, with_case, rows_of):
    account = await with_case()
    async with database.writing() as connection:
        await connection.execute(update(cases).values(state=CaseState.RESOLVED.value, resolved_at=T0))
        await connection.execute(update(clock_rows).values(state=ClockState.RESOLVED.value, resolved_at=T0))
    late = T0 + timedelta(days=31)
    async with database.writing() as connection:
        laid = await desk.load(connection, [account])
        put(laid, complaint(account, conduct=late), late)
        await desk.save(connection, laid, late)
    assert await rows_of(cases, "id", "current", "state") == [(1, None, "resolved"), (2, "1/mail", "open")]
    async with database.reading() as connection:
        assert [c.id for c in (await desk.load(connection, [account])).cases.values()] == [2]
        assert [c.id for c in (await desk.load_cases(connection, [1])).cases.values()] == [1]


# --- what goes out ------------------------------------------------------------------------


async def test_planning_the_same_notice_twice_stores_it_once(database, with_case, change, rows_of):
    account = await with_case()
    await change(account, lambda c: clocks.opened(c, 2))
    assert len(await rows_of(notices, "id")) == 1
    row = {
        "kind": "whois-contact",
        "case_id": 1,
        "clock_id": None,
        "round": 1,
        "to": "x@other.example",
        "language": "en",
    }
    row |= {"facts": {}, "evidence": None, "state": "pending", "attempts": 0, "created_at": T0, "next_at": T0}
    row |= {"answer": "", "settled": True, "key": "case:1/x@other.example"}
    async with database.writing() as connection:
        assert list(await notice_store.plan(connection, [row, dict(row)])) == ["case:1/x@other.example"]
        assert await notice_store.plan(connection, [row]) == {}
    assert len(await rows_of(notices, "id")) == 2


async def test_overdue_proposes_a_block_and_says_so_once_for_each_end(with_case, change, rows_of):
    account = await with_case()
    await overdue(change, account)
    assert await rows_of(actions, "kind", "state", "target") == [("block-address", "proposed", "192.0.2.7")]
    await change(account, lambda c: clocks.extended(c, T0 + 25 * HOUR, 5, "moving", RULE))
    later = T0 + 30 * HOUR
    await change(account, lambda c: clocks.due(c, later, later, RULE, settled=True, overdue=BLOCK), later)
    assert [kind for (kind,) in await rows_of(notices, "kind")] == ["complaint", "reminder", "overdue", "overdue"]
    assert [state for (state,) in await rows_of(actions, "state")] == ["cancelled", "proposed"]


@pytest.mark.parametrize(
    ("decide", "left"),
    [
        (lambda c: clocks.answered(c, T0 + 25 * HOUR, HOUR, own_notice=True), set()),
        (lambda c: clocks.resolved(c, T0 + 25 * HOUR, "seen"), set()),
        (lambda c: clocks.extended(c, T0 + 25 * HOUR, 5, "moving", RULE), {"complaint", "reminder"}),
        (lambda c: clocks.evidence(c, None, 2), {"complaint", "reminder", "overdue"}),
    ],
    ids=["answered", "resolved", "extended", "counted"],
)
async def test_what_is_overtaken_is_not_said_any_more(with_case, change, rows_of, decide, left):
    account = await with_case()
    await overdue(change, account)
    await change(account, decide)
    assert {kind for kind, state in await rows_of(notices, "kind", "state") if state == "pending"} == left


async def test_a_bounce_cancels_what_waits_and_tells_the_next_contact(with_case, change, rows_of):
    account = await with_case()
    await overdue(change, account)
    await change(account, lambda c: clocks.bounced(c, 2, "550 5.1.1"))
    pending = [to for to, state in await rows_of(notices, "to", "state") if state == NoticeState.PENDING.value]
    assert pending == ["boss@alder.example"]
    assert await rows_of(actions, "state") == [("cancelled",)]


async def test_an_action_that_a_connector_began_with_does_not_fall_with_its_clock(database, with_case, change, rows_of):
    account = await with_case()
    await overdue(change, account)
    async with database.writing() as connection:
        await connection.execute(update(actions).values(state=ActionState.APPROVED.value))
        await action_steps.plan(connection, 1, Phase.DO, ["edge"], T0)
        assert await action_steps.claim(connection, "node", ["edge"], T0, 10)
    await change(account, lambda c: clocks.resolved(c, T0 + 25 * HOUR, "seen"))
    assert await rows_of(actions, "state") == [(ActionState.APPROVED.value,)]


@pytest.mark.parametrize("state", ActionState)
@pytest.mark.parametrize(
    "decide",
    [
        lambda c: clocks.bounced(c, 2, "550"),
        lambda c: clocks.extended(c, T0 + 25 * HOUR, 5, "moving", RULE),
        lambda c: clocks.resolved(c, T0 + 25 * HOUR, "seen"),
    ],
    ids=["bounced", "extended", "resolved"],
)
async def test_only_what_was_not_carried_out_falls_with_its_clock(database, with_case, change, rows_of, state, decide):
    account = await with_case()
    await overdue(change, account)
    async with database.writing() as connection:
        await connection.execute(update(actions).values(state=state.value))
    await change(account, decide)
    falls = state in (ActionState.PROPOSED, ActionState.ASKED, ActionState.APPROVED)
    assert await rows_of(actions, "state") == [((ActionState.CANCELLED if falls else state).value,)]


async def test_text_that_no_database_can_hold_does_not_stop_a_notice_or_an_event(database, with_case, change, rows_of):
    account = await with_case()
    async with database.writing() as connection:
        laid = await desk.load(connection, [account])
        put(laid, replace(complaint(account), value="host\0.example"[:4] + ".example"))
        laid.applied[-1] = replace(
            laid.applied[-1],
            origin=replace(laid.applied[-1].origin, about={"reporter": "a\0b\ud800"}, evidence={"x": ["\0"]}),
        )
        await desk.save(connection, laid, T0)
        await events.add(connection, [events.Event(T0, "who\0", "what", "why\udfff", data={"subject": ["\0\ud800"]})])
    facts, evidence = (await rows_of(notices, "facts", "evidence"))[-1]
    assert (facts["reporter"], evidence) == ("ab?", {"x": [""]})


# --- what is due --------------------------------------------------------------------------


@pytest.fixture
def due(database):
    async def run(now, read_to):
        async with database.writing() as connection:
            return [clock for clock, _ in await clock_store.due(connection, now, read_to, 10)]

    return run


async def test_a_clock_is_due_when_its_time_came_and_the_mailboxes_were_read_past_it(with_case, change, due):
    account = await with_case()
    await change(account, lambda c: clocks.accepted(c, T0, timedelta(0), RULE))
    half = T0 + 12 * HOUR
    assert await due(half - timedelta(seconds=1), half) == []
    assert await due(half + HOUR, half - timedelta(seconds=1)) == []
    assert await due(half + HOUR, None) == []
    assert await due(half, half) == [1]


async def test_no_step_while_the_reminder_waits_or_its_going_out_is_not_known_to_the_clock(
    database, with_case, change, due
):
    account = await with_case()
    end = T0 + 24 * HOUR
    await change(account, lambda c: clocks.accepted(c, T0, timedelta(0), RULE))
    await change(
        account, lambda c: clocks.due(c, T0 + 12 * HOUR, end, RULE, settled=True, overdue=BLOCK), T0 + 12 * HOUR
    )
    assert await due(end, end) == []  # it was not sent
    async with database.writing() as connection:
        await notice_store.sent(connection, 2, end, "250 late")
    assert await due(end, end) == []  # it was, late, and the end is still to be moved
    async with database.writing() as connection:
        await notice_store.settled(connection, [2])
    assert await due(end, end) == [1]


async def test_the_end_of_a_grace_does_not_wait_for_the_mailboxes(with_case, change, due):
    account = await with_case()
    await change(account, lambda c: clocks.accepted(c, T0, timedelta(minutes=15), RULE))
    assert await due(T0 + timedelta(minutes=15), None) == [1]


async def test_a_tick_passes_over_a_case_that_another_node_has_in_hand(database, with_case, change, due):
    account = await with_case()
    await change(account, lambda c: clocks.accepted(c, T0, timedelta(0), RULE))
    half = T0 + 12 * HOUR
    if database.is_sqlite:
        return  # there one transaction writes at a time
    async with database.writing() as connection:
        await desk.load_cases(connection, [1])
        assert await due(half, half) == []  # and does not wait with its clock in hand
    assert await due(half, half) == [1]

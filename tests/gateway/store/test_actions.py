"""Only staff move an action, each step once, as docs/states.md has it; each decision is in the audit trail."""

from __future__ import annotations

import asyncio
import re
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import insert, select

from gateway.cli import block
from gateway.model import ActionState
from gateway.store import actions
from gateway.store.tables import actions as rows

from .conftest import T0

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "states.md"
COMMANDS = {"approve": block.approve, "done": block.done, "cancel": block.cancel, "undo": block.undo}


def documented() -> list[tuple[str, str, str]]:
    """(command, state, state after or "-") for each cell of the commands' rows."""
    table = re.search(r"^\| action \|.*?(?=\n\n)", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table[0].splitlines()]
    return [
        (line[0], s, to)
        for line in lines[2:]
        if line[0] in COMMANDS
        for s, to in zip(lines[0][1:], line[1:], strict=True)
    ]


@pytest.fixture
async def action(database, with_case):
    """`await action(state)`: its id."""
    await with_case()

    async def make(state):
        row = {"key": f"k-{state.value}", "kind": "block-address", "state": state.value, "case_id": 1, "clock_id": 1}
        row |= {"target": "192.0.2.7", "why": "overdue", "created_at": T0}
        async with database.writing() as connection:
            return (await connection.execute(insert(rows).values(row).returning(rows.c.id))).scalar_one()

    return make


@pytest.fixture
def decide(database):
    async def run(number, allowed, to, who="ann"):
        async with database.writing() as connection:
            return await actions.decide(connection, number, allowed, to, who=who, why="because", now=T0)

    return run


async def state_of(database, number):
    async with database.reading() as connection:
        row = (await connection.execute(select(rows).where(rows.c.id == number))).one()
    return ActionState(row.state), row.decided_by


def test_the_document_has_every_cell_of_every_command():
    assert {(command, state) for command, state, _ in documented()} == {
        (c, s.value) for c in COMMANDS for s in ActionState
    }


@pytest.mark.parametrize(("command", "before", "after"), documented())
async def test_each_command_does_what_the_document_says(database, action, monkeypatch, command, before, after):
    number = await action(ActionState(before))
    loop = asyncio.get_running_loop()
    house = SimpleNamespace(database=database, clock=lambda: T0)

    def in_house(_config, work):
        return asyncio.run_coroutine_threadsafe(work(house), loop).result(30)

    def fail(text):
        raise SystemExit(text)

    monkeypatch.setattr(block, "in_house", in_house)
    monkeypatch.setattr(block, "fail", fail)
    refused = after == "-"
    with pytest.raises(SystemExit, match=f"is {before};") if refused else nullcontext():
        await asyncio.to_thread(COMMANDS[command], number, "because")
    assert (await state_of(database, number))[0].value == (before if refused else after)


async def test_of_two_people_only_one_decides(database, action, decide):
    number = await action(ActionState.PROPOSED)
    answers = await asyncio.gather(
        decide(number, {ActionState.PROPOSED}, ActionState.ASKED, "ann"),
        decide(number, {ActionState.PROPOSED}, ActionState.CANCELLED, "ben"),
    )
    assert sum(answer is None for answer in answers) == 1
    state, by = await state_of(database, number)
    assert answers[1 if by == "ann" else 0] == state


async def test_a_decision_is_in_the_audit_trail_and_a_refused_one_is_not(action, decide, said):
    number = await action(ActionState.PROPOSED)
    await decide(number, {ActionState.PROPOSED}, ActionState.ASKED)
    before = await said()
    assert before[-1] == ("ann", "action block-address asked")
    assert await decide(number, {ActionState.PROPOSED}, ActionState.CANCELLED) == ActionState.ASKED
    assert await said() == before


async def test_an_action_that_is_none_is_named(decide):
    with pytest.raises(LookupError, match="there is no action 77; 'arfgate block list'"):
        await decide(77, {ActionState.PROPOSED}, ActionState.ASKED)

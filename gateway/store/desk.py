"""Lays the rows of a batch out as a Desk, and takes away what changed: a fixed number of statements.

The rows stay locked in between (SQLite: the whole file), so that two nodes decide one
after the other.

Notices and Actions go into the same transaction as the clock that asks for them, under
their idempotency keys. Must never decide anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import and_, bindparam, insert, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casework.clocks import Planned
from gateway.casework.desk import Applied, CaseKey, ClockKey, Desk, Party
from gateway.casework.states import ClockTrigger
from gateway.model import ActionKind, ActionState, Case, CaseState, Clock, ClockState, NoticeState
from gateway.store import events
from gateway.store.events import Event
from gateway.store.notices import plan
from gateway.store.tables import accounts, actions, cases, clocks, contacts, customers, notices
from notifier.notice import NoticeKind
from parsers.report import ResourceKind, Role

log = structlog.get_logger(module=__name__)

_CLOCK_COLUMNS = (
    "state", "round", "step", "contact", "starts_at", "notified_at", "due_at", "next_at",
    "answered_at", "resolved_at", "remaining", "answer_used",
)  # fmt: skip
_OVERTAKES = frozenset(
    {
        ClockTrigger.ANSWER,
        ClockTrigger.RESOLVED,
        ClockTrigger.BOUNCED,
        ClockTrigger.NO_CONTACT,
        ClockTrigger.NEW_CONDUCT,
    }
)


async def hold(connection: AsyncConnection, account_ids: Iterable[int]) -> None:
    """Whoever files for one of these accounts waits until another has: an account without a case has no other
    row to lock, and both would open one. Comes before all that they look at. One statement."""
    if ids := sorted(set(account_ids)):
        locked = select(accounts.c.id).where(accounts.c.id.in_(ids)).order_by(accounts.c.id)
        await connection.execute(locked.with_for_update(key_share=True))


async def load(connection: AsyncConnection, account_ids: Iterable[int]) -> Desk:
    """The desk for these accounts: who is told, the current cases, their clocks. Four statements."""
    ids = sorted(set(account_ids))
    if not ids:
        return Desk({})
    desk = Desk(await _parties(connection, ids))
    rows = await connection.execute(
        select(cases)
        .where(cases.c.account_id.in_(ids), cases.c.current.is_not(None))
        .order_by(cases.c.id)
        .with_for_update()
    )
    await _lay_out(connection, desk, [case_of(row) for row in rows])
    return desk


async def load_cases(connection: AsyncConnection, case_ids: Iterable[int]) -> Desk:
    """The desk for these cases, whether they still take evidence or not. Four statements."""
    chosen = select(cases).where(cases.c.id.in_(sorted(set(case_ids)))).order_by(cases.c.id).with_for_update()
    rows = (await connection.execute(chosen)).all()
    desk = Desk(await _parties(connection, sorted({row.account_id for row in rows})))
    await _lay_out(connection, desk, [case_of(row) for row in rows])
    return desk


async def save(
    connection: AsyncConnection, desk: Desk, now: datetime, reports: list[int] | None = None
) -> dict[ClockKey, int]:
    """Write what changed with its notices, actions and events. `reports` maps positions in the batch to
    row ids. Returns the ids of all clocks."""
    await _save_cases(connection, desk)
    case_ids = {key: case.id or 0 for key, case in desk.cases.items()}
    clock_ids = await _save_clocks(connection, desk, case_ids)
    await _drop_notices(connection, desk, clock_ids)
    await _plan_notices(connection, desk, clock_ids, now)
    await _plan_actions(connection, desk, case_ids, clock_ids, now)
    await events.add(connection, [e for a in desk.applied for e in _events(a, case_ids, clock_ids, now, reports)])
    for applied in desk.applied:
        if applied.change.alarm:
            case = desk.cases[applied.change.clock.case_key]
            log.warning("alarm", case=case.number, resource=applied.change.clock.value, why=applied.change.why)
    return clock_ids


def case_of(row: Any) -> Case:
    """A case as the pure code knows it, from a row of `cases`."""
    return Case(
        row.account_id,
        row.cls,
        CaseState(row.state),
        row.opened_at,
        id=row.id,
        resolved_at=row.resolved_at,
        policy=row.policy,
    )


def clock_of(row: Any, case_key: CaseKey) -> Clock:
    """A clock as the pure code knows it, from a row of `clocks`."""
    plain = {name: getattr(row, name) for name in _CLOCK_COLUMNS if name != "state"}
    return Clock(
        case_key, ResourceKind(row.kind), Role(row.role), row.value, state=ClockState(row.state),
        id=row.id, case_id=row.case_id, **plain,
    )  # fmt: skip


async def _parties(connection: AsyncConnection, account_ids: list[int]) -> dict[int, Party]:
    rows = (
        await connection.execute(
            select(
                accounts.c.id, accounts.c.name, customers.c.id, customers.c.key, customers.c.name, customers.c.language
            )
            .join(customers, customers.c.id == accounts.c.customer_id)
            .where(accounts.c.id.in_(account_ids))
        )
    ).all()
    told = await _contacts(connection, sorted({row[2] for row in rows}))
    return {
        row[0]: Party(
            row[0], row[1], customer=row[3], name=row[4], language=row[5], contacts=tuple(told.get(row[2], ()))
        )
        for row in rows
    }


async def _contacts(connection: AsyncConnection, customer_ids: list[int]) -> dict[int, list[str]]:
    """Each customer's contacts in order of trial: its own, then those of its resellers (SES-2)."""
    tree = (
        select(
            customers.c.id.label("root"), customers.c.id.label("node"), customers.c.parent_id, literal(0).label("depth")
        )
        .where(customers.c.id.in_(customer_ids))
        .cte("tree", recursive=True)
    )
    up = select(tree.c.root, customers.c.id, customers.c.parent_id, tree.c.depth + 1).join(
        tree, customers.c.id == tree.c.parent_id
    )
    tree = tree.union_all(up.where(tree.c.depth < 8))
    rows = await connection.execute(
        select(tree.c.root, contacts.c.address)
        .join(contacts, contacts.c.customer_id == tree.c.node)
        .order_by(tree.c.root, tree.c.depth, contacts.c.position)
    )
    told: dict[int, list[str]] = {}
    for root, address in rows:
        if address not in told.setdefault(root, []):
            told[root].append(address)
    return told


async def _lay_out(connection: AsyncConnection, desk: Desk, found: list[Case]) -> None:
    keys = {case.id: (case.account_id, case.cls) for case in found}
    desk.cases = {keys[case.id]: case for case in found}
    rows = await connection.execute(
        select(clocks).where(clocks.c.case_id.in_(list(keys))).order_by(clocks.c.id).with_for_update()
    )
    for row in rows:
        clock = clock_of(row, keys[row.case_id])
        desk.clocks[clock.key] = clock


async def _save_cases(connection: AsyncConnection, desk: Desk) -> None:
    if desk.superseded:
        await connection.execute(update(cases).where(cases.c.id.in_(desk.superseded)).values(current=None))
    fresh = [desk.cases[key] for key in sorted(desk.changed_cases) if desk.cases[key].id is None]
    old = [desk.cases[key] for key in sorted(desk.changed_cases) if desk.cases[key].id is not None]
    if fresh:
        opening = insert(cases).returning(cases.c.account_id, cases.c.cls, cases.c.id)
        for account_id, cls, case_id in await connection.execute(opening, [_case_row(case) for case in fresh]):
            desk.cases[(account_id, cls)] = replace(desk.cases[(account_id, cls)], id=case_id)
    if old:
        statement = update(cases).where(cases.c.id == bindparam("row_id"))
        statement = statement.values(state=bindparam("new_state"), resolved_at=bindparam("new_resolved_at"))
        await connection.execute(
            statement, [{"row_id": c.id, "new_state": c.state.value, "new_resolved_at": c.resolved_at} for c in old]
        )


def _case_row(case: Case) -> dict[str, Any]:
    return {
        "current": f"{case.account_id}/{case.cls}",
        "account_id": case.account_id,
        "cls": case.cls,
        "state": case.state.value,
        "policy": case.policy,
        "opened_at": case.opened_at,
        "resolved_at": case.resolved_at,
    }


async def _save_clocks(connection: AsyncConnection, desk: Desk, case_ids: dict[CaseKey, int]) -> dict[ClockKey, int]:
    changed = [desk.clocks[key] for key in sorted(desk.changed_clocks)]
    fresh = [clock for clock in changed if clock.id is None]
    old = [clock for clock in changed if clock.id is not None]
    ids = {key: clock.id for key, clock in desk.clocks.items() if clock.id is not None}
    if fresh:
        keys = {case_id: key for key, case_id in case_ids.items()}
        starting = insert(clocks).returning(clocks.c.case_id, clocks.c.kind, clocks.c.value, clocks.c.id)
        made = await connection.execute(starting, [_clock_row(c) | {"case_id": case_ids[c.case_key]} for c in fresh])
        ids.update({(keys[case_id], kind, value): clock_id for case_id, kind, value, clock_id in made})
    if old:
        statement = update(clocks).where(clocks.c.id == bindparam("row_id"))
        statement = statement.values({name: bindparam(f"new_{name}") for name in _CLOCK_COLUMNS})
        rows_old = [{"row_id": c.id} | {f"new_{n}": _plain(getattr(c, n)) for n in _CLOCK_COLUMNS} for c in old]
        await connection.execute(statement, rows_old)
    return ids


def _clock_row(clock: Clock) -> dict[str, Any]:
    row = {name: _plain(getattr(clock, name)) for name in _CLOCK_COLUMNS}
    return row | {"kind": clock.kind.value, "role": clock.role.value, "value": clock.value}


def _plain(value: object) -> object:
    return value.value if isinstance(value, ClockState) else value


async def _drop_notices(connection: AsyncConnection, desk: Desk, clock_ids: dict[ClockKey, int]) -> None:
    """What was still to be said of these clocks is overtaken; more time overtakes only that it was up."""
    overtaken = [clock_ids[a.change.clock.key] for a in desk.applied if a.change.trigger in _OVERTAKES]
    extended = [clock_ids[a.change.clock.key] for a in desk.applied if a.change.trigger == ClockTrigger.EXTENDED]
    if overtaken or extended:
        was_up = and_(notices.c.clock_id.in_(extended), notices.c.kind == NoticeKind.OVERDUE.value)
        await connection.execute(
            update(notices)
            .where(or_(notices.c.clock_id.in_(overtaken), was_up), notices.c.state == NoticeState.PENDING.value)
            .values(state=NoticeState.CANCELLED.value, next_at=None)
        )


async def _plan_notices(connection: AsyncConnection, desk: Desk, clock_ids: dict[ClockKey, int], now: datetime) -> None:
    rows = []
    for applied in desk.applied:
        clock = applied.change.clock
        party, case = desk.parties[clock.case_key[0]], desk.cases[clock.case_key]
        rows += [_notice_row(applied, p, party, clock_ids[clock.key], case, now) for p in applied.change.notices]
    await plan(connection, rows)


def _notice_row(
    applied: Applied, planned: Planned, party: Party, clock_id: int, case: Case, now: datetime
) -> dict[str, Any]:
    clock = applied.change.clock
    to = party.contacts[planned.contact]
    facts = dict(applied.origin.about) | {
        "case": case.number,
        "customer": party.name,
        "account": party.account,
        "cls": case.cls,
        "resource": clock.value,
        "role": clock.role.value,
        "due_at": clock.due_at.isoformat() if clock.due_at else None,
        "policy": case.policy,
    }
    return {
        "key": f"clock:{clock_id}/{clock.round}/{planned.step}/{planned.kind.value}/{to}",
        "kind": planned.kind.value,
        "case_id": case.id,
        "clock_id": clock_id,
        "round": clock.round,
        "to": to,
        "language": party.language,
        "facts": facts,
        "evidence": applied.origin.evidence if planned.step == "start" else None,
        "state": NoticeState.PENDING.value,
        "attempts": 0,
        "created_at": now,
        "next_at": now,
        "answer": "",
        "settled": True,
    }


async def _plan_actions(
    connection: AsyncConnection, desk: Desk, case_ids: dict[CaseKey, int], clock_ids: dict[ClockKey, int], now: datetime
) -> None:
    falling = [clock_ids[a.change.clock.key] for a in desk.applied if a.change.cancels_actions]
    if falling:
        await connection.execute(
            update(actions)
            .where(
                actions.c.clock_id.in_(falling),
                actions.c.state.in_([ActionState.PROPOSED.value, ActionState.ASKED.value]),
            )
            .values(state=ActionState.CANCELLED.value, decided_at=now, decided_by=events.SYSTEM)
        )
    rows = [
        {
            "key": _action_key(a.change.clock, clock_ids[a.change.clock.key], wanted.kind),
            "kind": wanted.kind.value,
            "state": (ActionState.ASKED if wanted.approval == "none" else ActionState.PROPOSED).value,
            "approval": wanted.approval,
            "account_id": a.change.clock.case_key[0],
            "case_id": case_ids[a.change.clock.case_key],
            "clock_id": clock_ids[a.change.clock.key],
            "target": a.change.clock.value,
            "why": a.change.why,
            "created_at": now,
        }
        for a in desk.applied
        for wanted in a.change.actions
    ]
    if rows:
        await connection.execute(insert(actions), rows)


def _action_key(clock: Clock, clock_id: int, kind: ActionKind) -> str:
    """Once for each end of the clock: an extension ends too, in the same round."""
    return f"clock:{clock_id}/{clock.round}/{clock.due_at}/{kind.value}"


def _events(
    applied: Applied,
    case_ids: dict[CaseKey, int],
    clock_ids: dict[ClockKey, int],
    now: datetime,
    reports: list[int] | None,
) -> list[Event]:
    change, origin = applied.change, applied.origin
    case_id, clock_id = case_ids[change.clock.case_key], clock_ids[change.clock.key]
    report_id = reports[origin.report] if reports is not None and origin.report is not None else None
    rows = []
    if applied.opens_case:
        rows.append(
            Event(now, origin.who, "case opened", change.clock.case_key[1], report_id=report_id, case_id=case_id)
        )
    what = f"clock {change.trigger.value}"
    data = {"state": change.clock.state.value, "resource": change.clock.value, "round": change.clock.round}
    rows.append(
        Event(now, origin.who, what, change.why, report_id=report_id, case_id=case_id, clock_id=clock_id, data=data)
    )
    if change.alarm:
        rows.append(Event(now, origin.who, "alarm", change.why, case_id=case_id, clock_id=clock_id))
    return rows

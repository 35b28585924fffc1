"""Lays the rows of a batch out as a Desk, and takes away what changed: a fixed number of statements.

The rows stay locked in between (SQLite: the whole file), so that two nodes decide one
after the other. Locked as an update locks them and no harder: whoever adds a notice or an
action of a case (its foreign key looks at the case) need not wait, and two never wait for
each other in a ring for it.

Notices and Actions go into the same transaction as the clock that asks for them, under
their idempotency keys. Must never decide anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import and_, bindparam, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casework.clocks import Planned
from gateway.casework.desk import Applied, ClockKey, Desk, Party, Redirect
from gateway.casework.states import ClockTrigger
from gateway.model import (
    Case,
    CaseKey,
    CaseState,
    NoticeState,
    Severity,
)
from gateway.store import desk_actions, events, parties
from gateway.store.case_rows import CLOCK_COLUMNS, case_of, case_row, clock_of, clock_row, current_key, key_of, plain
from gateway.store.events import Event
from gateway.store.notices import plan, planned
from gateway.store.tables import accounts, cases, clocks, notices
from notifier.notice import NoticeKind

log = structlog.get_logger(module=__name__)

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
    """The desk for these accounts: who is told, the current cases, their clocks. Four statements; one more where
    a case was merged into another."""
    ids = sorted(set(account_ids))
    if not ids:
        return Desk({})
    current = cases.c.account_id.in_(ids) & cases.c.current.is_not(None)
    rows = (
        await connection.execute(select(cases).where(current).order_by(cases.c.id).with_for_update(key_share=True))
    ).all()
    merged = {row.id: row.merged_into for row in rows if row.state == CaseState.MERGED.value}
    found = {row.id: row for row in rows if row.id not in merged}
    if elsewhere := sorted(set(merged.values()) - set(found)):
        more = select(cases).where(cases.c.id.in_(elsewhere)).order_by(cases.c.id).with_for_update(key_share=True)
        found |= {row.id: row for row in await connection.execute(more)}
    desk = await _lay_out(connection, list(found.values()), ids)
    keys = {case.id: key for key, case in desk.cases.items()}
    for row in rows:
        if row.id in merged and merged[row.id] in keys:
            desk.redirects[(row.account_id, row.cls)] = Redirect(row.id, keys[merged[row.id]])
    return desk


async def load_cases(connection: AsyncConnection, case_ids: Iterable[int]) -> Desk:
    """The desk for these cases, whether they still take evidence or not. Four statements."""
    chosen = (
        select(cases).where(cases.c.id.in_(sorted(set(case_ids)))).order_by(cases.c.id).with_for_update(key_share=True)
    )
    rows = (await connection.execute(chosen)).all()
    return await _lay_out(connection, rows, [])


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
    await desk_actions.save(connection, desk, case_ids, clock_ids, now)
    await events.add(connection, [e for a in desk.applied for e in _events(a, case_ids, clock_ids, now, reports)])
    for applied in desk.applied:
        if applied.change.alarm:
            case = desk.cases[applied.change.clock.case_key]
            log.warning("alarm", case=case.number, resource=applied.change.clock.value, why=applied.change.why)
    return clock_ids


async def _lay_out(connection: AsyncConnection, found: Sequence[Any], account_ids: list[int]) -> Desk:
    """Parties, cases and clocks from rows of `cases`, and the parties of these accounts too."""
    account_ids = sorted({*account_ids, *(row.account_id for row in found)})
    desk = Desk(await parties.of_accounts(connection, account_ids))
    keys, labels = {row.id: key_of(row) for row in found}, {row.id: row.policy for row in found}
    desk.cases = {keys[row.id]: case_of(row) for row in found}
    for row in found:
        if row.current == current_key(row.account_id, row.cls, row.id):
            desk.apart.setdefault((row.account_id, row.cls), []).append(keys[row.id])
    its_clocks = (
        select(clocks).where(clocks.c.case_id.in_(list(keys))).order_by(clocks.c.id).with_for_update(key_share=True)
    )
    for row in await connection.execute(its_clocks):
        clock = clock_of(row, keys[row.case_id], labels[row.case_id])
        desk.clocks[clock.key] = clock
    return desk


async def _save_cases(connection: AsyncConnection, desk: Desk) -> None:
    if desk.superseded:
        await connection.execute(update(cases).where(cases.c.id.in_(desk.superseded)).values(current=None))
    fresh = [desk.cases[key] for key in sorted(desk.changed_cases) if desk.cases[key].id is None]
    old = [desk.cases[key] for key in sorted(desk.changed_cases) if desk.cases[key].id is not None]
    if fresh:
        opening = insert(cases).returning(cases.c.account_id, cases.c.cls, cases.c.id)
        for account_id, cls, case_id in await connection.execute(opening, [case_row(case) for case in fresh]):
            desk.cases[(account_id, cls)] = replace(desk.cases[(account_id, cls)], id=case_id)
    if old:
        statement = update(cases).where(cases.c.id == bindparam("row_id"))
        names = ("state", "resolved_at", "cause")
        statement = statement.values({name: bindparam(f"new_{name}") for name in names})
        await connection.execute(
            statement, [{"row_id": c.id} | {f"new_{n}": plain(getattr(c, n)) for n in names} for c in old]
        )
    if reopened := sorted({desk.cases[a.change.clock.case_key].id or 0 for a in desk.applied if a.change.escalates}):
        less = [Severity.LOW.value, Severity.NORMAL.value]
        pressing = update(cases).where(cases.c.id.in_(reopened), cases.c.severity.in_(less))
        await connection.execute(pressing.values(severity=Severity.HIGH.value))


async def _save_clocks(connection: AsyncConnection, desk: Desk, case_ids: dict[CaseKey, int]) -> dict[ClockKey, int]:
    changed = [desk.clocks[key] for key in sorted(desk.changed_clocks)]
    fresh = [clock for clock in changed if clock.id is None]
    old = [clock for clock in changed if clock.id is not None]
    ids = {key: clock.id for key, clock in desk.clocks.items() if clock.id is not None}
    if fresh:
        keys = {case_id: key for key, case_id in case_ids.items()}
        starting = insert(clocks).returning(clocks.c.case_id, clocks.c.kind, clocks.c.value, clocks.c.id)
        made = await connection.execute(starting, [clock_row(c) | {"case_id": case_ids[c.case_key]} for c in fresh])
        ids.update({(keys[case_id], kind, value): clock_id for case_id, kind, value, clock_id in made})
    if old:
        statement = update(clocks).where(clocks.c.id == bindparam("row_id"))
        statement = statement.values({name: bindparam(f"new_{name}") for name in CLOCK_COLUMNS})
        rows_old = [{"row_id": c.id} | {f"new_{n}": plain(getattr(c, n)) for n in CLOCK_COLUMNS} for c in old]
        await connection.execute(statement, rows_old)
    return ids


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
        if party.contacts:  # else nobody can be told; the clock says so
            rows += [_notice_row(applied, p, party, clock_ids[clock.key], case, now) for p in applied.change.notices]
    await plan(connection, rows)


def _notice_row(
    applied: Applied, wanted: Planned, party: Party, clock_id: int, case: Case, now: datetime
) -> dict[str, Any]:
    clock = applied.change.clock
    to = party.contacts[min(wanted.contact, len(party.contacts) - 1)]  # there may be fewer than there were
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
    if applied.change.was_solved_at is not None:
        facts["resolved_at"] = applied.change.was_solved_at.isoformat()
    key = f"clock:{clock_id}/{clock.round}/{wanted.step}/{wanted.kind.value}/{to}"
    evidence = applied.origin.evidence if wanted.step == "start" else None
    row = planned(wanted.kind, key, to, facts, now, party.language_of(to))
    return row | {"case_id": case.id, "clock_id": clock_id, "round": clock.round, "evidence": evidence}


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

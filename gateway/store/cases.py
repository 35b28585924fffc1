"""Cases as people see them: listed with the time left, shown with everything that happened.

A decision about clocks goes through `desk` like every other change, an action's state
through `actions`; only the end of a case is written here. Must never decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casework.states import worst
from gateway.model import Case, CaseState, Cause, ClockState
from gateway.store import answers, appeals, charges, consents, content, events, notices, reporters, third_parties
from gateway.store.events import Event
from gateway.store.tables import accounts, actions, attributions, cases, clocks, customers, reports

_Counted = tuple[int, int | None]  # reports, distinct complainants
FLOOD = 1000  # reports: to count who sent them each of them has to be looked at


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case in a list. `state` is that of its worst clock while the case is open; `due_at` the earliest end;
    `complainants` None: it is a flood, of which a list does not count them."""

    id: int
    number: str
    customer: str
    cls: str
    state: str
    resources: int
    reports: int
    complainants: int | None
    opened_at: datetime
    due_at: datetime | None
    notified_at: datetime | None
    severity: str
    assignee: str | None
    legal_hold: bool


async def listed(
    connection: AsyncConnection, *, only_open: bool = True, limit: int = 200, before: int | None = None
) -> list[CaseLine]:
    """Cases, newest first; `before`: only those older than the one with this id."""
    query = select(cases.c.id).order_by(cases.c.id.desc()).limit(limit)
    if only_open:
        query = query.where(cases.c.state == CaseState.OPEN.value)
    if before is not None:
        query = query.where(cases.c.id < before)
    return await lines(connection, list((await connection.execute(query)).scalars()))


async def lines(connection: AsyncConnection, ids: Sequence[int], *, whole: bool = False) -> list[CaseLine]:
    """These cases as lines, in this order; `whole`: the complainants of a flood are counted too. Four statements."""
    rows = await connection.execute(
        select(cases, accounts.c.name.label("account"), customers.c.key.label("customer"))
        .join(accounts, accounts.c.id == cases.c.account_id)
        .join(customers, customers.c.id == accounts.c.customer_id)
        .where(cases.c.id.in_(list(ids)))
    )
    found = {row.id: row for row in rows}
    running = await _clocks(connection, list(found))
    counted = await _counts(connection, list(found), whole=whole)
    return [_line(found[i], running.get(i, []), counted.get(i, (0, 0))) for i in ids if i in found]


async def shown(connection: AsyncConnection, number: str) -> dict[str, Any] | None:
    """One case whole: clocks, reports, notices, actions, contacts outside, events. None if there is none."""
    case_id = case_id_of(number)
    found = await connection.execute(
        select(
            cases, accounts.c.name.label("account"), customers.c.key.label("customer"), customers.c.name.label("name")
        )
        .join(accounts, accounts.c.id == cases.c.account_id)
        .join(customers, customers.c.id == accounts.c.customer_id)
        .where(cases.c.id == case_id)
    )
    row = found.one_or_none()
    if row is None:
        return None
    running = await _clocks(connection, [row.id])
    counted = await _counts(connection, [row.id], whole=True)
    return {
        "case": _line(row, running.get(row.id, []), counted.get(row.id, (0, 0))),
        "customer_name": row.name,
        "policy": row.policy,
        "cause": row.cause,
        "merged_into": row.merged_into,
        "clocks": running.get(row.id, []),
        "reports": await _reports(connection, row.id),
        "notices": await notices.listed(connection, row.id),
        "actions": await actions_of(connection, row.id),
        "contacts": await third_parties.of_case(connection, row.id),
        "consents": await consents.of_case(connection, row.id),
        "appeals": await appeals.of_case(connection, row.id),
        "answers": await answers.of_case(connection, row.id),
        "charges": await charges.listed(connection, case_id=row.id),
        "events": await events.of_case(connection, row.id),
    }


def case_id_of(number: str) -> int:
    """The row behind `AG-2026-000123` (or plain `123`); -1 for what is no case number."""
    digits = number.rpartition("-")[2]
    found = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 18 else -1
    return found if found < 2**31 else -1  # what the databases' integer keys hold


async def end(connection: AsyncConnection, case: Case) -> None:
    """Staff closed or dismissed the case. A dismissed one takes no more evidence: the next report opens another."""
    ended = {"state": case.state.value, "cause": case.cause.value if case.cause else None}
    current = {} if case.state == CaseState.CLOSED else {"current": None}
    row = update(cases).where(cases.c.id == case.id)
    await connection.execute(row.values(resolved_at=case.resolved_at, **ended, **current))
    if case.cause is Cause.FALSE and case.id is not None:  # it counts against who reported it
        await reporters.judge_case(connection, case.id, reporters.FALSE)


async def note(
    connection: AsyncConnection, number: str, event: Event, values: Mapping[str, object] | None = None
) -> None:
    """Something that staff say of a case and that changes no clock: an event of it, with the columns that it sets
    (`assignee`, `severity`, `legal_hold`). Raises LookupError."""
    chosen = cases.c.id == case_id_of(number)
    found = (
        await connection.execute(select(cases.c.id).where(chosen).with_for_update(key_share=True))
    ).scalar_one_or_none()
    if found is None:
        raise LookupError(f"there is no case {number}; 'arfgate case list --all' shows them")
    if values:
        await connection.execute(update(cases).where(chosen).values(**values))
    await events.add(connection, [replace(event, case_id=found)])


async def actions_of(connection: AsyncConnection, case_id: int | None = None) -> list[dict[str, Any]]:
    """Actions of a case, or all that still want somebody, oldest first."""
    query = select(actions).order_by(actions.c.id)
    if case_id is not None:
        query = query.where(actions.c.case_id == case_id)
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def _clocks(connection: AsyncConnection, case_ids: list[int]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    rows = await connection.execute(select(clocks).where(clocks.c.case_id.in_(case_ids)).order_by(clocks.c.id))
    for row in rows:
        found.setdefault(row.case_id, []).append(row)
    return found


async def _counts(connection: AsyncConnection, case_ids: list[int], *, whole: bool) -> dict[int, _Counted]:
    of_case = clocks.join(attributions, attributions.c.clock_id == clocks.c.id)
    many = select(clocks.c.case_id, func.count(func.distinct(attributions.c.report_id))).select_from(of_case)
    rows = await connection.execute(many.where(clocks.c.case_id.in_(case_ids)).group_by(clocks.c.case_id))
    counted = {row[0]: row[1] for row in rows}
    chosen = [case_id for case_id, number in counted.items() if whole or number <= FLOOD]
    people = select(clocks.c.case_id, func.count(func.distinct(reports.c.complainant))).select_from(
        of_case.join(reports, reports.c.id == attributions.c.report_id)
    )
    rows = await connection.execute(people.where(clocks.c.case_id.in_(chosen)).group_by(clocks.c.case_id))
    complained = {row[0]: row[1] for row in rows}
    return {case_id: (number, complained.get(case_id)) for case_id, number in counted.items()}


async def _reports(connection: AsyncConnection, case_id: int) -> list[dict[str, Any]]:
    rows = await connection.execute(
        select(
            reports.c.id, reports.c.category, reports.c.feedback_type, reports.c.source_ip, reports.c.arrival_date,
            reports.c.complainant, reports.c.received_at, reports.c.parsed,
            attributions.c.value, attributions.c.role, attributions.c.how,
        )
        .join(attributions, attributions.c.report_id == reports.c.id)
        .join(clocks, clocks.c.id == attributions.c.clock_id)
        .where(clocks.c.case_id == case_id)
        .order_by(reports.c.id)
    )  # fmt: skip
    found = [dict(row) for row in rows.mappings()]
    filters = await content.of_reports(connection, [row["id"] for row in found])
    for row in found:  # what the filters say stands beside what the parsers found
        if said := filters.get(row["id"]):
            row["parsed"] = row["parsed"] | {"findings": [*row["parsed"].get("findings", ()), *said]}
    return found


def _line(row: Any, its_clocks: list[Any], counted: _Counted) -> CaseLine:
    case = Case(row.account_id, row.cls, CaseState(row.state), row.opened_at, id=row.id)
    shown_by = worst([ClockState(clock.state) for clock in its_clocks]) if case.state == CaseState.OPEN else None
    first = min((clock for clock in its_clocks if clock.due_at), key=lambda clock: clock.due_at, default=None)
    return CaseLine(
        id=row.id,
        number=case.number,
        customer=row.customer if row.account == "main" else f"{row.customer}/{row.account}",
        cls=row.cls,
        state=(shown_by or case.state).value,
        resources=len(its_clocks),
        reports=counted[0],
        complainants=counted[1],
        opened_at=row.opened_at,
        due_at=first.due_at if first else None,
        notified_at=first.notified_at if first else None,
        severity=row.severity,
        assignee=row.assignee,
        legal_hold=row.legal_hold,
    )

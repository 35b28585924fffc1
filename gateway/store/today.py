"""What presses now, in few statements: deadlines, what waits for a person, what failed, alarms, who fell silent.

Every count ends at a bound: nobody reads the difference between ten thousand and a million. Must never decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import ActionState, Case, CaseState, ClockState, NoticeState
from gateway.screening.reporters import ReporterKind
from gateway.store.tables import (
    accounts,
    actions,
    appeals,
    attributions,
    cases,
    clocks,
    customers,
    events,
    held,
    notices,
    reporters,
    reports,
)

MOST = 1000  # of what is counted
_FEED_REPORTS = 50  # of each feed, to know how often it writes


@dataclass(frozen=True, slots=True)
class Deadline:
    """A clock that runs: what its time is about, and when it is over."""

    case: str
    customer: str
    cls: str
    value: str
    notified_at: datetime | None
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Heard:
    """A feed: when its newest report came, and those before it, newest first."""

    name: str
    at: tuple[datetime, ...]


async def deadlines(connection: AsyncConnection, limit: int) -> list[Deadline]:
    """The clocks that run out next."""
    rows = await connection.execute(
        select(
            clocks.c.value, clocks.c.notified_at, clocks.c.due_at, cases.c.id, cases.c.opened_at, cases.c.cls,
            customers.c.name,
        )
        .join(cases, cases.c.id == clocks.c.case_id)
        .join(accounts, accounts.c.id == cases.c.account_id)
        .join(customers, customers.c.id == accounts.c.customer_id)
        .where(clocks.c.state == ClockState.RUNNING.value, clocks.c.due_at.is_not(None))
        .order_by(clocks.c.due_at, clocks.c.case_id)
        .limit(limit)
    )  # fmt: skip
    return [
        Deadline(
            Case(0, "", CaseState.OPEN, row.opened_at, id=row.id).number, row.name, row.cls, row.value,
            row.notified_at, row.due_at,
        )
        for row in rows
    ]  # fmt: skip


async def running_out(connection: AsyncConnection, before: datetime) -> int:
    """Clocks that end before then."""
    running = clocks.c.state == ClockState.RUNNING.value
    return await _most(connection, select(clocks.c.id).where(running, clocks.c.due_at < before))


async def waiting(connection: AsyncConnection) -> dict[str, int]:
    """What waits for a person, by the path of the page where it is decided."""
    third = notices.c.state == NoticeState.PROPOSED.value
    proposed = actions.c.state.in_([ActionState.PROPOSED.value, ActionState.ASKED.value])
    reviews = await _most(connection, select(appeals.c.id).where(appeals.c.waiting.is_not(None)))
    return {
        "/queue": await _most(connection, select(attributions.c.id).where(attributions.c.queue == "waiting")),
        "/cases?state=answered": await _clocks(connection, ClockState.ANSWERED),
        "/cases?state=unreachable": await _clocks(connection, ClockState.UNREACHABLE),
        "/approvals": reviews
        + await _most(connection, select(actions.c.id).where(proposed))
        + await _most(connection, select(notices.c.id).where(third)),
        "/held": await _most(connection, select(held.c.id).where(held.c.state == "waiting")),
    }


async def failed(connection: AsyncConnection) -> dict[str, int]:
    """What did not work, by the path of the page where it is put right."""
    undone = actions.c.state == ActionState.FAILED.value
    return {
        "/cases?state=overdue": await _clocks(connection, ClockState.OVERDUE),
        "/approvals": await _most(connection, select(actions.c.id).where(undone)),
        "/today#notices": await _most(
            connection, select(notices.c.id).where(notices.c.state == NoticeState.FAILED.value)
        ),
    }


async def failed_notices(connection: AsyncConnection, limit: int) -> list[Any]:
    """The newest notices that could not be sent, with their case."""
    rows = await connection.execute(
        select(notices.c.id, notices.c.kind, notices.c.to, notices.c.answer, notices.c.created_at, cases.c.opened_at,
               notices.c.case_id)
        .outerjoin(cases, cases.c.id == notices.c.case_id)
        .where(notices.c.state == NoticeState.FAILED.value)
        .order_by(notices.c.id.desc())
        .limit(limit)
    )  # fmt: skip
    return list(rows.all())


async def alarms(connection: AsyncConnection, limit: int) -> list[Any]:
    """The newest alarms, with the case that they are about."""
    rows = await connection.execute(
        select(events.c.at, events.c.why, events.c.case_id, cases.c.opened_at)
        .outerjoin(cases, cases.c.id == events.c.case_id)
        .where(events.c.what == "alarm")
        .order_by(events.c.id.desc())
        .limit(limit)
    )
    return list(rows.all())


async def heard(connection: AsyncConnection) -> list[Heard]:
    """Every feed that ever wrote, with its newest reports. One statement a feed: there are some dozens."""
    feeds = await connection.execute(
        select(reporters.c.id, reporters.c.name).where(reporters.c.kind == ReporterKind.FEED.value).limit(MOST)
    )
    found = []
    for feed in feeds.all():
        newest = (
            select(reports.c.received_at)
            .where(reports.c.reporter_id == feed.id)
            .order_by(reports.c.id.desc())
            .limit(_FEED_REPORTS)
        )
        found.append(Heard(feed.name, tuple((await connection.execute(newest)).scalars())))
    return found


async def _clocks(connection: AsyncConnection, state: ClockState) -> int:
    return await _most(connection, select(clocks.c.id).where(clocks.c.state == state.value))


async def _most(connection: AsyncConnection, query: Select[Any]) -> int:
    """How many, up to the bound."""
    counted = select(func.count()).select_from(query.limit(MOST).subquery())
    return int((await connection.execute(counted)).scalar_one())

"""Lists of cases as the console walks them: by state, by what runs out next, by whose or what they are about.

Keyset paging: a page begins after the last line of the one before, and each list walks one index, so that it takes the
same time among a million cases as among ten. Must never count all, skip lines, or decide anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import CaseState, ClockState
from gateway.store import cases as case_store
from gateway.store.cases import CaseLine
from gateway.store.rarest import rarest_first
from gateway.store.tables import accounts, cases, clocks, customers

ALL = "all"
BY_DUE = (ClockState.RUNNING.value, ClockState.OVERDUE.value)  # those clocks have a time at which they end
OF_CLOCKS = (*BY_DUE, ClockState.ANSWERED.value, ClockState.UNREACHABLE.value, ClockState.WAITING.value)
STATES = (CaseState.OPEN.value, *OF_CLOCKS, *(state.value for state in CaseState if state is not CaseState.OPEN), ALL)
_MOST_ACCOUNTS = 200
_DIGITS = 10  # fewer than that many fit into the databases' integer keys
_DUE, _NEWEST = "d", "n"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases. `state`: of STATES, a clock's state means a case with such a clock; the others are exact, and
    `customer` is a piece of a key or name."""

    state: str = CaseState.OPEN.value
    customer: str = ""
    cls: str = ""
    assignee: str = ""
    severity: str = ""
    resource: str = ""

    @property
    def is_narrow(self) -> bool:
        return any((self.customer, self.cls, self.assignee, self.severity, self.resource))


@dataclass(frozen=True, slots=True)
class Page:
    """`after`: where the next page begins; None: this is the last one."""

    lines: list[CaseLine]
    after: str | None


async def page(connection: AsyncConnection, wanted: Wanted, limit: int, after: str = "") -> Page:
    """Open cases stand in the order in which they run out, then those without a time, the newest first; under a
    narrower filter, the newest first."""
    if wanted.is_narrow or wanted.state not in (CaseState.OPEN.value, *BY_DUE):
        ids, following = await _newest(connection, await _narrowed(connection, wanted), limit, after)
        return Page(await case_store.lines(connection, ids), following)
    states = BY_DUE if wanted.state == CaseState.OPEN.value else (wanted.state,)
    ids, following = [], None
    if not after.startswith(_NEWEST):
        ids, following = await _by_due(connection, states, limit, after)
    if following is None and wanted.state == CaseState.OPEN.value:
        timeless = [cases.c.state == CaseState.OPEN.value, ~exists().where(_timed(BY_DUE))]
        more, following = await _newest(connection, timeless, limit - len(ids), after)
        ids += more
    return Page(await case_store.lines(connection, ids), following)


def _timed(states: Sequence[str]) -> Any:
    return and_(clocks.c.case_id == cases.c.id, clocks.c.state.in_(states), clocks.c.due_at.is_not(None))


async def _by_due(
    connection: AsyncConnection, states: Sequence[str], limit: int, after: str
) -> tuple[list[int], str | None]:
    """Cases by their earliest clock in these states, and where the next page begins."""
    others = clocks.alias("others")
    of_these = func.coalesce(others.c.state, "").in_(states)  # hidden: SQLite would walk all clocks in these states
    first = (  # looked up for each line that is shown: a join would look at all clocks that run
        select(others.c.id)
        .where(others.c.case_id == clocks.c.case_id, of_these, others.c.due_at.is_not(None))
        .order_by(others.c.due_at, others.c.id)
        .limit(1)
        .correlate(clocks)
        .scalar_subquery()
    )
    query = (
        select(clocks.c.id, clocks.c.case_id, clocks.c.due_at)
        .join(cases, cases.c.id == clocks.c.case_id)
        .where(clocks.c.due_at.is_not(None), cases.c.state == CaseState.OPEN.value, clocks.c.id == first)
        .order_by(clocks.c.due_at, clocks.c.case_id)
        .limit(limit + 1)
    )
    if (place := _due_place(after)) is not None:
        at, case_id = place
        beyond = or_(clocks.c.due_at > at, clocks.c.case_id > case_id)
        query = query.where(clocks.c.due_at >= at, beyond)
    # each state in the order of its index, which ends where the page is full
    found = [row for one in states for row in await connection.execute(query.where(clocks.c.state == one))]
    rows = sorted(found, key=lambda row: (row.due_at, row.case_id))[: limit + 1]
    shown = rows[:limit]
    last = f"{_DUE}{shown[-1].due_at.isoformat()}_{shown[-1].case_id}" if len(rows) > limit and shown else None
    return [row.case_id for row in shown], last


async def _newest(
    connection: AsyncConnection, conditions: Sequence[Any], limit: int, after: str
) -> tuple[list[int], str | None]:
    query: Select[Any] = select(cases.c.id).where(*conditions).order_by(cases.c.id.desc()).limit(limit + 1)
    digits = after.removeprefix(_NEWEST)
    if after.startswith(_NEWEST) and digits.isascii() and digits.isdecimal() and len(digits) < _DIGITS:
        query = query.where(cases.c.id < int(digits))
    ids = list((await connection.execute(query)).scalars())
    if len(ids) <= limit:
        return ids, None
    return ids[:limit], f"{_NEWEST}{ids[limit - 1] if limit else ids[0] + 1}"


async def _narrowed(connection: AsyncConnection, wanted: Wanted) -> list[Any]:
    exact = [(cases.c.cls, wanted.cls), (cases.c.assignee, wanted.assignee), (cases.c.severity, wanted.severity)]
    others = []
    if wanted.state in OF_CLOCKS:
        exact.append((cases.c.state, CaseState.OPEN.value))
        others.append(cases.c.id.in_(select(clocks.c.case_id).where(clocks.c.state == wanted.state)))
    elif wanted.state != ALL:
        exact.append((cases.c.state, wanted.state))
    walked = [(column == value, func.coalesce(column, "") == value) for column, value in exact if value]
    if wanted.resource:
        about = cases.c.id.in_(select(clocks.c.case_id).where(clocks.c.value == wanted.resource))
        walked.append((about, about))
    if wanted.customer:
        ids = await _accounts(connection, wanted.customer)
        walked.append((cases.c.account_id.in_(ids), func.coalesce(cases.c.account_id, 0).in_(ids)))
    return others + await rarest_first(connection, cases.c.id, walked)


async def _accounts(connection: AsyncConnection, text: str) -> list[int]:
    """Accounts of the customers that are called so: by the exact key (`customer` or `customer/account`), else by what
    their key begins with or their name holds."""
    key, _, account = text.partition("/")
    joined = select(accounts.c.id).join(customers, customers.c.id == accounts.c.customer_id)
    exact = joined.where(customers.c.key == key)
    if account:
        exact = exact.where(accounts.c.name == account)
    found = list((await connection.execute(exact.order_by(accounts.c.id).limit(_MOST_ACCOUNTS))).scalars())
    if found or account:
        return found
    like = func.lower(customers.c.name).contains(text.lower(), autoescape=True)
    wide = joined.where(or_(customers.c.key.startswith(text, autoescape=True), like))
    return list((await connection.execute(wide.order_by(accounts.c.id).limit(_MOST_ACCOUNTS))).scalars())


def _due_place(after: str) -> tuple[datetime, int] | None:
    """Behind which time and case a page begins; None: at the beginning, also for what is no such place."""
    time, _, case = after.removeprefix(_DUE).partition("_")
    if not after.startswith(_DUE) or not (case.isascii() and case.isdecimal() and len(case) < _DIGITS):
        return None
    try:
        at = datetime.fromisoformat(time)
    except ValueError:
        return None
    return (at, int(case)) if at.tzinfo else None

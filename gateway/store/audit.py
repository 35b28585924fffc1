"""The audit trail for people: who did what, when and why; newest first, a page at a time.

Each filter is an index, a page goes on before an id. What is about a matter of the legal lane is for named staff.
Must never change anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import Case, CaseState
from gateway.store.rarest import rarest_first
from gateway.store.tables import cases, events, legal_matters
from gateway.store.text import storable

_SLACK = timedelta(hours=1)
_LAST = "\U0010fffd"
_MOST_KINDS = 100  # that begin alike
_SLACK_ROWS = 10_000  # that nodes may have written at once


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for; empty or None: whatever. `who` and `what` exactly as they stand there, `what` also as the
    beginning with a * behind it; `since` and `until`: [since, until), aware UTC."""

    who: str = ""
    what: str = ""
    case_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """One event; `case` is its number, None where it is about none."""

    id: int
    at: datetime
    who: str
    what: str
    why: str
    case: str | None
    message_id: int | None
    report_id: int | None


async def page(connection: AsyncConnection, asked: Asked, *, legal: bool, before: int | None, limit: int) -> list[Done]:
    """Events before this id (None: the newest). `legal`: also those about matters of the legal lane."""
    exact = [(events.c.who, asked.who), (events.c.what, "" if asked.what.endswith("*") else asked.what)]
    walked = [(one == storable(said), func.coalesce(one, "") == storable(said)) for one, said in exact if said]
    wanted = _wanted(asked) + await rarest_first(connection, events.c.id, walked)
    if before is not None:
        wanted.append(events.c.id < before)
    wanted += await _between(connection, asked)
    if not legal:
        restricted = select(legal_matters.c.id).where(legal_matters.c.message_id == events.c.message_id)
        wanted.append(or_(events.c.message_id.is_(None), ~restricted.exists()))
    # of each kind the newest ones, in the order of an index: of one that begins so there may be millions
    kinds = await _kinds(connection, storable(asked.what[:-1])) if asked.what.endswith("*") else [None]
    ids: list[int] = []
    for kind in kinds:
        of_kind = [] if kind is None else [events.c.what == kind]
        newest = select(events.c.id).where(*wanted, *of_kind).order_by(events.c.id.desc()).limit(limit)
        ids += (await connection.execute(newest)).scalars()
    rows = await connection.execute(
        select(events, cases.c.opened_at)
        .outerjoin(cases, cases.c.id == events.c.case_id)
        .where(events.c.id.in_(sorted(ids)[-limit:]))
        .order_by(events.c.id.desc())
    )
    return [_done(row) for row in rows]


async def _kinds(connection: AsyncConnection, start: str) -> list[str]:
    """What events there are that begin so: from one to the next in the index, without those between."""
    found: list[str] = []
    beyond: ColumnElement[bool] = events.c.what >= start
    while len(found) < _MOST_KINDS:
        query = select(events.c.what).where(beyond, events.c.what <= start + _LAST).order_by(events.c.what).limit(1)
        if (kind := (await connection.execute(query)).scalar_one_or_none()) is None:
            break
        found.append(kind)
        beyond = events.c.what > kind
    return found


def _done(row: Any) -> Done:
    number = _number(row.case_id, row.opened_at)
    return Done(row.id, row.at, row.who, row.what, row.why, number, row.message_id, row.report_id)


async def _between(connection: AsyncConnection, asked: Asked) -> list[ColumnElement[bool]]:
    """The times as places in the order of ids, which is theirs but for nodes that write at once: an hour is left on
    either side, and the times themselves still decide."""
    wanted: list[ColumnElement[bool]] = []
    if asked.until is not None:
        late = select(events.c.id).where(events.c.at < asked.until + _SLACK).order_by(events.c.at.desc()).limit(1)
        wanted.append(events.c.id <= ((await connection.execute(late)).scalar() or 0) + _SLACK_ROWS)
    if asked.since is not None:
        early = select(events.c.id).where(events.c.at >= asked.since - _SLACK).order_by(events.c.at).limit(1)
        found = (await connection.execute(early)).scalar()
        if found is not None:
            wanted.append(events.c.id >= found - _SLACK_ROWS)
    return wanted


def _wanted(asked: Asked) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if asked.case_id is not None:
        wanted.append(events.c.case_id == asked.case_id)
    if asked.since is not None:
        wanted.append(events.c.at >= asked.since)
    if asked.until is not None:
        wanted.append(events.c.at < asked.until)
    return wanted


def _number(case_id: int | None, opened_at: datetime | None) -> str | None:
    if case_id is None or opened_at is None:
        return None
    return Case(0, "", CaseState.OPEN, opened_at, id=case_id).number

"""Reporters as records: made at their first report, weighed by staff. How they are listed is in `reporter_lists`.

Must never decide whether a report is believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import Verdict
from gateway.screening.reporters import Reporter, Standing, Trust
from gateway.store import events
from gateway.store.events import Event
from gateway.store.tables import attributions, clocks, reporters, reports
from gateway.store.text import storable

DISPUTED, FALSE, RIGHT = "disputed", "false", "right"
HOUR = timedelta(hours=1)
_DECIDED = ("trust", "blocked", "why", "weight", "may_reply", "opens_cases", "raw_forwarding", "alias", "throttle")


async def ensure(connection: AsyncConnection, found: Iterable[Reporter], now: datetime) -> dict[str, int]:
    """{key: row id}; those that are new are made. Two statements, a third where another node was faster."""
    wanted = {one.key: one for one in found}
    if not wanted:
        return {}
    ids = await _ids(connection, wanted)
    fresh = [_row(one, now) for key, one in sorted(wanted.items()) if key not in ids]
    if fresh:
        inserting = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        statement = inserting(reporters).on_conflict_do_nothing(index_elements=[reporters.c.key])
        made = await connection.execute(statement.returning(reporters.c.key, reporters.c.id), storable(fresh))
        ids.update({row.key: row.id for row in made})
    if len(ids) < len(wanted):
        ids.update(await _ids(connection, wanted))
    return ids


async def standings(connection: AsyncConnection, now: datetime) -> dict[str, Standing]:
    """What staff decided about reporters, by key. One statement, a second where somebody is throttled."""
    rows = (await connection.execute(select(reporters).where(reporters.c.decided_at.is_not(None)))).all()
    throttled = [row.id for row in rows if row.throttle is not None]
    recent = await _recent(connection, throttled, now) if throttled else {}
    return {
        row.key: Standing(
            row.key, **{name: getattr(row, name) for name in _DECIDED if name != "trust"},
            trust=Trust(row.trust), recent=recent.get(row.id, 0),
        )
        for row in rows
    }  # fmt: skip


async def decide(
    connection: AsyncConnection, one: Reporter, values: Mapping[str, Any], who: str, why: str, now: datetime
) -> None:
    """Staff's word about a reporter, seen or not: columns of the table. Kept with its reason."""
    ids = await ensure(connection, [one], now)
    chosen = storable(dict(values) | {"why": why, "decided_by": who, "decided_at": now})
    await connection.execute(update(reporters).where(reporters.c.id == ids[one.key]).values(chosen))
    said = ", ".join(f"{name} {value}" for name, value in values.items())
    await events.add(connection, [Event(now, who, "reporter decided", f"{said}: {why}", data={"reporter": one.key})])


async def judge(
    connection: AsyncConnection, report_id: int, judgement: str | None, who: str, why: str, now: datetime
) -> bool:
    """What became of a report's claim: disputed, false or right. False: there is no such report."""
    done = await connection.execute(update(reports).where(reports.c.id == report_id).values(judgement=judgement))
    if done.rowcount:
        await events.add(connection, [Event(now, who, f"report judged {judgement}", why, report_id=report_id)])
    return bool(done.rowcount)


async def judge_case(connection: AsyncConnection, case_id: int, judgement: str) -> None:
    """The same of all reports of a case. One statement."""
    of_it = (
        select(attributions.c.report_id)
        .join(clocks, clocks.c.id == attributions.c.clock_id)
        .where(clocks.c.case_id == case_id)
    )
    await connection.execute(update(reports).where(reports.c.id.in_(of_it)).values(judgement=judgement))


async def _recent(connection: AsyncConnection, ids: list[int], now: datetime) -> dict[int, int]:
    rows = await connection.execute(
        select(reports.c.reporter_id, func.count())
        .where(
            and_(
                reports.c.reporter_id.in_(ids),
                reports.c.received_at > now - HOUR,
                reports.c.verdict == Verdict.ACCEPTED.value,
            )
        )
        .group_by(reports.c.reporter_id)
    )
    return {row[0]: row[1] for row in rows}


async def _ids(connection: AsyncConnection, keys: Iterable[str]) -> dict[str, int]:
    rows = await connection.execute(
        select(reporters.c.key, reporters.c.id).where(reporters.c.key.in_(storable(sorted(keys))))
    )
    return {row.key: row.id for row in rows}


def _row(one: Reporter, now: datetime) -> dict[str, Any]:
    return {
        "key": one.key, "kind": one.kind.value, "name": one.name, "domain": one.domain,
        "trust": Trust.USUAL.value, "blocked": False, "first_seen": now, "why": "",
    }  # fmt: skip

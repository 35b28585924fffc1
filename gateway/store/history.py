"""What became of earlier reports of those who complain, and who complained about a clock.

Must never decide whether to trust anybody.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import Verdict
from gateway.store.reporters import DISPUTED, FALSE
from gateway.store.tables import attributions, reporters, reports


async def history(connection: AsyncConnection, keys: Collection[str], before: int) -> dict[str, tuple[int, int, int]]:
    """Reporter's key -> (accepted, disputed, false) among reports with ids below `before`. One statement."""
    if not keys:
        return {}
    counted = [func.sum(case((reports.c.judgement == said, 1), else_=0)) for said in (DISPUTED, FALSE)]
    rows = await connection.execute(
        select(reporters.c.key, func.count(), *counted)
        .join(reports, reports.c.reporter_id == reporters.c.id)
        .where(reporters.c.key.in_(sorted(keys)), reports.c.verdict == Verdict.ACCEPTED.value, reports.c.id < before)
        .group_by(reporters.c.key)
    )
    return {row[0]: (int(row[1]), int(row[2]), int(row[3])) for row in rows}


async def behind_clocks(connection: AsyncConnection, clock_ids: Collection[int]) -> list[Any]:
    """(clock_id, report id, key, kind, name, domain) of the reporters behind these clocks' accepted
    reports. One statement."""
    if not clock_ids:
        return []
    rows = await connection.execute(
        select(
            attributions.c.clock_id, reports.c.id, reporters.c.key, reporters.c.kind, reporters.c.name,
            reporters.c.domain,
        )
        .join(reports, reports.c.id == attributions.c.report_id)
        .join(reporters, reporters.c.id == reports.c.reporter_id)
        .where(attributions.c.clock_id.in_(sorted(clock_ids)), reports.c.verdict == Verdict.ACCEPTED.value)
    )  # fmt: skip
    return list(rows)

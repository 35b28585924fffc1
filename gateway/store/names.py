"""Reports whose advertised hosts the DNS is to be asked about, and its answers with their times.

Must never ask it, nor attribute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.attribution.names import Answer
from gateway.model import Attribution, AttributionReason
from gateway.store import events, reports
from gateway.store.events import Event
from gateway.store.queue import WAITING
from gateway.store.tables import attributions, host_answers, host_questions
from gateway.store.tables import reports as report_rows

_ELSEWHERE = (AttributionReason.NOT_OURS, AttributionReason.NOT_PUBLIC, AttributionReason.NO_SOURCE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A report in hand. `resources` as the contract has them; `known`: (value, account or None) of its entries."""

    id: int
    report_id: int
    message_id: int
    tries: int
    resources: list[dict[str, str]]
    known: tuple[tuple[str, int | None], ...]


async def want(connection: AsyncConnection, report_ids: Sequence[int], now: datetime) -> None:
    """These are to be asked about, once they are filed. One statement."""
    if report_ids:
        await connection.execute(insert(host_questions), [{"report_id": one, "next_at": now} for one in report_ids])


async def take(connection: AsyncConnection, now: datetime, until: datetime, limit: int) -> list[Wanted]:
    """Reports whose turn it is, for this node alone until then."""
    due = (
        select(host_questions.c.id)
        .where(host_questions.c.state == "wanted", host_questions.c.next_at <= now)
        .order_by(host_questions.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = list((await connection.execute(due)).scalars())
    if not ids:
        return []
    await connection.execute(update(host_questions).where(host_questions.c.id.in_(ids)).values(next_at=until))
    rows = list(
        await connection.execute(
            select(
                host_questions.c.id, host_questions.c.report_id, report_rows.c.message_id, host_questions.c.tries,
                report_rows.c.parsed,
            )
            .join(report_rows, report_rows.c.id == host_questions.c.report_id)
            .where(host_questions.c.id.in_(ids))
            .order_by(host_questions.c.id)
        )
    )  # fmt: skip
    entries = await connection.execute(
        select(attributions.c.report_id, attributions.c.value, attributions.c.account_id).where(
            attributions.c.report_id.in_([row.report_id for row in rows])
        )
    )
    known: dict[int, list[tuple[str, int | None]]] = {}
    for report_id, value, account_id in entries:
        known.setdefault(report_id, []).append((value, account_id))
    return [
        Wanted(
            row.id, row.report_id, row.message_id, row.tries, row.parsed.get("resources", []),
            tuple(known.get(row.report_id, ())),
        )
        for row in rows
    ]  # fmt: skip


async def answers(connection: AsyncConnection, hosts: Sequence[str], since: datetime) -> dict[str, Answer]:
    """The newest answer about each host that is not older. One statement."""
    newest = (
        select(func.max(host_answers.c.id))
        .where(host_answers.c.host.in_(list(hosts)), host_answers.c.last_at >= since)
        .group_by(host_answers.c.host)
    )
    rows = await connection.execute(select(host_answers).where(host_answers.c.id.in_(newest)))
    return {row.host: Answer(tuple(row.addresses), row.last_at) for row in rows}


async def keep(connection: AsyncConnection, found: Mapping[str, Answer]) -> None:
    """Keep answers with their time: what was said before is said for longer, anything else is a new row."""
    if not found:
        return
    newest = (
        select(func.max(host_answers.c.id)).where(host_answers.c.host.in_(list(found))).group_by(host_answers.c.host)
    )
    rows = await connection.execute(select(host_answers).where(host_answers.c.id.in_(newest)))
    before = {row.host: row for row in rows}
    fresh = []
    for host, answer in sorted(found.items()):
        old = before.get(host)
        if old is not None and tuple(old.addresses) == answer.addresses:
            await connection.execute(update(host_answers).where(host_answers.c.id == old.id).values(last_at=answer.at))
        else:
            said = {"host": host, "addresses": list(answer.addresses)}
            fresh.append(said | {"first_at": answer.at, "last_at": answer.at})
    if fresh:
        await connection.execute(insert(host_answers), fresh)


async def finish(
    connection: AsyncConnection, one: Wanted, found: Sequence[Attribution], now: datetime, next_at: datetime | None,
    *, failed: bool,
) -> None:  # fmt: skip
    """What was found waits in the queue; a foreign source, which was only an entry because nothing else was ours, waits
    no more. With `next_at` the report is asked about again then."""
    state = "wanted" if next_at else "failed" if failed else "done"
    values = {"state": state, "next_at": next_at, "tries": one.tries + 1}
    await connection.execute(update(host_questions).where(host_questions.c.id == one.id).values(**values))
    there = await connection.execute(select(attributions.c.value).where(attributions.c.report_id == one.report_id))
    known = set(there.scalars())
    fresh = [a for a in found if a.value not in known]
    if not fresh:
        return
    await reports.attribute(connection, [_row(one, a) for a in fresh])
    foreign = and_(
        attributions.c.report_id == one.report_id, attributions.c.queue == WAITING,
        attributions.c.reason.in_([reason.value for reason in _ELSEWHERE]),
    )  # fmt: skip
    why = f"; {fresh[0].value}, which it advertises, leads to us"
    await connection.execute(update(attributions).where(foreign).values(queue=None, how=attributions.c.how + why))
    said = [
        Event(now, events.SYSTEM, "candidate by the DNS", a.how, message_id=one.message_id, report_id=one.report_id)
        for a in fresh
    ]
    await events.add(connection, said)


def _row(one: Wanted, found: Attribution) -> dict[str, Any]:
    return {
        "report_id": one.report_id,
        "kind": found.kind.value,
        "role": found.role.value,
        "value": found.value,
        "reason": found.reason.value,
        "account_id": None,
        "how": found.how,
        "candidates": [{"account_id": c.account_id, "why": c.why} for c in found.candidates],
        "queue": WAITING,
        "clock_id": None,
    }

"""One case as its page shows it: everything bounded, the newest part of what is long.

`cases.shown` reads a case whole, for the command line; a flood's case holds a hundred thousand reports, and a page has
to answer all the same. Must never decide.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casework.actions import Action
from gateway.store import actions as action_store
from gateway.store import appeals, cases, charges, consents, content
from gateway.store.cases import CaseLine
from gateway.store.notices import StoredNotice
from gateway.store.notices import one as one_notice
from gateway.store.tables import (
    accounts,
    actions,
    attributions,
    clocks,
    contacts,
    customers,
    events,
    messages,
    notices,
    reports,
    third_parties,
)
from gateway.store.tables import cases as case_rows

CLOCKS, EVENTS, REPORTS, NOTICES, CONTACTS = 200, 60, 25, 100, 60


@dataclass(frozen=True, slots=True)
class CasePage:
    """`events` newest last; `older`: the id before which older events stand; rows as the tables have them."""

    line: CaseLine
    row: Any
    customer_name: str
    account: str
    clocks: list[Any]
    all_clocks: int
    events: list[Any]
    older: int | None
    reports: list[Any]
    earlier_reports: int | None
    notices: list[StoredNotice]
    actions: list[Action]
    contacts: list[dict[str, Any]]
    own_contacts: list[Any]
    consents: list[dict[str, Any]]
    appeals: list[dict[str, Any]]
    charges: list[Any]
    told_of: dict[int, Any] = field(default_factory=dict)  # reports that events name, by id


async def page(
    connection: AsyncConnection, number: str, before: int | None = None, reports_before: int | None = None
) -> CasePage | None:
    """None: there is no such case. `before`: only events older than this one."""
    case_id = cases.case_id_of(number)
    found = await cases.lines(connection, [case_id] if case_id > 0 else [], whole=True)
    if not found:
        return None
    head = (
        await connection.execute(
            select(case_rows, accounts.c.name.label("account"), accounts.c.customer_id, customers.c.name.label("name"))
            .join(accounts, accounts.c.id == case_rows.c.account_id)
            .join(customers, customers.c.id == accounts.c.customer_id)
            .where(case_rows.c.id == case_id)
        )
    ).one()
    its_clocks, all_clocks = await _clocks(connection, case_id)
    story, older = await _events(connection, case_id, before)
    its_reports, earlier = await _reports(connection, case_id, reports_before)
    return CasePage(
        line=found[0],
        row=head,
        customer_name=head.name,
        account=head.account,
        clocks=its_clocks,
        all_clocks=all_clocks,
        events=story,
        older=older,
        reports=its_reports,
        earlier_reports=earlier,
        notices=await _notices(connection, case_id),
        actions=await _actions(connection, case_id),
        contacts=await _contacts(connection, [report.id for report in its_reports]),
        own_contacts=await _own_contacts(connection, head.customer_id),
        consents=await consents.of_case(connection, case_id),
        appeals=await appeals.of_case(connection, case_id),
        charges=await charges.listed(connection, case_id=case_id),
        told_of=await _named(connection, {event.report_id for event in story if event.report_id}),
    )


async def report_of(connection: AsyncConnection, case_id: int, report_id: int) -> dict[str, Any] | None:
    """A report of this case with its evidence; None: it is not in it."""
    of_case = select(clocks.c.id).where(clocks.c.case_id == case_id)
    rows = await connection.execute(
        select(
            reports.c.id, reports.c.message_id, reports.c.position, reports.c.category, reports.c.feedback_type,
            reports.c.source_ip, reports.c.arrival_date, reports.c.received_at, reports.c.parsed, reports.c.identity,
            reports.c.verdict, reports.c.reason, reports.c.detail, messages.c.sender, messages.c.subject,
            messages.c.mailbox, messages.c.format, messages.c.sha256, messages.c.size,
            attributions.c.value, attributions.c.role, attributions.c.how, attributions.c.reason.label("attribution"),
        )
        .join(attributions, attributions.c.report_id == reports.c.id)
        .join(messages, messages.c.id == reports.c.message_id)
        .where(reports.c.id == report_id, attributions.c.clock_id.in_(of_case))
        .limit(1)
    )  # fmt: skip
    row = rows.mappings().one_or_none()
    if row is None:
        return None
    found = dict(row)
    said = (await content.of_reports(connection, [report_id])).get(report_id, [])
    found["findings"] = [*found["parsed"].get("findings", ()), *said]
    return found


async def message_of(connection: AsyncConnection, case_id: int, message_id: int) -> Any | None:
    """A message that an event of this case names (an answer, a bounce), with its bytes."""
    named = select(events.c.id).where(events.c.case_id == case_id, events.c.message_id == message_id)
    if (await connection.execute(named.limit(1))).first() is None:
        return None
    columns = (messages.c.id, messages.c.raw, messages.c.sender, messages.c.subject, messages.c.received_at)
    return (await connection.execute(select(*columns).where(messages.c.id == message_id))).one_or_none()


async def notice_of(connection: AsyncConnection, case_id: int, notice_id: int) -> StoredNotice | None:
    """A notice of this case; None: it is another one's, or there is none."""
    found = await one_notice(connection, notice_id)
    return found if found is not None and found.case_id == case_id else None


async def _clocks(connection: AsyncConnection, case_id: int) -> tuple[list[Any], int]:
    """What runs out first stands first."""
    query = select(clocks).where(clocks.c.case_id == case_id)
    ordered = query.order_by(clocks.c.due_at.is_(None), clocks.c.due_at, clocks.c.id).limit(CLOCKS)
    count = select(func.count()).select_from(clocks).where(clocks.c.case_id == case_id)
    return list((await connection.execute(ordered)).all()), int((await connection.execute(count)).scalar_one())


async def _events(connection: AsyncConnection, case_id: int, before: int | None) -> tuple[list[Any], int | None]:
    query = select(events).where(events.c.case_id == case_id).order_by(events.c.id.desc()).limit(EVENTS + 1)
    if before is not None:
        query = query.where(events.c.id < before)
    rows = (await connection.execute(query)).all()
    shown = list(reversed(rows[:EVENTS]))
    return shown, shown[0].id if len(rows) > EVENTS else None


async def _reports(connection: AsyncConnection, case_id: int, before: int | None) -> tuple[list[Any], int | None]:
    """The newest reports, newest first, each once."""
    of_case = select(clocks.c.id).where(clocks.c.case_id == case_id)
    ids = (
        select(attributions.c.report_id)
        .where(attributions.c.clock_id.in_(of_case))
        .distinct()
        .order_by(attributions.c.report_id.desc())
        .limit(REPORTS + 1)
    )
    if before is not None:
        ids = ids.where(attributions.c.report_id < before)
    wanted = list((await connection.execute(ids)).scalars())
    found = await _named(connection, set(wanted[:REPORTS]))
    following = wanted[REPORTS - 1] if len(wanted) > REPORTS else None
    return [found[i] for i in wanted[:REPORTS] if i in found], following


async def _named(connection: AsyncConnection, ids: Collection[int]) -> dict[int, Any]:
    columns = (
        reports.c.id, reports.c.category, reports.c.feedback_type, reports.c.source_ip, reports.c.arrival_date,
        reports.c.complainant, reports.c.received_at,
    )  # fmt: skip
    rows = await connection.execute(select(*columns).where(reports.c.id.in_(sorted(ids))))
    return {row.id: row for row in rows}


async def _notices(connection: AsyncConnection, case_id: int) -> list[StoredNotice]:
    columns = [notices.c[name] for name in StoredNotice.__dataclass_fields__]
    query = select(*columns).where(notices.c.case_id == case_id).order_by(notices.c.id.desc()).limit(NOTICES)
    return [StoredNotice(*row) for row in reversed((await connection.execute(query)).all())]


async def _actions(connection: AsyncConnection, case_id: int) -> list[Action]:
    query = select(actions.c.id).where(actions.c.case_id == case_id).order_by(actions.c.id.desc()).limit(NOTICES)
    return await action_store.some(connection, list((await connection.execute(query)).scalars()))


async def _contacts(connection: AsyncConnection, report_ids: Collection[int]) -> list[dict[str, Any]]:
    """Contacts outside that were found for the newest reports, and whether they were told."""
    query = select(third_parties).where(third_parties.c.report_id.in_(list(report_ids)))
    rows = await connection.execute(query.order_by(third_parties.c.id.desc()).limit(CONTACTS))
    return [dict(row) for row in rows.mappings()]


async def _own_contacts(connection: AsyncConnection, customer_id: int) -> list[Any]:
    query = select(contacts).where(contacts.c.customer_id == customer_id).order_by(contacts.c.position)
    return list((await connection.execute(query.limit(CONTACTS))).all())

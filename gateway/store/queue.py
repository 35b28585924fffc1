"""The unmatched queue: attributions without an account, that wait for a person.

An entry is one resource of one report. What is decided is a conditional update, so that of two people only one decides.
Must never decide anything itself, nor show a report that is only observed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, func, literal, literal_column, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import Attribution, AttributionReason, Case, CaseState
from gateway.store import events, reports
from gateway.store.events import Event
from gateway.store.messages import Stored
from gateway.store.tables import accounts, attributions, cases, clocks, customers, messages, third_parties
from gateway.store.tables import reports as report_rows
from gateway.store.text import storable

WAITING, SNOOZED, ASSIGNED, REJECTED, NOT_OURS = "waiting", "snoozed", "assigned", "rejected", "not-ours"
OPEN = (WAITING, SNOOZED)  # nobody has decided it
# As it is, not as a parameter: a database has to see that its index is meant.
_WAITS: ColumnElement[str] = literal_column(f"'{WAITING}'")
_UNDECIDED = or_(attributions.c.queue == WAITING, attributions.c.queue == SNOOZED)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An account that may be meant: `customer` or `customer/account`, the customer's name, and why."""

    account: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource of one report, with what people need to decide on it. `queue`: see the table; `identity`
    is the JSON that screening left. What the parsers left is large: see `reports.parsed_of`."""

    id: int
    report_id: int
    message_id: int
    position: int
    kind: str
    role: str
    value: str
    reason: str
    how: str
    queue: str | None
    candidates: tuple[Candidate, ...]
    account: str | None
    decided_by: str | None
    decided_at: datetime | None
    clock_id: int | None
    case: str | None
    category: str
    feedback_type: str | None
    source_port: int | None
    arrival_date: datetime | None
    received_at: datetime
    screening: str
    fingerprint: str
    complainant: str | None
    identity: dict[str, Any]
    mailbox: str | None
    format: str | None
    sender: str | None
    subject: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """Entries that wait for the same reason about the same resource; `entry` is the oldest of them."""

    entry: Entry
    seen: int
    reporters: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Settled:
    """A decision about an entry of a report. `entry_id` None: a resource that only the decision brought to light."""

    entry_id: int | None
    report_id: int
    message_id: int
    attribution: Attribution
    clock_id: int | None
    why: str
    before: dict[str, Any] | None = None  # what the decision replaces
    muted_by: int | None = None


def is_waiting() -> ColumnElement[bool]:
    """An entry that waits, by the index of those alone."""
    return attributions.c.queue == _WAITS


async def groups(connection: AsyncConnection, limit: int = 200) -> list[Group]:
    """What waits, by resource and reason: the most reports first, then the oldest. Five statements."""
    same = (attributions.c.value, attributions.c.reason, attributions.c.kind, attributions.c.role)  # as their index
    oldest = func.min(attributions.c.id).label("oldest")
    named = select(oldest, func.count()).where(is_waiting(), attributions.c.value != "").group_by(*same)
    nameless = select(attributions.c.id, literal(1)).where(is_waiting(), attributions.c.value == "")  # nothing is alike
    rows = [
        *(await connection.execute(named.order_by(func.count().desc(), oldest).limit(limit))),
        *(await connection.execute(nameless.order_by(attributions.c.id).limit(limit))),
    ]
    seen = {row[0]: row[1] for row in sorted(rows, key=lambda row: (-row[1], row[0]))[:limit]}
    found = {entry.id: entry for entry in await entries(connection, seen)}
    several = [found[number].value for number, many in seen.items() if many > 1]
    spread = await connection.execute(  # of the groups that are shown alone: their reports are far apart
        select(
            oldest,
            func.count(report_rows.c.complainant.distinct()).label("reporters"),
            func.min(report_rows.c.received_at).label("first_at"),
            func.max(report_rows.c.received_at).label("last_at"),
        )
        .join(report_rows, report_rows.c.id == attributions.c.report_id)
        .where(is_waiting(), attributions.c.value.in_(several))
        .group_by(*same)
    )
    alone = {e.id: (int(e.complainant is not None), e.received_at, e.received_at) for e in found.values()}
    more = alone | {row.oldest: (row.reporters, row.first_at, row.last_at) for row in spread}
    return [Group(found[one], many, *more[one]) for one, many in seen.items()]


async def count(connection: AsyncConnection) -> int:
    """How many entries wait."""
    rows = select(func.count()).select_from(attributions).where(attributions.c.queue == WAITING)
    return int((await connection.execute(rows)).scalar_one())


async def newest_waiting(connection: AsyncConnection, before: int | None, limit: int) -> list[Entry]:
    """A page of what waits, the newest first; `before`: the last of the page before."""
    chosen = select(attributions.c.id).where(attributions.c.queue == WAITING)
    if before is not None:
        chosen = chosen.where(attributions.c.id < before)
    ids = (await connection.execute(chosen.order_by(attributions.c.id.desc()).limit(limit))).scalars()
    return (await entries(connection, list(ids)))[::-1]


async def entries(connection: AsyncConnection, ids: Iterable[int]) -> list[Entry]:
    """These entries, whatever became of them, by id. Two statements."""
    return await _entries(connection, attributions.c.id.in_(sorted(set(ids))))


async def of_reports(connection: AsyncConnection, report_ids: Iterable[int]) -> list[Entry]:
    """All attributions of these reports, those that never waited too. Two statements."""
    return await _entries(connection, attributions.c.report_id.in_(sorted(set(report_ids))))


async def alike(connection: AsyncConnection, entry: Entry, limit: int = 500) -> list[int]:
    """The ids of the entries that wait like this one, itself among them, oldest first."""
    if not entry.value:
        return [entry.id]
    rows = await connection.execute(
        select(attributions.c.id)
        .where(
            is_waiting(),
            attributions.c.kind == entry.kind,
            attributions.c.role == entry.role,
            attributions.c.value == entry.value,
            attributions.c.reason == entry.reason,
        )
        .order_by(attributions.c.id)
        .limit(limit)
    )
    return list(rows.scalars())


async def reports_after(
    connection: AsyncConnection, report_id: int, limit: int, reason: AttributionReason | None = None
) -> list[int]:
    """The next reports, by id, with something that waits (for that reason)."""
    chosen = (attributions.c.reason == reason.value,) if reason else ()
    rows = await connection.execute(
        select(attributions.c.report_id)
        .where(_UNDECIDED, attributions.c.report_id > report_id, *chosen)
        .distinct()
        .order_by(attributions.c.report_id)
        .limit(limit)
    )
    return list(rows.scalars())


async def messages_of(connection: AsyncConnection, message_ids: Iterable[int]) -> dict[int, Stored]:
    """The messages that brought the entries, with their bytes."""
    columns = (messages.c.id, messages.c.raw, messages.c.mailbox, messages.c.received_at, messages.c.tries)
    rows = await connection.execute(select(*columns).where(messages.c.id.in_(sorted(set(message_ids)))))
    return {row.id: Stored(row.id, bytes(row.raw), row.mailbox, row.received_at, row.tries) for row in rows}


async def still_waiting(connection: AsyncConnection, ids: Iterable[int]) -> set[int]:
    """Those of the entries that nobody has decided yet; they stay so until the transaction ends."""
    rows = await connection.execute(
        select(attributions.c.id)
        .where(attributions.c.id.in_(sorted(set(ids))), _UNDECIDED)
        .order_by(attributions.c.id)
        .with_for_update()
    )
    return set(rows.scalars())


async def assign(connection: AsyncConnection, settled: Sequence[Settled], who: str, now: datetime) -> None:
    """Keep whose the resources are. The entries are held by `still_waiting`. Four statements."""
    old = [_assigned(one, who, now) | {"entry_id": one.entry_id} for one in settled if one.entry_id is not None]
    if old:
        statement = update(attributions).where(attributions.c.id == bindparam("entry_id"))
        statement = statement.where(_UNDECIDED)
        columns = [name for name in old[0] if name != "entry_id"]
        statement = statement.values({name: bindparam(f"new_{name}") for name in columns})
        rows = [{"entry_id": row["entry_id"]} | {f"new_{name}": row[name] for name in columns} for row in old]
        await connection.execute(statement, storable(rows))
    fresh = [one for one in settled if one.entry_id is None]
    await reports.attribute(
        connection, [_assigned(one, who, now) | {"report_id": one.report_id, "candidates": []} for one in fresh]
    )
    started = [one.clock_id for one in settled if one.clock_id]
    found = await connection.execute(select(clocks.c.id, clocks.c.case_id).where(clocks.c.id.in_(started)))
    in_case = {row.id: row.case_id for row in found}
    await events.add(connection, [_event(one, in_case.get(one.clock_id or 0), who, now) for one in settled])


async def explain_anew(connection: AsyncConnection, found: Sequence[tuple[int, Attribution]]) -> None:
    """These still wait, but for another reason or with other candidates than before. One statement."""
    if not found:
        return
    statement = update(attributions).where(attributions.c.id == bindparam("entry_id"), _UNDECIDED)
    columns = ("reason", "how", "candidates")
    rows = [
        {
            "entry_id": entry_id,
            "new_reason": a.reason.value,
            "new_how": a.how,
            "new_candidates": [{"account_id": c.account_id, "why": c.why} for c in a.candidates],
        }
        for entry_id, a in found
    ]
    await connection.execute(statement.values({name: bindparam(f"new_{name}") for name in columns}), storable(rows))


async def ask_contacts_again(connection: AsyncConnection, report_ids: Sequence[int], now: datetime) -> None:
    """Reports that were in no case are filed now: their contacts outside are looked up again, to be told."""
    in_a_case = select(attributions.c.report_id).where(attributions.c.clock_id.is_not(None))
    asked = (
        select(report_rows.c.id)
        .where(
            report_rows.c.id.in_(list(report_ids)),
            report_rows.c.contacts_state.in_(["wanted", "found", "failed"]),
            report_rows.c.id.not_in(in_a_case),
        )
        .order_by(report_rows.c.id)
        .with_for_update(key_share=True)  # before its contacts, as whoever finds them does
    )
    again = list((await connection.execute(asked)).scalars())
    if again:
        await connection.execute(delete(third_parties).where(third_parties.c.report_id.in_(again)))
        values = {"contacts_state": "wanted", "contacts_next_at": now, "contacts_tries": 0}
        await connection.execute(update(report_rows).where(report_rows.c.id.in_(again)).values(**values))


async def _entries(connection: AsyncConnection, chosen: Any) -> list[Entry]:
    rows = (
        await connection.execute(
            select(
                *(column for column in attributions.c if column.name not in ("account_id", "candidates")),
                attributions.c.account_id, attributions.c.candidates,
                report_rows.c.message_id, report_rows.c.position, report_rows.c.category, report_rows.c.feedback_type,
                report_rows.c.source_port, report_rows.c.arrival_date, report_rows.c.received_at,
                report_rows.c.reason.label("screening"), report_rows.c.fingerprint, report_rows.c.complainant,
                report_rows.c.identity,
                messages.c.mailbox, messages.c.format, messages.c.sender, messages.c.subject,
                cases.c.id.label("case_id"), cases.c.opened_at,
            )
            .join(report_rows, report_rows.c.id == attributions.c.report_id)
            .join(messages, messages.c.id == report_rows.c.message_id)
            .outerjoin(clocks, clocks.c.id == attributions.c.clock_id)
            .outerjoin(cases, cases.c.id == clocks.c.case_id)
            .where(chosen)
            .order_by(attributions.c.id)
        )
    ).mappings().all()  # fmt: skip
    held = await _accounts(connection, rows)
    return [_entry(row, held) for row in rows]


async def _accounts(connection: AsyncConnection, rows: Sequence[Any]) -> dict[int, tuple[str, str]]:
    """(`customer` or `customer/account`, the customer's name) of each account in the rows."""
    ids = {row["account_id"] for row in rows if row["account_id"] is not None}
    ids |= {candidate["account_id"] for row in rows for candidate in row["candidates"]}
    if not ids:
        return {}
    found = await connection.execute(
        select(accounts.c.id, accounts.c.name.label("account"), customers.c.key, customers.c.name)
        .join(customers, customers.c.id == accounts.c.customer_id)
        .where(accounts.c.id.in_(sorted(ids)))
    )
    return {row.id: (row.key if row.account == "main" else f"{row.key}/{row.account}", row.name) for row in found}


def _entry(row: Any, held: dict[int, tuple[str, str]]) -> Entry:
    plain = {name: row[name] for name in Entry.__dataclass_fields__ if name in row}
    known = [(held[c["account_id"]], c["why"]) for c in row["candidates"] if c["account_id"] in held]
    number = None
    if row["case_id"] is not None:
        number = Case(0, "", CaseState.OPEN, row["opened_at"], id=row["case_id"]).number
    return Entry(
        **plain
        | {
            "candidates": tuple(Candidate(account, name, why) for (account, name), why in known),
            "account": held[row["account_id"]][0] if row["account_id"] in held else None,
            "case": number,
        }
    )


def _assigned(one: Settled, who: str, now: datetime) -> dict[str, Any]:
    a = one.attribution
    return {
        "kind": a.kind.value,
        "role": a.role.value,
        "value": a.value,
        "reason": a.reason.value,
        "account_id": a.account_id,
        "how": a.how,
        "queue": ASSIGNED,
        "before": one.before,
        "confidence": a.confidence,
        "decided_by": who,
        "decided_at": now,
        "clock_id": one.clock_id,
        "muted_by": one.muted_by,
    }


def _event(one: Settled, case_id: int | None, who: str, now: datetime) -> Event:
    data = {"entry": one.entry_id, "resource": one.attribution.value, "account": one.attribution.account_id}
    return Event(
        now, who, "entry assigned", one.why,
        message_id=one.message_id, report_id=one.report_id, case_id=case_id, clock_id=one.clock_id, data=data,
    )  # fmt: skip

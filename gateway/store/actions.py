"""Actions as rows: planned under their key, approved, decided on, found, expired; each change with its Event.

A state changes by conditional update: two people who press at once do it once. What the connectors make of an action
is in `action_steps`. Must never carry anything out, or decide whether it may be done.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casework.actions import PERSONS, Action, Agreed, person
from gateway.model import ActionKind, ActionState, Case, CaseState
from gateway.store import events
from gateway.store.events import Event
from gateway.store.tables import accounts, actions, approvals, cases, customers
from gateway.store.text import storable

OPEN = (ActionState.PROPOSED, ActionState.ASKED, ActionState.APPROVED, ActionState.FAILED)
IN_FORCE = (ActionState.APPROVED, ActionState.ASKED, ActionState.DONE)


class NoActionError(LookupError):
    """There is no such action; the text says where they are listed."""

    def __init__(self, number: int) -> None:
        super().__init__(f"there is no action {number}; 'arfgate action list --all' shows them")


async def plan(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Insert actions whose key is not taken: planning one twice, also at once, stores it once. Returns {key: id} of
    those inserted. One statement; the Event is whoever plans it."""
    if not rows:
        return {}
    fresh = {row["key"]: row for row in rows}
    insert_into = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    made = await connection.execute(
        insert_into(actions).on_conflict_do_nothing(index_elements=["key"]).returning(actions.c.key, actions.c.id),
        storable(list(fresh.values())),
    )
    return {row.key: row.id for row in made}


async def key_for(connection: AsyncConnection, kind: ActionKind, target: str) -> str:
    """The key of what staff want done to this target: two who want it at once have the same one."""
    same = and_(actions.c.kind == kind.value, actions.c.target == target)
    earlier = (await connection.execute(select(func.count()).select_from(actions).where(same))).scalar_one()
    return f"staff:{kind.value}/{target}/{earlier}"


async def find(connection: AsyncConnection, number: int) -> Action:
    """One action, locked until the transaction ends. Raises NoActionError."""
    await connection.execute(select(actions.c.id).where(actions.c.id == number).with_for_update())
    found = await _read(connection, _joined().where(actions.c.id == number))
    if not found:
        raise NoActionError(number)
    return found[0]


async def listed(
    connection: AsyncConnection,
    *,
    states: Collection[ActionState] | None = None,
    kinds: Collection[ActionKind] | None = None,
    limit: int = 1000,
) -> list[Action]:
    """Actions in these states and of these kinds, oldest first of the newest `limit`."""
    query = _joined().order_by(actions.c.id.desc()).limit(limit)
    if states is not None:
        query = query.where(actions.c.state.in_([state.value for state in states]))
    if kinds is not None:
        query = query.where(actions.c.kind.in_([kind.value for kind in kinds]))
    return list(reversed(await _read(connection, query)))


def on_list(
    kinds: Collection[ActionKind], states: Collection[ActionState] | None, wanted: str, now: datetime
) -> list[ColumnElement[bool]]:
    """Which actions: of these kinds, whose target holds the word (lower case); with `states` those that are in one of
    them, not being lifted and not over."""
    chosen: list[ColumnElement[bool]] = [actions.c.kind.in_([kind.value for kind in kinds])]
    if states is not None:
        lasts = or_(actions.c.expires_at.is_(None), actions.c.expires_at > now)
        chosen += [actions.c.state.in_([state.value for state in states]), actions.c.lifting.is_(False), lasts]
    if wanted:
        chosen.append(func.lower(actions.c.target).contains(storable(wanted), autoescape=True))
    return chosen


async def newest(connection: AsyncConnection, chosen: Sequence[ColumnElement[bool]], limit: int) -> list[Action]:
    """The newest of those first."""
    ids = select(actions.c.id).where(*chosen).order_by(actions.c.id.desc()).limit(limit)
    return (await some(connection, list((await connection.execute(ids)).scalars())))[::-1]


async def how_many(connection: AsyncConnection, chosen: Sequence[ColumnElement[bool]], most: int) -> int:
    """How many, up to a bound."""
    some_of = select(actions.c.id).where(*chosen).limit(most).subquery()
    return int((await connection.execute(select(func.count()).select_from(some_of))).scalar_one())


async def some(connection: AsyncConnection, ids: Collection[int]) -> list[Action]:
    """These actions, oldest first."""
    return await _read(connection, _joined().where(actions.c.id.in_(sorted(ids))).order_by(actions.c.id))


async def on_target(connection: AsyncConnection, kinds: Collection[ActionKind], target: str) -> list[Action]:
    """Actions of these kinds on this target that are proposed or in force and not being lifted."""
    query = _joined().where(
        actions.c.target == target,
        actions.c.kind.in_([kind.value for kind in kinds]),
        actions.c.state.in_([state.value for state in (ActionState.PROPOSED, ActionState.FAILED, *IN_FORCE)]),
        actions.c.lifting.is_(False),
    )
    return await _read(connection, query.order_by(actions.c.id))


async def expired(connection: AsyncConnection, now: datetime, limit: int) -> list[Action]:
    """Actions whose time is over and that nobody lifts yet. Locked until the transaction ends."""
    over = (
        select(actions.c.id)
        .where(
            actions.c.expires_at <= now,
            actions.c.lifting.is_(False),
            actions.c.state.in_([state.value for state in (ActionState.PROPOSED, ActionState.FAILED, *IN_FORCE)]),
        )
        .order_by(actions.c.expires_at, actions.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = list((await connection.execute(over)).scalars())
    return await _read(connection, _joined().where(actions.c.id.in_(ids)).order_by(actions.c.id)) if ids else []


async def unrouted(connection: AsyncConnection, limit: int) -> list[Action]:
    """Approved actions whose connectors were not chosen yet. Locked until the transaction ends."""
    fresh = (
        select(actions.c.id)
        .where(actions.c.routed.is_(False), actions.c.state == ActionState.APPROVED.value)
        .order_by(actions.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = list((await connection.execute(fresh)).scalars())
    return await _read(connection, _joined().where(actions.c.id.in_(ids)).order_by(actions.c.id)) if ids else []


async def agree(connection: AsyncConnection, action: Action, who: str, why: str, now: datetime) -> None:
    """Remember that this person agreed. The caller has asked `casework.actions.approve`."""
    row = {"action_id": action.id, "person": person(who), "who": who, "why": why, "at": now}
    await connection.execute(insert(approvals), storable(row))
    await say(connection, action, now, who, "approved", why)


async def move(
    connection: AsyncConnection, action: Action, to: ActionState, *, who: str, why: str, now: datetime, **more: Any
) -> bool:
    """Set the state of an action that is still as it was read, with its Event. False: somebody was faster.
    `more`: further columns. Who decided stays when a connector is done."""
    decided = {"decided_by": who, "decided_at": now} if who != events.SYSTEM else {}
    done = await connection.execute(
        update(actions)
        .where(actions.c.id == action.id, actions.c.state == action.state.value)
        .values(state=to.value, **decided, **more)
    )
    if done.rowcount:
        await say(connection, action, now, who, to.value, why)
    return bool(done.rowcount)


async def mark(connection: AsyncConnection, action: Action, **columns: Any) -> None:
    """Set columns that are no state: `routed`, `lifting`, `expires_at`. The Event is the caller's."""
    await connection.execute(update(actions).where(actions.c.id == action.id).values(**columns))


async def say(connection: AsyncConnection, action: Action, now: datetime, who: str, what: str, why: str) -> None:
    """The Event of something that happened to an action."""
    ids = (
        await connection.execute(select(actions.c.case_id, actions.c.clock_id).where(actions.c.id == action.id))
    ).one()
    what = f"action {action.kind.value} {what}"
    data = {"action": action.id}
    event = Event(now, who, what, f"{action.target}: {why}", case_id=ids.case_id, clock_id=ids.clock_id, data=data)
    await events.add(connection, [event])


def _joined() -> Select[Any]:
    return (
        select(actions, accounts.c.name.label("account"), customers.c.key.label("customer"), cases.c.opened_at)
        .outerjoin(cases, cases.c.id == actions.c.case_id)
        .outerjoin(accounts, accounts.c.id == actions.c.account_id)
        .outerjoin(customers, customers.c.id == accounts.c.customer_id)
    )


async def _read(connection: AsyncConnection, query: Select[Any]) -> list[Action]:
    rows = (await connection.execute(query)).all()
    agreed: dict[int, list[Agreed]] = {}
    if ids := [row.id for row in rows]:
        given = select(approvals).where(approvals.c.action_id.in_(ids)).order_by(approvals.c.id)
        for row in await connection.execute(given):
            agreed.setdefault(row.action_id, []).append(Agreed(row.who, row.at, row.why))
    return [_action(row, tuple(agreed.get(row.id, ()))) for row in rows]


def _action(row: Any, agreed: tuple[Agreed, ...]) -> Action:
    case = Case(0, "", CaseState.OPEN, row.opened_at, id=row.case_id) if row.case_id else None
    return Action(
        id=row.id,
        kind=ActionKind(row.kind),
        state=ActionState(row.state),
        target=row.target,
        why=row.why,
        needed=PERSONS[row.approval],
        created_at=row.created_at,
        approvals=agreed,
        case=case.number if case else None,
        account=f"{row.customer}/{row.account}" if row.customer else None,
        expires_at=row.expires_at,
        lifting=row.lifting,
    )

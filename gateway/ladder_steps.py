"""What follows from strikes: warnings and actions, rung by rung, in one transaction with the strike's own step.

A rung is begun when the warning below it has arrived; an immediate threat waits for nothing (PAG-6, PAG-7). Sending
and carrying out come later. Must never act without the approval that policy and defence ask for.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casework.actions import first_state
from gateway.casework.clocks import Proposal
from gateway.casework.defence import weigh
from gateway.casework.desk import Party
from gateway.casework.strikes import Mark, Strike, StrikeKind, StrikeState, may_step, rung_of
from gateway.house import House
from gateway.model import ActionKind, Case, CaseState, NoticeState
from gateway.policies.policy import Policy
from gateway.store import actions, events, notices, parties, strike_steps, strikes, switches
from gateway.store.events import Event
from gateway.store.strike_steps import Moving
from notifier.notice import NoticeKind, Why

_BATCH = 50
_OUR_FAULT = frozenset({Why.SENDER.value, Why.COMPOSE.value, Why.AUTHENTICATION.value, Why.TLS.value})

log = structlog.get_logger()


async def step(house: House) -> int:
    """Plan what is due for strikes. Returns how many moved."""
    async with house.database.reading() as connection:
        if not await strike_steps.any_moving(connection, house.clock() - house.bounce_grace, house.clock()):
            return 0
    async with house.database.writing() as connection:
        if await switches.is_paused(connection):
            return 0
        now = house.clock()
        moving = await strike_steps.moving(connection, now - house.bounce_grace, now, _BATCH)
        told = await parties.of_accounts(connection, sorted({one.strike.account_id for one in moving}))
        for one in moving:
            await _move(house, connection, one, told[one.strike.account_id], now)
    return len(moving)


async def _move(house: House, connection: AsyncConnection, one: Moving, party: Party, now: datetime) -> None:
    if one.strike.state == StrikeState.WAITING:
        await _begin(house, connection, one, party, now)
    elif one.notice_state == NoticeState.SENT.value:
        warned_at = (one.sent_at or now) + house.bounce_grace
        await strike_steps.settled(connection, one.strike, StrikeState.TOLD, warned_at)
        await _say(connection, one.strike, now, "warning delivered", f"{warned_at:%Y-%m-%d %H:%M}Z")
    elif one.strike.state in (StrikeState.TELLING, StrikeState.TOLD):
        if one.notice_why in _OUR_FAULT:  # the outbox gave the alarm: tried again when staff say so
            await strike_steps.wait(connection, one.strike.id, None)
            return
        await _warn(house, connection, one, party, now, contact=one.contact + 1)
    elif one.strike.state == StrikeState.UNREACHABLE:  # a dead contact is no immunity
        await strike_steps.settled(connection, one.strike, StrikeState.TOLD, now)
        await _say(connection, one.strike, now, "warning not deliverable", "the policy's time for that is over")


async def _begin(house: House, connection: AsyncConnection, one: Moving, party: Party, now: datetime) -> None:
    strike = one.strike
    live = (await strikes.of_accounts(connection, [strike.account_id]))[strike.account_id]
    if not may_step(strike, live):
        await strike_steps.wait(connection, strike.id, None)  # the one below wakes it
        return
    policy = house.book.of_label(strike.policy)
    if strike.kind == StrikeKind.THREAT:
        kinds = policy.ladder.threat.actions if policy.ladder.threat else (ActionKind.SUSPEND_ACCOUNT,)
        await _act(connection, one, (party, policy, kinds), now)
        return
    rung = rung_of(strike, policy.ladder)
    if rung is None:
        await strike_steps.settled(connection, strike, StrikeState.BEYOND, None)
        await _alarm(connection, strike, now, f"strike {strike.number} of {party.customer}: the ladder ends below it")
    elif rung.actions:
        await _act(connection, one, (party, policy, rung.actions), now)
    else:
        await _warn(house, connection, one, party, now, contact=0)


async def _act(
    connection: AsyncConnection,
    one: Moving,
    what: tuple[Party, Policy, tuple[ActionKind, ...]],
    now: datetime,
) -> None:
    """Plan the actions; the customer is told once they are done (`enforced`)."""
    party, policy, kinds = what
    strike = one.strike
    behind = await _behind(connection, strike, one.first_at)
    rows = []
    for kind in kinds:
        proposal, needs = weigh(policy, kind, party.customer, [mark.reporter for mark in behind])
        rows.append(_action_row(one, party, behind, proposal, needs) | {"created_at": now})
    await actions.plan(connection, rows)
    await strike_steps.settled(connection, strike, StrikeState.ACTING, None)
    for row in rows:
        await _say(connection, strike, now, f"action {row['kind']} {row['state']}", row["why"])
        if row["state"] == "proposed":
            await _alarm(connection, strike, now, f"{row['kind']} of {row['target']} waits for approval: {row['why']}")


async def _warn(
    house: House, connection: AsyncConnection, one: Moving, party: Party, now: datetime, contact: int
) -> None:
    """Plan the warning to this contact of the customer, or say that none is left."""
    strike = one.strike
    policy = house.book.of_label(strike.policy)
    if contact >= len(party.contacts):
        after = policy.delivery.undeliverable_after
        await strike_steps.unreachable(connection, strike.id, now + after if after else None)
        await _alarm(connection, strike, now, f"the warning to {party.customer} reaches nobody; tell them otherwise")
        return
    rung = rung_of(strike, policy.ladder)
    assert rung is not None  # a threat is never warned of, and what is beyond the ladder neither
    behind = await _behind(connection, strike, one.first_at)
    facts = _facts(one, party, behind)
    if rung.notice == "final-warning":
        facts |= _next(policy, strike)
    to = party.contacts[contact]
    key = f"strike:{strike.id}/1/{strike.number}/{rung.notice}/{to}"
    row = notices.planned(NoticeKind(rung.notice), key, to, facts, now, policy.language_for(party.language_of(to)))
    planned = await notices.plan(connection, [row | {"case_id": _case_id(behind)}])
    await strike_steps.telling(connection, strike.id, planned.get(key), contact)
    await _say(connection, strike, now, f"{rung.notice} planned", f"to {to}: {strike.why}")


async def _behind(connection: AsyncConnection, strike: Strike, first_at: datetime) -> list[Mark]:
    """What an action of this strike rests on: all strikes of the ladder so far, or the threat's own complaints."""
    if strike.kind == StrikeKind.THREAT:
        return await strikes.marks_of(connection, strike, first_at)
    return await strikes.ladder_marks(connection, strike.account_id)


def _action_row(one: Moving, party: Party, behind: list[Mark], proposal: Proposal, needs: str) -> dict[str, Any]:
    strike = one.strike
    what = "immediate threat" if strike.kind == StrikeKind.THREAT else f"strike {strike.number}"
    return {
        "key": f"strike:{strike.id}/1/{strike.number}/{proposal.kind.value}",
        "kind": proposal.kind.value,
        "state": first_state(proposal.approval).value,
        "approval": proposal.approval,
        "account_id": strike.account_id,
        "case_id": _case_id(behind),
        "clock_id": None,
        "strike_id": strike.id,
        "target": party.target,
        "why": f"{what}: {strike.why}" + (f"; {needs}" if needs else ""),
    }


def _facts(one: Moving, party: Party, behind: list[Mark]) -> dict[str, Any]:
    opened = sorted({(mark.case_id, mark.at.year) for mark in behind if mark.case_id is not None})
    return {
        "customer": party.name,
        "account": party.target,
        "complaints": one.complaints,
        "first_at": one.first_at.isoformat(),
        "last_at": one.strike.at.isoformat(),
        "cases": sorted({_number(case_id, one.strike.at) for case_id, _ in opened}),
        "policy": one.strike.policy,
    }


def _next(policy: Policy, strike: Strike) -> dict[str, Any]:
    """What the next strike brings."""
    rungs = policy.ladder.rungs[strike.number :]
    if not rungs or not rungs[0].actions:
        return {}
    kind = rungs[0].actions[0]
    return {"next_action": kind.value, "next_approval": policy.actions.approval_for(kind) != "none"}


def _number(case_id: int, at: datetime) -> str:
    return Case(0, "", CaseState.OPEN, at, id=case_id).number


def _case_id(behind: list[Mark]) -> int | None:
    return max((mark.case_id for mark in behind if mark.case_id is not None), default=None)


async def _say(connection: AsyncConnection, strike: Strike, now: datetime, what: str, why: str) -> None:
    data = {"strike": strike.id, "account": strike.account_id}
    await events.add(connection, [Event(now, events.SYSTEM, what, why, data=data)])


async def _alarm(connection: AsyncConnection, strike: Strike, now: datetime, why: str) -> None:
    log.warning("alarm", strike=strike.id, account=strike.account_id, why=why)
    await _say(connection, strike, now, "alarm", why)

"""What staff decide about strikes: a notice of activity, an immediate threat, a reset, one annulled, a customer told.

Each is one transaction with who and why in its events. What was carried out already is not lifted by itself: staff
are told. Must never send.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import ladder
from gateway.casework.states import NotAllowedError
from gateway.casework.strikes import Strike, StrikeKind, StrikeState, falls
from gateway.house import House
from gateway.ladder import Activity
from gateway.store import customers, desk, events, parties, strike_steps, strikes
from gateway.store.events import Event

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Standing:
    """An account's record for people: counts by state, and each strike as a row."""

    account: str
    policy: str
    marks: dict[str, int]
    strikes: list[dict[str, Any]]


async def standing(house: House, account: str) -> Standing:
    """Raises LookupError: there is no such account."""
    async with house.database.reading() as connection:
        account_id = await _account(connection, account)
        party = (await parties.of_accounts(connection, [account_id]))[account_id]
        counted = await strike_steps.counted(connection, account_id)
        rows = await strike_steps.listed(connection, account_id)
    return Standing(account, house.policy_for(party).label, counted, rows)


async def activity(house: House, account: str, *, who: str, why: str) -> int:
    """Staff saw it themselves (PAG-5). Returns how many strikes that makes."""
    async with house.database.writing() as connection:
        account_id = await _account(connection, account)
        now = house.clock()
        await desk.hold(connection, [account_id])
        whom = await parties.of_accounts(connection, [account_id])
        noticed = Activity(account_id, f"staff:{who}", f"{now.isoformat()} {why}", now, why)
        await events.add(connection, [Event(now, who, "activity noticed", f"{account}: {why}", data=_data(account_id))])
        return await ladder.notice(house, connection, whom, [noticed])


async def threat(house: House, account: str, *, who: str, why: str) -> None:
    """An immediate threat, for reasons of staff's own (PAG-7). Raises NotAllowedError: one stands already."""
    async with house.database.writing() as connection:
        account_id = await _account(connection, account)
        now = house.clock()
        await desk.hold(connection, [account_id])
        live = (await strikes.of_accounts(connection, [account_id]))[account_id]
        if any(strike.kind == StrikeKind.THREAT for strike in live):
            raise NotAllowedError(f"{account} is an immediate threat already; 'arfgate customer strikes {account}'")
        party = (await parties.of_accounts(connection, [account_id]))[account_id]
        declared = Strike(
            StrikeKind.THREAT, 0, now, house.policy_for(party).label, f"declared by {who}: {why}", account_id=account_id
        )
        await strikes.declare(connection, declared, who=who, now=now)


async def reset(house: House, account: str, *, who: str, why: str) -> int:
    """Begin anew: no strike stands, and what was counted so far counts no more. Returns how many fell."""
    async with house.database.writing() as connection:
        account_id = await _account(connection, account)
        now = house.clock()
        await desk.hold(connection, [account_id])
        live = (await strikes.of_accounts(connection, [account_id]))[account_id]
        await strikes.void(connection, f"reset: {why}", account_id=account_id)
        await _annul(connection, live, who, why, now)
        await events.add(connection, [Event(now, who, "strikes reset", f"{account}: {why}", data=_data(account_id))])
        return len(live)


async def annul(house: House, number: int, *, who: str, why: str) -> None:
    """A strike does not stand (an appeal was right): the ladder goes back by one. Its complaints stay used up."""
    async with house.database.writing() as connection:
        strike = await _strike(connection, number)
        await _annul(connection, [strike], who, why, house.clock())


async def told(house: House, number: int, *, who: str, why: str) -> None:
    """Staff reached the customer by other means: the warning counts as delivered now."""
    async with house.database.writing() as connection:
        strike = await _strike(connection, number)
        if strike.state not in (StrikeState.UNREACHABLE, StrikeState.TELLING):
            raise NotAllowedError(f"strike {number} is {strike.state.value}: there is no warning to deliver")
        now = house.clock()
        await strike_steps.settled(connection, strike, StrikeState.TOLD, now)
        await events.add(connection, [Event(now, who, "warning told", why, data=_data(strike.account_id, strike.id))])


async def void_case(house: House, connection: AsyncConnection, case_id: int, *, who: str, why: str) -> None:
    """The case was misattributed or false: its complaints count no more, and a strike falls that they carried."""
    now = house.clock()
    touched = await strikes.void(connection, why, case_id=case_id)
    for strike in await strikes.by_ids(connection, touched):
        rest = await strikes.marks_of(connection, strike)
        if falls(strike, house.book.of_label(strike.policy).ladder, rest):
            await _annul(connection, [strike], who, f"its complaints were {why}", now)


async def _annul(connection: AsyncConnection, fallen: Sequence[Strike], who: str, why: str, now: datetime) -> None:
    """Strikes fall with what was only planned for them; what was done already is for staff to lift."""
    for strike in fallen:
        await strike_steps.annul(connection, strike, who=who, why=why, now=now)
        data = _data(strike.account_id, strike.id)
        said = [Event(now, who, "strike annulled", f"strike {strike.number}: {why}", data=data)]
        for kind, target in await strike_steps.done_for(connection, strike):
            text = f"{kind} of {target} rests on a strike that was annulled: lift it"
            log.warning("alarm", strike=strike.id, why=text)
            said.append(Event(now, events.SYSTEM, "alarm", text, data=data))
        await events.add(connection, said)


async def _account(connection: AsyncConnection, name: str) -> int:
    found = await customers.account_named(connection, name)
    if found is None:
        raise LookupError(f"there is no account \"{name}\"; 'arfgate customer list' shows them")
    return found


async def _strike(connection: AsyncConnection, number: int) -> Strike:
    found = await strikes.by_ids(connection, [number])
    if not found:
        raise LookupError(f"there is no strike {number} that stands; 'arfgate customer strikes CUSTOMER' lists them")
    return found[0]


def _data(account_id: int, strike_id: int | None = None) -> dict[str, Any]:
    return {"account": account_id} | ({"strike": strike_id} if strike_id else {})

"""What staff do with whole cases: enter one by hand, put two together, take one apart, and what they write on it.

Each is one transaction with who and why in its events. Raises NotAllowedError or LookupError
with a sentence. Must never send, nor change how much time is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casework import cases
from gateway.casework.cases import Complaint
from gateway.casework.desk import Desk, Origin
from gateway.casework.states import NotAllowedError
from gateway.house import House
from gateway.model import Case, CaseKey, Severity
from gateway.store import case_moves, customers
from gateway.store import cases as case_store
from gateway.store import desk as desk_store
from gateway.store.events import Event
from parsers.fields import resource
from parsers.report import Category, ResourceKind, Role

_LONGEST = 4000  # characters of a note


async def enter(  # noqa: PLR0913  (whose, what, when, and who says so)
    house: House,
    account: str,
    cls: str,
    value: str,
    *,
    who: str,
    why: str,
    role: Role = Role.SOURCE,
    conduct_at: datetime | None = None,
    category: Category = Category.OTHER,
) -> Case:
    """A case that staff open themselves: a notice of activity without a report. The customer is told as ever."""
    now = house.clock()
    kind, value = _resource(value)
    async with house.database.writing() as connection:
        account_id = await customers.account_named(connection, account)
        if account_id is None:
            raise LookupError(f"there is no customer or account {account}; 'arfgate customer list' shows them")
        await desk_store.hold(connection, [account_id])
        desk = await desk_store.load(connection, [account_id])
        policy = house.policy_for(desk.parties[account_id])
        if cls not in policy.classes:
            raise NotAllowedError(f"policy {policy.name} has no class {cls}; it has {', '.join(policy.classes)}")
        complaint = Complaint(account_id, cls, kind, role, value, conduct_at)
        about: dict[str, object] = {"category": category.value, "hours": f"{policy.rule(cls).hours:g}", "note": why}
        change = desk.file(complaint, house.terms(policy, cls), Origin(about, who=who), now=now)
        key = change.clock.case_key
        await desk_store.save(connection, desk, now)
        case = desk.cases[key]
        await case_store.note(connection, case.number, Event(now, who, "entered by hand", f"{value}: {why}"))
    return case


async def merge(house: House, number: str, into: str, *, who: str, why: str) -> Case:
    """Put a case into another one of the same customer. What comes for it later goes there too."""
    now = house.clock()
    async with house.database.writing() as connection:
        desk = await _laid_out(connection, [number, into])
        source, target = (_key(desk, each) for each in (number, into))
        if source == target:
            raise NotAllowedError(f"case {number} cannot go into itself")
        here, there = (desk.parties[key[0]] for key in (source, target))
        if here.customer != there.customer:
            raise NotAllowedError(
                f"{number} is {here.customer}'s and {into} is {there.customer}'s: only one's own merge"
            )
        moving = cases.merge(desk.cases[source], desk.cases[target], desk.of_case(source), desk.of_case(target))
        await case_moves.merge(
            connection,
            desk.cases[source],
            desk.cases[target],
            moving,
            keeps_coming=len(source) == 2 and source != target[:2],  # the latest of its kind, and not of the target's
            who=who,
            why=why,
            now=now,
        )
        return desk.cases[target]


async def split(house: House, number: str, resources: Sequence[str], *, who: str, why: str) -> str:
    """Give some of a case's resources a case of their own; returns its number. What comes about them goes there."""
    now = house.clock()
    async with house.database.writing() as connection:
        desk = await _laid_out(connection, [number])
        key = _key(desk, number)
        case = desk.cases[key]
        moving = cases.split(case, desk.of_case(key), [_resource(value)[1] for value in resources])
        made = await case_moves.split(connection, case, moving, who=who, why=why, now=now)
        after = await desk_store.load_cases(connection, [case.id or 0, made])
        for each in list(after.cases):
            after.settle(each, now)  # what is left, or what went, may all be resolved
        await desk_store.save(connection, after, now)
        return next(c.number for c in after.cases.values() if c.id == made)


async def note(house: House, number: str, text: str, *, who: str) -> None:
    """A note on the case, for staff alone."""
    if not text.strip():
        raise NotAllowedError("the note is empty")
    await _write(house, number, "note", text.strip()[:_LONGEST], {}, who)


async def assign(house: House, number: str, assignee: str | None, *, who: str, why: str = "") -> None:
    """Who sees to the case; None: nobody."""
    said = f"{assignee or 'nobody'}: {why}" if why else assignee or "nobody"
    await _write(house, number, "case assigned", said, {"assignee": assignee}, who)


async def press(house: House, number: str, severity: Severity, *, who: str, why: str) -> None:
    """How much the case presses."""
    await _write(house, number, f"severity {severity.value}", why, {"severity": severity.value}, who)


async def hold(house: House, number: str, *, on: bool, who: str, why: str) -> None:
    """A legal hold: nothing of the case is erased while it lasts, whatever the retention says."""
    await _write(house, number, "legal hold set" if on else "legal hold lifted", why, {"legal_hold": on}, who)


async def _write(house: House, number: str, what: str, why: str, values: Mapping[str, object], who: str) -> None:
    async with house.database.writing() as connection:
        await case_store.note(connection, number, Event(house.clock(), who, what, why), values)


async def _laid_out(connection: AsyncConnection, numbers: Sequence[str]) -> Desk:
    return await desk_store.load_cases(connection, [case_store.case_id_of(number) for number in numbers])


def _key(desk: Desk, number: str) -> CaseKey:
    wanted = case_store.case_id_of(number)
    found = next((key for key, case in desk.cases.items() if case.id == wanted), None)
    if found is None:
        raise NotAllowedError(f"there is no case {number}; 'arfgate case list --all' shows them")
    return found


def _resource(text: str) -> tuple[ResourceKind, str]:
    """An address, a mailbox or a host, as reports name them. Raises NotAllowedError."""
    found = resource(text.strip())
    if found is None:
        raise NotAllowedError(f"{text!r} is no address, host or mailbox; write it as 192.0.2.7 or www.example.net")
    return found

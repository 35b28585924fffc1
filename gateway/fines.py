"""Fines (SES-3): staff charge the complaints of a case that they hold valid, or the policy's switch does when the case
is closed as the customer's fault; a dismissed case takes its charges back.

Each is one transaction. Must never charge where the policy has no fine.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casework import ledger
from gateway.casework.states import NotAllowedError
from gateway.house import House
from gateway.model import Case, CaseState
from gateway.policies.measures import Fines
from gateway.store import cases as case_store
from gateway.store import charges
from gateway.store import desk as desk_store


async def charge(
    house: House, number: str, *, who: str, why: str, reports: Sequence[int] = (), amount: Decimal | None = None
) -> int:
    """Charge a case's complaints (of these reports; none named: all) that were not charged before. Returns how many.
    `amount` in the policy's currency instead of its own. Raises NotAllowedError."""
    async with house.database.writing() as connection:
        case = await _case(connection, number)
        rules = _rules(house, case)
        counted = await charges.complaints(connection, case.id or 0)
        if unknown := sorted(set(reports) - {one.report_id for one in counted}):
            raise NotAllowedError(
                f"case {case.number} has no accepted report {unknown[0]}; 'arfgate case show' lists them"
            )
        wanted = ledger.plan(one for one in counted if not reports or one.report_id in reports)
        price = amount or rules.amount
        assert price is not None  # the policy was checked
        done = await charges.add(
            connection, wanted, case.id, price, rules.currency, who=who, why=why, now=house.clock()
        )
        if done == 0:
            raise NotAllowedError(
                f"nothing to charge: every complaint of {case.number} was charged before, or has none"
            )
        return done


async def reverse(house: House, ids: Sequence[int], *, who: str, why: str) -> int:
    """Take these charges back, once each. Raises NotAllowedError."""
    async with house.database.writing() as connection:
        await charges.hold(connection, ids=ids)
        lines = await charges.listed(connection, ids=ids)
        open_ = {line.id: line for line in ledger.open_charges(lines)}
        for number in ids:
            if number not in open_:
                known = any(line.id == number for line in lines)
                said = "was reversed before, or is a reversal itself" if known else "does not exist"
                raise NotAllowedError(f"charge {number} {said}; 'arfgate charge list' shows them")
        await charges.reverse(connection, [open_[n] for n in dict.fromkeys(ids)], who=who, why=why, now=house.clock())
        return len(open_.keys() & set(ids))


async def case_ended(house: House, connection: AsyncConnection, case: Case, *, who: str) -> None:
    """In the transaction that ends a case: "auto" charges what was the customer's fault; what was not is reversed."""
    rules, now = house.policy_of(case).fines, house.clock()
    cause = case.cause.value if case.cause else ""
    if case.state == CaseState.DISMISSED:
        await charges.hold(connection, case_id=case.id)
        lines = ledger.open_charges(await charges.listed(connection, case_id=case.id))
        await charges.reverse(connection, lines, who=who, why=f"case {case.number} is dismissed: {cause}", now=now)
    elif case.state == CaseState.CLOSED and rules.mode == "auto" and _applies(rules, case) and rules.amount:
        wanted = ledger.plan(await charges.complaints(connection, case.id or 0))
        why = f"complaint in {case.number}, closed as {cause}"
        await charges.add(connection, wanted, case.id, rules.amount, rules.currency, who=who, why=why, now=now)


def _rules(house: House, case: Case) -> Fines:
    policy = house.policy_of(case)
    rules = policy.fines
    if rules.mode == "off":
        raise NotAllowedError(f"policy {policy.label} has no fines; fines.mode says who charges")
    if not _applies(rules, case):
        raise NotAllowedError(f"policy {policy.label} has no fine for cases of the class {case.cls}")
    return rules


def _applies(rules: Fines, case: Case) -> bool:
    return not rules.classes or case.cls in rules.classes


async def _case(connection: AsyncConnection, number: str) -> Case:
    desk = await desk_store.load_cases(connection, [case_store.case_id_of(number)])
    if not desk.cases:
        raise NotAllowedError(f"there is no case {number}; 'arfgate case list --all' shows them")
    case = next(iter(desk.cases.values()))
    if case.state == CaseState.DISMISSED:
        raise NotAllowedError(f"case {case.number} is dismissed: nothing of it is charged")
    return case

"""Mute rules as staff make them: complaints that are counted and not forwarded, for a reason and a time.

Must never decide what a rule catches: `casework.mutes` does.
"""

from __future__ import annotations

from datetime import timedelta

from gateway.casework.mutes import Mute, MuteKind
from gateway.house import House
from gateway.intake import customer_values
from gateway.intake.customer_values import BadValueError
from gateway.store import customers, mutes

MOST_DAYS = 366


class MuteError(ValueError):
    """It is no rule; the text says what is missing."""


async def add(house: House, kind: str, value: str, days: int, *, who: str, why: str) -> int:
    """A rule that holds from now on. Returns its number. Raises MuteError."""
    if kind not in set(MuteKind):
        raise MuteError(f"choose what the rule is about: {', '.join(MuteKind)}")
    about, family, first, last = MuteKind(kind), 0, 0, 0
    if not value.strip():
        raise MuteError("say what the rule is about: an address or prefix, a customer's key, a class or a feed's name")
    if about is MuteKind.ADDRESS:
        try:
            value, family, first, last = customer_values.resource(value)
        except BadValueError as error:
            raise MuteError(f"{value[:80]!r} {error}") from None
        if not family:
            raise MuteError(f"{value!r} is no address or prefix")
    else:
        await _must_exist(house, about, value.strip())
    if not why.strip():
        raise MuteError("say why: the reason is kept")
    if not 1 <= days <= MOST_DAYS:
        raise MuteError(f"a rule holds for 1 to {MOST_DAYS} days")
    now = house.clock()
    rule = Mute(0, about, value.strip(), now + timedelta(days=days), family, first, last)
    async with house.database.writing() as connection:
        return await mutes.add(connection, rule, why.strip(), who=who, now=now)


async def _must_exist(house: House, kind: MuteKind, value: str) -> None:
    """A rule about nothing would hold, and catch nothing. Raises MuteError."""
    name = repr(value[:80])
    if kind is MuteKind.CUSTOMER:
        async with house.database.reading() as connection:
            if await customers.customer_named(connection, value) is None:
                raise MuteError(f"there is no customer {name}; `arfgate customer list` shows them")
    elif kind is MuteKind.CLASS:
        if value not in (classes := house.book.classes()):
            raise MuteError(f"there is no class {name}; choose of: {', '.join(sorted(classes))}")
    elif value not in (feeds := {feed.name for feed in house.border().feeds}):
        raise MuteError(f"there is no feed {name}; registered are: {', '.join(sorted(feeds))}")


async def lift(house: House, number: int, *, who: str) -> bool:
    """End a rule before its time. False: there is none that holds."""
    async with house.database.writing() as connection:
        return await mutes.lift(connection, number, who=who, now=house.clock())

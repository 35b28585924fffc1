"""What staff decide about a case, each a form of its page: the functions of the command line, and their sentences.

Must never decide anything itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway import appeals, consents, queue_rules, staff, staff_cases, staff_reopen
from gateway.casework.states import NotAllowedError
from gateway.model import Cause, Severity
from gateway.queue import QueueError
from gateway.staff import Solved
from gateway.store import cases, desk_drawer
from gateway.web.console import case
from gateway.web.visit import Place, Role, Visit

_TEXT_CHARS = 4000
_MOST_HOURS = 24 * 90
_FIELDS = ("text", "hours", "prevention", "since", "resource", "cause", "person", "severity", "into", "campaign")

Decide = Callable[[Visit, str], Awaitable[Any]]


async def note(visit: Visit, number: str) -> None:
    await staff_cases.note(visit.house, number, await _text(visit), who=visit.who)


async def extend(visit: Visit, number: str) -> None:
    try:
        hours = float(visit.field("hours"))
    except ValueError:
        hours = 0
    if not 0 < hours <= _MOST_HOURS:
        raise NotAllowedError(f"say how many hours more, up to {_MOST_HOURS}")
    await staff.extend(visit.house, number, hours, who=visit.who, why=await _reason(visit))


async def resolve(visit: Visit, number: str) -> None:
    await staff.resolve(visit.house, number, await _solved(visit), who=visit.who)


async def close(visit: Visit, number: str) -> None:
    said = visit.field("cause")
    if said not in set(Cause):
        raise NotAllowedError("choose a cause: a case is closed with one")
    await staff.resolve(visit.house, number, await _solved(visit), who=visit.who, cause=Cause(said))


async def reject(visit: Visit, number: str) -> None:
    await staff.reject_answer(visit.house, number, who=visit.who, why=await _reason(visit))


async def told(visit: Visit, number: str) -> None:
    await staff.told(visit.house, number, who=visit.who, why=await _reason(visit))


async def retry(visit: Visit, number: str) -> None:
    await staff.retry(visit.house, number, who=visit.who, why=await _reason(visit))


async def assign(visit: Visit, number: str) -> None:
    """To who is named; `me`: to who asks; empty: to nobody."""
    person = visit.field("person", 100)
    person = visit.who if person == "me" else person
    await staff_cases.assign(visit.house, number, person or None, who=visit.who, why=await _text(visit))


async def severity(visit: Visit, number: str) -> None:
    said = visit.field("severity")
    if said not in set(Severity):
        raise NotAllowedError("choose how much it presses")
    await staff_cases.press(visit.house, number, Severity(said), who=visit.who, why=await _text(visit))


async def hold(visit: Visit, number: str) -> None:
    on = visit.field("on") == "yes"
    await staff_cases.hold(visit.house, number, on=on, who=visit.who, why=await _reason(visit))


async def reopen(visit: Visit, number: str) -> str:
    resource = visit.field("resource") or None
    found = await staff_reopen.reopen(visit.house, number, who=visit.who, why=await _reason(visit), resource=resource)
    return found.number


async def merge(visit: Visit, number: str) -> str:
    found = await staff_cases.merge(
        visit.house, number, visit.field("into", 40), who=visit.who, why=await _reason(visit)
    )
    return found.number


async def split(visit: Visit, number: str) -> str:
    ticked = visit.fields("resource")
    if not ticked:
        raise NotAllowedError("tick the resources that get a case of their own")
    return await staff_cases.split(visit.house, number, ticked, who=visit.who, why=await _reason(visit))


async def appeal(visit: Visit, number: str) -> None:
    granted = visit.field("granted")
    if granted not in {"yes", "no"}:
        raise NotAllowedError("grant the review or refuse it")
    await appeals.decide(visit.house, number, granted=granted == "yes", who=visit.who, why=await _reason(visit))


async def consent(visit: Visit, number: str) -> None:
    await consents.ask(visit.house, number, visit.field("campaign", 200), who=visit.who)


def _place(name: str, decide: Decide, role: Role = Role.ANALYST) -> Place:
    async def answer(visit: Visit) -> Response:
        number = visit.text("number")
        if cases.case_id_of(number) < 1:
            raise HTTPException(404)
        try:
            other = await decide(visit, number)
        except (NotAllowedError, LookupError, QueueError) as error:
            return await case.show(visit, number, str(error), 422, **visit.plain(_FIELDS))
        return visit.go(f"/case/{other or number}?done={name}")

    return Place(f"/case/{{number}}/{name}", answer, role, "POST")


async def _solved(visit: Visit) -> Solved:
    since = visit.field("since")
    resource = visit.field("resource") or None
    return Solved(
        await _reason(visit),
        visit.field("prevention", _TEXT_CHARS),
        queue_rules.moment(since) if since else None,
        resource if visit.field("cause") == "" else None,
    )


async def _reason(visit: Visit) -> str:
    """What was typed, behind the canned text that was chosen. Raises NotAllowedError where it is empty."""
    said = await _text(visit)
    if not said:
        raise NotAllowedError("say why: the reason is kept with the case")
    return said


async def _text(visit: Visit) -> str:
    typed, name = visit.field("text", _TEXT_CHARS), visit.field("canned")
    if not name:
        return typed
    async with visit.house.database.reading() as connection:
        kept = next((one.text for one in await desk_drawer.canned(connection) if str(one.id) == name), "")
    return "\n".join(filter(None, (kept, typed)))[:_TEXT_CHARS]


PLACES = (
    _place("note", note),
    _place("extend", extend),
    _place("resolve", resolve),
    _place("close", close),
    _place("reject", reject),
    _place("told", told),
    _place("retry", retry),
    _place("assign", assign),
    _place("severity", severity),
    _place("hold", hold, Role.APPROVER),
    _place("reopen", reopen),
    _place("merge", merge),
    _place("split", split),
    _place("appeal", appeal, Role.APPROVER),
    _place("consent", consent),
)

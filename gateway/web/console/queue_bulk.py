"""More of the queue: several entries at once, put off, another network's, and taking a decision back.

It decides nothing: `gateway.queue_acts` does. Must never take back what a customer was told.
"""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import Response

from gateway import queue_acts
from gateway.queue import NoEntryError, QueueError
from gateway.web.console import queue
from gateway.web.visit import Place, Role, Visit, whole

_MOST_HOURS = 24 * 90


async def bulk(visit: Visit) -> Response:
    """What was ticked, with all that waits like it: assigned, rejected, put off or given to another network."""
    try:
        done = await _decide(visit, await _ticked(visit))
    except NoEntryError:
        raise
    except QueueError as error:
        return await queue.show(visit, None, str(error), 422)
    return visit.go(queue.after(done))


async def snooze(visit: Visit) -> Response:
    number = visit.number("entry")
    try:
        done = await queue_acts.snooze(
            visit.house, await _with_alike(visit, number), visit.house.clock() + _hours(visit), visit.who
        )
    except QueueError as error:
        return await queue.refused(visit, number, error)
    return visit.go(queue.after(done))


async def not_ours(visit: Visit) -> Response:
    """The entry stays open beside it: the contacts of the other network stand there."""
    number, alike = visit.number("entry"), visit.field("alike") == "yes"
    try:
        done = await queue_acts.not_ours(visit.house, number, visit.who, alike=alike)
    except QueueError as error:
        return await queue.refused(visit, number, error)
    return visit.go(queue.after(done.ids, f"/queue/{number}"))


async def undo(visit: Visit) -> Response:
    """Of several, each that can still be taken back is; the page says which could not."""
    ids = [number for said in visit.fields("entry") if (number := whole(said)) is not None]
    whole_rule = visit.field("rule") == "yes"
    refused: list[str] = []
    back: list[int] = []
    for number in ids[: queue.MOST_LAST]:
        try:
            back += await queue_acts.undo(visit.house, number, visit.who, whole_rule=whole_rule)
        except QueueError as error:
            refused.append(str(error))
        if whole_rule:
            break
    if refused or not back:
        return await queue.show(visit, None, "; ".join(refused[:3]) or "There is nothing to take back.", 422)
    return visit.go(f"/queue/{back[0]}")


async def _decide(visit: Visit, ids: list[int]) -> list[int]:
    house, who = visit.house, visit.who
    match visit.field("do"):
        case "assign":
            return (await queue_acts.assign(house, ids, queue.account_of(visit), who))[0]
        case "reject":
            return await queue_acts.reject(house, ids, visit.field("reason"), who)
        case "snooze":
            return await queue_acts.snooze(house, ids, house.clock() + _hours(visit), who)
        case "not-ours":
            return [one for i in ids for one in (await queue_acts.not_ours(house, i, who)).ids]
    raise QueueError("choose what is to be done with those ticked")


async def _ticked(visit: Visit) -> list[int]:
    """The ticked entries with all that wait like them. Raises QueueError."""
    ids: list[int] = []
    for said in visit.fields("entry", queue.MOST_LAST):
        if (number := whole(said)) is not None:
            ids += await queue_acts.alike(visit.house, number)
    if not ids:
        raise QueueError("tick the entries that this is about")
    return ids


async def _with_alike(visit: Visit, number: int) -> list[int]:
    return await queue_acts.alike(visit.house, number) if visit.field("alike") == "yes" else [number]


def _hours(visit: Visit) -> timedelta:
    said = visit.field("hours")
    hours = int(said) if said.isascii() and said.isdecimal() and len(said) < 5 else 0
    if not 0 < hours <= _MOST_HOURS:
        raise QueueError(f"say for how many hours, up to {_MOST_HOURS}")
    return timedelta(hours=hours)


PLACES = (
    Place("/queue/bulk", bulk, Role.ANALYST, "POST"),
    Place("/queue/undo", undo, Role.ANALYST, "POST"),
    Place("/queue/{entry}/snooze", snooze, Role.ANALYST, "POST"),
    Place("/queue/{entry}/not-ours", not_ours, Role.ANALYST, "POST"),
)

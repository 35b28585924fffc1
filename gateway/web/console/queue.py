"""The unmatched queue: what attribution cannot place, and the ways out of it.

It decides nothing: `gateway.queue` and `gateway.queue_rules` do. Must never show evidence as anything but text.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from gateway import queue, queue_rules
from gateway.queue import DecidedError, NoEntryError, QueueError
from gateway.queue_groups import bundles
from gateway.queue_rules import Terms
from gateway.queue_view import look
from gateway.store import customers
from gateway.store import queue as store
from gateway.web import trace
from gateway.web.evidence import hand_out
from gateway.web.visit import Place, Role, Visit, whole

_GROUPS = 200  # shown at once
_ACCOUNTS = 1000  # offered while typing
MOST_LAST = 100  # entries that an address names to be taken back
_FORM = ("account", "other", "which", "resource", "from", "to", "reason", "alike")


async def listing(visit: Visit) -> Response:
    """The list; on a wide screen with the first entry beside it."""
    return await show(visit, None)


async def entry(visit: Visit) -> Response:
    return await show(visit, visit.number("entry"))


async def mail(visit: Visit) -> Response:
    """The bytes as they came, to be saved and never shown."""
    found = await queue.entry(visit.house, visit.number("entry"))
    return hand_out(visit, "report", found.report_id, f"entry-{found.id}")


async def assign(visit: Visit) -> Response:
    number = visit.number("entry")
    try:
        await queue.assign(visit.house, number, account_of(visit), visit.who, visit.field("which") or None)
    except QueueError as error:
        return await refused(visit, number, error)
    return visit.go(after([number]))


async def preview(visit: Visit) -> Response:
    """What a rule would place; nothing is changed before the next page's button."""
    number = visit.number("entry")
    try:
        rule, would = await queue_rules.preview_rule(visit.house, number, _terms(visit))
    except QueueError as error:
        return await refused(visit, number, error)
    return visit.show("console/preview.html", entry_id=number, rule=rule, would=would, form=visit.plain(_FORM))


async def make_rule(visit: Visit) -> Response:
    number = visit.number("entry")
    try:
        _, placed = await queue_rules.assign_rule(visit.house, number, _terms(visit), visit.who)
    except QueueError as error:
        return await refused(visit, number, error)
    return visit.go(after([number], count=len(placed), rule=True))


async def reject(visit: Visit) -> Response:
    number, alike = visit.number("entry"), visit.field("alike") == "yes"
    try:
        done = await queue.reject(visit.house, number, visit.field("reason"), visit.who, alike=alike)
    except QueueError as error:
        return await refused(visit, number, error)
    return visit.go(after(done))


PLACES = (
    Place("/queue", listing, Role.VIEWER),
    Place("/queue/{entry}", entry, Role.VIEWER, personal=True),
    Place("/queue/{entry}/mail", mail, Role.VIEWER, personal=True),
    Place("/queue/{entry}/assign", assign, Role.ANALYST, "POST"),
    Place("/queue/{entry}/preview", preview, Role.ANALYST, "POST"),
    Place("/queue/{entry}/rule", make_rule, Role.ANALYST, "POST"),
    Place("/queue/{entry}/reject", reject, Role.ANALYST, "POST"),
)


async def show(visit: Visit, entry_id: int | None, error: str = "", status: int = 200) -> Response:
    async with visit.house.database.reading() as connection:
        groups = await store.groups(connection, _GROUPS)
        waiting = await store.count(connection)
        accounts = await customers.by_name(connection, _ACCOUNTS)
    chosen = entry_id if entry_id is not None else next((g.entry.id for g in groups), None)
    ask = entry_id is not None  # the list does not wait for somebody else's server
    view = await look(visit.house, chosen, ask=ask) if chosen is not None else None
    return visit.show(
        "console/queue.html",
        status,
        bundles=bundles(groups),
        most=len(groups) >= _GROUPS,
        group=next((g for g in groups if view and g.entry.id in view.alike), None),
        waiting=waiting,
        view=view,
        opened=entry_id is not None,
        accounts=accounts,
        form=visit.plain(_FORM),
        error=error,
        last=await _last(visit),
        nameless=queue.NAMELESS,
        analyst=visit.may(Role.ANALYST),
        drawing=trace.draw(view.trace) if view else None,
        whose=trace.whose,
    )


def after(done: list[int], path: str = "/queue", *, count: int | None = None, rule: bool = False) -> str:
    """The address that tells what was decided, and offers to take it back."""
    named = ",".join(str(number) for number in done[:MOST_LAST])
    return f"{path}?last={named}&count={count or len(done)}" + ("&rule=1" if rule else "")


async def _last(visit: Visit) -> dict[str, Any] | None:
    """What was decided just before, read from the database: an address can only name the entries."""
    ids = [number for said in visit.asked("last").split(",")[:MOST_LAST] if (number := whole(said)) is not None]
    try:
        found = await queue.entry(visit.house, ids[0]) if ids else None
    except NoEntryError:
        return None
    if found is None or found.queue == store.WAITING:
        return None
    count = visit.asked_number("count") or len(ids)
    return {"entry": found, "ids": ids, "count": count, "rule": visit.asked("rule") == "1"}


async def refused(visit: Visit, entry_id: int, error: QueueError) -> Response:
    if isinstance(error, NoEntryError):
        raise error
    return await show(visit, entry_id, str(error), 409 if isinstance(error, DecidedError) else 422)


def account_of(visit: Visit) -> str:
    """The account that was typed, else the candidate that was chosen. Raises QueueError."""
    account = visit.field("other") or visit.field("account")
    if not account:
        raise QueueError("Choose a candidate, or write a customer's key.")
    return account


def _terms(visit: Visit) -> Terms:
    start, end = visit.field("from"), visit.field("to")
    return Terms(
        account_of(visit),
        queue_rules.moment(start),
        queue_rules.moment(end) if end else None,
        visit.field("resource") or None,
    )

"""What waits for somebody's agreement: actions on customers and the block list, mails to third parties, reviews.

An action shows its plan before anybody agrees. Must never decide: `gateway.measures` does, and nothing is carried out
from here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway import measures, notice_preview
from gateway.casework.states import NotAllowedError
from gateway.model import ActionState
from gateway.store import action_steps, actions, appeals, cases, notices
from gateway.store.actions import NoActionError
from gateway.web.visit import Place, Role, Visit

_WAITING = (ActionState.PROPOSED, ActionState.ASKED, ActionState.FAILED)
_LINES = 200
_TEXT_CHARS = 1000
DONE = {
    "approve": "It is agreed to.",
    "reject": "It will not be done.",
    "done": "It is kept that it was carried out.",
    "retry": "The connectors try again.",
    "undo": "It is being undone.",
}

Decide = Callable[..., Awaitable[Any]]


async def listing(visit: Visit) -> Response:
    """`?done=`: what was decided just before."""
    async with visit.house.database.reading() as connection:
        waiting = await actions.listed(connection, states=_WAITING, limit=_LINES)
        mails = await notices.proposed(connection)
        reviews = await appeals.of_case(connection)
        lines = await cases.lines(connection, sorted({row["case_id"] for row in reviews})[:_LINES])
    numbers = {line.id: line for line in lines}
    return visit.show(
        "console/approvals.html",
        actions=waiting,
        mails=mails[:_LINES],
        reviews=[(row, numbers[row["case_id"]]) for row in reviews if row["case_id"] in numbers],
        approver=visit.may(Role.APPROVER),
        sent=visit.asked_number("sent"),
        refused=visit.asked_number("refused"),
    )


async def one(visit: Visit) -> Response:
    return await _show(visit, visit.number("action"))


async def _show(visit: Visit, number: int, error: str = "", status: int = 200) -> Response:
    try:
        action, plan = await measures.plan(visit.house, number)
    except NoActionError:
        raise HTTPException(404) from None
    async with visit.house.database.reading() as connection:
        steps = await action_steps.of(connection, number)
    state = action.state
    return visit.show(
        "console/action.html",
        status,
        action=action,
        plan=plan,
        steps=steps,
        error=error,
        done=DONE.get(visit.asked("done"), ""),
        analyst=visit.may(Role.ANALYST),
        approver=visit.may(Role.APPROVER),
        may={
            "approve": state is ActionState.PROPOSED and not plan.refusals,
            "reject": state in (ActionState.PROPOSED, ActionState.ASKED),
            "done": state in (ActionState.ASKED, ActionState.FAILED),
            "retry": any(step.state == action_steps.FAILED for step in steps),
            "undo": state in (ActionState.DONE, ActionState.APPROVED, ActionState.FAILED) and not action.lifting,
        },
    )


def _place(name: str, decide: Decide, role: Role) -> Place:
    async def answer(visit: Visit) -> Response:
        number, why = visit.number("action"), visit.field("text", _TEXT_CHARS)
        if not why:
            return await _show(visit, number, "say why: the reason is kept with the action", 422)
        try:
            await decide(visit.house, number, who=visit.who, why=why)
        except NoActionError:
            raise HTTPException(404) from None
        except NotAllowedError as error:
            return await _show(visit, number, str(error), 422)
        return visit.go(f"/action/{number}?done={name}")

    return Place(f"/action/{{action}}/{name}", answer, role, "POST")


async def mails(visit: Visit) -> Response:
    """Several mails to third parties at once: `send` yes or no; those that no longer wait are passed over."""
    send = visit.field("send")
    numbers = [int(said) for said in visit.fields("notice") if said.isascii() and said.isdecimal() and len(said) < 10]
    if send not in {"yes", "no"} or not numbers:
        raise HTTPException(422, "Tick the mails that this is about.")
    count = 0
    async with visit.house.database.writing() as connection:
        for number in numbers:
            count += await notices.decide(
                connection, number, send=send == "yes", who=visit.who, now=visit.house.clock()
            )
    return visit.go(f"/approvals?{'sent' if send == 'yes' else 'refused'}={count}")


async def mail(visit: Visit) -> Response:
    """A mail to a third party in words, as it would go out."""
    number = visit.number("notice")
    async with visit.house.database.reading() as connection:
        found = await notices.one(connection, number)
        line = await cases.lines(connection, [found.case_id] if found and found.case_id else [])
    if found is None or not found.facts.get("contact_source"):
        raise HTTPException(404)
    try:
        wording = notice_preview.shown(visit.house, await notice_preview.stored(visit.house, number))
    except LookupError as error:
        raise HTTPException(422, f"This notice cannot be written: {error}") from None
    case = line[0].number if line else ""
    return visit.show(
        "console/notice.html", number=case, notice=found, wording=wording, languages=(), kinds=(), back="/approvals",
        at="",
    )  # fmt: skip


PLACES = (
    Place("/approvals", listing, Role.VIEWER),
    Place("/approvals/mails", mails, Role.APPROVER, "POST"),
    Place("/approvals/mail/{notice}", mail, Role.VIEWER, personal=True),
    Place("/action/{action}", one, Role.VIEWER),
    _place("approve", measures.approve, Role.APPROVER),
    _place("reject", measures.reject, Role.APPROVER),
    _place("done", measures.done, Role.ANALYST),
    _place("retry", measures.retry, Role.ANALYST),
    _place("undo", measures.undo, Role.APPROVER),
)

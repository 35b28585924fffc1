"""The routes of /api/v1. Each calls what the console and the command line call.

Must never hold SQL or a decision.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query, Request

from gateway import queue, statistics
from gateway.roles import Role
from gateway.statistics import PeriodError
from gateway.store import case_lists, cases, customer_card, messages
from gateway.store import queue as queue_store
from gateway.store.case_lists import Wanted
from gateway.store.messages import Arrived
from gateway.web.api import models
from gateway.web.api.access import HouseGiven, Text, caller
from gateway.web.visit import Visitor

_MOST_NUMBER = 2**53
MOST_MAIL = 25 * 1024 * 1024
_EVENTS = 500
_SAID: dict[int | str, dict[str, Any]] = {
    code: {"model": models.Trouble} for code in (400, 401, 403, 404, 409, 413, 422)
}

router = APIRouter(responses=_SAID)

Entry = Annotated[int, Path(ge=1, le=_MOST_NUMBER)]
Limit = Annotated[int, Query(ge=1, le=200)]
Viewer = Annotated[Visitor, caller(Role.VIEWER)]
Looker = Annotated[Visitor, caller(Role.VIEWER, personal=True)]
Analyst = Annotated[Visitor, caller(Role.ANALYST)]
Sender = Annotated[Visitor, caller(Role.ANALYST, most_body=MOST_MAIL)]


@router.get("/cases")
async def list_cases(
    house: HouseGiven,
    _: Viewer,
    state: Annotated[Text, Query(description="As the console's filter: open, overdue, all ...")] = "open",
    customer: Text = "",
    resource: Text = "",
    after: Text = "",
    limit: Limit = 50,
) -> models.CasePage:
    """Cases, those that run out next first."""
    if state not in case_lists.STATES:
        raise HTTPException(422, f"state: one of {', '.join(case_lists.STATES)}")
    wanted = Wanted(state=state, customer=customer, resource=resource)
    async with house.database.reading() as connection:
        page = await case_lists.page(connection, wanted, limit, after)
    return models.CasePage.model_validate({"cases": page.lines, "after": page.after})


@router.get("/cases/{number}")
async def show_case(house: HouseGiven, _: Looker, number: Annotated[Text, Path()]) -> models.Case:
    """One case. That it was read is written to the access log."""
    async with house.database.reading() as connection:
        found = await cases.shown(connection, number)
    if found is None:
        raise HTTPException(404, "There is no such case.")
    return models.Case.model_validate(found | {"events": found["events"][-_EVENTS:]})


@router.get("/queue")
async def list_queue(
    house: HouseGiven,
    _: Looker,
    before: Annotated[int | None, Query(ge=1, le=_MOST_NUMBER)] = None,
    limit: Limit = 50,
) -> models.QueuePage:
    """What waits for somebody to say whose it is, the newest first."""
    async with house.database.reading() as connection:
        entries = await queue_store.newest_waiting(connection, before, limit)
    following = entries[-1].id if len(entries) == limit else None
    return models.QueuePage.model_validate({"entries": entries, "before": following})


@router.get("/queue/{entry}")
async def show_entry(house: HouseGiven, _: Looker, entry: Entry) -> models.QueueEntry:
    return models.QueueEntry.model_validate(await queue.entry(house, entry))


@router.post("/queue/{entry}/assign")
async def assign(house: HouseGiven, who: Analyst, entry: Entry, said: models.Assign) -> models.QueueEntry:
    """Place it with an account and file it."""
    done = await queue.assign(house, entry, said.account, who.name, said.resource or None)
    return models.QueueEntry.model_validate(done)


@router.post("/queue/{entry}/reject")
async def reject(house: HouseGiven, who: Analyst, entry: Entry, said: models.Reject) -> models.Rejected:
    """Out of the queue for good."""
    return models.Rejected(entries=await queue.reject(house, entry, said.reason, who.name, alike=said.alike))


@router.post(
    "/reports",
    status_code=202,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"message/rfc822": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def submit(house: HouseGiven, _: Sender, request: Request) -> models.Submitted:
    """Take a mail in as if it had just arrived: screened, attributed and filed like any other."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "message/rfc822":
        raise HTTPException(415, "Send the mail as message/rfc822.")
    raw = await request.body()
    if not raw.strip():
        raise HTTPException(422, "There is no mail in it.")
    now = house.clock()
    async with house.database.writing() as connection:
        (number,) = await messages.store(connection, [Arrived(raw, now)], None, now)
    return models.Submitted(message_id=number)


@router.get("/customers/{key}")
async def show_customer(house: HouseGiven, _: Looker, key: Annotated[Text, Path()]) -> models.Customer:
    async with house.database.reading() as connection:
        try:
            card = await customer_card.card(connection, key)
        except LookupError as error:
            raise HTTPException(404, "There is no such customer.") from error
    return models.Customer.model_validate(card)


@router.get("/statistics")
async def show_statistics(
    house: HouseGiven, _: Viewer, days: Annotated[int, Query(ge=1, le=3660)] = 30, since: Text = "", until: Text = ""
) -> models.Statistics:
    """Times to acknowledge, notify and resolve, and what came, in a period of whole days."""
    try:
        period = statistics.days_of(house.clock(), days, since, until)
    except PeriodError as error:
        raise HTTPException(422, str(error)) from error
    return models.Statistics.model_validate(await statistics.figures(house, *period))

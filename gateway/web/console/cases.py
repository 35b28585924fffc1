"""The list of cases: what runs out next, under filters that stand in the address, with a name if staff want one.

Must never count all cases, nor let an address name anything but a filter.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from urllib.parse import parse_qsl, urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway import queue_rules, staff_cases
from gateway.casework.states import NotAllowedError
from gateway.model import Severity
from gateway.queue import QueueError
from gateway.store import case_lists, cases, desk_drawer
from gateway.store.case_lists import STATES, Wanted
from gateway.web.bars import time_left
from gateway.web.visit import Place, Role, Visit
from parsers import fields
from parsers.report import Category
from parsers.report import Role as Part

_LINES = 50  # on one page
_NAMES = {"class": "cls"}  # as the address has them -> as the store does
_ASKED = ("state", "customer", "class", "assignee", "severity", "resource")
_NEW = ("account", "class", "resource", "category", "role", "at", "why")
_NAME_CHARS = 60


async def listing(visit: Visit) -> Response:
    """`?state=overdue&customer=alder&class=mail&assignee=me&severity=high&resource=192.0.2.7&after=...`, and `?q=`: a
    number, a resource or a customer."""
    said = visit.asked("q")
    if found := await _number(visit, said):
        return visit.go(f"/case/{found}")
    wanted = _searched(_wanted(dict(visit.request.query_params)), said)
    async with visit.house.database.reading() as connection:
        page = await case_lists.page(connection, _for(wanted, visit.who), _LINES, visit.asked("after"))
        views = await desk_drawer.views(connection, "/cases", visit.who)
    now = visit.house.clock()
    return visit.show(
        "console/cases.html",
        lines=[(line, time_left(line.notified_at, line.due_at, now)) for line in page.lines],
        after=page.after,
        wanted=wanted,
        states=STATES,
        severities=[one.value for one in Severity],
        classes=_classes(visit),
        link=lambda **changes: _address(replace(wanted, **changes)),
        query=_query(wanted),
        views=views,
        said=said,
        analyst=visit.may(Role.ANALYST),
    )


async def save_view(visit: Visit) -> Response:
    """The filters of the page, under a name."""
    name = " ".join(visit.field("name").split())[:_NAME_CHARS]
    query = _query(_wanted(dict(parse_qsl(visit.field("query")))))
    if not name:
        raise HTTPException(422, "Give the view a name.")
    everybodys = visit.field("everybody") == "yes" and visit.may(Role.ANALYST)
    view = {"place": "/cases", "name": name, "query": query, "owner": None if everybodys else visit.who}
    async with visit.house.database.writing() as connection:
        await desk_drawer.save_view(connection, view | {"made_by": visit.who}, visit.house.clock())
    return visit.go(f"/cases?{query}")


async def drop_view(visit: Visit) -> Response:
    async with visit.house.database.writing() as connection:
        number, everybodys = visit.number("view"), visit.may(Role.ADMIN)
        now = visit.house.clock()
        if not await desk_drawer.drop_view(connection, number, who=visit.who, everybodys=everybodys, now=now):
            raise HTTPException(404)
    return visit.go("/cases")


async def form(visit: Visit) -> Response:
    """A case by hand."""
    return _form(visit, {"account": visit.asked("customer"), "resource": visit.asked("resource")})


async def create(visit: Visit) -> Response:
    said = visit.plain(_NEW)
    try:
        at = queue_rules.moment(said["at"]) if said["at"] else None
        case = await staff_cases.enter(
            visit.house, said["account"], said["class"], said["resource"], who=visit.who, why=_why(said["why"]),
            role=Part(said["role"] or Part.SOURCE), category=Category(said["category"] or Category.OTHER),
            conduct_at=at,
        )  # fmt: skip
    except (NotAllowedError, LookupError, ValueError, QueueError) as error:
        return _form(visit, said, str(error), 422)
    return visit.go(f"/case/{case.number}")


def _form(visit: Visit, said: dict[str, str], error: str = "", status: int = 200) -> Response:
    values = {"categories": [c.value for c in Category], "parts": [p.value for p in Part], "classes": _classes(visit)}
    return visit.show("console/case_new.html", status, said=dict.fromkeys(_NEW, "") | said, error=error, **values)


def _why(text: str) -> str:
    if not text:
        raise NotAllowedError("say what is known: the customer is told it")
    return text


def _classes(visit: Visit) -> list[str]:
    book = visit.house.book
    return sorted({name for policy in (book.default, *book.current.values()) for name in policy.classes})


def _wanted(asked: dict[str, str]) -> Wanted:
    """The filter of an address; what it does not know is left out."""
    plain = {_NAMES.get(name, name): asked.get(name, "").strip()[:200] for name in _ASKED}
    plain["state"] = plain["state"] if plain["state"] in STATES else Wanted().state
    return Wanted(**plain)


def _searched(wanted: Wanted, said: str) -> Wanted:
    """With what was typed into the search: a resource, else a customer; all states, since one looks for it."""
    if not said:
        return wanted
    found = fields.resource(said)
    if found is not None:
        return replace(wanted, resource=found[1], state=case_lists.ALL)
    return replace(wanted, customer=said, state=case_lists.ALL)


def _for(wanted: Wanted, who: str) -> Wanted:
    """A view for everybody says `me`: who that is depends on who looks."""
    return replace(wanted, assignee=who) if wanted.assignee == "me" else wanted


def _query(wanted: Wanted) -> str:
    names = {store: asked for asked, store in _NAMES.items()}
    return urlencode({names.get(name, name): value for name, value in asdict(wanted).items() if value})


def _address(wanted: Wanted) -> str:
    return f"/cases?{_query(wanted)}"


async def _number(visit: Visit, said: str) -> str | None:
    """The number of the case that was typed: `AG-2026-000123`, or its last digits."""
    if not said or not (said.isdecimal() or said.upper().startswith("AG-")):
        return None
    case_id = cases.case_id_of(said)
    async with visit.house.database.reading() as connection:
        found = await cases.lines(connection, [case_id] if 0 < case_id < 2**31 else [])
    return found[0].number if found else None


PLACES = (
    Place("/cases", listing, Role.VIEWER),
    Place("/cases/new", form, Role.ANALYST),
    Place("/cases/new", create, Role.ANALYST, "POST"),
    Place("/cases/views", save_view, Role.VIEWER, "POST"),
    Place("/cases/views/{view}/forget", drop_view, Role.VIEWER, "POST"),
)

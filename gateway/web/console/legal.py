"""The legal lane: matters that only named staff see, in words alone; two persons act.

It decides nothing: `gateway.legal` does, which also writes down who looked. Must never show anything of a message but
its words, nor let one person act alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway import legal, pipeline
from gateway.casework.states import NotAllowedError
from gateway.legal import LegalAction
from gateway.legal_checklists import checklists
from gateway.screening.legal import LegalKind
from gateway.web.visit import Place, Role, Visit

_TEXT_CHARS = 1000
_SHOWN_CHARS = 4000


async def listing(visit: Visit) -> Response:
    """`?all=1`: closed and dismissed ones too."""
    everything = visit.asked("all") == "1"
    matters = await _told(legal.list_matters(visit.house, _name(visit), everything=everything))
    return visit.show("console/legal.html", matters=matters, everything=everything)


async def one(visit: Visit) -> Response:
    return await _show(visit, visit.number("matter"))


async def take(visit: Visit) -> Response:
    """A message is about illegal content: into the lane with it."""
    why = visit.field("text", _TEXT_CHARS)
    if not why:
        raise HTTPException(422, "Say why: the reason is kept with the matter.")
    number = await _told(legal.take(visit.house, visit.number("message"), _name(visit), why))
    return visit.go(f"/legal/{number}")


async def act(visit: Visit) -> Response:
    number, said, why = visit.number("matter"), visit.field("action"), visit.field("text", _TEXT_CHARS)
    if said not in set(LegalAction) or not why:
        return await _show(visit, number, "Choose what is to be done, and say why.", 422)
    return await _decided(visit, number, lambda: legal.act(visit.house, number, LegalAction(said), _name(visit), why))


async def confirm(visit: Visit) -> Response:
    number = visit.number("matter")
    answer = await _decided(visit, number, lambda: legal.confirm(visit.house, number, _name(visit)))
    await pipeline.drain(visit.house, contacts=False)  # what was dismissed goes the ordinary way
    return answer


async def evidence(visit: Visit) -> Response:
    """The bytes, for an authority that is entitled to them; that they were taken is kept."""
    number, why = visit.number("matter"), visit.field("text", _TEXT_CHARS)
    if not why:
        return await _show(visit, number, "Say for whom and why: it is kept that the message was taken out.", 422)
    raw = await _told(legal.evidence(visit.house, number, _name(visit), visit.who, why))
    return visit.download(raw, f"arfgate-legal-{number}.eml")


async def _show(visit: Visit, number: int, error: str = "", status: int = 200) -> Response:
    found = await _told(legal.show(visit.house, number, _name(visit), visit.who))
    steps = checklists(LegalKind(found.matter.kind), visit.house.settings.legal.jurisdictions)
    waits = next((one for one in found.acts if one.confirmed_by is None), None)
    return visit.show(
        "console/legal_matter.html",
        status,
        matter=found.matter,
        found=found,
        text=found.text[:_SHOWN_CHARS],
        steps=steps,
        waits=waits,
        mine=waits is not None and waits.proposed_by.lower() == _name(visit).lower(),
        possible=[action.value for action in LegalAction],
        error=error,
    )


def _name(visit: Visit) -> str:
    """The address under which the settings name whoever looks: the lane knows nobody by another name."""
    return visit.visitor.email if visit.visitor is not None else ""


async def _decided(visit: Visit, number: int, decide: Callable[[], Awaitable[Any]]) -> Response:
    try:
        await decide()
    except NotAllowedError as error:
        return await _show(visit, number, str(error), 422)
    return visit.go(f"/legal/{number}")


async def _told(work: Awaitable[Any]) -> Any:
    """What the lane says, its refusal as a page."""
    try:
        return await work
    except NotAllowedError as error:
        raise HTTPException(403, str(error)) from None


PLACES = (
    Place("/legal", listing, Role.VIEWER, legal=True),
    Place("/legal/take/{message}", take, Role.ANALYST, "POST", legal=True),
    Place("/legal/{matter}", one, Role.VIEWER, personal=True, legal=True),
    Place("/legal/{matter}/act", act, Role.ANALYST, "POST", legal=True),
    Place("/legal/{matter}/confirm", confirm, Role.ANALYST, "POST", legal=True),
    Place("/legal/{matter}/evidence", evidence, Role.ANALYST, "POST", legal=True),
)

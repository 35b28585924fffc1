"""The lists: what is blocked (SES-9, SES-11), who gets no mail from us (OUT-3), and large innocent domains.

They are read, added to and taken from here as on the command line. Must never decide: `gateway.blocklist` and the store
of third parties do.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway import blocklist
from gateway.casework.states import NotAllowedError
from gateway.model import ActionState
from gateway.store import actions, bystanders, third_parties
from gateway.web.visit import Place, Role, Visit
from notifier.headers import is_address
from parsers import fields

_ENTRY_CHARS = 300
_SHOWN = 500
_BLOCKS = 200  # each with a form of its own
_MOST_DAYS = 3650
_FORM = ("entry", "text", "days")


async def blocks(visit: Visit) -> Response:
    """`?all=1`: also what was taken off, and what waits; `?q=`: entries that hold this."""
    return await _blocks(visit)


async def add(visit: Visit) -> Response:
    said = visit.plain(_FORM)
    try:
        days, why = _days(said["days"]), _why(said["text"])
        made = await blocklist.add(visit.house, said["entry"], days=days, who=visit.who, why=why)
    except NotAllowedError as error:
        return await _blocks(visit, str(error), 422)
    return visit.go(f"/action/{made.id}" if made.state is ActionState.PROPOSED else "/blocks?done=added")


def _days(text: str) -> float | None:
    """None: as long as the policy says. Raises NotAllowedError."""
    if not text:
        return None
    try:
        days = float(text)
    except ValueError:
        days = 0
    if not 0 < days <= _MOST_DAYS:
        raise NotAllowedError(f"say for how many days, as a number up to {_MOST_DAYS}")
    return days


def _why(text: str) -> str:
    if not text:
        raise NotAllowedError("say why: the reason is kept with the entry")
    return text


async def remove(visit: Visit) -> Response:
    number, why = visit.number("action"), visit.field("text") or "taken off on the page of the list"
    try:
        await blocklist.remove(visit.house, str(number), who=visit.who, why=why)
    except actions.NoActionError:
        raise HTTPException(404) from None
    except NotAllowedError as error:
        return await _blocks(visit, str(error), 422)
    return visit.go("/blocks?done=removed")


async def outside(visit: Visit) -> Response:
    """Who outside is not written to, and why; `?q=`: those that hold this."""
    return await _outside(visit)


async def opt_out(visit: Visit) -> Response:
    """An address, or `@domain` for all of a domain."""
    address = visit.field("entry", _ENTRY_CHARS).lower()
    if not (is_address(address) or is_address(f"x{address}")):
        return await _outside(visit, f"{address[:100]!r} is neither an address nor @domain", 422)
    async with visit.house.database.writing() as connection:
        await third_parties.refuse(connection, address, visit.who, visit.house.clock())
    return visit.go("/outside?done=added")


async def opt_in(visit: Visit) -> Response:
    address = visit.field("entry", _ENTRY_CHARS).lower()
    async with visit.house.database.writing() as connection:
        if not await third_parties.opt_in(connection, address, visit.who, visit.house.clock()):
            raise HTTPException(404)
    return visit.go("/outside?done=removed")


async def innocent(visit: Visit) -> Response:
    """A large innocent domain: on the list (`on` yes) or off it."""
    name, why = fields.host(visit.field("entry", _ENTRY_CHARS)), visit.field("text")
    if name is None or not why:
        return await _outside(visit, "give a domain, and say why", 422)
    on, now = visit.field("on") == "yes", visit.house.clock()
    async with visit.house.database.writing() as connection:
        await bystanders.say(connection, name, innocent=on, who=visit.who, why=why, now=now)
    return visit.go(f"/outside?done={'added' if on else 'removed'}")


async def _blocks(visit: Visit, error: str = "", status: int = 200) -> Response:
    everything = visit.asked("all") == "1"
    shown, count = await blocklist.page(visit.house, everything=everything, wanted=visit.asked("q"), limit=_BLOCKS)
    return visit.show(
        "console/blocks.html",
        status,
        entries=shown,
        count=count,
        everything=everything,
        said=visit.asked("q"),
        form=visit.plain(_FORM),
        error=error,
        done=visit.asked("done") if visit.asked("done") in {"added", "removed"} else "",
        analyst=visit.may(Role.ANALYST),
        approver=visit.may(Role.APPROVER),
    )


async def _outside(visit: Visit, error: str = "", status: int = 200) -> Response:
    wanted = visit.asked("q").lower()
    async with visit.house.database.reading() as connection:
        out = sorted(one for one in await third_parties.opted_out(connection) if wanted in one)
        known = (await visit.house.network(connection)).bystanders
    innocent = sorted(one for one in known if wanted in one)
    return visit.show(
        "console/outside.html",
        status,
        out=out[:_SHOWN],
        innocent=innocent[:_SHOWN],
        more=max(0, len(out) - _SHOWN) + max(0, len(innocent) - _SHOWN),
        said=visit.asked("q"),
        error=error,
        done=visit.asked("done") if visit.asked("done") in {"added", "removed"} else "",
        analyst=visit.may(Role.ANALYST),
        approver=visit.may(Role.APPROVER),
    )


PLACES = (
    Place("/blocks", blocks, Role.VIEWER),
    Place("/blocks", add, Role.ANALYST, "POST"),
    Place("/blocks/{action}/remove", remove, Role.ANALYST, "POST"),
    Place("/outside", outside, Role.VIEWER, personal=True),
    Place("/outside", opt_out, Role.ANALYST, "POST"),
    Place("/outside/remove", opt_in, Role.ANALYST, "POST"),
    Place("/outside/innocent", innocent, Role.APPROVER, "POST"),
)

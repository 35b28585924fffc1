"""Held, rejected, for review, junk: messages that are no case, why, and what staff can do about one.

Must never show a message of the legal lane, nor anything of a message but words.
"""

from __future__ import annotations

from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway import holding, identities, pipeline, queue_view
from gateway.casework.states import NotAllowedError
from gateway.model import Verdict
from gateway.store import messages, trays
from gateway.web.evidence import hand_out
from gateway.web.visit import Place, Role, Visit, whole
from parsers.report import Parsed

_LINES = 50
_SAMPLE = 40
_TEXT_CHARS = 1000
_SHOWN_CHARS = 20_000
_HELD = ("waiting", "expired", "released", "dropped", "completed")
_OTHERS = {"rejected": Verdict.REJECTED, "review": Verdict.REVIEW}
TRAYS = ("waiting", "rejected", "review", "expired", "released", "dropped", "completed")


async def listing(visit: Visit) -> Response:
    """`?tray=rejected`, `?after=` where the page before ended."""
    tray = visit.asked("tray", "waiting")
    tray = tray if tray in TRAYS else "waiting"
    after = visit.asked("after")
    async with visit.house.database.reading() as connection:
        if tray in _OTHERS:
            others = await trays.of_verdict(connection, _OTHERS[tray], _LINES + 1, whole(after))
            held = []
        else:
            others = []
            held = await trays.held_ones(connection, tray, _LINES + 1, _place(after))
    following = ""
    if len(others) > _LINES:
        following = str(others[_LINES - 1].message_id)
    if len(held) > _LINES:
        last = held[_LINES - 1]
        following = f"{last['expires_at'].isoformat()}_{last['id']}"
    return visit.show(
        "console/held.html", tray=tray, trays=TRAYS, held=held[:_LINES], others=others[:_LINES], following=following
    )


async def junk(visit: Visit) -> Response:
    """`?taken=`, `?closed=`: what was done just before."""
    async with visit.house.database.reading() as connection:
        sample, count = await trays.junk_sample(connection, _SAMPLE)
    return visit.show(
        "console/junk.html", sample=sample, count=count, taken=visit.asked_number("taken"),
        closed=visit.asked("closed") == "1", analyst=visit.may(Role.ANALYST),
    )  # fmt: skip


async def work_junk(visit: Visit) -> Response:
    """Those ticked are taken out for a person, or (`close`) all that is older than the newest shown is done with."""
    now = visit.house.clock()
    ticked = [number for said in visit.fields("message") if (number := whole(said)) is not None]
    async with visit.house.database.writing() as connection:
        if ticked:
            taken = await trays.take_out(connection, ticked, who=visit.who, now=now)
        up_to = whole(visit.field("up_to"))
        if visit.field("close") == "yes" and up_to:
            await trays.close_junk(connection, up_to, who=visit.who, now=now)
            return visit.go("/junk?closed=1")
    return visit.go(f"/junk?taken={taken}" if ticked else "/junk")


async def one(visit: Visit) -> Response:
    return await _show(visit, visit.number("message"))


async def source(visit: Visit) -> Response:
    """The bytes as they came, to be saved and never shown."""
    number = visit.number("message")
    async with visit.house.database.reading() as connection:
        if await trays.message(connection, number) is None:
            raise HTTPException(404)
    return hand_out(visit, "message", number, f"message-{number}")


async def release(visit: Visit) -> Response:
    """Somebody stands for it: it is worked on like new mail."""
    number, why = visit.number("message"), visit.field("text", _TEXT_CHARS)
    try:
        await holding.release(visit.house, number, who=visit.who, why=_said(why))
    except NotAllowedError as error:
        return await _show(visit, number, str(error), 422)
    await pipeline.drain(visit.house, contacts=False)
    return visit.go(f"/message/{number}?done=released")


async def drop(visit: Visit) -> Response:
    number, why = visit.number("message"), visit.field("text", _TEXT_CHARS)
    try:
        await holding.drop(visit.house, number, who=visit.who, why=_said(why))
    except NotAllowedError as error:
        return await _show(visit, number, str(error), 422)
    return visit.go(f"/message/{number}?done=dropped")


async def _show(visit: Visit, number: int, error: str = "", status: int = 200) -> Response:
    async with visit.house.database.reading() as connection:
        found = await trays.message(connection, number)
        raw = await messages.whole(connection, number) if found else None
    if found is None or raw is None:
        raise HTTPException(404)
    row, its_reports, held = found
    (parsed,) = await visit.house.workers.parse([raw])
    return visit.show(
        "console/message.html",
        status,
        row=row,
        held=held,
        reports=[
            (one, identities.in_one_line(one.identity), queue_view.facts(one.parsed, _hidden(parsed, one.position)))
            for one in its_reports
        ],
        text=parsed.text[:_SHOWN_CHARS],
        error=error,
        done=visit.asked("done") if visit.asked("done") in {"released", "dropped"} else "",
        analyst=visit.may(Role.ANALYST),
        lane=visit.visitor is not None and visit.visitor.legal,
    )


def _hidden(parsed: Parsed, position: int) -> dict[str, str]:
    original = parsed.reports[position].original if position < len(parsed.reports) else None
    return queue_view.headers_of(original)[1]


def _said(why: str) -> str:
    if not why:
        raise NotAllowedError("say why: the reason is kept in the events")
    return why


def _place(after: str) -> tuple[datetime, int] | None:
    time, _, number = after.partition("_")
    found = whole(number)
    try:
        at = datetime.fromisoformat(time)
    except ValueError:
        return None
    return (at, found) if at.tzinfo and found is not None else None


PLACES = (
    Place("/held", listing, Role.VIEWER),
    Place("/junk", junk, Role.VIEWER, personal=True),
    Place("/junk", work_junk, Role.ANALYST, "POST"),
    Place("/message/{message}", one, Role.VIEWER, personal=True),
    Place("/message/{message}/source", source, Role.VIEWER, personal=True),
    Place("/message/{message}/release", release, Role.ANALYST, "POST"),
    Place("/message/{message}/drop", drop, Role.ANALYST, "POST"),
)

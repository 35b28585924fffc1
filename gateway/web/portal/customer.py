"""The page of a case for its customer: what is reported, how long is left, what to do, one form. By a signed link.

Must never show a member of staff, another customer, or who complained; nor tell a wrong link from an old one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from gateway import appeals, consents, customer_page, knocking, originals, telling
from gateway.casework.consent import ConsentFileError
from gateway.casework.states import NotAllowedError
from gateway.customer_page import Seat, Statement
from gateway.model import Clock, ClockState
from gateway.pages import NotSaidError, WrongLinkError
from gateway.web.portal import entry
from gateway.web.visit import Place, Visit, whole
from notifier.links import dead_host, defang
from notifier.notice import Evidence

_LONGEST = 8_000  # characters of an answer
_LONGEST_REASON = 2_000
_MOST_HOURS = 14 * 24
_OWN = (
    "said",
    "prevention",
    "since",
    "solved",
    "hours",
    "why",
    "review",
)  # fields that are shown again after a mistake


@dataclass(frozen=True, slots=True)
class Time:
    """What is left of a clock: `share` of the whole, and hours and minutes of it (or since its end, where `late`)."""

    share: float
    hours: int
    minutes: int
    late: bool


def left(clock: Clock, now: datetime) -> Time | None:
    """None where no clock runs."""
    if clock.due_at is None or clock.notified_at is None:
        return None
    seconds = (clock.due_at - now).total_seconds()
    whole_time = (clock.due_at - clock.notified_at).total_seconds() or 1
    hours, minutes = divmod(int(abs(seconds) // 60), 60)
    return Time(round(max(0.0, min(1.0, seconds / whole_time)), 3), hours, minutes, seconds < 0)


async def case(visit: Visit) -> Response:
    await entry.admit(visit)
    return await _page(visit)


async def _page(visit: Visit, error: str = "") -> Response:
    """The page of the case, with what was wrong in the form that was sent."""
    token = visit.text("token")
    try:
        async with customer_page.seated(visit.house, token) as at:
            shown = await customer_page.look(at)
    except WrongLinkError:
        return _gone(visit)
    whole_notices = await originals.added(visit.house, shown.pop("complaints"))
    now = visit.house.clock()
    values: dict[str, Any] = shown | {
        "case": at.case,
        "customer": at.party.name,
        "contact": at.contact,  # nobody else's address is shown
        "clocks": [(clock, left(clock, now)) for clock in sorted(at.clocks, key=_is_over)],
        "complaints": [_complaint(n.facts, telling.evidence_from(n.evidence)) for n in whole_notices if n.evidence],
        "error": error,
        "typed": {name: visit.field(name, _LONGEST) for name in _OWN},
    }
    tongue = entry.language(visit, at.language)
    return entry.show(visit, "case", f"/portal/case/{token}", tongue, 422 if error else 200, **values)


def _is_over(clock: Clock) -> bool:
    """What is over stands below what still asks for something."""
    return clock.state is ClockState.RESOLVED


def _complaint(facts: dict[str, Any], evidence: Evidence) -> dict[str, Any]:
    """The facts as the notice told them. Hosts and links of the report are dead text."""
    sites = [dead_host(one) for one in evidence.reported_domain] + [defang(one) for one in evidence.reported_uri]
    return {"facts": facts, "evidence": evidence, "sites": sites}


def _gone(visit: Visit) -> Response:
    """One answer to every link that opens nothing."""
    return entry.show(visit, "gone", "/portal", entry.language(visit), 404, gone=True)


async def ask_link(visit: Visit) -> Response:
    """The plain page on which a new link is asked for."""
    await entry.admit(visit)
    return entry.show(visit, "gone", "/portal", entry.language(visit), gone=False)


async def new_link(visit: Visit) -> Response:
    """To the contact on file, if there is one. The answer is always the same."""
    await entry.admit(visit)
    portal = visit.house.settings.portal
    if await knocking.knock(visit.house, {knocking.of_network("links", visit.client): portal.form_network_hourly}):
        await customer_page.send_link(visit.house, visit.field("case", 40).upper())
    return visit.go(f"/portal?done=link&lang={entry.language(visit)}")


Work = Callable[[Visit, Seat], Awaitable[None]]


def _by(done: str, work: Work) -> Callable[[Visit], Awaitable[Response]]:
    """A form of the case's page: what is wrong in it is said on the page, and nothing was done."""

    async def answer(visit: Visit) -> Response:
        await entry.admit(visit)
        token = visit.text("token")
        try:
            async with customer_page.seated(visit.house, token) as at:
                await customer_page.not_too_often(at)
                await work(visit, at)
        except WrongLinkError:
            return _gone(visit)
        except (NotSaidError, NotAllowedError, ConsentFileError) as error:
            return await _page(visit, str(error))
        return visit.go(f"/portal/case/{token}?done={done}&lang={entry.language(visit, at.language)}")

    return answer


async def _answer(visit: Visit, at: Seat) -> None:
    solved = visit.field("solved")
    if solved not in ("yes", "no"):
        raise NotSaidError("Please choose whether it is solved or the report is wrong.")
    said = Statement(
        solved == "yes",
        visit.field("said", _LONGEST),
        visit.field("prevention", _LONGEST),
        moment(visit.field("since")),
    )
    await customer_page.answer(at, said, await visit.uploads("files"))


async def _time(visit: Visit, at: Seat) -> None:
    hours = whole(visit.field("hours")) or 0
    if not 1 <= hours <= _MOST_HOURS:
        raise NotSaidError("Please say for how many hours, as a number between 1 and 336.")
    await customer_page.ask_time(at, hours, visit.field("why", _LONGEST_REASON))


async def _records(visit: Visit, at: Seat) -> None:
    tables = await visit.uploads("table")
    if not tables:
        raise NotSaidError("Please choose the file with the table.")
    await consents.by_page(at.house, at.connection, at.case, whole(visit.field("which")), tables[0], at.contact)


async def _review(visit: Visit, at: Seat) -> None:
    said = visit.field("review", _LONGEST_REASON)
    if not said:
        raise NotSaidError("Please say why you want a review.")
    await appeals.by_page(at.house, at.connection, at.case, said, at.contact)


def moment(text: str) -> datetime | None:
    """A time as the browser's field writes it, UTC as its label says. Raises NotSaidError."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise NotSaidError("The time cannot be read. Write it like 2026-01-31 12:00.") from None


PLACES = (
    Place("/portal", ask_link, None),
    Place("/portal/link", new_link, None, "POST"),
    Place("/portal/case/{token}", case, None),
    Place("/portal/case/{token}/answer", _by("answer", _answer), None, "POST", uploads=True),
    Place("/portal/case/{token}/time", _by("time", _time), None, "POST"),
    Place("/portal/case/{token}/records", _by("records", _records), None, "POST", uploads=True),
    Place("/portal/case/{token}/review", _by("review", _review), None, "POST"),
)

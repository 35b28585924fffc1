"""What a customer does on the page of a case: looks, answers, asks for time, sends records, asks for a review.

Whoever holds a link that is genuine, not over, and made for an address that is still a contact of the case's
customer may do so; every step is an event under that address. Must never say more of a report than the notice did,
and never tell a stranger whether a case exists.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import answers, knocking, pages, staff_mail, tokens
from gateway.answer_files import AnswerFile
from gateway.answers import Answer
from gateway.casework.desk import Desk, Party
from gateway.house import House
from gateway.intake import form
from gateway.links import Link
from gateway.model import Case, CaseKey, CaseState, Clock, ClockState, Verdict
from gateway.pages import NotSaidError, WrongLinkError
from gateway.staff import Solved
from gateway.staff_mail import Alarm
from gateway.store import appeals, consents, events, messages, notices, portal
from gateway.store import cases as case_store
from gateway.store import desk as desk_store
from gateway.store.events import Event
from gateway.store.messages import Arrived
from gateway.store.notices import StoredNotice
from notifier.notice import STARTS, NoticeKind, Part

_LOOKED = "case opened by its link"
_FORMS_HOURLY = 30  # of one case, whoever has its links
_ONE_LOOK = timedelta(hours=1)  # looks in this time are one event
_MOST_COMPLAINTS = 20
_SHOWN = 500  # characters of an answer in its event
_OVER = frozenset({CaseState.RESOLVED, CaseState.CLOSED, CaseState.DISMISSED})
_STOPPED = frozenset({ClockState.RESOLVED, ClockState.ANSWERED})


@dataclass(frozen=True, slots=True)
class Seat:
    """Who sits before the page, and the case, in a transaction that is under way. `contact`: the address that the
    link was made for."""

    house: House
    connection: AsyncConnection
    desk: Desk
    key: CaseKey
    case: Case
    party: Party
    contact: str
    language: str

    @property
    def clocks(self) -> list[Clock]:
        return self.desk.of_case(self.key)


@dataclass(frozen=True, slots=True)
class Statement:
    """An answer. `solved`: the cause is stopped, since `since`; else the report is said to be wrong or not theirs."""

    solved: bool
    said: str
    prevention: str = ""
    since: datetime | None = None


@asynccontextmanager
async def seated(house: House, text: str) -> AsyncIterator[Seat]:
    """The case that a link's token opens, for one transaction. Raises WrongLinkError. A forged token asks the
    database nothing."""
    link = pages.read(house, text, "c")
    if link is None:
        raise WrongLinkError
    async with house.database.writing() as connection:
        yield await _seat(house, connection, link)


async def _seat(house: House, connection: AsyncConnection, link: Link) -> Seat:
    desk = await desk_store.load_cases(connection, [await portal.now_at(connection, link.number)])
    if not desk.cases:
        raise WrongLinkError
    key, case = next(iter(desk.cases.items()))
    party = desk.parties[key[0]]
    contact = _contact(house, link, party)
    if contact is None or case.state is CaseState.MERGED or _long_over(house, case):
        raise WrongLinkError
    return Seat(house, connection, desk, key, case, party, contact, party.language_of(contact))


async def look(at: Seat) -> dict[str, Any]:
    """All that the page shows. The look is an event."""
    house, connection = at.house, at.connection
    now, number = house.clock(), at.case.id or 0
    if not await portal.did_since(connection, number, at.contact, _LOOKED, now - _ONE_LOOK):
        await events.add(connection, [Event(now, at.contact, _LOOKED, case_id=number)])
    told = [n for n in await notices.listed(connection, number) if n.sent_at is not None]
    done = await appeals.enforced(connection, [number])
    waiting = await appeals.of_case(connection, number)
    return {
        "complaints": _complaints(told),
        "told": [n for n in told if n.to in at.party.contacts],
        "said": [e for e in await events.of_case(connection, number) if e.data.get("page")],
        "records": await consents.of_case(connection, number),
        "enforced": bool(done),
        "review": waiting[-1] if waiting else None,
        "needs_prevention": house.policy_of(at.case).answer.needs_prevention,
        "may_answer": any(clock.state not in _STOPPED for clock in at.clocks),
        "may_ask_time": any(clock.state is ClockState.RUNNING for clock in at.clocks),
    }


async def not_too_often(at: Seat) -> None:
    """One form more of this case. Raises NotSaidError."""
    if not await knocking.taken(at.house, at.connection, {f"forms case {at.case.id}": _FORMS_HOURLY}):
        raise NotSaidError("Too much was sent for this case within an hour. Please come back later, or write to us.")


async def answer(at: Seat, said: Statement, files: Sequence[tuple[str, bytes]]) -> None:
    """File an answer as one by mail is filed: it is kept as a message, and stops the clocks. Raises NotSaidError."""
    if not said.said:
        raise NotSaidError("Please say what you found and what you did.")
    if said.solved and not said.prevention:
        raise NotSaidError("Please say what keeps it from happening again: without that it does not count as resolved.")
    house, connection, now = at.house, at.connection, at.house.clock()
    if said.since is not None and said.since > now:
        raise NotSaidError("The time since when it has been solved lies in the future.")
    message_id = await _keep(at, said, files)
    told = {n.clock_id for n in await notices.listed(connection, at.case.id) if n.sent_at is not None and n.clock_id}
    given = Answer(
        key=f"message:{message_id}", case_id=at.case.id or 0, way="portal", who=at.contact, at=now, text=said.said,
        solved=Solved(said.said, said.prevention, said.since) if said.solved else None,
        files=tuple(AnswerFile(name, "application/octet-stream", content) for name, content in files),
        told=frozenset(told), message_id=message_id,
    )  # fmt: skip
    await answers.file(house, connection, at.desk, [given], now)
    await desk_store.save(connection, at.desk, now)
    data = {
        "page": "answer",
        "solved": said.solved,
        "said": said.said,
        "prevention": said.prevention,
        "files": len(files),
    }
    data |= {"since": said.since.isoformat()} if said.since else {}
    what = "answered on the page: resolved" if said.solved else "answered on the page: disputed"
    event = Event(now, at.contact, what, said.said[:_SHOWN], message_id=message_id, case_id=at.case.id, data=data)
    await events.add(connection, [event])


async def ask_time(at: Seat, hours: int, why: str) -> None:
    """Staff are asked for more time: they decide. Raises NotSaidError."""
    if not why:
        raise NotSaidError("Please say why you need more time.")
    house, connection = at.house, at.connection
    now, what = house.clock(), "more time asked for"
    if await portal.did_since(connection, at.case.id or 0, at.contact, what, now - timedelta(hours=1)):
        raise NotSaidError("You asked for more time within the last hour: our staff have it.")
    said = f"{hours} h: {why}"
    event = Event(now, at.contact, what, said[:_SHOWN], case_id=at.case.id, data={"page": "time", "said": said})
    await events.add(connection, [event])
    number = at.case.number
    command = f"arfgate case extend {number} --hours {hours} --reason '...'"
    alarm = Alarm(f"time/{number}", "More time asked for", f"case {number}: {said[:200]}", command)
    await staff_mail.tell(house, connection, [alarm], now)


async def send_link(house: House, number: str) -> None:
    """Mail a new link to those contacts on file that know of the case already, at most one an hour. Whether there is
    such a case, nobody is told."""
    async with house.database.writing() as connection:
        case_id = await portal.now_at(connection, case_store.case_id_of(number))
        desk = await desk_store.load_cases(connection, [case_id])
        for key, case in desk.cases.items():
            party, now = desk.parties[key[0]], house.clock()
            if case.number != number or case.state is CaseState.MERGED or _long_over(house, case):
                continue
            to = await portal.told(connection, case_id, party.contacts)
            facts = {"case": case.number, "customer": party.name}
            rows = [
                notices.planned(
                    NoticeKind.PORTAL_LINK, f"portal-link:{case_id}/{one}/{now:%Y%m%d%H}", one, facts, now,
                    party.language_of(one),
                )
                | {"case_id": case_id}
                for one in to
            ]  # fmt: skip
            made = await notices.plan(connection, rows)
            said = [
                Event(now, "somebody on the page", "new link asked for", case_id=case_id, notice_id=i)
                for i in made.values()
            ]
            await events.add(connection, said)


def _contact(house: House, link: Link, party: Party) -> str | None:
    key = house.key("portal")
    return next((address for address in party.contacts if link.is_for(address, key)), None)


def _long_over(house: House, case: Case) -> bool:
    days = timedelta(days=house.settings.portal.closed_days)
    return case.state in _OVER and case.resolved_at is not None and house.clock() > case.resolved_at + days


def _complaints(told: Sequence[StoredNotice]) -> list[StoredNotice]:
    """Each resource's evidence once, as the newest notice about it had it."""
    newest = {n.clock_id: n for n in told if n.evidence and n.kind in STARTS}
    return list(newest.values())[-_MOST_COMPLAINTS:]


async def _keep(at: Seat, said: Statement, files: Sequence[tuple[str, bytes]]) -> int:
    """The answer as a mail, stored like every other message: its bytes are the evidence of what was said."""
    house, connection = at.house, at.connection
    told = await notices.listed(connection, at.case.id)
    about = next((n for n in reversed(told) if n.to == at.contact), None)
    ours = house.settings.operator.notice_address
    to = tokens.notice_address(ours, about.id, house.key("notice")) if about else ours
    lines = [said.said]
    lines += [f"Since: {said.since:%Y-%m-%d %H:%M} UTC"] if said.since else []
    lines += [f"So that it does not come back: {said.prevention}"] if said.prevention else []
    subject = f"[{at.case.number}] {'Resolved' if said.solved else 'Disputed'}"
    parts = [Part("application/octet-stream", content, name) for name, content in files]
    now = house.clock()
    letter = form.Letter(at.contact, to, subject, "\n\n".join(lines), now, tuple(parts))
    raw = form.written(letter, house.settings.operator.domain)
    (message_id,) = await messages.store(connection, [Arrived(raw, now)], None, now)
    row = {
        "id": message_id, "state": "filed", "kind": "reply", "format": None, "message_id": form.id_of(raw),
        "sender": at.contact, "subject": subject, "verdict": Verdict.ROUTED.value, "reason": "reply",
        "detail": "an answer on the page of the case", "error": None,
    }  # fmt: skip
    await messages.finish(connection, [row])
    return message_id

"""A customer answers a case: the one way in, for mail, the portal and staff who took it down by telephone.

An answer with words of its own (or a file) stops the clocks that were notified before it, is kept with its files, and
is confirmed to the customer once; where something was carried out it asks for a review too. Who says that it is solved
says what was done. Must never take a machine's mail for an answer: whoever calls has seen to that, and to whose
case it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import answer_files, appeals, case_notices
from gateway.answer_files import AnswerFile
from gateway.casework import clocks
from gateway.casework.desk import Applied, Desk, Origin
from gateway.casework.states import NotAllowedError
from gateway.house import House
from gateway.model import CaseKey, Clock, ClockState
from gateway.staff import Solved, stated
from gateway.store import answers as store
from gateway.store import desk as desk_store
from gateway.store import events, notices
from gateway.store.events import Event
from notifier.notice import NoticeKind
from parsers.contract import iso

Way = Literal["mail", "portal", "staff"]

_LONGEST = 20_000  # characters of what was written
_LEAST_WORDS = 3  # "done" says nothing
_WORD = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]|[^\W\u3400-\u9fff\uf900-\ufaff_]+")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a customer says of one case. `key`: the same answer is filed once (`message:12`; of a form, its own number).
    `at`: when it came, aware UTC. `text` is what was written, `quoted` what stood there of our notice. `solved`: the
    customer says that it is solved, with what was done. `clock_id`: of the notice that is answered; `told`: clocks that
    whoever answers has before their eyes; `mail_id`: the Message-ID of the mail, to be named in our confirmation."""

    key: str
    case_id: int
    way: Way
    who: str
    at: datetime
    text: str
    quoted: str = ""
    solved: Solved | None = None
    files: tuple[AnswerFile, ...] = ()
    clock_id: int | None = None
    told: frozenset[int] = frozenset()
    notice_id: int | None = None
    message_id: int | None = None
    mail_id: str | None = None

    @property
    def says_something(self) -> bool:
        return bool(self.text.strip() or self.files or self.solved)

    @property
    def is_statement(self) -> bool:
        """Whether it says what was done, as far as a program can tell."""
        return self.solved is not None or len(_WORD.findall(self.text[:2000])) >= _LEAST_WORDS


async def give(house: House, answer: Answer) -> int:
    """File one answer in a transaction of its own: what the portal and staff call. Returns how many clocks it stopped.
    Raises NotAllowedError with a sentence: there is no such case, nothing is said, or that it is solved without what
    was done."""
    if not answer.says_something:
        raise NotAllowedError("the answer is empty: say what you found and what you did")
    now = house.clock()
    async with house.database.writing() as connection:
        desk = await desk_store.load_cases(connection, [answer.case_id])
        if not desk.cases:
            raise NotAllowedError(f"there is no case {answer.case_id}; 'arfgate case list --all' shows them")
        if answer.solved is not None:
            stated(house.policy_of(next(iter(desk.cases.values()))), answer.solved)
        stopped = await file(house, connection, desk, [answer], now)
        await desk_store.save(connection, desk, now)
    return stopped


async def file(house: House, connection: AsyncConnection, desk: Desk, given: Sequence[Answer], now: datetime) -> int:
    """File answers to cases that lie on the desk; the caller saves the desk in the same transaction. A fixed number of
    statements. Returns how many clocks they stopped."""
    if not given:
        return 0
    before = await store.known(connection, [answer.key for answer in given])
    fresh = {answer.key: answer for answer in given if answer.key not in before}
    rows, said, confirmations, total = [], [], [], 0
    for answer in fresh.values():
        key = next((key for key, case in desk.cases.items() if case.id == answer.case_id), None)
        if key is None:
            continue
        stopped = _stop(house, desk, key, answer)
        total += len(stopped)
        rows.append(_row(answer, len(stopped)))
        said.append(_event(answer, len(stopped), now))
        if stopped and (row := _confirmation(house, desk, key, answer, stopped, now)) is not None:
            confirmations.append(row)
    kept = {key: answer_files.rows(answer.files) for key, answer in fresh.items()}
    await store.add(connection, rows, {row["key"]: kept[row["key"]] for row in rows})
    await events.add(connection, said)
    await notices.plan(connection, confirmations)
    wants = {a.case_id: a.text for a in fresh.values() if a.text.strip() and a.way != "portal"}  # there one asks for it
    await appeals.by_mail(house, connection, wants)
    return total


def _stop(house: House, desk: Desk, key: CaseKey, answer: Answer) -> list[Clock]:
    """The customer answered the case: every clock of it that was notified before stops. Returns those that did."""
    if not answer.says_something:
        return []
    stopped = []
    alarm = timedelta(hours=house.policy_of(desk.cases[key]).answer.alarm_hours)
    since = answer.solved.since if answer.solved else None
    for each in desk.of_case(key):
        own = each.id is not None and (each.id == answer.clock_id or each.id in answer.told)
        change = clocks.answered(each, answer.at, alarm, house.rule(each), own_notice=own, since=since)
        desk.apply(Applied(change, Origin(who="customer" if answer.way == "mail" else answer.who)))
        if change.clock.state is ClockState.ANSWERED and each.state is not ClockState.ANSWERED:
            stopped.append(change.clock)
    return stopped


def _confirmation(
    house: House, desk: Desk, key: CaseKey, answer: Answer, stopped: Sequence[Clock], now: datetime
) -> dict[str, Any] | None:
    """At most one a round, since a clock is stopped once a round: what a program answers brings no other."""
    policy = house.policy_of(desk.cases[key])
    facts: dict[str, Any] = {"received_at": iso(answer.at), "in_reply_to": answer.mail_id}
    if not answer.is_statement:
        facts |= {"needs_statement": True, "needs_prevention": policy.answer.needs_prevention}
    wanted = case_notices.Wanted(NoticeKind.ANSWER_RECEIVED, f"answer:{answer.key}", facts)
    return case_notices.row(desk, key, stopped, wanted, now)


def _row(answer: Answer, stopped: int) -> dict[str, Any]:
    solved = answer.solved or Solved("")
    return {
        "key": answer.key,
        "case_id": answer.case_id,
        "way": answer.way,
        "who": answer.who,
        "at": answer.at,
        "text": answer.text[:_LONGEST],
        "quoted": answer.quoted[:_LONGEST],
        "resolution": solved.resolution[:_LONGEST],
        "prevention": solved.prevention[:_LONGEST],
        "since": solved.since,
        "stopped": stopped,
        "message_id": answer.message_id,
        "notice_id": answer.notice_id,
    }


def _event(answer: Answer, stopped: int, now: datetime) -> Event:
    if not answer.says_something:
        why = "nothing in it is the customer's own: it stops no clock"
    else:
        why = f"by {answer.way}, {len(answer.files)} files; it stops {stopped} clocks"
    return Event(
        now, answer.who, "answer filed", why,
        message_id=answer.message_id, case_id=answer.case_id, clock_id=answer.clock_id, notice_id=answer.notice_id,
    )  # fmt: skip

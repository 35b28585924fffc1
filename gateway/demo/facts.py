"""What the demo shows, read from its database: messages and what became of them, notices, contacts, actions.

Values for `screen`, in plain words. Must never change anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.demo.smtp_receiver import Receiver
from gateway.house import House
from gateway.model import ActionState, ClockState
from gateway.store import cases, notices, queue, reports, third_parties
from gateway.store.events import Event
from notifier.contacts import WhyNot

Titles = Mapping[tuple[str, str | None], tuple[str, str]]  # (mailbox, subject) -> (number of the row, what it is)
OURSELVES = f"not told: {WhyNot.OURSELVES.value}"
_ASSIGNED = re.compile(r"; assigned as (.+?)(?: on [^,;]+)?, held from (.+)")


@dataclass(frozen=True, slots=True)
class Line:
    """One message, or one attribution of one report. `left` is how much of the time is left, 0..1, where it runs."""

    message: int
    row: str
    mailbox: str
    title: str
    verdict: str
    reason: str
    detail: str
    customer: str
    how: str
    case: str
    clock: str
    left: float | None = None
    unmatched: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """One notice: to whom, why, what came of it, and the file it lies in (None: not sent)."""

    id: int
    kind: str
    to: str
    about: str
    case: str
    outcome: str
    path: Path | None

    @property
    def what(self) -> str:
        """`complaint about 192.0.2.1`; an acknowledgement is about nothing of ours."""
        return f"{self.kind} about {self.about}" if self.about else self.kind


@dataclass(frozen=True, slots=True)
class Outside:
    """One contact that a registry named for a report's network or site."""

    row: str
    subject: str
    address: str
    role: str
    source: str
    decision: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """One action that waits for a person."""

    id: int
    kind: str
    target: str
    case: str
    customer: str
    why: str


@dataclass(frozen=True, slots=True)
class Facts:
    lines: list[Line]
    said: list[Said]
    outside: list[Outside]
    waiting: list[Waiting]


@dataclass(frozen=True, slots=True)
class _Case:
    line: cases.CaseLine
    clocks: dict[int, Any]
    actions: list[dict[str, Any]]
    events: list[Event]


@dataclass(frozen=True, slots=True)
class _Told:
    """What the story adds to a row. `effect`: what a reply or a bounce did."""

    row: str
    title: str
    case: str = ""
    clock: str = ""
    left: float | None = None
    effect: str = ""


async def gather(house: House, receiver: Receiver, titles: Titles) -> Facts:
    """Everything, as it stands now."""
    now = house.clock()
    async with house.database.reading() as connection:
        rows = await reports.overview(connection)
        known = await _cases(connection)
        sent = await notices.listed(connection)
        who = {(e.report_id, e.value): e.candidates for e in (g.entry for g in await queue.groups(connection))}
        lines = [_line(row, told, who) for row, told in zip(rows, _told(rows, known, titles, now), strict=True)]
        row_of = {row["report_id"]: line.row for row, line in zip(rows, lines, strict=True) if row["report_id"]}
        outside = [
            Outside(row, c["subject"], c["address"], c["role"], c["source"], _decision(c["decision"]))
            for report, row in row_of.items()
            for c in await third_parties.of_report(connection, report)
        ]
    numbers = {case.line.id: case.line.number for case in known}
    said = [
        Said(
            n.id, n.kind, n.to, str(n.facts.get("resource") or ""), numbers.get(n.case_id or 0, ""),
            n.state if n.state == "sent" else f"{n.state} {n.why or ''}".strip(), receiver.file_of(n.mail_id),
        )
        for n in sorted(sent, key=lambda n: n.id)
    ]  # fmt: skip
    return Facts(sorted(lines, key=_place), said, outside, [w for case in known for w in _waiting(case)])


def would_go_out(lines: list[dict[str, Any]]) -> int:
    """How many notices an observing mailbox would have sent."""
    return len({(row["value"], notice["to"]) for row in lines for notice in row["would_send"] or ()})


def _decision(stored: str) -> str:
    """Of a contact that was left alone, that it was."""
    return f"not told: {stored}" if stored in {why.value for why in WhyNot} else stored


async def _cases(connection: AsyncConnection) -> list[_Case]:
    found = []
    for line in reversed(await cases.listed(connection, only_open=False)):
        whole = await cases.shown(connection, line.number) or {}
        clocks = {c.id: c for c in whole.get("clocks", ())}
        found.append(_Case(line, clocks, whole.get("actions", []), whole.get("events", [])))
    return found


def _told(rows: list[dict[str, Any]], known: list[_Case], titles: Titles, now: datetime) -> Iterator[_Told]:
    """For each row, in order: what it is called, and its case with what it did there."""
    of_clock = {clock_id: case for case in known for clock_id in case.clocks}
    came_back = {e.message_id: (case, e) for case in known for e in case.events if e.what.endswith(" received")}
    cases_seen: set[int] = set()
    clocks_seen: set[int] = set()
    for row in rows:
        number, title = titles.get((row["mailbox"] or "file", row["subject"]), ("", ""))
        case = of_clock.get(row["clock_id"])
        if case is not None:
            first = "opened" if case.line.id not in cases_seen else "another resource"
            did = "counted" if row["clock_id"] in clocks_seen else first
            cases_seen.add(case.line.id)
            clocks_seen.add(row["clock_id"])
            clock, left = _time_left(case.clocks[row["clock_id"]], now)
            yield _Told(number, title, f"{case.line.number} {did}", clock, left)
        elif row["message_id"] in came_back:
            case, event = came_back[row["message_id"]]
            yield _Told(number, title, case.line.number, effect=_effect(case, event))
        else:
            yield _Told(number, title)


def _effect(case: _Case, cause: Event) -> str:
    """What a reply or bounce did to the clock of its notice: the clock's event of the same transaction."""
    same = (e for e in case.events if e.clock_id == cause.clock_id and e.at == cause.at and e.what.startswith("clock "))
    return next((f"{e.what}: {e.why}" for e in same), "")


def _line(row: dict[str, Any], told: _Told, who: Mapping[tuple[int, str], tuple[queue.Candidate, ...]]) -> Line:
    candidates = ", ".join(c.account for c in who.get((row["report_id"], row["value"]), ()))
    how = _how(row) + (f"; candidates: {candidates}" if candidates else "")
    return Line(
        message=row["message_id"],
        row=told.row,
        mailbox=row["mailbox"] or "file",
        title=told.title or f"{row['kind'] or 'mail'}: {row['subject'] or ''}",
        verdict=row["verdict"] or row["message_verdict"] or row["state"],
        reason=row["reason"] or row["message_reason"] or "",
        detail=told.effect or row["detail"] or row["message_detail"] or row["error"] or "",
        customer=row["customer"] or "",
        how=how,
        case=told.case,
        clock=told.clock,
        left=told.left,
        unmatched=row["queue"] == "waiting",
    )


def _how(row: dict[str, Any]) -> str:
    """How the customer was found, short; why none was, whole."""
    how: str = row["how"] or ""
    found = _ASSIGNED.search(how)
    if row["customer"] and found:
        return f"{row['value']} in {found[1]}, held from {found[2]}"
    return how.rpartition("; ")[2] if row["queue"] == "waiting" else how


def _time_left(clock: Any, now: datetime) -> tuple[str, float | None]:
    state = clock.state
    if state == ClockState.RUNNING.value and clock.due_at and clock.notified_at:
        seconds = max((clock.due_at - now).total_seconds(), 0.0)
        whole = (clock.due_at - clock.notified_at).total_seconds()
        hours, minutes = divmod(int(seconds + 59) // 60, 60)
        return f"{hours:02d}:{minutes:02d} of {whole / 3600:.0f} h", seconds / whole if whole else None
    if state == ClockState.OVERDUE.value and clock.due_at:
        late = int((now - clock.due_at).total_seconds()) // 60
        return f"overdue {late // 60:02d}:{late % 60:02d}", None
    return str(state), None


def _waiting(case: _Case) -> list[Waiting]:
    return [
        Waiting(a["id"], a["kind"], a["target"], case.line.number, case.line.customer, a["why"])
        for a in case.actions
        if a["state"] == ActionState.PROPOSED.value
    ]


def _place(line: Line) -> tuple[int, int]:
    """Rows of the story by number, then what came later."""
    return (int(line.row) if line.row.isdigit() else 1000, line.message)

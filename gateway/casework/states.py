"""The two state tables: what may happen to a clock and to a case, every cell filled.

The one place where a state follows from a state; `docs/states.md` is rendered from here
and a test holds the two together. Must never look at times or people: that is what
`clocks` and `cases` do before they ask.
"""

from __future__ import annotations

from enum import StrEnum

from gateway.model import CaseState, ClockState


class ClockTrigger(StrEnum):
    """What can happen to a clock. The value is the word used in events and in the table."""

    EVIDENCE = "evidence"  # another report on the same resource: earlier or undated conduct
    NEW_CONDUCT = "new-conduct"  # a report on conduct after the stated resolution
    ACCEPTED = "accepted"  # a relay took the notice that starts it; whether it arrives is not yet known
    DELIVERED = "delivered"  # the notice that starts it counts as received
    BOUNCED = "bounced"  # that notice was refused or came back, and another contact is left
    NO_CONTACT = "no-contact"  # the same, and nobody is left
    TOLD = "told"  # staff recorded a notice by telephone or in person
    UNDELIVERABLE = "undeliverable"  # nobody could be told for as long as the policy waits
    ANSWER = "answer"  # the first answer of the round
    LATE_ANSWER = "late-answer"  # an answer after one was rejected in this round
    REJECTED = "answer-rejected"
    REMINDER = "reminder"  # its time came
    DUE = "due"  # its time is up
    EXTENDED = "extended"  # staff gave more time
    RESOLVED = "resolved"  # staff hold it resolved


W, R, A, L, U, D = (  # one letter a state keeps the table readable as a table; L is late
    ClockState.WAITING,
    ClockState.RUNNING,
    ClockState.ANSWERED,
    ClockState.OVERDUE,
    ClockState.UNREACHABLE,
    ClockState.RESOLVED,
)
T = ClockTrigger

# Rows: what happens. Columns: waiting, running, answered, overdue, unreachable, resolved.
# The same state again: it is noted (counted, shown) and the clock goes on as it was.
# None: it cannot happen or must not; staff get a sentence instead.
_CLOCK_ROWS: dict[ClockTrigger, tuple[ClockState | None, ...]] = {
    T.EVIDENCE: (W, R, A, L, U, D),
    T.NEW_CONDUCT: (W, R, W, L, U, W),
    T.ACCEPTED: (W, R, A, L, U, D),
    T.DELIVERED: (R, R, A, L, R, D),
    T.BOUNCED: (W, W, A, W, W, D),
    T.NO_CONTACT: (U, U, A, U, U, D),
    T.TOLD: (R, R, A, L, R, D),
    T.UNDELIVERABLE: (None, None, None, None, R, None),
    T.ANSWER: (A, A, A, A, A, D),
    T.LATE_ANSWER: (W, R, A, L, U, D),
    T.REJECTED: (None, None, R, None, None, None),
    T.REMINDER: (None, R, None, None, None, None),
    T.DUE: (None, L, None, None, None, None),
    T.EXTENDED: (None, R, None, R, None, None),
    T.RESOLVED: (D, D, D, D, D, D),
}

CLOCK: dict[tuple[ClockState, ClockTrigger], ClockState | None] = {
    (state, trigger): row[column]
    for trigger, row in _CLOCK_ROWS.items()
    for column, state in enumerate((W, R, A, L, U, D))
}


class CaseTrigger(StrEnum):
    """What can happen to a case."""

    EVIDENCE = "evidence"  # a report on a resource it already holds, nothing reopened
    NEW_CLOCK = "new-clock"  # a resource not yet notified, or one reopened
    ALL_RESOLVED = "all-resolved"  # the last clock was resolved
    CLOSED = "closed"  # staff close it, with a cause
    DISMISSED = "dismissed"  # staff: the reports were false or not about this customer
    SPLIT = "split"  # some of its clocks moved to a case of their own
    MERGED = "merged"  # its clocks moved to another case


_CASE_COLUMNS = (CaseState.OPEN, CaseState.RESOLVED, CaseState.CLOSED, CaseState.DISMISSED, CaseState.MERGED)
C = CaseState
_CASE_ROWS: dict[CaseTrigger, tuple[CaseState | None, ...]] = {
    CaseTrigger.EVIDENCE: (C.OPEN, C.RESOLVED, C.CLOSED, None, None),
    CaseTrigger.NEW_CLOCK: (C.OPEN, C.OPEN, C.OPEN, None, None),
    CaseTrigger.ALL_RESOLVED: (C.RESOLVED, C.RESOLVED, C.CLOSED, None, None),
    CaseTrigger.CLOSED: (C.CLOSED, C.CLOSED, None, None, None),
    CaseTrigger.DISMISSED: (C.DISMISSED, C.DISMISSED, C.DISMISSED, None, None),
    CaseTrigger.SPLIT: (C.OPEN, None, None, None, None),
    CaseTrigger.MERGED: (C.MERGED, C.MERGED, C.MERGED, None, None),
}

CASE: dict[tuple[CaseState, CaseTrigger], CaseState | None] = {
    (state, trigger): row[column] for trigger, row in _CASE_ROWS.items() for column, state in enumerate(_CASE_COLUMNS)
}

_SEVERITY = (
    ClockState.OVERDUE,
    ClockState.UNREACHABLE,
    ClockState.RUNNING,
    ClockState.ANSWERED,
    ClockState.WAITING,
    ClockState.RESOLVED,
)


def worst(states: list[ClockState]) -> ClockState | None:
    """The clock a case is shown by; None for a case without clocks."""
    return min(states, key=_SEVERITY.index, default=None)


class NotAllowedError(Exception):
    """A person asked for something that the state does not allow; the text says what is and why."""


def next_clock_state(state: ClockState, trigger: ClockTrigger) -> ClockState:
    """The state after `trigger`. Raises NotAllowedError where the table holds no state."""
    after = CLOCK[(state, trigger)]
    if after is None:
        raise NotAllowedError(f"a clock that is '{state}' cannot take '{trigger}'")
    return after


def next_case_state(state: CaseState, trigger: CaseTrigger) -> CaseState:
    """The state after `trigger`. Raises NotAllowedError where the table holds no state."""
    after = CASE[(state, trigger)]
    if after is None:
        raise NotAllowedError(f"a case that is '{state}' cannot take '{trigger}'")
    return after


def markdown() -> str:
    """The two tables as docs/states.md shows them."""
    clock_columns = [s.value for s in (W, R, A, L, U, D)]
    case_columns = [s.value for s in _CASE_COLUMNS]
    return "\n\n".join(
        [
            _table("clock", clock_columns, {t.value: row for t, row in _CLOCK_ROWS.items()}),
            _table("case", case_columns, {t.value: row for t, row in _CASE_ROWS.items()}),
        ]
    )


def _table(name: str, columns: list[str], rows: dict[str, tuple[StrEnum | None, ...]]) -> str:
    lines = [f"| {name} | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    lines += [
        f"| {name_} | " + " | ".join("-" if s is None else s.value for s in row) + " |" for name_, row in rows.items()
    ]
    return "\n".join(lines)

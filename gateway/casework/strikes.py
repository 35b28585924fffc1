"""Strikes: when complaints about an account are too many in too short a time, and which rung that is (PAG-5 to PAG-7).

What counts is a Mark: a distinct complaint, or a notice of activity. A mark counts for one strike; the immediate
threat counts all. Windows are (t - w, t] over the times of receipt. Pure: policy and marks in, strikes out. Must
never decide what is done about one (`defence` and the policy do).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.casework.defence import Reporter
from gateway.policies.ladder import Ladder, Rung, Window


class MarkKind(StrEnum):
    COMPLAINT = "complaint"
    ACTIVITY = "activity"  # staff, a block list or an alert saw it


class MarkState(StrEnum):
    OPEN = "open"  # may still count for a strike
    SPENT = "spent"  # counted for one
    STALE = "stale"  # of mail sent before the last warning arrived: counts for the immediate threat only
    VOID = "void"  # forged, misattributed, or wiped by a reset


class StrikeKind(StrEnum):
    STRIKE = "strike"
    THREAT = "threat"


class StrikeState(StrEnum):
    WAITING = "waiting"  # nothing was said or done yet, or the warning before it has not arrived
    TELLING = "telling"  # its warning is on the way
    TOLD = "told"
    ACTING = "acting"  # its actions are planned; the customer is told when they are done
    BEYOND = "beyond"  # the ladder has no rung for it: staff were told
    UNREACHABLE = "unreachable"  # no contact could be told
    ANNULLED = "annulled"  # by staff, with a reason, or because its complaints were void


LIVE = frozenset(StrikeState) - {StrikeState.ANNULLED}
SETTLED = frozenset({StrikeState.TOLD, StrikeState.ACTING, StrikeState.BEYOND})


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing that counts. `key` is (complainant, evidence) or the notice's own; `at` its receipt, `conduct_at` when
    the mail was sent; `policy` the version of its receipt."""

    key: str
    at: datetime
    reporter: Reporter
    conduct_at: datetime | None = None
    kind: MarkKind = MarkKind.COMPLAINT
    state: MarkState = MarkState.OPEN
    policy: str = ""
    report: int | None = None  # position in the batch
    cls: str | None = None
    case_id: int | None = None
    why: str = ""
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Strike:
    """`number` is the rung, from 1; 0 for a threat. `warned_at`: when its warning arrived."""

    kind: StrikeKind
    number: int
    at: datetime
    policy: str
    why: str
    keys: tuple[str, ...] = ()  # of the marks that made it
    state: StrikeState = StrikeState.WAITING
    warned_at: datetime | None = None
    id: int | None = None
    account_id: int = 0


@dataclass
class Standing:
    """An account's record: the marks that can still matter, and the live strikes, oldest first."""

    account_id: int
    marks: list[Mark] = field(default_factory=list)
    strikes: list[Strike] = field(default_factory=list)
    fresh: list[Strike] = field(default_factory=list)  # made since it was laid out
    changed: dict[str, MarkState] = field(default_factory=dict)  # key -> what became of marks that were there before

    def add(self, mark: Mark, ladder: Ladder) -> None:
        """Count one more mark, under the policy of its receipt. Adding what is known already changes nothing."""
        if any(known.key == mark.key for known in self.marks):
            return
        mark = replace(mark, state=self._state(mark, ladder))
        insort(self.marks, mark, key=lambda one: one.at)
        if mark.state == MarkState.OPEN:
            unspent = [one for one in self.marks if one.state == MarkState.OPEN]
            if found := completed(unspent, mark, ladder.windows):
                window, spent = found
                self._spend(spent)
                self._strike(StrikeKind.STRIKE, spent, mark, window, self._number(mark.at, ladder))
        if ladder.threat is not None and not self._threatened():
            every = [one for one in self.marks if one.state != MarkState.VOID]
            if found := completed(every, mark, [ladder.threat.window]):
                self._strike(StrikeKind.THREAT, found[1], mark, found[0], 0)

    def _state(self, mark: Mark, ladder: Ladder) -> MarkState:
        """Under `new_conduct_only` mail counts that was sent after the last warning arrived (PAG-6). A notice
        of activity is about what goes on when it is given."""
        last = self._last(mark.at, ladder)
        if not ladder.new_conduct_only or last is None:
            return MarkState.OPEN
        conduct = mark.conduct_at or (mark.at if mark.kind == MarkKind.ACTIVITY else None)
        is_new = conduct is not None and last.warned_at is not None and conduct > last.warned_at
        return MarkState.OPEN if is_new else MarkState.STALE

    def _ladder_strikes(self, at: datetime, ladder: Ladder) -> list[Strike]:
        since = at - timedelta(days=ladder.forget_days) if ladder.forget_days else None
        every = [*self.strikes, *self.fresh]
        return [s for s in every if s.kind == StrikeKind.STRIKE and (since is None or s.at > since)]

    def _last(self, at: datetime, ladder: Ladder) -> Strike | None:
        return max(self._ladder_strikes(at, ladder), key=lambda strike: strike.number, default=None)

    def _number(self, at: datetime, ladder: Ladder) -> int:
        last = self._last(at, ladder)
        return last.number + 1 if last else 1

    def _threatened(self) -> bool:
        return any(strike.kind == StrikeKind.THREAT for strike in (*self.strikes, *self.fresh))

    def _spend(self, spent: Sequence[Mark]) -> None:
        keys = {mark.key for mark in spent}
        self.marks = [replace(m, state=MarkState.SPENT) if m.key in keys else m for m in self.marks]
        self.changed |= dict.fromkeys(keys, MarkState.SPENT)

    def _strike(self, kind: StrikeKind, of: Sequence[Mark], last: Mark, window: Window, number: int) -> None:
        why = f"{len(of)} complaints or notices of activity within {window.hours:g} hours"
        keys = tuple(mark.key for mark in of)
        at = max(mark.at for mark in of)
        self.fresh.append(Strike(kind, number, at, last.policy, why, keys, account_id=self.account_id))


def completed(marks: Sequence[Mark], new: Mark, windows: Iterable[Window]) -> tuple[Window, list[Mark]] | None:
    """The first window that is full now that `new` is among `marks` (those that count, by time), and what is in it.
    Only spans that hold `new` can have become full."""
    for window in windows:
        near = [m for m in marks if abs(m.at - new.at) < window.length]
        for last in near:
            if last.at < new.at:
                continue
            inside = [m for m in near if last.at - window.length < m.at <= last.at]
            if len(inside) >= window.count:
                return window, inside
    return None


def rung_of(strike: Strike, ladder: Ladder) -> Rung | None:
    """What a strike brings, or None: it is beyond the ladder."""
    return ladder.rungs[strike.number - 1] if 0 < strike.number <= len(ladder.rungs) else None


def may_step(strike: Strike, live: Iterable[Strike]) -> bool:
    """Whether something may be said or done about a strike: the ladder is climbed rung by rung, and none is
    begun before the warning of the one below it arrived. The immediate threat waits for nothing (PAG-7)."""
    if strike.kind == StrikeKind.THREAT:
        return True
    below = [s for s in live if s.kind == StrikeKind.STRIKE and s.number < strike.number and s.state in LIVE]
    return all(one.state in SETTLED for one in below)


def falls(strike: Strike, ladder: Ladder, marks: Sequence[Mark]) -> bool:
    """Whether a strike no longer stands, now that some of its marks are void: no window is full any more."""
    left = sorted((m for m in marks if m.state != MarkState.VOID), key=lambda one: one.at)
    if strike.kind == StrikeKind.THREAT:
        windows = [ladder.threat.window] if ladder.threat else []
    else:
        windows = list(ladder.windows)
    return not any(completed(left, mark, windows) for mark in left)

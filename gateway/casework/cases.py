"""Which case a report belongs to, and what it changes there: pure, `now` is an argument.

One case per (account, class); each resource in it has its own clock (design "Case"). The
caller hands in what is stored and stores what comes back. Must never choose the
account (attribution did) or write to anybody.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.casework import clocks
from gateway.casework.clocks import Change
from gateway.casework.states import CaseTrigger, ClockTrigger, next_case_state
from gateway.model import Case, CaseState, Clock, ClockState
from parsers.report import ResourceKind, Role


@dataclass(frozen=True, slots=True)
class Complaint:
    """One attributed resource of one accepted report. `conduct_at` is when it happened, None if unknown."""

    account_id: int
    cls: str
    kind: ResourceKind
    role: Role
    value: str
    conduct_at: datetime | None


@dataclass(frozen=True, slots=True)
class Filing:
    """The case and the clock as they are after the complaint, and what goes out with it."""

    case: Case
    change: Change
    is_new_case: bool
    supersedes: bool  # an older case of the same account and class is over for good


def file(  # noqa: PLR0913  (six facts decide; a class around them would say nothing more)
    complaint: Complaint,
    case: Case | None,
    clock: Clock | None,
    contacts: int,
    policy: str,
    *,
    now: datetime,
    reopen: timedelta,
) -> Filing:
    """Put one complaint into its case. `case` is the latest one of the account and class that was not
    dismissed or merged; `clock` that of the resource in it; `contacts` how many contacts the customer has;
    `reopen` for how long after its end a case still takes evidence (30 days by default)."""
    over = case is not None and not takes_evidence(case, now, reopen)
    if case is None or over:
        fresh = Case(complaint.account_id, complaint.cls, CaseState.OPEN, now, policy=policy)
        return Filing(fresh, clocks.opened(_clock(complaint), contacts), is_new_case=True, supersedes=over)
    if clock is None:
        change = clocks.opened(replace(_clock(complaint), case_id=case.id), contacts)
    else:
        change = clocks.evidence(clock, complaint.conduct_at, contacts)
    return Filing(_after(case, change), change, is_new_case=False, supersedes=False)


def takes_evidence(case: Case, now: datetime, reopen: timedelta) -> bool:
    """Open cases do; resolved and closed ones for `reopen` after their end."""
    if case.state == CaseState.OPEN:
        return True
    ended = case.resolved_at or case.opened_at
    return case.state in (CaseState.RESOLVED, CaseState.CLOSED) and now - ended <= reopen


def settle(case: Case, its_clocks: list[Clock], at: datetime) -> Case:
    """The case after some of its clocks were resolved: resolved itself when the last one is."""
    if case.state != CaseState.OPEN or any(c.state != ClockState.RESOLVED for c in its_clocks):
        return case
    return replace(case, state=next_case_state(case.state, CaseTrigger.ALL_RESOLVED), resolved_at=at)


def _after(case: Case, change: Change) -> Case:
    starts_anew = change.trigger == ClockTrigger.NEW_CONDUCT or change.clock.id is None
    state = next_case_state(case.state, CaseTrigger.NEW_CLOCK if starts_anew else CaseTrigger.EVIDENCE)
    return replace(case, state=state, resolved_at=None if state == CaseState.OPEN else case.resolved_at)


def _clock(complaint: Complaint) -> Clock:
    return Clock((complaint.account_id, complaint.cls), complaint.kind, complaint.role, complaint.value)

"""Which case a report belongs to, and what it changes there: pure, `now` is an argument.

One case per (account, class); each resource in it has its own clock (design "Case"). The
caller hands in what is stored and stores what comes back. Must never choose the
account (attribution did) or write to anybody.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.casework import clocks
from gateway.casework.clocks import Change, Proposal
from gateway.casework.states import CaseTrigger, ClockTrigger, NotAllowedError, next_case_state
from gateway.model import Case, CaseKey, CaseState, Clock, ClockState
from parsers.report import ResourceKind, Role


@dataclass(frozen=True, slots=True)
class Complaint:
    """One attributed resource of one accepted report. `conduct_at` is when it happened, None if unknown.
    `into`: the case that takes it, where that is not the account's own of the class."""

    account_id: int
    cls: str
    kind: ResourceKind
    role: Role
    value: str
    conduct_at: datetime | None
    into: CaseKey | None = None

    @property
    def key(self) -> CaseKey:
        return self.into or (self.account_id, self.cls)


@dataclass(frozen=True, slots=True)
class Terms:
    """What the policy says of a complaint's class: its label, for how long after its end a case still takes evidence,
    after how long the time of a customer whom nobody can tell starts all the same (None: staff decide), what is
    done when conduct goes on after a resolution, and what even before the customer is told."""

    policy: str
    reopen: timedelta
    give_up: timedelta | None = None
    on_repeat: tuple[Proposal, ...] = ()
    before_notice: tuple[Proposal, ...] = ()


@dataclass(frozen=True, slots=True)
class Filing:
    """The case and the clock as they are after the complaint, and what goes out with it."""

    case: Case
    change: Change
    is_new_case: bool
    supersedes: bool  # an older case of the same account and class is over for good


def file(
    complaint: Complaint, case: Case | None, clock: Clock | None, contacts: int, terms: Terms, *, now: datetime
) -> Filing:
    """Put one complaint into its case. `case` is the latest one of the account and class that was not
    dismissed or merged; `clock` that of the resource in it; `contacts` how many contacts the customer has."""
    given_up_at = now + terms.give_up if terms.give_up is not None else None
    over = case is not None and not takes_evidence(case, now, terms.reopen)
    if case is None or over:
        fresh = Case(complaint.account_id, complaint.cls, CaseState.OPEN, now, policy=terms.policy)
        change = clocks.opened(_clock(complaint, terms.policy), contacts, given_up_at)
        return Filing(fresh, replace(change, actions=terms.before_notice), is_new_case=True, supersedes=over)
    if clock is None:
        change = clocks.opened(replace(_clock(complaint, case.policy), case_id=case.id), contacts, given_up_at)
        change = replace(change, actions=terms.before_notice)
    else:
        change = clocks.evidence(clock, complaint.conduct_at, contacts, given_up_at)
        if change.escalates:
            change = replace(change, actions=terms.on_repeat)
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


def merge(source: Case, target: Case, held: list[Clock], theirs: list[Clock]) -> list[Clock]:
    """The clocks of `source` (it holds `held`) that go over to `target` (it holds `theirs`). A resource that both
    hold stays where it is, and must be resolved in `source`. Raises NotAllowedError."""
    next_case_state(source.state, CaseTrigger.MERGED)
    if target.state != CaseState.OPEN:
        raise NotAllowedError(f"case {target.number} is {target.state.value}: only an open case takes another one")
    known = {(clock.kind, clock.value) for clock in theirs}
    doubled = [clock for clock in held if (clock.kind, clock.value) in known]
    if unsolved := [clock.value for clock in doubled if clock.state != ClockState.RESOLVED]:
        both = f"both hold {', '.join(unsolved)}: resolve it in {source.number} first"
        raise NotAllowedError(f"case {source.number} cannot go into {target.number}: {both}")
    return [clock for clock in held if clock not in doubled]


def split(case: Case, held: list[Clock], values: list[str]) -> list[Clock]:
    """The clocks of these resources, which go into a case of their own. Raises NotAllowedError."""
    next_case_state(case.state, CaseTrigger.SPLIT)
    going = [clock for clock in held if clock.value in values]
    if unknown := sorted(set(values) - {clock.value for clock in going}):
        holds = ", ".join(sorted(clock.value for clock in held))
        raise NotAllowedError(f"case {case.number} does not hold {', '.join(unknown)}; it holds {holds}")
    if len(going) == len(held):
        raise NotAllowedError(f"case {case.number} would be left with nothing: name only some of its resources")
    return going


def _after(case: Case, change: Change) -> Case:
    starts_anew = change.trigger == ClockTrigger.NEW_CONDUCT or change.clock.id is None
    state = next_case_state(case.state, CaseTrigger.NEW_CLOCK if starts_anew else CaseTrigger.EVIDENCE)
    if state == case.state:
        return case
    return replace(case, state=state, resolved_at=None, cause=None)  # reopened: neither its end nor its cause holds


def _clock(complaint: Complaint, policy: str) -> Clock:
    return Clock(complaint.key, complaint.kind, complaint.role, complaint.value, policy)

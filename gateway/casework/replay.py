"""What a policy would have done to the past: the same rules over what is stored, and nothing of it is kept.

A warning counts as delivered when its strike was made, a clock as started when it really was (else at the first
report), and an answer as the answer it was. Pure. Must never be taken for what will happen: customers who are
warned act otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.casework.business_time import after
from gateway.casework.defence import Reporter, weigh
from gateway.casework.strikes import Mark, MarkKind, Standing, Strike, StrikeKind, StrikeState, rung_of
from gateway.model import ActionKind
from gateway.policies.classes import ClassRule
from gateway.policies.policy import Policy
from parsers.report import Category, Role


@dataclass(frozen=True, slots=True)
class Past:
    """One accepted report about one resource of a customer, and how its clock really went (None: it had none).
    `stopped_at`: when it was first answered or resolved."""

    received_at: datetime
    conduct_at: datetime | None
    category: Category
    role: Role
    value: str
    account_id: int
    customer: str
    account: str
    reporter: Reporter
    key: str
    is_click: bool = False
    started_at: datetime | None = None
    stopped_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing the policy would have done."""

    at: datetime
    account: str
    what: str
    why: str


@dataclass
class Would:
    """What would have happened, in order of time once it is `sorted`."""

    cases: Counter[str] = field(default_factory=Counter)
    resources: int = 0
    recorded: int = 0  # reports that would only have been counted
    steps: list[Step] = field(default_factory=list)


@dataclass
class _Running:
    """One resource's clock in the replay."""

    rule: ClassRule
    past: Past
    reporters: list[Reporter] = field(default_factory=list)


def replay(past: Iterable[Past], policy: Policy, now: datetime) -> Would:
    """Go through the past, oldest first."""
    would = Would()
    running: dict[tuple[int, str, str], _Running] = {}
    standings: dict[int, Standing] = {}
    heard: Counter[str] = Counter()
    for one in sorted(past, key=lambda each: each.received_at):
        known = one.reporter.known or heard[one.reporter.complainant] >= max(1, policy.defence.history)
        one = replace(one, reporter=replace(one.reporter, known=known))  # noqa: PLW2901  (the same report, judged)
        heard[one.reporter.complainant] += 1
        rule = policy.class_for(one.category, one.role)
        if rule is None or (one.is_click and policy.feed_clicks == "rates"):
            would.recorded += 1
        else:
            _run(would, running, rule, one)
        would.steps += _strikes(standings.setdefault(one.account_id, Standing(one.account_id)), policy, rule, one)
    for each in running.values():
        would.steps += _overdue(policy, each, now)
    would.steps.sort(key=lambda step: step.at)
    return would


def _run(would: Would, running: dict[tuple[int, str, str], _Running], rule: ClassRule, one: Past) -> None:
    if not any(key[:2] == (one.account_id, rule.name) for key in running):
        would.cases[rule.name] += 1
    clock = running.get((one.account_id, rule.name, one.value))
    if clock is None:
        clock = running[(one.account_id, rule.name, one.value)] = _Running(rule, one)
        would.resources += 1
    clock.reporters.append(one.reporter)


def _overdue(policy: Policy, clock: _Running, now: datetime) -> Iterator[Step]:
    one, rule = clock.past, clock.rule
    if one.customer in policy.defence.exempt_customers:
        return
    for kind in rule.before_notice:
        yield Step(
            one.received_at, one.account, _done(policy, kind, one, clock.reporters[:1]), f"first report on {one.value}"
        )
    due_at = after(rule.working, one.started_at or one.received_at, rule.time)
    if due_at > now or (one.stopped_at is not None and one.stopped_at <= due_at):
        return
    late = f"{one.value}: no answer within {rule.hours:g} hours"
    if not rule.overdue:
        yield Step(due_at, one.account, "staff are told", late)
    for kind in rule.overdue:
        yield Step(due_at, one.account, _done(policy, kind, one, clock.reporters), late)


def _strikes(standing: Standing, policy: Policy, rule: ClassRule | None, one: Past) -> Iterator[Step]:
    mark = _mark(policy, rule, one)
    if mark is None:
        return
    standing.add(mark, policy.ladder)
    for strike in standing.fresh:
        yield from _steps_of(policy, strike, standing, one)
        standing.strikes.append(replace(strike, state=StrikeState.TOLD, warned_at=strike.at))
    standing.fresh.clear()


def _mark(policy: Policy, rule: ClassRule | None, one: Past) -> Mark | None:
    ladder = policy.ladder
    if not ladder.counts or one.customer in policy.defence.exempt_customers:
        return None
    mark = Mark(one.key, one.received_at, one.reporter, one.conduct_at, policy=policy.label)
    if one.category is Category.LISTING:
        return replace(mark, kind=MarkKind.ACTIVITY) if ladder.count_activity else None
    counted = rule is not None and (not ladder.classes or rule.name in ladder.classes)
    return mark if counted and (policy.feed_clicks == "complaint" or not one.is_click) else None


def _steps_of(policy: Policy, strike: Strike, standing: Standing, one: Past) -> Iterator[Step]:
    reporters = [mark.reporter for mark in standing.marks]
    if strike.kind == StrikeKind.THREAT:
        kinds = policy.ladder.threat.actions if policy.ladder.threat else ()
        for kind in kinds:
            yield Step(strike.at, one.account, _done(policy, kind, one, reporters), f"immediate threat: {strike.why}")
        return
    rung = rung_of(strike, policy.ladder)
    why = f"strike {strike.number}: {strike.why}"
    if rung is None:
        yield Step(strike.at, one.account, "staff are told", f"{why}; the ladder ends below it")
    elif not rung.actions:
        yield Step(strike.at, one.account, rung.notice.replace("-", " "), why)
    else:
        for kind in rung.actions:
            yield Step(strike.at, one.account, _done(policy, kind, one, reporters), why)


def _done(policy: Policy, kind: ActionKind, one: Past, reporters: list[Reporter]) -> str:
    proposal, needs = weigh(policy, kind, one.customer, reporters)
    how = {"none": "at once", "one": "proposed to staff", "two": "proposed to two persons"}[proposal.approval]
    return f"{kind.value} {how}" + (f" ({needs})" if needs else "")

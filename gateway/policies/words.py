"""A policy in words: for `arfgate policy show` and for people who have to judge what it does.

Must never say what the policy does not: every sentence comes from a rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.model import ActionKind
from gateway.policies.classes import ClassRule
from gateway.policies.ladder import Ladder
from gateway.policies.policy import Policy
from gateway.policies.rules import Approval

_APPROVED: dict[Approval, str] = {
    "none": "without asking",
    "one": "after one person has approved",
    "two": "after two persons have approved",
}
_UP = {"next": "to the one above it", "all": "to everybody above it"}
_CLICKS = {
    "complaint": "a complaint of their complainant",
    "case": "forwarded with their clock, and no strike",
    "rates": "only counted, in rates",
}


def describe(policy: Policy) -> str:
    """The rules, a line each."""
    return "\n".join([f"Policy {policy.name}, version {policy.version}", *(f"  {line}" for line in _lines(policy))])


def done(policy: Policy, kinds: Iterable[ActionKind]) -> str:
    """`block-address, after one person has approved` for each, or `staff are told`."""
    return "; ".join(f"{k.value}, {_APPROVED[policy.actions.approval_for(k)]}" for k in kinds) or "staff are told"


def _lines(policy: Policy) -> Iterator[str]:
    yield from (_class(policy, rule) for rule in policy.classes.values())
    yield from _ladder(policy, policy.ladder)
    yield f"incidents older than {policy.age_limit_days} days open no case"
    yield f"conduct within {policy.reopen_days} days after a resolution reopens the case"
    yield f"reports of feedback loops: {_CLICKS[policy.feed_clicks]}"
    independent = policy.defence.min_independent_reporters
    if independent > 1:
        yield f"an action without approval needs {independent} independent reporters"
    if policy.fines.mode != "off":
        by = "staff" if policy.fines.mode == "staff" else "itself"
        yield f"a fine of {policy.fines.amount} {policy.fines.currency} per valid complaint, charged by {by}"
    told = [f"{role} {mode}" for role, mode in policy.third_parties.model_dump().items() if mode != "off"]
    yield f"third parties: {', '.join(told) or 'none'}"
    if policy.copies.up_the_tree != "none":
        yield f"copies of what a customer is told: {_UP[policy.copies.up_the_tree]}"
    if policy.findings:
        yield f"findings that count: {', '.join(sorted(policy.findings))}"


def _class(policy: Policy, rule: ClassRule) -> str:
    of = " of working days" if rule.business_days else ""
    if rule.reminder_at:
        reminders = ", reminder after " + ", ".join(f"{rule.hours * part:g}" for part in rule.reminder_at) + " hours"
    else:
        reminders = ", no reminder"
    text = f"{rule.name}: {rule.hours:g} hours{of}{reminders}; then {done(policy, rule.overdue)}"
    if rule.before_notice:
        text += f"; before the notice {done(policy, rule.before_notice)}"
    if rule.on_repeat:
        text += f"; on repetition {done(policy, rule.on_repeat)}"
    return text


def _ladder(policy: Policy, ladder: Ladder) -> Iterator[str]:
    if ladder.windows:
        windows = " or ".join(f"{window.count} complaints in {window.hours:g} hours" for window in ladder.windows)
        new = ", of mail sent after the earlier warning" if ladder.new_conduct_only else ""
        yield f"a strike: {windows}{new}"
    for number, rung in enumerate(ladder.rungs, start=1):
        what = done(policy, rung.actions) if rung.actions else rung.notice.replace("-", " ")
        yield f"strike {number}: {what}"
    if ladder.threat is not None:
        threat = ladder.threat
        hours = f"{threat.count} complaints in {threat.hours:g} hours"
        yield f"immediate threat: {hours}: {done(policy, threat.actions)}"

"""Defence against false reports: how many stand behind an action, whether anybody knows them, and who must agree then.

Independent reporters have different organisational domains; a registered feed is one; the unknown users of one
freemail provider share a cap (design "Strikes"). Pure. Must never let an action without approval rest on people
of whom nothing true was ever heard.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.casework.clocks import Proposal
from gateway.model import ActionKind
from gateway.policies.policy import Policy


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who stands behind a complaint. `organisation`: registrable domain, `feed:NAME`, or staff's own source;
    `known`: reports of this reporter were accepted before, and its judged ones were mostly right."""

    complainant: str
    organisation: str
    known: bool = False
    freemail: bool = False


def independent(reporters: Iterable[Reporter], freemail_cap: int) -> int:
    """How many independent reporters these are."""
    organisations: set[str] = set()
    strangers: dict[str, set[str]] = {}
    for reporter in reporters:
        if not reporter.freemail:
            organisations.add(reporter.organisation)
        elif reporter.known:
            organisations.add(reporter.complainant)
        else:
            strangers.setdefault(reporter.organisation, set()).add(reporter.complainant)
    return len(organisations) + sum(min(freemail_cap, len(users)) for users in strangers.values())


def weigh(policy: Policy, kind: ActionKind, customer: str, reporters: Iterable[Reporter]) -> tuple[Proposal, str]:
    """The action with the approval it needs, and why it needs more than the policy says by itself ("": it does not)."""
    wanted = policy.actions.approval_for(kind)
    if customer in policy.defence.protected_customers:
        return Proposal(kind, "two"), "a protected customer: two persons must agree"
    if wanted != "none":
        return Proposal(kind, wanted), ""
    known = list(reporters)
    count = independent(known, policy.defence.freemail_cap)
    if count < policy.defence.min_independent_reporters:
        least = policy.defence.min_independent_reporters
        return Proposal(kind, "one"), f"it rests on {count} independent reporters, {least} are needed to act unasked"
    if policy.defence.history and not any(reporter.known for reporter in known):
        return Proposal(kind, "one"), "nobody who complained has a history of true reports here"
    return Proposal(kind, "none"), ""

"""What may be done to a resource, and how far it is: states, approval, protection, the plan that people see. Pure.

An Action's state says what is true outside: `done` only after every connector said so, `undone` only after every
undo did. Two approvals are two persons; protected addresses are never acted on (design "Actions"). Must never
carry anything out.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.casework.action_words import WORDS
from gateway.casework.states import NotAllowedError
from gateway.model import ActionKind, ActionState
from parsers import fields

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_WIDEST = {4: 8, 6: 16}  # a target wider than this is a mistake, whoever holds it

TRAFFIC = frozenset(
    {ActionKind.BLOCK_ADDRESS, ActionKind.STOP_OUTGOING, ActionKind.BLOCK_PORT_25, ActionKind.WALLED_GARDEN}
)
"""What stops traffic of a customer: the portal and our mail stay reachable from there."""
LISTED = frozenset({ActionKind.LIST_FOREIGN, ActionKind.BLOCK_SENDER, ActionKind.BLOCK_DOMAIN})
"""What the block list holds: an entry of it is carried out by being on it (SES-9, SES-11)."""


class Trigger(StrEnum):
    """What can happen to an action."""

    APPROVED = "approved"  # the last person who had to agree did
    MORE_TO_AGREE = "more-to-agree"  # it turns out to hit a protected customer: two persons
    NOBODY_CARRIES = "no-connector"  # no connector takes it: staff are asked
    CARRIED_OUT = "carried-out"  # every connector did its part, or staff say that they did it
    GAVE_UP = "gave-up"  # a connector could not, to the end
    RETRY = "retry"  # staff: what kept it from being done is put right
    REJECTED = "rejected"  # staff: it will not be done
    FELL = "fell"  # its clock bounced, was extended or resolved
    UNDONE = "undone"  # every connector lifted it, or staff did


P, Q, A, D, F, C, U = (
    ActionState.PROPOSED,
    ActionState.ASKED,
    ActionState.APPROVED,
    ActionState.DONE,
    ActionState.FAILED,
    ActionState.CANCELLED,
    ActionState.UNDONE,
)
_COLUMNS = (P, Q, A, D, F, C, U)
# None: it cannot happen or must not; whoever asks gets a sentence. FELL at `approved`: until a connector began.
_ROWS: dict[Trigger, tuple[ActionState | None, ...]] = {
    Trigger.APPROVED: (A, None, None, None, None, None, None),
    Trigger.MORE_TO_AGREE: (None, None, P, None, None, None, None),
    Trigger.NOBODY_CARRIES: (None, None, Q, None, None, None, None),
    Trigger.CARRIED_OUT: (None, D, D, None, D, None, None),
    Trigger.GAVE_UP: (None, None, F, None, None, None, None),
    Trigger.RETRY: (None, None, None, None, A, None, None),
    Trigger.REJECTED: (C, C, None, None, None, None, None),
    Trigger.FELL: (C, C, C, D, F, C, U),
    Trigger.UNDONE: (None, None, U, U, U, None, None),
}
TABLE: dict[tuple[ActionState, Trigger], ActionState | None] = {
    (state, trigger): row[column] for trigger, row in _ROWS.items() for column, state in enumerate(_COLUMNS)
}


def next_state(number: int, state: ActionState, trigger: Trigger) -> ActionState:
    """The state after `trigger`. Raises NotAllowedError where the table holds none."""
    after = TABLE[(state, trigger)]
    if after is None:
        needs = " or ".join(before.value for before in _COLUMNS if TABLE[(before, trigger)] is not None)
        raise NotAllowedError(f"action {number} is {state.value}; this needs {needs}")
    return after


def before(trigger: Trigger) -> tuple[ActionState, ...]:
    """The states in which `trigger` may come."""
    return tuple(state for state in _COLUMNS if TABLE[(state, trigger)] is not None)


def markdown() -> str:
    """The table as docs/states.md shows it."""
    lines = ["| action | " + " | ".join(state.value for state in _COLUMNS) + " |", "|---" * (len(_COLUMNS) + 1) + "|"]
    for trigger, row in _ROWS.items():
        lines.append(f"| {trigger.value} | " + " | ".join("-" if s is None else s.value for s in row) + " |")
    return "\n".join(lines)


PERSONS = {"none": 0, "one": 1, "two": 2}  # how many must agree, as the policy words it


def first_state(approval: str) -> ActionState:
    """Where an action begins: it waits for its persons, or nobody has to agree."""
    return ActionState.PROPOSED if PERSONS[approval] else ActionState.APPROVED


@dataclass(frozen=True, slots=True)
class Agreed:
    """One person's agreement."""

    who: str
    at: datetime
    why: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """An action as it is decided on. `needed`: how many persons must agree; `account` as customer/account."""

    id: int
    kind: ActionKind
    state: ActionState
    target: str
    why: str
    needed: int
    created_at: datetime
    approvals: tuple[Agreed, ...] = ()
    case: str | None = None
    account: str | None = None
    expires_at: datetime | None = None
    lifting: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a plan has to know of the house. `protected` with the reason; `reachable` stays reachable from a blocked
    address; `holders` are whom the target hits besides; `exempt` customers, to whom nothing is done; `connectors` who
    would carry it out."""

    protected: Sequence[tuple[Network, str]] = ()
    protected_names: Collection[str] = ()
    exempt: Collection[str] = ()
    reachable: Sequence[str] = ()
    holders: Sequence[str] = ()
    connectors: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What people see before they agree. `refusals`: why it must not be done at all."""

    what: str
    why: str
    hits: tuple[str, ...]
    stays: tuple[str, ...]
    carried_out_by: tuple[str, ...]
    undo: str
    approval: str
    refusals: tuple[str, ...] = ()


def person(who: str) -> str:
    """Who somebody is, however they write themselves: two approvals must be two persons."""
    return " ".join(who.split()).casefold()


def approve(action: Action, who: str) -> ActionState:
    """The state once `who` agreed too. Raises NotAllowedError: not proposed, or this person agreed before."""
    after = next_state(action.id, action.state, Trigger.APPROVED)
    agreed = {person(approval.who) for approval in action.approvals}
    if not person(who):
        raise NotAllowedError(f"action {action.id}: nobody's name, so nobody's approval")
    if person(who) in agreed:
        raise NotAllowedError(f"action {action.id} needs {action.needed} persons, and {who} agreed already")
    return after if len(agreed) + 1 >= action.needed else ActionState.PROPOSED


def plan(action: Action, around: Surroundings) -> Plan:
    """What, why, whom it hits, what stays reachable, and how it is undone."""
    words = WORDS[action.kind]
    hits = ([f"{action.account} (the case's customer)"] if action.account else []) + [
        holder for holder in around.holders if holder != action.account
    ]
    missing = max(action.needed - len(action.approvals), 0)
    agreed = ", ".join(approval.who for approval in action.approvals)
    return Plan(
        what=words.do.format(target=action.target) + _until(action),
        why=action.why,
        hits=tuple(hits) or ("nobody of our customers",),
        stays=tuple(around.reachable) if action.kind in TRAFFIC else (),
        carried_out_by=tuple(around.connectors) or ("staff, by hand: no connector takes it",),
        undo=words.undo.format(target=action.target),
        approval=f"{missing} of {action.needed} still to agree" + (f"; agreed: {agreed}" if agreed else ""),
        refusals=refusals(action, around),
    )


def refusals(action: Action, around: Surroundings) -> tuple[str, ...]:
    """Why this must not be done at all: protected, exempt, or not the kind of thing it can be done to."""
    kind, target = action.kind, action.target
    if action.account and action.account.partition("/")[0] in around.exempt:
        return (f"{action.account} is exempt from actions (the policy's defence.exempt_customers)",)
    net = network(target)
    if net is None:
        return _name_refused(kind, target.lower().rstrip("."), around)
    if kind in (ActionKind.BLOCK_DOMAIN, ActionKind.BLOCK_SENDER):
        return (f"{target} is an address: use {ActionKind.LIST_FOREIGN.value}",)
    if net.prefixlen < _WIDEST[net.version]:
        return (f"{target} is a large part of the Internet",)
    return tuple(
        f"{target} is protected: {reason}"
        for guarded, reason in around.protected
        if guarded.version == net.version and guarded.overlaps(net)
    )


def network(target: str) -> Network | None:
    """The target as an address range; None for a name."""
    try:
        return ipaddress.ip_network(target, strict=False)
    except ValueError:
        return None


def _name_refused(kind: ActionKind, name: str, around: Surroundings) -> tuple[str, ...]:
    # a customer's name may stand below a domain of ours; a refused domain takes all below it with it
    wide = kind is ActionKind.BLOCK_DOMAIN
    ours = [own for own in around.protected_names if own == name or (wide and own.endswith((f".{name}", f"@{name}")))]
    found = [f"{name} is protected: it would hit {own}" for own in ours[:1]]
    if wide and ("@" in name or fields.host(name) is None):
        found.append(f"{name} is no domain")
    if kind is ActionKind.BLOCK_SENDER and not fields.address(name):
        found.append(f"{name} is no mail address")
    if kind is ActionKind.LIST_FOREIGN:
        found.append(f"{name} is no address or prefix")
    return tuple(found)


def _until(action: Action) -> str:
    return f", until {action.expires_at:%Y-%m-%d %H:%M}Z" if action.expires_at else ""

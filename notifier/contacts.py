"""Who outside the house is told of a report, and why.

Pure. OUT-1: only addresses that are plainly meant for abuse; a technical, administrative or
billing contact and everybody else on the path are left alone, unless the caller's rules name
their role. Must never look anything up, and never count what was sent before: one mail per
contact, case and day is the caller's key.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from notifier.registration import ABUSE, Found

_WHAT = {"postmaster": "a relay", "relay": "a relay", "upstream": "a provider above the network"}


class WhyNot(StrEnum):
    """Closed list: why a contact that was found is not told."""

    ROLE = "role"  # not meant for abuse
    OURSELVES = "ourselves"
    BYSTANDER = "bystander"  # a large site that spam mentions and that does not advertise by spam
    OPTED_OUT = "opted-out"
    DEAD = "dead"  # mail to it came back
    REPEATED = "repeated"  # told already for something else in the same report


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody to tell. `why` is a sentence for staff and for the contact; `source` says where it was found."""

    address: str
    role: str
    why: str
    source: str
    subject: str
    registration: str
    country: str | None = None


@dataclass(frozen=True, slots=True)
class NotTold:
    """A contact that was found and is left alone."""

    found: Found
    why_not: WhyNot


@dataclass(frozen=True, slots=True)
class Rules:
    """Who is never told. `own_domains`, `bystanders`: lower-case, meant with everything below them;
    `own_networks`: CIDR; `opted_out`: addresses, or `@domain` for everybody there; `dead`:
    addresses, lower-case, where mail does not arrive; `roles`: what the policy lets be told, in RDAP's words."""

    own_domains: Collection[str] = ()
    own_networks: Collection[str] = ()
    bystanders: Collection[str] = ()
    opted_out: Collection[str] = ()
    dead: Collection[str] = ()
    roles: Collection[str] = (ABUSE,)


def who_is_told(
    found: Sequence[Found],
    *,
    own_domains: Collection[str] = (),
    own_networks: Collection[str] = (),
    bystanders: Collection[str] = (),
    opted_out: Collection[str] = (),
    roles: Collection[str] = (ABUSE,),
) -> list[Contact]:
    """The contacts to tell, in the order found (most specific first), each address once. See Rules."""
    rules = Rules(own_domains, own_networks, bystanders, opted_out, roles=roles)
    return [decision for decision in judge(found, rules) if isinstance(decision, Contact)]


def judge(found: Sequence[Found], rules: Rules) -> list[Contact | NotTold]:
    """One decision for each contact found, in order: for `explain` and the queue page."""
    told: set[str] = set()
    decisions: list[Contact | NotTold] = []
    for one in found:
        reason = WhyNot.REPEATED if one.address.lower() in told else _why_not(one, rules)
        if reason is not None:
            decisions.append(NotTold(one, reason))
            continue
        told.add(one.address.lower())
        role = next(role for role in rules.roles if role in one.roles)
        what = _WHAT.get(role) or ("the source network" if one.kind == "ip" else "the advertised site")
        why = f"{role} contact of {one.registration}, {what} of the reported mail"
        decisions.append(Contact(one.address, role, why, one.source, one.subject, one.registration, one.country))
    return decisions


def _why_not(one: Found, rules: Rules) -> WhyNot | None:
    domain = one.address.rpartition("@")[2]
    if not any(role in one.roles for role in rules.roles):
        return WhyNot.ROLE
    if _within(domain, rules.own_domains) or _is_ours(one, rules):
        return WhyNot.OURSELVES
    if one.kind == "domain" and _within(one.subject, rules.bystanders):
        return WhyNot.BYSTANDER
    if not {one.address.lower(), f"@{domain.lower()}"}.isdisjoint(entry.lower() for entry in rules.opted_out):
        return WhyNot.OPTED_OUT
    return WhyNot.DEAD if one.address.lower() in rules.dead else None


def _is_ours(one: Found, rules: Rules) -> bool:
    if one.kind == "domain":
        return _within(one.subject, rules.own_domains)
    address = ipaddress.ip_address(one.subject)
    return any(address in ipaddress.ip_network(network, strict=False) for network in rules.own_networks)


def _within(name: str, domains: Collection[str]) -> bool:
    """Whether `name` is one of the domains or below one."""
    labels = name.lower().rstrip(".").split(".")
    return any(".".join(labels[start:]) in domains for start in range(len(labels)))

"""The values of attribution: whose resource it was, how we know, and what is assigned to whom.

Part of `gateway.model`, which everybody imports them from; apart only because one file would be too long.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from parsers.report import ResourceKind, Role


class AttributionReason(StrEnum):
    """Closed list. `ASSIGNED`, `BY_IDENTIFIER` and `BY_STAFF` have an account; the others wait for a person."""

    ASSIGNED = "assigned"
    BY_STAFF = "by-staff"
    NO_SOURCE = "no-source"  # no address or host that could be looked up
    NO_TIME = "no-time"  # history differs and the report has no usable time
    IN_FUTURE = "in-future"  # incident more than 24 hours ahead of its receipt (RCV-6)
    NOT_OURS = "not-ours"
    NOT_ASSIGNED_THEN = "not-assigned-then"  # ours, but nobody held it at that time
    SHARED_ADDRESS = "shared-address"  # several held it, told apart by port, and the port is missing
    ADDRESSES_DISAGREE = "addresses-disagree"  # the stated source and the trace name two of our addresses
    OWN_RELAY = "own-relay"  # our relay, and no line behind it that names the submitting client
    NOT_PUBLIC = "not-public"  # private, loopback, multicast outside the operator's networks
    BY_IDENTIFIER = "by-identifier"  # our own record of the mail names the account; has one, like ASSIGNED
    SEVERAL_OWN = "several-own-addresses"  # one trace names addresses of several of our customers
    IDENTIFIERS_CONTRADICT = "identifiers-contradict"  # address and proven identifiers name different customers
    PROTECTED = "own-infrastructure"  # held by nobody who could be blamed: our own servers
    BYSTANDER = "innocent-bystander"  # a large domain that turns up in spam without having part in it
    FIRST_OF_KIND = "first-of-kind"  # the first report that advertises this: staff confirm it once
    DNS_POINTS_HERE = "dns-points-here"  # the DNS gave an address of ours for an advertised host: a candidate, no more
    OUTSIDE_DISAGREES = "outside-disagrees"  # the operator's own system names another account than we
    LEASES_UNREAD = "leases-unread"  # it happened after the last reading of the leases of its address


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who held, or may have held, a resource: a candidate for staff, with the reason in words."""

    account_id: int
    why: str


@dataclass(frozen=True, slots=True)
class Attribution:
    """Whose resource it was then, and how we know. `account_id` None: nobody, ask a person. `at` (aware UTC), `port`:
    by which an address was looked up, None where they are not known."""

    kind: ResourceKind
    role: Role
    value: str
    reason: AttributionReason
    account_id: int | None = None
    assignment_id: int | None = None
    how: str = ""
    candidates: tuple[Holder, ...] = ()
    confidence: float | None = None  # 0..1, where there is an account
    at: datetime | None = None
    port: int | None = None


class Use(StrEnum):
    """What an assigned resource is to those who use it."""

    EXCLUSIVE = "exclusive"
    SHARED = "shared"  # by many (a proxy, shared hosting): never one customer's as such
    PROTECTED = "protected"  # our own infrastructure: never blamed, never acted on


@dataclass(frozen=True, slots=True)
class Assignment:
    """A resource held by an account for a time. `first`/`last` are the bounds of an address range as
    integers (both inclusive) with `family` 4 or 6; a name (host, mailbox, `tel:+...`) has `family` 0 and stands
    in `resource`. Ports None: the whole address. Valid in [valid_from, valid_to). `manual`: entered by a person;
    `source`: number of the system whose leases it is of (`attribution.network.Leases`), 0: of none."""

    id: int
    account_id: int
    resource: str
    family: int
    first: int
    last: int
    port_first: int | None
    port_last: int | None
    valid_from: datetime
    valid_to: datetime | None
    manual: bool = False
    use: Use = Use.EXCLUSIVE
    source: int = 0

"""What staff make of an entry of the unmatched queue: an assignment, which places everything like it.

A rule is an assignment like an imported one; once it is made, attribution runs again over
all that waits, in batches. A rule that contradicts an assignment is refused. Must never
place what attribution does not find by itself under the rule.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.attribution.attribute import attribute as attribute_report
from gateway.attribution.network import Network
from gateway.house import House
from gateway.intake import customer_values
from gateway.intake.customer_overlaps import contradictions
from gateway.intake.customer_values import BadValueError
from gateway.intake.customers import AssignmentRow
from gateway.model import Assignment, AttributionReason
from gateway.queue import (
    NAMELESS,
    QueueError,
    Resolved,
    account_id_of,
    file_resolved,
    read_again,
    waiting_entry,
)
from gateway.reattribution import BATCH, Again, again
from gateway.store import assignments, customers, switches
from gateway.store import queue as store
from gateway.store.queue import Entry
from parsers.fields import place as place_of
from parsers.report import ResourceKind, Role


@dataclass(frozen=True, slots=True)
class Terms:
    """What staff say for a rule: `account` as `customer` or `customer/account`, times aware UTC, `resource` a
    prefix, address or host (None: the entry's own)."""

    account: str
    valid_from: datetime
    valid_to: datetime | None = None
    resource: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """An assignment that staff make from an entry. `label` says it in one line."""

    row: AssignmentRow
    account_id: int
    account: str

    @property
    def label(self) -> str:
        until = f" until {self.row.valid_to:%Y-%m-%d %H:%MZ}" if self.row.valid_to else ""
        return f"{self.row.resource} to {self.account} from {self.row.valid_from:%Y-%m-%d %H:%MZ}{until}"


async def preview_rule(house: House, entry_id: int, terms: Terms) -> tuple[Rule, list[Entry]]:
    """The rule, and the entries that it would place; nothing is changed. Raises QueueError, also where the
    rule contradicts an assignment or would not place the entry itself."""
    waiting = await waiting_entry(house, entry_id)
    rule = await _rule(house, waiting, terms)
    network = await _network_with(house, rule)
    await _must_place(house, waiting, rule, network)
    would = [
        e
        async for batch in _resolved(house, network, ruled=rule.account_id)
        for r in batch
        for e, _ in r.settles
        if e is not None
    ]
    return rule, would


async def assign_rule(house: House, entry_id: int, terms: Terms, who: str) -> tuple[Rule, list[Entry]]:
    """Make the assignment, then run attribution over all that waits. Returns the rule and what was placed.
    Safe to run again after a crash: the same rule is not made twice. Raises QueueError."""
    waiting = await waiting_entry(house, entry_id)
    rule = await _rule(house, waiting, terms)
    await _must_place(house, waiting, rule, await _network_with(house, rule))
    async with house.database.writing() as connection:
        # This row is held until the end: two people make their rules one after the other.
        await switches.count_up(connection, switches.ASSIGNMENTS_VERSION)
        free = await store.still_waiting(connection, [entry_id])
        if free and not await _is_made(connection, rule):
            await assignments.add(connection, rule.row, rule.account_id, origin="rule", who=who, now=house.clock())
    if not free:
        await waiting_entry(house, entry_id)  # says who was faster
    return rule, await run_again(house, who, f"rule: {rule.label}", ruled=rule.account_id)


async def run_again(
    house: House, who: str, why: str, reason: AttributionReason | None = None, *, ruled: int | None = None
) -> list[Entry]:
    """Attribution over all that waits (for that reason), under the assignments of now. `ruled`: the account that a
    person named by a rule, whatever the operator's own system says. Returns what was placed."""
    async with house.database.reading() as connection:
        network = await house.network(connection)
    placed: list[int] = []
    async for batch in _resolved(house, network, reason, ruled=ruled):
        placed += await file_resolved(house, batch, who, why)
    async with house.database.reading() as connection:
        return await store.entries(connection, placed)


def moment(text: str) -> datetime:
    """`2026-01-31`, `2026-01-31T12:00` or with a zone, as UTC; without a zone it is UTC. Raises QueueError."""
    try:
        value = datetime.fromisoformat(text.strip())
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise QueueError(f"{text[:40]!r} is no time; write 2026-01-31 or 2026-01-31T12:00, in UTC") from None


# --- the rule --------------------------------------------------------------------------


async def _rule(house: House, waiting: Entry, terms: Terms) -> Rule:
    account_id = await account_id_of(house, terms.account)
    subject = terms.resource or ("" if waiting.reason in NAMELESS else _held(waiting))
    if not subject:
        raise QueueError(
            f"entry {waiting.id} names no resource of a customer; say which prefix or host the rule is for"
        )
    try:
        value, family, first, last = customer_values.resource(subject)
    except BadValueError as error:
        raise QueueError(f"{subject[:80]!r} {error}") from None
    start, end = terms.valid_from, terms.valid_to
    if end is not None and end <= start:
        raise QueueError("the end of the time is not after its beginning")
    customer, _, account = terms.account.strip().partition("/")
    row = AssignmentRow(customer, account or "main", value, family, first, last, None, None, start, end, 0)
    return Rule(row, account_id, terms.account.strip())


def _held(waiting: Entry) -> str:
    """What can be assigned of an entry's resource: of a mailbox its domain, of a link its host."""
    if waiting.kind == ResourceKind.URL:
        found = place_of(waiting.value)
        return found[1] if found else ""
    return waiting.value.rpartition("@")[2]


def _assignment(rule: Rule) -> Assignment:
    row = rule.row
    return Assignment(
        0, rule.account_id, row.resource, row.family, row.first, row.last, None, None, row.valid_from, row.valid_to,
        manual=True,
    )  # fmt: skip


async def _network_with(house: House, rule: Rule) -> Network:
    """What attribution would know with the rule. Raises QueueError where the rule contradicts what is held."""
    async with house.database.reading() as connection:
        network = await house.network(connection)
        if await _is_made(connection, rule):
            return network
    more = _assignment(rule)
    if more.family:
        return replace(network, prefixes=network.prefixes.with_assignment(more))
    return replace(network, hosts=network.hosts.patched([more]))


async def _is_made(connection: AsyncConnection, rule: Rule) -> bool:
    """Whether the very same assignment is there already. Raises QueueError for one that contradicts the rule."""
    row = rule.row
    wanted = (rule.account_id, row.resource, None, row.valid_from, row.valid_to)
    if row.family:
        over = await assignments.over(connection, row.family, row.first, row.last)
        beside = [a for a in over if a.last - a.first == row.last - row.first]
    else:
        beside = await assignments.of_name(connection, row.resource)
    beside = [a for a in beside if a.valid_to is None or a.valid_from < a.valid_to]  # others were withdrawn
    if any((a.account_id, a.resource, a.port_first, a.valid_from, a.valid_to) == wanted for a in beside):
        return True
    ours = replace(row, customer=str(rule.account_id), account="")
    other = next((a for a in beside if next(contradictions([_row(a), ours]), None)), None)
    if other is None:
        return False
    holder = (await customers.names(connection, [other.account_id])).get(other.account_id, "another account")
    until = f" until {other.valid_to:%Y-%m-%d %H:%MZ}" if other.valid_to else ""
    raise QueueError(
        f"{holder} holds {other.resource} from {other.valid_from:%Y-%m-%d %H:%MZ}{until}, so "
        f"{row.resource} cannot be given to {rule.account} for that time too; choose another time or prefix"
    )


def _row(a: Assignment) -> AssignmentRow:
    """An assignment as the check for contradictions knows it."""
    return AssignmentRow(
        str(a.account_id), "", a.resource, a.family, a.first, a.last,
        a.port_first, a.port_last, a.valid_from, a.valid_to, 0,
    )  # fmt: skip


async def _must_place(house: House, waiting: Entry, rule: Rule, network: Network) -> None:
    """A rule that does not help the entry from which it is made is a slip."""
    dossier = (await read_again(house, [waiting])).get(waiting.report_id)
    if dossier is None:
        raise QueueError(f"the mail of entry {waiting.id} can no longer be read; reject it")
    found = attribute_report(dossier.reports[0].report, dossier.message.received_at, network)
    if not any(a.account_id == rule.account_id for a in found):
        said = "; ".join(a.how for a in found)
        raise QueueError(f"with this rule, entry {waiting.id} itself would still not be {rule.account}'s: {said}")


# --- running over what waits -----------------------------------------------------------


async def _resolved(
    house: House, network: Network, reason: AttributionReason | None = None, *, ruled: int | None = None
) -> AsyncIterator[list[Resolved]]:
    """All reports that wait (for that reason), in batches, with what attribution says of them now."""
    last = 0
    while True:
        async with house.database.reading() as connection:
            ids = await store.reports_after(connection, last, BATCH, reason)
        if not ids:
            return
        last = ids[-1]
        yield [_settle(one, ruled) for one in await again(house, network, ids)]


def _settle(stored: Again, ruled: int | None) -> Resolved:
    """Compare what waits of a report with what is found now. What the operator's own system contradicted is a person's
    to solve: that system may only be silent today. An entry that is no longer one (a foreign
    source, once the advertised host is ours) stands for what appeared in its place."""
    beside = zip(stored.plain, stored.found, strict=True)
    found = tuple(ours if ruled is not None and ours.account_id == ruled else both for ours, both in beside)
    stored.dossier.reports[0].attributions = found
    known = {(e.kind, e.role, e.value): e for e in stored.entries}
    keys = {(a.kind.value, a.role.value, a.value) for a in found}
    by_dns = AttributionReason.DNS_POINTS_HERE.value  # attribution knows nothing of it, and it stands for itself
    gone = [e for key, e in known.items() if key not in keys and e.queue in store.OPEN and e.reason != by_dns]
    source_is_settled = any(e.role == Role.SOURCE and e.queue not in store.OPEN for e in stored.entries)
    one = Resolved(stored.dossier, stored.report_id, [], [])
    for attribution in found:
        before = known.get((attribution.kind.value, attribution.role.value, attribution.value))
        contradicted = before is not None and before.reason == AttributionReason.OUTSIDE_DISAGREES.value
        # A person took back what was found by itself: a person says whose it is.
        taken_back = before is not None and before.queue == store.WAITING and before.decided_by is not None
        if (contradicted or taken_back) and (ruled is None or attribution.account_id != ruled):
            continue
        if before is None and attribution.role is Role.SOURCE and source_is_settled:
            continue  # the same under another name, as a login is that of an address
        if attribution.account_id is None:
            if before is not None and before.queue in store.OPEN and attribution.how != before.how:
                one.unclear.append((before.id, attribution))
        elif before is None:
            one.settles.append((gone.pop(0) if gone else None, attribution))
        elif before.queue in store.OPEN:
            one.settles.append((before, attribution))
    return one

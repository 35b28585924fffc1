"""What staff do with the unmatched queue: place a report, make a rule that places many, reject.

A placed report is filed exactly like one that was placed by itself (`filing.place`). Every
decision is a conditional update: of two people one decides, the other is told who was
faster. A rule is an assignment; attribution then runs again over all that waits. Must never
send anything: notices go out with the service's next turn.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from gateway import filing
from gateway.attribution.attribute import Network
from gateway.attribution.attribute import attribute as attribute_report
from gateway.attribution.hosts import HostIndex
from gateway.attribution.prefixes import PrefixIndex
from gateway.dossier import Dossier, ReportInHand
from gateway.house import House
from gateway.intake import customer_values
from gateway.intake.customer_overlaps import contradictions
from gateway.intake.customer_values import BadValueError
from gateway.intake.customers import AssignmentRow
from gateway.model import (
    Assignment,
    Attribution,
    AttributionReason,
    Identity,
    IdentityKind,
    Screening,
    ScreeningReason,
    Verdict,
)
from gateway.store import customers
from gateway.store import queue as store
from gateway.store.queue import Entry, Settled
from parsers.fields import place as place_of
from parsers.report import ResourceKind, Role

# What these entries name is not the customer's resource: a person has to say which one it was.
NAMELESS = frozenset({AttributionReason.NO_SOURCE.value, AttributionReason.OWN_RELAY.value})
WHY_CHARS = 500
_BATCH = 100  # reports that are read again and filed in one go

log = structlog.get_logger()


class QueueError(Exception):
    """It cannot be done; the text says why and what to do."""


class NoEntryError(QueueError):
    """There is no such entry."""


class DecidedError(QueueError):
    """Somebody decided the entry before."""


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


@dataclass
class _Resolved:
    """One report that waits, and what attribution says of it now: (entry or None, attribution) to settle."""

    dossier: Dossier
    report_id: int
    settles: list[tuple[Entry | None, Attribution]]
    unclear: list[tuple[int, Attribution]]  # entries that still wait, for another reason than before


async def entry(house: House, entry_id: int) -> Entry:
    """One entry, whatever became of it. Raises NoEntryError."""
    async with house.database.reading() as connection:
        found = await store.entries(connection, [entry_id])
    if not found or found[0].queue is None:
        raise NoEntryError(f"the queue has no entry {entry_id}; `arfgate queue list` shows what waits")
    return found[0]


async def read_again(house: House, entries: Sequence[Entry]) -> dict[int, Dossier]:
    """The reports behind the entries as they were filed, by report id; without what can no longer be read."""
    async with house.database.reading() as connection:
        stored = await store.messages_of(connection, (e.message_id for e in entries))
    messages = list(stored.values())
    parsed = dict(zip(stored, await house.workers.parse([m.raw for m in messages]), strict=True))
    found = {}
    for one in entries:
        said = parsed[one.message_id]
        if one.position >= len(said.reports):
            log.warning("report cannot be read again", message_id=one.message_id, report_id=one.report_id)
            continue
        identity = Identity(
            IdentityKind(one.identity["kind"]), **{k: v for k, v in one.identity.items() if k != "kind"}
        )
        screening = Screening(Verdict.ACCEPTED, ScreeningReason(one.screening), identity)
        item = ReportInHand(said.reports[one.position], screening, one.fingerprint, one.complainant)
        found[one.report_id] = Dossier(stored[one.message_id], said, identity, live=True, reports=[item])
    return found


async def assign(house: House, entry_id: int, account_name: str, who: str, resource: str | None = None) -> Entry:
    """Place one report with an account (`customer` or `customer/account`) and file it. `resource`: the address,
    host or mailbox that was meant, where the entry names none of the customer's. Returns the entry as it is
    then. Raises QueueError."""
    waiting = await _waiting(house, entry_id)
    account_id = await _account(house, account_name)
    kind, value = await _subject(house, waiting, resource)
    how = f"{waiting.how}; {who} assigned it to {account_name}"
    attribution = Attribution(kind, Role(waiting.role), value, AttributionReason.BY_STAFF, account_id, how=how)
    dossiers = await read_again(house, [waiting])
    if waiting.report_id not in dossiers:
        raise QueueError(f"the mail of entry {entry_id} can no longer be read, so nothing could be told; reject it")
    one = _Resolved(dossiers[waiting.report_id], waiting.report_id, [(waiting, attribution)], [])
    if not await _file(house, [one], who, f"to {account_name}, this report only"):
        await _waiting(house, entry_id)  # says who was faster
    return await entry(house, entry_id)


async def reject(house: House, entry_id: int, reason: str, who: str) -> Entry:
    """Take an entry out of the queue for good: nobody of ours, or junk. Raises QueueError."""
    why = " ".join(reason.split())
    if not why:
        raise QueueError("say why: the reason is kept with the report")
    if len(why) > WHY_CHARS:
        raise QueueError(f"the reason has {len(why)} characters; write at most {WHY_CHARS}")
    waiting = await _waiting(house, entry_id)
    async with house.database.writing() as connection:
        done = await store.reject(connection, waiting, why, who, house.clock())
    if not done:
        await _waiting(house, entry_id)
    return await entry(house, entry_id)


async def preview_rule(  # noqa: PLR0913  (an assignment has these parts)
    house: House,
    entry_id: int,
    account_name: str,
    valid_from: datetime,
    valid_to: datetime | None = None,
    resource: str | None = None,
) -> tuple[Rule, list[Entry]]:
    """The rule, and the entries that it would place; nothing is changed. Raises QueueError, also where the
    rule contradicts an assignment or would not place the entry itself."""
    waiting = await _waiting(house, entry_id)
    rule = await _rule(house, waiting, account_name, valid_from, valid_to, resource)
    network = await _network_with(house, rule)
    await _must_place(house, waiting, rule, network)
    would = [e async for batch in _resolved(house, network) for r in batch for e, _ in r.settles if e is not None]
    return rule, would


async def assign_rule(  # noqa: PLR0913  (an assignment has these parts, and somebody makes it)
    house: House,
    entry_id: int,
    account_name: str,
    who: str,
    valid_from: datetime,
    valid_to: datetime | None = None,
    resource: str | None = None,
) -> tuple[Rule, list[Entry]]:
    """Make the assignment, then run attribution over all that waits. Returns the rule and what was placed.
    Safe to run again after a crash: the same rule is not made twice. Raises QueueError."""
    waiting = await _waiting(house, entry_id)
    rule = await _rule(house, waiting, account_name, valid_from, valid_to, resource)
    await _must_place(house, waiting, rule, await _network_with(house, rule))
    async with house.database.writing() as connection:
        held = await customers.all_assignments(connection)
        if await store.still_waiting(connection, [entry_id]) and not _check(
            rule, held, await _names(house, rule, held)
        ):
            await customers.add_rule(connection, rule.row, rule.account_id, who=who, now=house.clock())
    return rule, await run_again(house, who, f"rule: {rule.label}")


async def run_again(house: House, who: str, why: str) -> list[Entry]:
    """Attribution over everything that waits, under the assignments of now. Returns what was placed."""
    async with house.database.reading() as connection:
        network = await house.network(connection)
    placed: list[int] = []
    async for batch in _resolved(house, network):
        placed += await _file(house, batch, who, why)
    async with house.database.reading() as connection:
        return await store.entries(connection, placed)


def moment(text: str) -> datetime:
    """`2026-01-31`, `2026-01-31T12:00` or with a zone, as UTC; without a zone it is UTC. Raises QueueError."""
    try:
        value = datetime.fromisoformat(text.strip())
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise QueueError(f"{text[:40]!r} is no time; write 2026-01-31 or 2026-01-31T12:00, in UTC") from None


# --- checks ----------------------------------------------------------------------------


async def _waiting(house: House, entry_id: int) -> Entry:
    found = await entry(house, entry_id)
    if found.queue != store.WAITING:
        when = f" on {found.decided_at:%Y-%m-%d %H:%MZ}" if found.decided_at else ""
        to = f" to {found.account}" if found.account else ""
        raise DecidedError(f"{found.decided_by or 'somebody'} was faster: entry {entry_id} was {found.queue}{to}{when}")
    return found


async def _account(house: House, name: str) -> int:
    async with house.database.reading() as connection:
        account_id = await customers.account_named(connection, name.strip())
    if account_id is None:
        raise QueueError(f"there is no customer {name.strip()[:80]!r}; `arfgate customer list` shows them")
    return account_id


async def _subject(house: House, waiting: Entry, resource: str | None) -> tuple[ResourceKind, str]:
    """What the case is to be about: the entry's own resource, or the one that the person named."""
    if not resource:
        if waiting.reason in NAMELESS:
            raise QueueError(f"entry {waiting.id} names no resource of a customer; say which address or host it was")
        return ResourceKind(waiting.kind), waiting.value
    kind, value = _single(resource)
    async with house.database.reading() as connection:
        siblings = await store.of_reports(connection, [waiting.report_id])
    for other in siblings:
        if other.id != waiting.id and (other.kind, other.role, other.value) == (kind.value, waiting.role, value):
            raise QueueError(f"the same report has entry {other.id} about {value} already; look at that one")
    return kind, value


def _single(text: str) -> tuple[ResourceKind, str]:
    try:
        if "@" in text:
            return ResourceKind.MAILBOX, customer_values.contacts(text)[0]
        value, family, first, last = customer_values.resource(text)
    except BadValueError as error:
        raise QueueError(f"{text[:80]!r} {error}") from None
    if first != last:
        raise QueueError(f"{value} is a range; a case is about one address")
    return (ResourceKind.IP if family else ResourceKind.HOST), value


# --- rules -----------------------------------------------------------------------------


async def _rule(  # noqa: PLR0913  (as above)
    house: House, waiting: Entry, name: str, start: datetime, end: datetime | None, resource: str | None
) -> Rule:
    account_id = await _account(house, name)
    subject = resource or ("" if waiting.reason in NAMELESS else _held(waiting))
    if not subject:
        raise QueueError(
            f"entry {waiting.id} names no resource of a customer; say which prefix or host the rule is for"
        )
    try:
        value, family, first, last = customer_values.resource(subject)
    except BadValueError as error:
        raise QueueError(f"{subject[:80]!r} {error}") from None
    if end is not None and end <= start:
        raise QueueError("the end of the time is not after its beginning")
    customer, _, account = name.strip().partition("/")
    row = AssignmentRow(customer, account or "main", value, family, first, last, None, None, start, end, 0)
    return Rule(row, account_id, name.strip())


def _held(waiting: Entry) -> str:
    """What can be assigned of an entry's resource: of a mailbox its domain, of a link its host."""
    if waiting.kind == ResourceKind.URL:
        found = place_of(waiting.value)
        return found[1] if found else ""
    return waiting.value.rpartition("@")[2]


def _assignment(rule: Rule) -> Assignment:
    row = rule.row
    return Assignment(
        0, rule.account_id, row.resource, row.family, row.first, row.last, None, None, row.valid_from, row.valid_to
    )


async def _network_with(house: House, rule: Rule) -> Network:
    """What attribution would know with the rule. Raises QueueError where the rule contradicts what is held."""
    async with house.database.reading() as connection:
        held = await customers.all_assignments(connection)
        network = await house.network(connection)
    if _check(rule, held, await _names(house, rule, held)):
        return network
    more = [*held, _assignment(rule)]
    prefixes, hosts = PrefixIndex(a for a in more if a.family), HostIndex(a for a in more if not a.family)
    return replace(network, prefixes=prefixes, hosts=hosts)


def _check(rule: Rule, held: Sequence[Assignment], names: dict[int, str]) -> bool:
    """Whether the very same assignment is there already. Raises QueueError for one that contradicts the rule."""
    for other in _same_specificity(rule, held):
        same = (other.account_id, other.valid_from, other.valid_to) == (
            rule.account_id, rule.row.valid_from, rule.row.valid_to,
        )  # fmt: skip
        if same and other.resource == rule.row.resource and other.port_first is None:
            return True
    ours = replace(rule.row, customer=str(rule.account_id), account="")
    for other in _same_specificity(rule, held):
        row = AssignmentRow(
            str(other.account_id), "", other.resource, other.family, other.first, other.last,
            other.port_first, other.port_last, other.valid_from, other.valid_to, 0,
        )  # fmt: skip
        if next(contradictions([row, ours]), None):
            until = f" until {other.valid_to:%Y-%m-%d %H:%MZ}" if other.valid_to else ""
            holder = names.get(other.account_id, "another account")
            raise QueueError(
                f"{holder} holds {other.resource} from {other.valid_from:%Y-%m-%d %H:%MZ}{until}, so "
                f"{rule.row.resource} cannot be {rule.account}'s in that time; choose another time or prefix"
            )
    return False


def _same_specificity(rule: Rule, held: Sequence[Assignment]) -> list[Assignment]:
    row = rule.row
    return [
        a
        for a in held
        if a.family == row.family
        and a.last - a.first == row.last - row.first
        and (a.first <= row.last and row.first <= a.last if a.family else a.resource == row.resource)
    ]


async def _names(house: House, rule: Rule, held: Sequence[Assignment]) -> dict[int, str]:
    async with house.database.reading() as connection:
        return await customers.names(connection, [a.account_id for a in _same_specificity(rule, held)])


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


async def _resolved(house: House, network: Network) -> AsyncIterator[list[_Resolved]]:
    """All reports that wait, in batches, with what attribution says of them now."""
    last = 0
    while True:
        async with house.database.reading() as connection:
            ids = await store.reports_after(connection, last, _BATCH)
            entries = await store.of_reports(connection, ids)
        if not ids:
            return
        last = ids[-1]
        of_report = {report_id: [e for e in entries if e.report_id == report_id] for report_id in ids}
        dossiers = await read_again(house, [of_report[report_id][0] for report_id in ids])
        yield [_settle(dossier, of_report[report_id], network) for report_id, dossier in dossiers.items()]


def _settle(dossier: Dossier, entries: list[Entry], network: Network) -> _Resolved:
    """Compare what waits of a report with what attribution finds now. An entry that is no longer one (a foreign
    source, once the advertised host is ours) stands for what appeared in its place."""
    report_id = entries[0].report_id
    found = attribute_report(dossier.reports[0].report, dossier.message.received_at, network)
    known = {(e.kind, e.role, e.value): e for e in entries}
    keys = {(a.kind.value, a.role.value, a.value) for a in found}
    gone = [e for key, e in known.items() if key not in keys and e.queue == store.WAITING]
    one = _Resolved(dossier, report_id, [], [])
    for attribution in found:
        before = known.get((attribution.kind.value, attribution.role.value, attribution.value))
        if attribution.account_id is None:
            if before is not None and before.queue == store.WAITING and attribution.how != before.how:
                one.unclear.append((before.id, attribution))
        elif before is None:
            one.settles.append((gone.pop(0) if gone else None, attribution))
        elif before.queue == store.WAITING:
            one.settles.append((before, attribution))
    return one


async def _file(house: House, batch: Sequence[_Resolved], who: str, why: str) -> list[int]:
    """File what is settled and still waits, in one transaction. Returns the ids of the entries placed."""
    batch = [one for one in batch if one.settles or one.unclear]
    if not batch:
        return []
    async with house.database.writing() as connection:
        free = await store.still_waiting(connection, [e.id for one in batch for e, _ in one.settles if e is not None])
        now = house.clock()
        for one in batch:
            one.settles = [(e, a) for e, a in one.settles if e is None or e.id in free]
            one.dossier.reports[0].attributions = tuple(a for _, a in one.settles)
        settled = [one for one in batch if any(e is not None for e, _ in one.settles)]
        ids = [one.report_id for one in settled]
        if house.rdap is not None:
            await store.ask_contacts_again(connection, ids, now)
        clocks = await filing.place(house, connection, [one.dossier for one in settled], ids, who)
        rows = [
            Settled(e.id if e else None, one.report_id, one.dossier.message.id, a, clocks.get((index, a)), why)
            for index, one in enumerate(settled)
            for e, a in one.settles
        ]
        await store.assign(connection, rows, who, now)
        await store.explain_anew(connection, [pair for one in batch for pair in one.unclear])
    return sorted(free)

"""What staff do with one entry of the unmatched queue: place the report, or reject it.

A placed report is filed exactly like one that was placed by itself (`filing.place`). Every
decision is a conditional update: of two people one decides, the other is told who was
faster. Must never send anything: notices go out with the service's next turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from gateway import answering, filing, identities
from gateway.dossier import Dossier, ReportInHand
from gateway.house import House
from gateway.intake import customer_values
from gateway.intake.customer_values import BadValueError
from gateway.model import (
    Attribution,
    AttributionReason,
    Screening,
    ScreeningReason,
    Verdict,
)
from gateway.store import customers, mutes, queue_acts
from gateway.store import queue as store
from gateway.store.counted_later import COUNTED
from gateway.store.queue import Entry, Settled
from parsers.report import ResourceKind, Role

# What these entries name is not the customer's resource: a person has to say which one it was.
NAMELESS = frozenset({AttributionReason.NO_SOURCE.value, AttributionReason.OWN_RELAY.value})
WHY_CHARS = 500
_MOST_ID = 2**31 - 1  # what the databases' integer keys hold

log = structlog.get_logger(module=__name__)


class QueueError(Exception):
    """It cannot be done; the text says why and what to do."""


class NoEntryError(QueueError):
    """There is no such entry."""


class DecidedError(QueueError):
    """Somebody decided the entry before."""


@dataclass
class Resolved:
    """One report that waits, and what attribution says of it now: (entry or None, attribution) to settle."""

    dossier: Dossier
    report_id: int
    settles: list[tuple[Entry | None, Attribution]]
    unclear: list[tuple[int, Attribution]]  # entries that still wait, for another reason than before


async def entry(house: House, entry_id: int) -> Entry:
    """One entry, whatever became of it. Raises NoEntryError."""
    async with house.database.reading() as connection:
        found = await store.entries(connection, [entry_id] if 0 < entry_id <= _MOST_ID else [])
    if not found or found[0].queue in {None, COUNTED}:
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
        said = answering.stated(parsed[one.message_id], one.category)  # its sender may have said more than the mail
        if one.position >= len(said.reports):
            log.warning("report cannot be read again", message_id=one.message_id, report_id=one.report_id)
            continue
        identity = identities.from_json(one.identity)
        screening = Screening(Verdict.ACCEPTED, ScreeningReason(one.screening), identity)
        item = ReportInHand(said.reports[one.position], screening, one.fingerprint, one.complainant)
        found[one.report_id] = Dossier(stored[one.message_id], said, identity, live=True, reports=[item])
    return found


async def assign(house: House, entry_id: int, account_name: str, who: str, resource: str | None = None) -> Entry:
    """Place one report with an account (`customer` or `customer/account`) and file it. `resource`: the address,
    host or mailbox that was meant, where the entry names none of the customer's. Returns the entry as it is
    then. Raises QueueError."""
    waiting = await waiting_entry(house, entry_id)
    account_id = await account_id_of(house, account_name)
    kind, value = await _subject(house, waiting, resource)
    how = f"{waiting.how}; {who} assigned it to {account_name}"
    attribution = Attribution(kind, Role(waiting.role), value, AttributionReason.BY_STAFF, account_id, how=how)
    dossiers = await read_again(house, [waiting])
    if waiting.report_id not in dossiers:
        raise QueueError(f"the mail of entry {entry_id} can no longer be read, so nothing could be told; reject it")
    one = Resolved(dossiers[waiting.report_id], waiting.report_id, [(waiting, attribution)], [])
    if not await file_resolved(house, [one], who, f"to {account_name}, this report only"):
        await waiting_entry(house, entry_id)  # says who was faster
    return await entry(house, entry_id)


async def reject(house: House, entry_id: int, reason: str, who: str, *, alike: bool = False) -> list[int]:
    """Take an entry out of the queue for good: nobody of ours, or junk. `alike`: with all that wait for the same
    reason about the same resource. Returns the ids of what was rejected. Raises QueueError."""
    said = queue_acts.Decision(store.REJECTED, f"rejected: {reason_given(reason)}")
    waiting = await waiting_entry(house, entry_id)
    async with house.database.writing() as connection:
        ids = await store.alike(connection, waiting) if alike else [entry_id]
        chosen = await store.entries(connection, ids)
        now = house.clock()
        done = [e.id for e in chosen if await queue_acts.decide(connection, e, said, who=who, now=now)]
    if not done:
        await waiting_entry(house, entry_id)  # says who was faster
    return done


def reason_given(reason: str) -> str:
    """A reason in one line. Raises QueueError."""
    why = " ".join(reason.split())
    if not why:
        raise QueueError("say why: the reason is kept with the report")
    if len(why) > WHY_CHARS:
        raise QueueError(f"the reason has {len(why)} characters; write at most {WHY_CHARS}")
    return why


async def file_resolved(house: House, batch: Sequence[Resolved], who: str, why: str) -> list[int]:
    """File what is settled and still waits, in one transaction. Returns the ids of the entries placed."""
    batch = [one for one in batch if one.settles or one.unclear]
    if not batch:
        return []
    async with house.database.writing() as connection:
        free = await store.still_waiting(connection, [e.id for one in batch for e, _ in one.settles if e is not None])
        now = house.clock()
        house.mutes = await mutes.active(connection, now)  # as of now: no mail need have come since one was made
        for one in batch:
            one.settles = [(e, a) for e, a in one.settles if e is None or e.id in free]
            one.dossier.reports[0].attributions = tuple(a for _, a in one.settles)
        settled = [one for one in batch if any(e is not None for e, _ in one.settles)]
        ids = [one.report_id for one in settled]
        if house.rdap is not None:
            await store.ask_contacts_again(connection, ids, now)
        clocks = await filing.place(house, connection, [one.dossier for one in settled], ids, who)
        rows = [
            _settled(one, e, a, clocks.get((index, a)), why)
            for index, one in enumerate(settled)
            for e, a in one.settles
        ]
        await store.assign(connection, rows, who, now)
        await store.explain_anew(connection, [pair for one in batch for pair in one.unclear])
    return sorted(free)


def _settled(one: Resolved, of: Entry | None, a: Attribution, clock_id: int | None, why: str) -> Settled:
    before = (queue_acts.before(of) if of else {}) | {"assignment_id": a.assignment_id}
    muted_by = one.dossier.reports[0].muted.get(a)
    return Settled(of.id if of else None, one.report_id, one.dossier.message.id, a, clock_id, why, before, muted_by)


async def waiting_entry(house: House, entry_id: int) -> Entry:
    found = await entry(house, entry_id)
    if found.queue not in store.OPEN:
        when = f" on {found.decided_at:%Y-%m-%d %H:%MZ}" if found.decided_at else ""
        to = f" to {found.account}" if found.account else ""
        raise DecidedError(f"{found.decided_by or 'somebody'} was faster: entry {entry_id} was {found.queue}{to}{when}")
    return found


async def account_id_of(house: House, name: str) -> int:
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

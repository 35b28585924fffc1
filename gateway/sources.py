"""Assignments from the systems that know: one run of one source, batch by batch, each with its position.

The service reads each on schedule, under a lease: one node at a time; people may read one by hand. Killed between two
batches it goes on behind the last one. A record that cannot be placed is counted with its holder's name and stops
nothing. After a run, what waits in the unmatched queue is attributed again. Must never delete.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import recorded, staff_mail
from gateway.attribution.relays import RelayMail
from gateway.attribution_sections import LEASE_KINDS, Source
from gateway.connectors.sources.contract import Batch, Known, Lease, Position, Reader, SourceError
from gateway.connectors.sources.leases import Dhcpd, Kea
from gateway.connectors.sources.netbox import NetBox
from gateway.connectors.sources.radius import Detail, Radacct
from gateway.connectors.sources.relay_logs import Exim, Postfix
from gateway.connectors.sources.tables import Table
from gateway.house import House
from gateway.intake.customer_values import BadValueError
from gateway.model import AttributionReason
from gateway.queue_rules import run_again
from gateway.staff_mail import Alarm
from gateway.store import events, identifiers, lease_ends, lease_holders, lease_readings, leases, source_runs
from gateway.store.database import StoreError
from gateway.store.events import Event
from gateway.store.lease_holders import Holders
from gateway.store.leases import Changes, Reading
from gateway.store.source_runs import Run, State
from notifier.http import Fetched, HttpClient, NotFetched

_FAILURES = 3  # in a row, then staff are told
_PROBLEMS = 200  # of one run that are kept
_WRITTEN_LATER = timedelta(minutes=1)  # a system writes down what happened a moment after it did

log = structlog.get_logger(module=__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """A source for people. `kind` and `minutes` None: it is none of the settings, a file was imported by hand."""

    state: State
    kind: str | None
    minutes: int | None
    last: Run | None


@dataclass
class _Hand:
    """One run under way. `holder`: by which the lease of the source knows us."""

    house: House
    name: str
    holder: str
    reading: Reading
    until: datetime | None = None  # of a system that leases addresses: up to when it will be known
    changes: Changes = field(default_factory=Changes)


class SourceBusyError(SourceError):
    """Somebody else reads it at this moment."""


async def run_due(house: House) -> int:
    """Read the sources of this node whose turn it is. Returns how many were read."""
    own = {source.name: source for source in house.settings.sources if source.node in {None, house.node}}
    if not own:
        return 0
    async with house.database.reading() as connection:
        names = await source_runs.due(connection, list(own), house.clock())
    done = await asyncio.gather(*(_on_time(house, own[name]) for name in names))
    return sum(done)


async def run(house: House, source: Source, who: str) -> Changes:
    """Read what is new of a source. Raises SourceError after it is remembered what went wrong."""
    http = HttpClient(house.resolver, house.clock) if source.kind == "netbox" else None
    try:
        reads, every = reader(source, house.clock, http), timedelta(minutes=source.minutes)
        return await run_reader(house, source.name, reads, who, every, leases_too=source.kind in LEASE_KINDS)
    finally:
        if http is not None:
            await http.aclose()


async def run_reader(
    house: House, name: str, read: Reader, who: str, every: timedelta | None = None, *, leases_too: bool = False
) -> Changes:
    """The same with a reader in hand: for a file that is no setting. `every`: the time to the service's next run.
    `leases_too`: it is a system that leases addresses, of which a later moment is not known until it is read."""
    began = house.clock()
    until = began - _WRITTEN_LATER if leases_too else None
    hand = _Hand(house, name, f"{house.node} {secrets.token_hex(4)}", Reading(name), until)
    async with house.database.writing() as connection:
        taken = await source_runs.take(connection, name, hand.holder, began, on_time=who == events.SYSTEM)
    if taken is None:
        wait = source_runs.LEASE.total_seconds() / 60
        raise SourceBusyError(f"{name} is being read just now; if its reader died, it is free in {wait:g} minutes")
    placed = 0
    try:
        if not await _read(hand, read, taken.position):
            return hand.changes
        if until is not None:
            async with house.database.writing() as connection:
                await lease_readings.read_through(connection, name, until)
            await recorded.place(house)
        if taken.unfinished or hand.changes.anything:
            placed = len(await run_again(house, who, f"assignments from {name}"))
        elif until is not None:  # nothing changed hands: what waited for that is placed all the same
            placed = len(await run_again(house, who, f"leases of {name} were read", AttributionReason.LEASES_UNREAD))
    except StoreError:  # this could not be written down either; the lease ends by itself
        raise
    except Exception as error:
        why = (
            str(error) if isinstance(error, SourceError) else f"{type(error).__name__}, a fault of arfgate: see its log"
        )
        await _over(hand, Run(name, who, began, house.clock(), asdict(hand.changes), why), every)
        raise
    await _over(hand, Run(name, who, began, house.clock(), asdict(hand.changes) | {"placed": placed}), every)
    return hand.changes


async def overview(house: House) -> list[Seen]:
    """Every source of the settings, and others that were read once, with what is known of each."""
    async with house.database.reading() as connection:
        known = await source_runs.states(connection, house.clock())
        runs = await source_runs.latest(connection)
    named = {source.name: source for source in house.settings.sources}
    names = dict.fromkeys([*named, *known])
    return [
        Seen(
            known.get(name, State(name)),
            named[name].kind if name in named else None,
            named[name].minutes if name in named else None,
            runs.get(name),
        )
        for name in names
    ]


def reader(source: Source, clock: Callable[[], datetime], http: HttpClient | None = None) -> Reader:
    """What reads a source of the settings. Raises SourceError."""
    path = source.path
    if source.kind == "netbox":
        assert http is not None
        return NetBox(source.url or "", _Fetch(http, source), clock)
    if source.kind == "radius-sql":
        return Radacct(source.url or "")
    if path is None:
        raise SourceError(f"sources.{source.name}: `path` is missing; name the file")
    if source.kind == "radius-detail":
        return Detail(path)
    if source.kind == "kea":
        return Kea(path)
    if source.kind == "dhcpd":
        return Dhcpd(path)
    if source.kind == "postfix-log":
        return Postfix(path, source.relay, source.year, _zone(source))
    if source.kind == "exim-log":
        if source.relay is None:
            raise SourceError(f"sources.{source.name}: `relay` is missing; Exim's log does not name its host")
        return Exim(path, source.relay, _zone(source))
    return Table(path, source.kind)


def _zone(source: Source) -> ZoneInfo | None:
    return ZoneInfo(source.time_zone) if source.time_zone else None


async def _on_time(house: House, source: Source) -> bool:
    """One of the service's runs. False: somebody else was faster."""
    try:
        await run(house, source, events.SYSTEM)
    except SourceBusyError:
        return False
    except SourceError as error:
        log.warning("source not read", source=source.name, why=str(error))
    except StoreError:
        raise
    except Exception:
        log.exception("source not read", source=source.name)
    return True


async def _read(hand: _Hand, read: Reader, position: Position) -> bool:
    """All that is new, batch by batch. False: the house is stopping, and the rest is for the next time."""
    async with aclosing(read.read(position)) as batches:
        async for batch in batches:
            await _take(hand, batch)
            if hand.house.stopping:
                async with hand.house.database.writing() as connection:
                    await source_runs.leave(connection, hand.name, hand.house.clock())
                return False
    return True


async def _over(hand: _Hand, run: Run, every: timedelta | None) -> None:
    """The run is kept; staff are told when it fails again and again, and when it works after that."""
    now = run.ended_at
    async with hand.house.database.writing() as connection:
        before = await source_runs.over(connection, run, hand.holder, now + every if every else None)
        if run.error and before + 1 == _FAILURES:
            why = f"{run.source} could not be read {_FAILURES} times in a row: {run.error}"
            alarm = Alarm(
                f"source/{run.source}", "Assignments get old", why, f"arfgate assignment sources {run.source}"
            )
            await staff_mail.tell(hand.house, connection, [alarm], now)
        elif not run.error and before >= _FAILURES:
            await events.add(connection, [Event(now, run.who, "source works again", run.source)])


async def _take(hand: _Hand, batch: Batch) -> None:
    """One batch with its position, in one transaction."""
    house, name, changes, now = hand.house, hand.name, hand.changes, hand.house.clock()
    changes.problems += batch.problems[: _PROBLEMS - len(changes.problems)]
    said = [record for record in batch.records if isinstance(record, Lease | Known)]
    async with house.database.writing() as connection:
        if not await source_runs.keep(connection, name, hand.holder, batch.position, now):
            raise SourceBusyError(f"{name}: somebody else reads it by now; what was read before stays")
        if batch.lost and hand.until is not None:
            await _lost(hand, connection, batch, now)
        accounts = await lease_holders.holders(connection, [h for record in said for h in record.holders])
        await _leases(connection, hand.reading, said, accounts, changes, now)
        known = [r for r in said if isinstance(r, Known)]
        rows = [_identifier(r, account) for r in known if (account := _account(r, accounts, changes, now))]
        if rows:
            fresh, altered = await identifiers.write(connection, rows, origin=name, who=name, now=now)
            changes.identifiers += fresh + altered
        mails = [record for record in batch.records if isinstance(record, RelayMail)]
        if mails:
            changes.mails += sum(await identifiers.write_relay_mails(connection, mails))
        if batch.whole is not None:
            await lease_ends.missing(connection, name, batch.whole, changes, now=now)


async def _lost(hand: _Hand, connection: AsyncConnection, batch: Batch, now: datetime) -> None:
    """Part of it was gone before it was read: what was held before is held no longer, until the source says so again,
    and of that time nobody is found by it. Where it left the last lease of each address, it left it for that."""
    assert hand.until is not None
    since = await lease_readings.until(connection, hand.name)
    if (
        batch.survived is not None
        and batch.survived_at is not None
        and since is not None
        and batch.survived_at >= since
    ):
        hand.changes.ended += await lease_ends.unsure(connection, hand.name, since, batch.survived)
        return
    await lease_readings.lost(connection, hand.name, hand.until)
    hand.changes.ended += await lease_ends.unsure(connection, hand.name, since or hand.until)
    when = f"since {since:%Y-%m-%d %H:%M}Z" if since else "at first"
    why = f"{hand.name}: what it wrote {when} was gone before it was read; read it more often"
    hand.changes.problems.append(why)
    alarm = Alarm(f"source/{hand.name}/lost", "Leases were lost", why, f"arfgate assignment sources {hand.name}")
    await staff_mail.tell(hand.house, connection, [alarm], now)


async def _leases(
    connection: Any, reading: Reading, said: Sequence[Lease | Known], accounts: Holders, changes: Changes, now: datetime
) -> None:
    held = []
    for lease in said:
        if not isinstance(lease, Lease):
            continue
        # Of somebody whom nobody knows here: whoever had it before has it no longer.
        account = _account(lease, accounts, changes, now) if lease.holders else None
        try:
            held.append(leases.held(lease, account))
        except BadValueError as error:
            changes.problems.append(f"{reading.origin}: {lease.resource[:80]!r} {error}")
    await leases.write(connection, reading, held, changes, now=now)


def _account(said: Lease | Known, accounts: Holders, changes: Changes, now: datetime) -> int | None:
    """Whose it was when it began: a login may have changed hands since."""
    at = said.start or (said.seen if isinstance(said, Lease) else None) or now
    found = accounts.account(said.holders, at, logins=isinstance(said, Lease) and said.logins)
    if found is None:
        changes.miss(said.holders[0] if said.holders else "(nobody)")
    return found


def _identifier(known: Known, account_id: int) -> dict[str, Any]:
    return {
        "kind": known.kind, "value": known.value, "account_id": account_id,
        "valid_from": known.start, "valid_to": known.end,
    }  # fmt: skip


class _Fetch:
    """NetBox's own host only, with its token."""

    def __init__(self, http: HttpClient, source: Source) -> None:
        self._http = http
        self._token = source.token.get_secret_value() if source.token else ""
        self._private = tuple(source.private_hosts)

    async def __call__(self, url: str) -> Fetched | NotFetched:
        return await self._http.get_json(
            url, allow_hosts=self._private, headers={"Authorization": f"Token {self._token}"}
        )

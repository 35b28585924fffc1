"""Assignments from the systems that know: one run of one source, batch by batch, each with its position.

Killed between two batches it goes on behind the last one. A record that cannot be placed is counted with its holder's
name and stops nothing. After a run, what waits in the unmatched queue is attributed again. Must never delete.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from gateway.attribution.relays import RelayMail
from gateway.attribution_sections import Source
from gateway.connectors.sources.contract import Batch, Known, Lease, Position, Reader, SourceError
from gateway.connectors.sources.leases import Dhcpd, Kea
from gateway.connectors.sources.netbox import NetBox
from gateway.connectors.sources.radius import Detail, Radacct
from gateway.connectors.sources.relay_logs import Exim, Postfix
from gateway.connectors.sources.tables import Table
from gateway.house import House
from gateway.intake.customer_values import BadValueError
from gateway.queue_rules import run_again
from gateway.store import identifiers, leases
from gateway.store.leases import Changes
from notifier.http import Fetched, HttpClient, NotFetched


async def run(house: House, source: Source, who: str) -> Changes:
    """Read what is new of a source. Raises SourceError after it is remembered what went wrong."""
    http = HttpClient(house.resolver, house.clock) if source.kind == "netbox" else None
    try:
        return await run_reader(house, source.name, reader(source, http), who)
    finally:
        if http is not None:
            await http.aclose()


async def run_reader(house: House, name: str, read: Reader, who: str) -> Changes:
    """The same with a reader in hand: for a file that is no setting."""
    changes = Changes()
    async with house.database.reading() as connection:
        position: Position = (await leases.state(connection, name)).get("position") or {}
    try:
        async for batch in read.read(position):
            await _take(house, name, batch, changes)
            position = batch.position
    except SourceError as error:
        async with house.database.writing() as connection:
            await leases.remember(connection, name, position, now=house.clock(), error=str(error))
        raise
    placed = await run_again(house, who, f"assignments from {name}") if changes.new or changes.changed else []
    async with house.database.writing() as connection:
        report = asdict(changes) | {"placed": len(placed)}
        await leases.remember(connection, name, position, now=house.clock(), report=report)
    return changes


def reader(source: Source, http: HttpClient | None = None) -> Reader:
    """What reads a source of the settings. Raises SourceError."""
    path = source.path
    if source.kind == "netbox":
        assert http is not None
        return NetBox(source.url or "", _Fetch(http, source))
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
        return Postfix(path, source.relay, source.year)
    if source.kind == "exim-log":
        if source.relay is None:
            raise SourceError(f"sources.{source.name}: `relay` is missing; Exim's log does not name its host")
        return Exim(path, source.relay)
    return Table(path, source.kind)


def summary(changes: Changes) -> dict[str, Any]:
    """What changed, for people and programs."""
    return asdict(changes)


async def _take(house: House, name: str, batch: Batch, changes: Changes) -> None:
    """One batch with its position, in one transaction."""
    now = house.clock()
    changes.problems += batch.problems[: 200 - len(changes.problems)]
    said = [record for record in batch.records if isinstance(record, Lease | Known)]
    async with house.database.writing() as connection:
        accounts = await leases.holders(connection, [h for record in said for h in record.holders], now)
        await _leases(connection, name, said, accounts, changes, now)
        known = [r for r in said if isinstance(r, Known)]
        rows = [_identifier(r, account) for r in known if (account := _account(r.holders, accounts, changes))]
        if rows:
            fresh, altered = await identifiers.write(connection, rows, origin=name, who=name, now=now)
            changes.identifiers += fresh + altered
        mails = [record for record in batch.records if isinstance(record, RelayMail)]
        if mails:
            changes.mails += sum(await identifiers.write_relay_mails(connection, mails))
        await leases.remember(connection, name, batch.position, now=now)


async def _leases(
    connection: Any, name: str, said: Sequence[Lease | Known], accounts: dict[str, int], changes: Changes, now: datetime
) -> None:
    held = []
    for lease in said:
        if not isinstance(lease, Lease):
            continue
        account = _account(lease.holders, accounts, changes) if lease.holders else None
        if account is None and lease.holders:
            continue
        try:
            held.append(leases.held(lease, account))
        except BadValueError as error:
            changes.problems.append(f"{name}: {lease.resource[:80]!r} {error}")
    await leases.write(connection, name, held, changes, now=now)


def _account(holders: Sequence[str], accounts: dict[str, int], changes: Changes) -> int | None:
    found = next((accounts[h] for h in holders if h in accounts), None)
    if found is None:
        changes.miss(holders[0] if holders else "(nobody)")
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

"""`arfgate assignment`: who holds which address, where that comes from, and what is missing or contradicts.

Must never decide anything: `gateway.sources` and `gateway.attribution` do.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.attribution.coverage import gaps, overlaps
from gateway.attribution.holders import Found, Lookup, day
from gateway.attribution.network import Network
from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table, text, who
from gateway.connectors.sources.contract import SourceError
from gateway.connectors.sources.tables import Table
from gateway.coverage_check import Coverage, coverage
from gateway.house import House
from gateway.queue import QueueError
from gateway.queue_rules import moment
from gateway.sources import run, run_reader
from gateway.store import assignments, customer_card, customers
from gateway.store.assignments import Question
from gateway.store.leases import Changes
from parsers.fields import ip as normal_ip

assignment_app = typer.Typer(help="Who holds which addresses, names and numbers, since when.", no_args_is_help=True)

_MOST = 1_000


@assignment_app.command("import")
def import_assignments(
    source: Annotated[str, typer.Argument(help="Name of a source of the settings, or a .csv or .jsonl file.")],
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Read what is new of a source, and say what changed."""

    async def work(house: House) -> tuple[Changes, Coverage | None]:
        settings = next((one for one in house.settings.sources if one.name == source), None)
        if settings is not None:
            return await run(house, settings, who()), await coverage(house)
        file = Path(source)
        if file.suffix not in {".csv", ".jsonl"}:
            known = ", ".join(one.name for one in house.settings.sources) or "none"
            raise SourceError(f"{source!r} is no source of the settings ({known}), and no .csv or .jsonl file")
        changes = await run_reader(house, file.stem, Table(file, file.suffix[1:]), who())
        return changes, await coverage(house)

    try:
        changes, left = in_house(config, work)
    except SourceError as error:
        fail(str(error))
    if json:
        as_json(asdict(changes))
        return
    typer.echo(
        f"{changes.new} new, {changes.changed} changed, {changes.ended} ended, {changes.unchanged} as before; "
        f"{changes.identifiers} identifiers, {changes.mails} mails of relays"
    )
    if changes.kept_by_hand:
        typer.echo(f"{changes.kept_by_hand} stand beside an entry made by hand, which counts")
    for holder, count in sorted(changes.unknown.items()):
        typer.echo(f"  nobody is called {text(holder)}: {count} passed over")
    for line in (*changes.differing, *changes.problems, *(left.lines if left else [])):
        typer.echo(f"  {text(line)}")


@assignment_app.command("list")
def list_assignments(
    customer: Annotated[str, typer.Argument(help="Whose: a customer, or one of its accounts.")],
    limit: Annotated[int, typer.Option("--limit", help="Most lines to show.", min=1, max=100_000)] = 100,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """What a customer holds and held, the latest first."""

    async def work(house: House) -> list[dict[str, Any]]:
        async with house.database.reading() as connection:
            chosen = await customers.accounts_of(connection, customer)
            names = await customers.names(connection, sorted(chosen))
            rows = await customer_card.holdings(connection, names, limit)
        if not chosen:
            raise LookupError(f"there is no customer {customer!r}; `arfgate customer list` shows them")
        return [asdict(one) for one in rows]

    rows = in_house(config, work)
    if json:
        as_json(rows)
        return
    columns = list(rows[0]) if rows else []
    table(
        f"Assignments of {customer}", columns, [[row[c] for c in columns] for row in rows], empty="None: import some."
    )


@assignment_app.command("gaps")
def list_gaps(json: JsonOption = False, config: ConfigOption = None) -> None:
    """What nobody holds at present of `operator.networks`."""

    async def work(house: House) -> list[str]:
        async with house.database.reading() as connection:
            held = await assignments.all_of(connection)
        return await asyncio.to_thread(lambda: list(gaps(house.settings.operator.networks, held, house.clock())))

    rows = in_house(config, work)
    if json:
        as_json(rows)
        return
    table("Held by nobody", ["addresses"], [[row] for row in rows[:_MOST]], empty="Everything is assigned.")


@assignment_app.command("overlaps")
def list_overlaps(json: JsonOption = False, config: ConfigOption = None) -> None:
    """Assignments that cannot both be true: reports about them attribute nobody."""

    async def work(house: House) -> list[dict[str, Any]]:
        async with house.database.reading() as connection:
            held = await assignments.all_of(connection)
            pairs = await asyncio.to_thread(lambda: list(overlaps(held))[:_MOST])
            names = await customers.names(connection, sorted({a.account_id for pair in pairs for a in pair}))
        return [
            {
                "one": names[a.account_id], "holds": a.resource, "from": a.valid_from, "to": a.valid_to,
                "other": names[b.account_id], "holds too": b.resource, "since": b.valid_from, "until": b.valid_to,
            }
            for a, b in pairs
        ]  # fmt: skip

    rows = in_house(config, work)
    if json:
        as_json(rows)
        return
    columns = list(rows[0]) if rows else []
    table("Overlaps", columns, [[row[c] for c in columns] for row in rows], empty="No two contradict each other.")


@assignment_app.command("at")
def at(
    address: Annotated[str, typer.Argument(help="An address, a host, a mailbox, or tel:+40...")],
    port: Annotated[
        int | None, typer.Option("--port", help="Source port, for a shared address.", min=0, max=65535)
    ] = None,
    time: Annotated[str | None, typer.Option("--time", help="2026-01-31T12:00, UTC; default: now.")] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Whose it was, then: by the index, and by the database alone."""

    async def work(house: House) -> dict[str, Any]:
        when = moment(time) if time else house.clock()
        plain = normal_ip(address)
        async with house.database.reading() as connection:
            network = await house.network(connection)
            if plain is None:
                return await _told(house, network.hosts.lookup(address, when), address, when)
            (alone,) = await assignments.look_up(connection, [Question(plain, when, port)])
        found = network.prefixes.lookup(plain, when, port)
        if _outcome(found) != _outcome(alone):
            raise LookupError(f"{plain}: the index says {_outcome(found)}, the database {_outcome(alone)}; report this")
        return await _told(house, found, plain, when) | {"unread": _unread(network, plain, when)}

    try:
        told = in_house(config, work)
    except QueueError as error:
        fail(str(error))
    if json:
        as_json(told)
        return
    holder = (
        f"{told['account']}, {told['resource']} from {day(told['valid_from'])}" if told["account"] else told["reason"]
    )
    typer.echo(f"{told['address']} at {text(told['at'])}: {text(holder)}")
    if told.get("unread"):
        typer.echo(f"  {text(told['unread'])}")
    for one in told["candidates"]:
        typer.echo(f"  {text(one['account'])}: {text(one['why'])}")


def _unread(network: Network, address: str, when: datetime) -> str:
    """What reports of that time wait for; empty: nothing."""
    leases = network.unread(address, when, when)
    if leases is None:
        return ""
    read = f"are read as of {day(leases.until)}" if leases.until else "were not read yet"
    return f"the leases of {leases.name} {read}: a report of that time waits for the next reading"


async def _told(house: House, found: Lookup, address: str, when: datetime) -> dict[str, Any]:
    candidates = () if isinstance(found, Found) else found.candidates
    ids = [found.account_id] if isinstance(found, Found) else [c.account_id for c in candidates]
    async with house.database.reading() as connection:
        names = await customers.names(connection, ids)
    told: dict[str, Any] = {
        "address": address, "at": when, "account": None, "reason": "", "resource": "", "valid_from": None,
        "candidates": [{"account": names.get(c.account_id), "why": c.why} for c in candidates],
    }  # fmt: skip
    if isinstance(found, Found):
        held = found.assignment
        return told | {
            "account": names.get(held.account_id), "reason": "assigned", "resource": held.resource,
            "valid_from": held.valid_from,
        }  # fmt: skip
    return told | {"reason": found.reason.value}


def _outcome(found: Lookup) -> object:
    return found.account_id if isinstance(found, Found) else found.reason.value

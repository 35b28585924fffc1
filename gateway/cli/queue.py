"""`arfgate queue`: what no customer was found for, and what staff decide about it.

Notices of what is placed here go out with the running service's next turn. Must never decide
anything: `gateway.queue` and `gateway.queue_rules` do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway import queue, queue_acts, queue_rules
from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table, text, who
from gateway.house import House
from gateway.identities import in_one_line
from gateway.queue import QueueError
from gateway.queue_lookups import LookUps
from gateway.queue_rules import Rule, Terms
from gateway.queue_view import View, look
from gateway.store import queue as store
from gateway.store.queue import Entry, Group

queue_app = typer.Typer(help="The unmatched queue: list, show, assign, reject.", no_args_is_help=True)

EntryNumber = Annotated[int, typer.Argument(help="Number of the entry, as `list` shows it.", metavar="ID", min=1)]
_Result = TypeVar("_Result")


@queue_app.command("list")
def list_entries(
    limit: Annotated[int, typer.Option("--limit", help="Most lines to show.", min=1, max=5000)] = 50,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """What waits, by resource and reason; the entry shown is the oldest of each."""

    async def work(house: House) -> tuple[list[Group], int]:
        async with house.database.reading() as connection:
            return await store.groups(connection, limit), await store.count(connection)

    groups, waiting = _in_house(config, work)
    if json:
        as_json([_line(group) for group in groups])
        return
    columns = ("entry", "resource", "why it waits", "what", "reporter", "seen", "since", "candidates")
    rows = [
        (
            g.entry.id, g.entry.value or "(none)", g.entry.reason, f"{g.entry.category} {g.entry.role}",
            in_one_line(g.entry.identity), g.seen, g.first_at, ", ".join(c.account for c in g.entry.candidates),
        )
        for g in groups
    ]  # fmt: skip
    table(f"{waiting} waiting", columns, rows, empty="Nothing waits: every report has found its customer.")


@queue_app.command()
def show(number: EntryNumber, json: JsonOption = False, config: ConfigOption = None) -> None:
    """One entry whole: facts with where they come from, trace, evidence, candidates, contacts found."""

    async def work(house: House) -> View:
        return await look(house, number)

    view = _in_house(config, work)
    if json:
        as_json(asdict(view))
        return
    entry = view.entry
    _pairs(
        ("entry", f"{entry.id}, {_state(entry)}"),
        ("resource", f"{entry.value or '(none)'} ({entry.kind}, {entry.role})"),
        ("why it waits", entry.reason),
        ("how we know", entry.how),
        ("reported by", view.identity),
        *(("because", line) for line in view.proofs),
        ("like it", f"{len(view.alike)} waiting" if len(view.alike) > 1 else ""),
        *(("candidate", f"{c.account} ({c.name}): {c.why}") for c in entry.candidates),
    )
    _pairs(*_outside(view.outside))
    _pairs(*((f.name, f"{f.value}   [{f.source}]" if f.source else f.value) for f in view.facts))
    hops = [(h.by, h.ip, h.port, "ours" if h.ours else "", h.time, h.login) for h in view.trace]
    table("Trace", ("by", "from", "port", "", "time", "login"), hops, empty="No Received lines.")
    if view.headers:
        typer.echo("\nHeader of the reported mail")
        for name, value in view.headers:
            typer.echo(f"  {name}: {text(value)}")
    for what, seen in (("about it", view.earlier), (f"of the mailing {view.campaign}", view.same_campaign)):
        if seen:
            rows = [(e.report_id, e.received_at, e.category, e.reason) for e in seen]
            table(
                f"\nEarlier reports {text(what)}", ("report", "received", "what", "customer found by"), rows, empty=""
            )
    if view.contacts:
        found = [(c["subject"], c["address"], c["role"], c["source"], c["decision"]) for c in view.contacts]
        table("\nContacts outside", ("about", "address", "role", "source", "told"), found, empty="")


@queue_app.command()
def assign(  # noqa: PLR0917  (typer calls it by name)
    number: EntryNumber,
    account: Annotated[str, typer.Argument(help="Whose it was.", metavar="CUSTOMER[/ACCOUNT]")],
    rule: Annotated[bool, typer.Option("--rule", help="Make it an assignment that places all like it.")] = False,
    start: Annotated[
        str | None, typer.Option("--from", help="Rule: held since, 2026-01-31 or 2026-01-31T12:00, UTC.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Rule: held until; without it, still held.")] = None,
    resource: Annotated[
        str | None, typer.Option("--resource", help="Which prefix, address or host, if not the entry's own.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before a rule is made.")] = False,
    config: ConfigOption = None,
) -> None:
    """Place one report, or with --rule all that an assignment would place. Notices go out with the service."""
    if not rule:
        if start or end:
            fail("--from and --to belong to --rule: one report has its own time")

        async def place(house: House) -> Entry:
            waiting = await queue.waiting_entry(house, number)
            done = await queue.assign(house, number, account, who(), resource)
            await queue_acts.confirm(house, waiting, account, who())
            return done

        done = _in_house(config, place)
        typer.echo(f"{text(done.value)} placed with {done.account}: {_case(done)}")
        return
    if start is None:
        fail("--rule needs --from: since when the customer has it")
    _rule(number, account, (start, end, resource), yes=yes, config=config)


@queue_app.command()
def reject(
    number: EntryNumber,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept with the report.")],
    alike: Annotated[bool, typer.Option("--alike", help="And all that wait like it.")] = False,
    config: ConfigOption = None,
) -> None:
    """Take an entry out of the queue for good: nobody of ours, or junk."""

    async def work(house: House) -> list[int]:
        return await queue.reject(house, number, reason, who(), alike=alike)

    done = _in_house(config, work)
    typer.echo(f"rejected: {', '.join(str(one) for one in done)}")


def _outside(found: LookUps) -> list[tuple[str, str]]:
    """What is known outside of the resource."""
    others = [f"{c.address} ({'/'.join(c.roles)})" for c in found.contacts if c.address not in found.abuse]
    return [
        ("network", " ".join(filter(None, (found.network, found.country)))),
        ("abuse contact", "\n".join(found.abuse)),
        ("other contacts", "\n".join(others)),
        ("reverse DNS", "\n".join(found.names)),
        *(("not known", line) for line in found.silent),
    ]


def _rule(
    number: int, account: str, said: tuple[str, str | None, str | None], *, yes: bool, config: ConfigOption
) -> None:
    start, end, resource = said

    def terms() -> Terms:
        until = queue_rules.moment(end) if end else None
        return Terms(account, queue_rules.moment(start), until, resource)

    async def preview(house: House) -> tuple[Rule, list[Entry]]:
        return await queue_rules.preview_rule(house, number, terms())

    async def make(house: House) -> tuple[Rule, list[Entry]]:
        return await queue_rules.assign_rule(house, number, terms(), who())

    if not yes:
        rule, would = _in_house(config, preview)
        _listed(f"{rule.label} would place {len(would)}", would)
        if not typer.confirm("Make this rule?"):
            typer.echo("Nothing was changed.")
            raise typer.Exit(1)
    rule, placed = _in_house(config, make)
    _listed(f"{rule.label} placed {len(placed)}", placed)


def _in_house(config: ConfigOption, work: Callable[[House], Awaitable[_Result]]) -> _Result:
    try:
        return in_house(config, work)
    except QueueError as error:
        fail(str(error))


def _listed(title: str, entries: list[Entry]) -> None:
    rows = [(e.id, e.value, e.arrival_date, e.category, _state(e)) for e in entries]
    typer.echo(title)  # a table would fold it to its own width
    table("", ("entry", "resource", "incident", "what", "state"), rows, empty="It places nothing that waits now.")


def _line(group: Group) -> dict[str, Any]:
    """What programs get of a group: its oldest entry without the evidence, and how many are like it."""
    entry = {key: value for key, value in asdict(group.entry).items() if key != "fingerprint"}
    counted = {"seen": group.seen, "reporters": group.reporters, "first_at": group.first_at, "last_at": group.last_at}
    return entry | counted


def _state(entry: Entry) -> str:
    if entry.queue == store.WAITING:
        return "waiting"
    to = f" to {entry.account}, {_case(entry)}" if entry.account else ""
    return f"{entry.queue}{to} by {entry.decided_by}"


def _case(entry: Entry) -> str:
    return f"case {entry.case}" if entry.case else "the policy opens no case for it"


def _pairs(*rows: tuple[str, str]) -> None:
    shown = Table(box=SIMPLE, show_header=False, pad_edge=False)
    shown.add_column(style="dim", no_wrap=True)
    shown.add_column(overflow="fold")
    for name, value in rows:
        if value:
            shown.add_row(text(name), Text("\n".join(text(line) for line in value.split("\n"))))
    Console().print(shown)

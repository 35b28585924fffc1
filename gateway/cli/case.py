"""`arfgate case`: the cases, how much time is left, and what staff decide about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console

from gateway import staff
from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, left, moment, table, text, who
from gateway.house import House
from gateway.model import Case, Cause
from gateway.screening.likeness import groups
from gateway.staff import Solved
from gateway.store import cases, messages

_COMPARED = 50  # reports of a case whose mails are compared

case_app = typer.Typer(help="Cases: list, show, and what staff decide.", no_args_is_help=True)

Number = Annotated[str, typer.Argument(help="Case number, such as AG-2026-000123 or 123.", metavar="CASE")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with the case.")]


@case_app.command("list")
def list_cases(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Cases with the time that is left, newest first."""

    async def work(house: House) -> tuple[list[cases.CaseLine], Any]:
        async with house.database.reading() as connection:
            return await cases.listed(connection, only_open=not everything), house.clock()

    lines, now = in_house(config, work)
    if json:
        as_json(lines)
        return
    columns = (
        "case", "customer", "class", "state", "severity", "time left", "resources", "reports", "complainants",
        "assignee", "opened",
    )  # fmt: skip
    rows = [
        (
            c.number, c.customer, c.cls, c.state, c.severity, left(c.due_at, now), c.resources, c.reports,
            c.complainants, c.assignee, c.opened_at,
        )
        for c in lines
    ]  # fmt: skip
    table("Cases", columns, rows, empty="No open cases.")


@case_app.command()
def show(number: Number, json: JsonOption = False, config: ConfigOption = None) -> None:
    """One case whole: resources and their time, reports, notices and their outcome, actions, events."""

    async def work(house: House) -> tuple[dict[str, Any] | None, Any]:
        async with house.database.reading() as connection:
            found = await cases.shown(connection, number)
            looked = found["reports"][:_COMPARED] if found else []
            raws = [await messages.raw(connection, report["id"]) or b"" for report in looked]
        alike = groups(await house.workers.sketches(raws)) if len(raws) > 1 else []
        for report, group in zip(looked, alike, strict=False):
            report["mailing"] = group
        return found, house.clock()

    case, now = in_house(config, work)
    if case is None:
        fail(f"there is no case {number}; 'arfgate case list --all' shows them")
    if json:
        as_json(case | {"notices": [asdict(n) for n in case["notices"]]})
        return
    _show(case, now)


def _show(case: dict[str, Any], now: Any) -> None:
    _head(case)
    _clocks(case, now)
    notes = [(e.at, e.who, e.why) for e in case["events"] if e.what == "note"]
    table("Notes", ("when", "who", "note"), notes, empty="No notes.")
    _evidence(case)
    _done(case)
    _dues(case)
    table("Events", ("when", "who", "what", "why"), [(e.at, e.who, e.what, e.why) for e in case["events"]], empty="")


def _head(case: dict[str, Any]) -> None:
    line: cases.CaseLine = case["case"]
    console = Console()
    console.print(
        f"[bold]{line.number}[/bold]  {text(case['customer_name'])} ({line.customer})  {line.cls}  {line.state}"
    )
    console.print(f"policy {case['policy']}, opened {text(line.opened_at)}, {line.reports} reports")
    assigned = f"assigned to {line.assignee}" if line.assignee else "assigned to nobody"
    cause = f", cause {case['cause']}" if case["cause"] else ""
    merged = f", merged into case {case['merged_into']}" if case["merged_into"] else ""
    held = ", LEGAL HOLD" if line.legal_hold else ""
    console.print(text(f"{assigned}, severity {line.severity}{cause}{merged}{held}") + "\n", markup=False)


def _clocks(case: dict[str, Any], now: Any) -> None:
    table(
        "Resources",
        ("resource", "role", "state", "round", "notified", "due", "time left", "resolution", "prevention"),
        [
            (
                c.value, c.role, c.state, c.round, c.notified_at, c.due_at, left(c.due_at, now),
                c.resolution, c.prevention,
            )
            for c in case["clocks"]
        ],
        empty="",
    )  # fmt: skip


def _evidence(case: dict[str, Any]) -> None:
    _show_reports(case["reports"])
    found = {(f["code"], f["evidence"]): r["id"] for r in case["reports"] for f in r["parsed"].get("findings", ())}
    rows = [(report, code, evidence) for (code, evidence), report in found.items()]
    table("Findings", ("report", "finding", "evidence"), rows, empty="No findings.")


def _dues(case: dict[str, Any]) -> None:
    """What most cases have none of is not shown empty."""
    if given := case["answers"]:
        said = [(a["at"], a["way"], a["who"], a["text"], len(a["files"])) for a in given]
        table("Answers", ("when", "way", "who", "what was written", "files"), said, empty="")
    if records := case["consents"]:
        rows = [(r["campaign"], r["state"], r["due_at"], r["source"], _results(r["results"])) for r in records]
        table("Proof of permission", ("campaign", "state", "due", "source", "reports"), rows, empty="")
    if case["appeals"]:
        rows = [(a["opened_at"], a["opened_by"], a["said"], a["state"], a["decided_by"]) for a in case["appeals"]]
        table("Reviews", ("asked", "by", "said", "state", "decided by"), rows, empty="")
    if case["charges"]:
        rows = [(c.id, c.at, f"{c.amount} {c.currency}", c.why, c.who) for c in case["charges"]]
        table("Charges", ("id", "when", "amount", "why", "by"), rows, empty="")


def _results(results: list[dict[str, Any]]) -> str:
    counted = Counter(m["result"] for m in results)
    return ", ".join(f"{count} {result}" for result, count in sorted(counted.items()))


def _done(case: dict[str, Any]) -> None:
    table(
        "Notices",
        ("id", "kind", "to", "state", "sent", "server's answer"),
        [(n.id, n.kind, n.to, n.state, n.sent_at, n.answer or n.why) for n in case["notices"]],
        empty="No notices.",
    )
    table(
        "Actions",
        ("id", "kind", "target", "state", "why", "by"),
        [(a["id"], a["kind"], a["target"], a["state"], a["why"], a["decided_by"]) for a in case["actions"]],
        empty="No actions.",
    )
    table(
        "Contacts outside (RDAP)",
        ("about", "address", "role", "decision", "source"),
        [(c["subject"], c["address"], c["role"], c["decision"], c["source"]) for c in case["contacts"]],
        empty="No contacts outside were found.",
    )


def _show_reports(reports: list[dict[str, Any]]) -> None:
    """Reports with the same number of a mailing hold mails that are much alike."""
    table(
        "Reports",
        ("id", "mailing", "category", "source", "incident", "received", "complainant", "attributed"),
        [
            (
                r["id"],
                r.get("mailing"),
                r["category"],
                r["source_ip"],
                r["arrival_date"],
                r["received_at"],
                r["complainant"],
                r["how"],
            )
            for r in reports
        ],
        empty="No reports.",
    )


@case_app.command()
def resolve(
    number: Number,
    *,
    reason: Reason,
    prevention: Annotated[str, typer.Option(help="What keeps it from coming back; a block is lifted on both.")] = "",
    since: Annotated[str | None, typer.Option(help="Since when it is solved, as the customer states it.")] = None,
    resource: Annotated[str | None, typer.Option(help="Only this resource of the case.")] = None,
    cause: Annotated[Cause | None, typer.Option(help="Also close it, with the cause.")] = None,
    config: ConfigOption = None,
) -> None:
    """It is solved: its clocks end, what was proposed falls. With --cause the case is closed."""
    solved = Solved(reason, prevention, moment(since) if since else None, resource)
    _decide(config, lambda house: staff.resolve(house, number, solved, who=who(), cause=cause))
    if not prevention and cause not in staff.DISMISSING:
        typer.echo(
            "Nothing was said that keeps it from coming back (--prevention); the policy may keep a block for that."
        )


@case_app.command()
def extend(
    number: Number,
    reason: Reason,
    hours: Annotated[float, typer.Option(help="How many hours more.", min=0.1, max=24 * 90)],
    config: ConfigOption = None,
) -> None:
    """More time for the customer."""
    _decide(config, lambda house: staff.extend(house, number, hours, who=who(), why=reason))


@case_app.command("reject-answer")
def reject_answer(number: Number, reason: Reason, config: ConfigOption = None) -> None:
    """The answer does not show that it is solved: the time runs on."""
    _decide(config, lambda house: staff.reject_answer(house, number, who=who(), why=reason))


@case_app.command()
def told(number: Number, reason: Reason, config: ConfigOption = None) -> None:
    """You reached the customer by telephone or in person: the clock starts now."""
    _decide(config, lambda house: staff.told(house, number, who=who(), why=reason))


@case_app.command()
def retry(number: Number, reason: Reason, config: ConfigOption = None) -> None:
    """What kept its notices from going out is put right: try them again."""
    count = in_house(config, lambda house: staff.retry(house, number, who=who(), why=reason))
    typer.echo(f"{count} notices will be tried again.")


def _decide(config: Any, decision: Callable[[House], Awaitable[Case]]) -> None:
    case = in_house(config, decision)
    typer.echo(f"{case.number} is {case.state.value}.")

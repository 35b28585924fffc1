"""`arfgate explain FILE`: what would be made of a mail, step by step; stores and sends nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway import identities, pipeline
from gateway.answering import would_reply
from gateway.casework.desk import Desk
from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table, text
from gateway.dossier import Dossier, ReportInHand
from gateway.filing import complaints, would_send
from gateway.house import House
from gateway.intake.files import PathError, read_messages
from gateway.model import Screening
from gateway.senders import Senders
from gateway.store import customers
from gateway.store import desk as desk_store
from gateway.store.messages import Stored
from parsers.contract import to_json


def explain(
    file: Annotated[Path, typer.Argument(help="One mail.")], json: JsonOption = False, config: ConfigOption = None
) -> None:
    """Parse, screen and attribute one mail, and say which notices would go out. Nothing is stored."""
    try:
        name, index, raw = next(iter(read_messages([str(file)])))
    except PathError as error:
        fail(str(error))
    except StopIteration:
        fail(f"{file}: there is no message in it")
    told = in_house(config, lambda house: _explain(house, name, index, raw))
    if json:
        as_json(told)
    else:
        _print(told)


async def _explain(house: House, name: str, index: int, raw: bytes) -> dict[str, Any]:
    now = house.clock()
    parsed = (await house.workers.parse([raw]))[0]
    async with house.database.reading() as connection:
        network = await house.network(connection)
        await house.know_reporters(connection)
        message = Stored(0, raw, None, now, 0)
        identity = await Senders(house).one(message, parsed)
        dossier = pipeline.examine(house, network, message, parsed, now, identity, live=False)
        accounts = {a.account_id for item in dossier.reports for a in item.attributions if a.account_id is not None}
        accounts |= {c.account_id for item in dossier.reports for a in item.attributions for c in a.candidates}
        desk = await desk_store.load(connection, accounts)
        names = await customers.names(connection, sorted(accounts))
    counted = sorted({number for item in dossier.reports for number in _in_hand(house, desk, item)})
    notices = [notice for item in dossier.reports for notice in would_send(house, desk, item, now)]
    said = would_reply(house, dossier, now)
    reply = {"kind": said.reply, "to": said.to, "why_not": said.why, "missing": said.missing}
    return (
        to_json(parsed, name, index)
        | _reasoning(dossier, names)
        | {"reply": reply, "notices": notices, "counted_in": counted}
    )


def _in_hand(house: House, desk: Desk, item: ReportInHand) -> Iterator[str]:
    """The cases in which a clock of the resource runs already: there the report is counted, and nobody hears again."""
    for _, complaint in complaints(house, desk, item):
        for clock in desk.clocks.values():
            if clock.case_key == (complaint.account_id, complaint.cls) and clock.value == complaint.value:
                yield desk.cases[clock.case_key].number


def _reasoning(dossier: Dossier, names: dict[int, str]) -> dict[str, Any]:
    identity, reporter = dossier.identity, dossier.reporter
    first = dossier.screening or dossier.reports[0].screening
    return {
        "screening": {
            "verdict": first.verdict.value,
            "reason": first.reason.value,
            "detail": first.detail,
            "identity": identities.as_json(identity),
            "reporter": reporter.key if reporter else None,
            "reports": [_verdict(item.screening) for item in dossier.reports],
        },
        "attribution": [
            {
                "resource": {"kind": a.kind.value, "role": a.role.value, "value": a.value},
                "account": names.get(a.account_id) if a.account_id is not None else None,
                "reason": a.reason.value,
                "how": a.how,
                "candidates": [{"account": names.get(c.account_id), "why": c.why} for c in a.candidates],
            }
            for item in dossier.reports
            for a in item.attributions
        ],
    }  # fmt: skip


def _verdict(screening: Screening) -> dict[str, str]:
    return {"verdict": screening.verdict.value, "reason": screening.reason.value, "detail": screening.detail}


def _print(told: dict[str, Any]) -> None:
    screening, identity = told["screening"], told["screening"]["identity"]
    typer.echo(f"message      {told['kind']}" + (f", format {told['format']}" if told["format"] else ""))
    for report in told["reports"]:
        where = {"source_ip": report["source_ip"], "arrival_date": report["arrival_date"]}
        for field, value in where.items():
            source = report["provenance"].get(field)
            typer.echo(f"  {field:<12} {text(value) or 'not stated'}" + (f"  (from {source})" if source else ""))
    typer.echo(f"identity     {identity['kind']}: {text(identities.in_one_line(identity))}")
    for line in identities.evidence(identity):
        typer.echo(f"  because    {text(line)}")
    typer.echo(f"reporter     {text(screening['reporter'] or 'nobody accountable')}")
    for one in screening["reports"] or [screening]:
        typer.echo(f"screening    {one['verdict']}: {one['reason']}; {text(one['detail'])}")
    for one in told["attribution"]:
        holder = one["account"] or "nobody"
        typer.echo(f"attribution  {text(one['resource']['value'])}: {holder} ({one['reason']}); {text(one['how'])}")
    reply = told["reply"]
    said = f"{reply['kind'].value} to {reply['to']}" if reply["kind"] else f"none: {reply['why_not'].value}"
    typer.echo(f"reply        {text(said)}")
    rows = [(notice["kind"], notice["to"]) for notice in told["notices"]]
    counted = ", ".join(told["counted_in"])
    nothing = f"No notice would go out: the resource is in hand in {counted}, where it is counted." if counted else ""
    table("Notices that would go out", ("kind", "to"), rows, empty=nothing or "No notice would go out.")

"""`arfgate legal`: the restricted lane, for named staff; two persons act, and every look is written down.

Must never show a picture, nor more than the words of a message.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from gateway import legal, pipeline
from gateway.cli.session import ConfigOption, JsonOption, as_json, in_house, settings_of, table, text
from gateway.cli.session import who as login
from gateway.house import House
from gateway.legal import LegalAction
from gateway.legal_checklists import checklists
from gateway.screening.legal import LegalKind

legal_app = typer.Typer(help="The legal lane: restricted, for two persons of legal.staff.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(help="Number of the matter.", min=1)]
Who = Annotated[str, typer.Option("--who", help="Your address, as legal.staff names you.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with the matter.")]

_TEXT_CHARS = 4_000


@legal_app.command("list")
def list_matters(
    who: Who,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are closed or dismissed.")] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """The matters, without a word of their messages."""
    rows = in_house(config, lambda house: legal.list_matters(house, who, everything=everything))
    if json:
        as_json(rows)
        return
    shown = [(m.id, m.kind, m.state, m.received_at, "held" if m.hold else "", m.message_id) for m in rows]
    table("Legal matters", ("matter", "kind", "state", "received", "hold", "message"), shown, empty="There are none.")


@legal_app.command()
def show(number: Number, who: Who, config: ConfigOption = None) -> None:
    """One matter: its words, what was decided, and the checklist. That you looked is kept."""
    found = in_house(config, lambda house: legal.show(house, number, who, login()))
    matter = found.matter
    typer.echo(f"matter       {matter.id}: {matter.kind}, {matter.state}{', preserved' if matter.hold else ''}")
    typer.echo(f"received     {text(matter.received_at)}, message {matter.message_id}")
    typer.echo(f"in the lane  {text(matter.why)}")
    typer.echo(f"sender       {text(found.sender)}")
    typer.echo(f"subject      {text(found.subject)}\n")
    for line in found.text[:_TEXT_CHARS].splitlines():
        typer.echo(f"  | {text(line)}")
    typer.echo("")
    columns = ("act", "proposed by", "at", "why", "confirmed by", "at")
    rows = [(a.action, a.proposed_by, a.proposed_at, a.reason, a.confirmed_by, a.confirmed_at) for a in found.acts]
    table("Decided", columns, rows, empty="Nothing is decided yet.")
    for one in checklists(LegalKind(matter.kind), settings_of(config).legal.jurisdictions):
        typer.echo(f"\n{one.jurisdiction}:")
        for step in one.steps:
            typer.echo(f"  [ ] {step}")


@legal_app.command()
def take(
    message: Annotated[int, typer.Argument(help="Number of the message, as 'arfgate message list' shows it.", min=1)],
    who: Who,
    reason: Reason,
    config: ConfigOption = None,
) -> None:
    """A message is about illegal content: into the lane with it, out of every ordinary list."""
    number = in_house(config, lambda house: legal.take(house, message, who, reason))
    typer.echo(f"Matter {number}. The checklist: arfgate legal show {number} --who {who}")


@legal_app.command()
def act(number: Number, action: LegalAction, who: Who, reason: Reason, config: ConfigOption = None) -> None:
    """Say what is to be done; it counts once a second person confirms."""
    in_house(config, lambda house: legal.act(house, number, action, who, reason))
    typer.echo(f"Noted. Another person of legal.staff: arfgate legal confirm {number} --who ADDRESS")


@legal_app.command()
def confirm(number: Number, who: Who, config: ConfigOption = None) -> None:
    """Agree to what another person proposed."""

    async def work(house: House) -> str:
        done = await legal.confirm(house, number, who)
        await pipeline.drain(house)  # what was dismissed goes the ordinary way
        return done.action

    typer.echo(f"Confirmed: {in_house(config, work)}.")


@legal_app.command()
def raw(number: Number, who: Who, reason: Reason, config: ConfigOption = None) -> None:
    """The bytes of the message to standard output, for an authority that is entitled to them. It is kept that you
    took them."""
    sys.stdout.buffer.write(in_house(config, lambda house: legal.evidence(house, number, who, login(), reason)))

"""`arfgate mailbox`: how far each was read, and the switch from observing to live."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table, who
from gateway.house import House
from gateway.model import Mode
from gateway.store import mailboxes, reports

mailbox_app = typer.Typer(help="Mailboxes: observe, go live.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the mailbox in the settings.")]


@mailbox_app.command("list")
def list_mailboxes(json: JsonOption = False, config: ConfigOption = None) -> None:
    """Each mailbox: mode, read up to when, and what is wrong."""

    async def work(house: House) -> list[mailboxes.MailboxState]:
        async with house.database.reading() as connection:
            return list((await mailboxes.all_of(connection)).values())

    rows = in_house(config, work)
    if json:
        as_json(rows)
        return
    shown = [(m.name, m.mode.value, m.live_since, m.read_to, m.failures or "", m.error) for m in rows]
    table("Mailboxes", ("name", "mode", "live since", "read to", "failures", "error"), shown, empty="No mailboxes.")


@mailbox_app.command()
def show(name: Name, json: JsonOption = False, config: ConfigOption = None) -> None:
    """What an observing mailbox brought, and which notices would have gone out."""

    async def work(house: House) -> list[dict[str, Any]]:
        async with house.database.reading() as connection:
            return [row for row in await reports.overview(connection) if row["mailbox"] == name]

    rows = in_house(config, work)
    if json:
        as_json(rows)
        return
    shown = [
        (r["received_at"], r["subject"], r["verdict"] or r["message_verdict"], r["reason"] or r["message_reason"],
         r["customer"], ", ".join(f"{n['kind']} to {n['to']}" for n in r["would_send"] or ()))
        for r in rows
    ]  # fmt: skip
    table(
        name, ("received", "subject", "verdict", "reason", "customer", "would send"), shown, empty="Nothing came yet."
    )


@mailbox_app.command()
def live(
    name: Name,
    since: Annotated[
        str | None, typer.Option(help="Also file what arrived since then (ISO 8601 with zone, or 'start').")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """From now on mail of this mailbox is filed, forwarded and moved."""

    async def work(house: House) -> int:
        now = house.clock()
        async with house.database.writing() as connection:
            if name not in await mailboxes.all_of(connection):
                raise LookupError(f"there is no mailbox '{name}' in the settings")
            return await mailboxes.go_live(connection, name, _moment(since) or now, who=who(), now=now)

    again = in_house(config, work)
    typer.echo(f"Mailbox {name} is live; {again} observed messages will be filed.")


@mailbox_app.command()
def observe(name: Name, config: ConfigOption = None) -> None:
    """Back to reading only: nothing is moved, filed or sent for this mailbox."""

    async def work(house: House) -> None:
        async with house.database.writing() as connection:
            if name not in await mailboxes.all_of(connection):
                raise LookupError(f"there is no mailbox '{name}' in the settings")
            await mailboxes.observe(connection, name, who=who(), now=house.clock())

    in_house(config, work)
    typer.echo(f"Mailbox {name} is in mode {Mode.OBSERVE.value}.")


def _moment(since: str | None) -> datetime | None:
    if since is None:
        return None
    if since == "start":
        return datetime(1970, 1, 1, tzinfo=UTC)
    try:
        at = datetime.fromisoformat(since)
    except ValueError:
        fail(f"--since {since}: write a time like 2026-11-20T08:00:00+00:00, or 'start'")
    if at.tzinfo is None:
        fail(f"--since {since}: the time zone is missing; write 2026-11-20T08:00:00+00:00")
    return at.astimezone(UTC)

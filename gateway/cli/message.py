"""`arfgate message`: what came in and is no case: held, rejected, for review, junk; and the bytes of any mail."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table
from gateway.house import House
from gateway.identities import in_one_line
from gateway.model import Verdict
from gateway.store import legal, messages, reports

message_app = typer.Typer(help="Messages: by verdict, and whole.", no_args_is_help=True)


@message_app.command("list")
def list_messages(
    verdict: Annotated[Verdict | None, typer.Option(help="Only these, for example review, held or junk.")] = None,
    limit: Annotated[int, typer.Option(help="Most messages to look at, newest first.", min=1, max=10_000)] = 500,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """What came, with its verdict and reason, newest last."""

    async def work(house: House) -> list[dict[str, Any]]:
        async with house.database.reading() as connection:
            return await reports.overview(connection, limit, verdict.value if verdict else None)

    rows = in_house(config, work)
    if json:
        as_json(rows)
        return
    shown = [
        (r["message_id"], r["received_at"], r["mailbox"], r["sender"],
         in_one_line(r["identity"]) if r["identity"] else "", r["subject"],
         r["verdict"] or r["message_verdict"], r["reason"] or r["message_reason"],
         r["error"] or r["detail"] or r["message_detail"])
        for r in rows
    ]  # fmt: skip
    columns = ("message", "received", "mailbox", "sender", "known as", "subject", "verdict", "reason", "why")
    table("Messages", columns, shown, empty="There are none.")


@message_app.command()
def raw(
    number: Annotated[int, typer.Argument(help="Number of the message.", min=1)], config: ConfigOption = None
) -> None:
    """The bytes of a message as they came, to standard output. Do not open what they hold."""

    async def work(house: House) -> bytes | None:
        async with house.database.reading() as connection:
            if await legal.is_restricted(connection, number):
                raise LookupError(f"message {number} is in the legal lane: 'arfgate legal' shows it to named staff")
            return await messages.whole(connection, number)

    found = in_house(config, work)
    if found is None:
        fail(f"there is no message {number}; 'arfgate message list' shows them")
    sys.stdout.buffer.write(found)

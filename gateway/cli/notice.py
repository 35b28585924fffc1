"""`arfgate notice`: what a notice says before it goes out, in any language; which mails to third parties go out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gateway import notice_preview
from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table, who
from gateway.house import House
from gateway.store import dead_addresses, notices, third_parties
from notifier.headers import is_address
from notifier.notice import NoticeKind
from notifier.texts import Texts

Numbers = Annotated[list[int], typer.Argument(help="Numbers, as `notice waiting` shows them.")]
notice_app = typer.Typer(help="Notices: what they say.", no_args_is_help=True)


@notice_app.command()
def preview(
    what: Annotated[str, typer.Argument(help="A kind (complaint, reminder, ...) or the number of a notice.")],
    language: Annotated[str | None, typer.Option("--language", "-l", help="en, zh or ro.")] = None,
    mail: Annotated[bool, typer.Option("--mail", help="The whole mail as it would go out.")] = False,
    templates: Annotated[Path | None, typer.Option("--templates", help="Texts of this folder instead.")] = None,
    config: ConfigOption = None,
) -> None:
    """Show a notice as it would go out: a stored one by its number, or an example of a kind. Nothing is sent."""
    kinds = {kind.value for kind in NoticeKind}
    if what not in kinds and not what.isdigit():
        fail(f"'{what}' is neither a number nor a kind of notice; kinds: {', '.join(sorted(kinds))}")
    own = Texts(templates) if templates else None
    typer.echo(in_house(config, lambda house: _shown(house, what, language, own, mail=mail)))


@notice_app.command()
def waiting(json: JsonOption = False, config: ConfigOption = None) -> None:
    """Mails to third parties that wait for a person's word."""
    found = in_house(config, _waiting)
    columns = ("number", "kind", "to", "case", "about", "source")
    if json:
        as_json(found)
        return
    rows = [[one[column] for column in columns] for one in found]
    table("Waiting for approval", columns, rows, empty="No mail to a third party waits.")


@notice_app.command()
def approve(numbers: Numbers, config: ConfigOption = None) -> None:
    """Let mails to third parties go out."""
    in_house(config, lambda house: _decide(house, numbers, send=True))


@notice_app.command()
def refuse(numbers: Numbers, config: ConfigOption = None) -> None:
    """Do not send these mails to third parties."""
    in_house(config, lambda house: _decide(house, numbers, send=False))


@notice_app.command("opt-outs")
def opt_outs(
    add: Annotated[list[str] | None, typer.Option("--add", help="An address, or @domain.")] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", help="May be written to again.")] = None,
    config: ConfigOption = None,
) -> None:
    """Third parties that get no mail from us: those who asked, and those you add."""
    for address in in_house(config, lambda house: _opt_outs(house, add or [], remove or [])):
        typer.echo(address)


@notice_app.command()
def dead(
    revive: Annotated[list[str] | None, typer.Option(help="It arrives there again; may be given again.")] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Addresses at which our mail did not arrive. Contacts outside are not written to there for 30 days."""
    found = in_house(config, lambda house: _dead(house, revive or []))
    if json:
        as_json(found)
        return
    columns = ("address", "at", "why", "notice")
    table(
        "Dead addresses", columns, [[one[c] for c in columns] for one in found], empty="No address is known to be dead."
    )


async def _waiting(house: House) -> list[dict[str, Any]]:
    async with house.database.reading() as connection:
        found = await notices.proposed(connection)
    return [
        {
            "number": one.id, "kind": one.kind, "to": one.to, "case": one.facts.get("case"),
            "about": one.facts.get("resource"), "source": one.facts.get("contact_source"),
        }
        for one in found
    ]  # fmt: skip


async def _decide(house: House, numbers: list[int], *, send: bool) -> None:
    async with house.database.writing() as connection:
        for number in numbers:
            if not await notices.decide(connection, number, send=send, who=who(), now=house.clock()):
                raise LookupError(f"notice {number} does not wait for approval")


async def _dead(house: House, revive: list[str]) -> list[dict[str, Any]]:
    async with house.database.writing() as connection:
        for address in revive:
            if not await dead_addresses.revive(connection, address, who(), house.clock()):
                raise LookupError(f"{address[:100]!r} is not marked as dead")
        found = await dead_addresses.current(connection, house.clock())
    return [{"address": d.address, "at": d.at, "why": d.why, "notice": d.notice_id} for d in found.values()]


async def _opt_outs(house: House, add: list[str], remove: list[str]) -> list[str]:
    async with house.database.writing() as connection:
        for address in add:
            if not (is_address(address) or is_address(f"x{address}")):
                raise LookupError(f"{address[:100]!r} is neither an address nor @domain")
            await third_parties.refuse(connection, address.lower(), who(), house.clock())
        for address in remove:
            if not await third_parties.opt_in(connection, address.lower(), who(), house.clock()):
                raise LookupError(f"{address[:100]!r} is not on the list")
        return sorted(await third_parties.opted_out(connection))


@notice_app.command()
def kinds() -> None:
    """The kinds of notices, and whose they are: names for `preview` and for your own templates."""
    for kind in NoticeKind:
        typer.echo(kind.value)


async def _shown(house: House, what: str, language: str | None, own: Texts | None, *, mail: bool) -> str:
    notice = (
        await notice_preview.stored(house, int(what))
        if what.isdigit()
        else notice_preview.example(house, NoticeKind(what))
    )
    said = notice_preview.worded(house, notice, language, own, mail=mail)
    return said.mail if mail else f"To: {said.to}\nSubject: {said.subject}\n\n{said.text}"

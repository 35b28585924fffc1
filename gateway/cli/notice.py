"""`arfgate notice`: what a notice says before it goes out, in any language."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from jinja2 import TemplateError

from gateway import originals, outbox
from gateway.cli.session import ConfigOption, fail, in_house
from gateway.house import House
from gateway.store import notices
from notifier import samples
from notifier.compose import CannotComposeError, compose, subject_and_text
from notifier.notice import Notice, NoticeKind
from notifier.texts import Texts

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
def kinds() -> None:
    """The kinds of notices, and whose they are: names for `preview` and for your own templates."""
    for kind in NoticeKind:
        typer.echo(kind.value)


async def _shown(house: House, what: str, language: str | None, own: Texts | None, *, mail: bool) -> str:
    notice = await _stored(house, int(what)) if what.isdigit() else _example(house, NoticeKind(what))
    notice = replace(notice, language=language or notice.language)
    try:
        if mail:
            return compose(notice, own or house.texts).message.decode("ascii").replace("\r\n", "\n")
        subject, text = subject_and_text(notice, own or house.texts)
    except (CannotComposeError, TemplateError) as error:
        raise LookupError(str(error)) from error
    return f"To: {notice.to}\nSubject: {subject}\n\n{text}"


async def _stored(house: House, number: int) -> Notice:
    async with house.database.reading() as connection:
        found = await notices.one(connection, number)
    if found is None:
        raise LookupError(f"there is no notice {number}")
    return outbox.to_say(house, (await originals.added(house, [found]))[0])


def _example(house: House, kind: NoticeKind) -> Notice:
    operator = house.settings.operator
    example = samples.example(kind)
    facts = example.facts | {"organisation": operator.name}
    return replace(
        example, sender=operator.address, sender_name=house.settings.sender_name, facts=facts,
        html=house.settings.notices.html,
    )  # fmt: skip

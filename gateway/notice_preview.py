"""What a notice says before it goes out, or said when it did: a stored one by its number, or an example of a kind.

Must never send anything, nor leave a trace of being asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from jinja2 import TemplateError

from gateway import channels, originals, outbox
from gateway.house import House
from gateway.store import notices
from notifier import samples
from notifier.compose import CannotComposeError, Composed, compose, subject_and_text
from notifier.notice import Notice, NoticeKind, Refused, XarfParty
from notifier.texts import Texts

_TOKEN = re.compile(r"(/(?:portal|report)/[a-z]+/)[a-z0-9-]{20,}")  # of a link, after the name of its page


@dataclass(frozen=True, slots=True)
class Wording:
    """A notice in words. `mail`: the whole mail as it would go out, or the document for a program."""

    to: str
    language: str
    subject: str
    text: str
    mail: str = ""


async def stored(house: House, number: int) -> Notice:
    """A notice that is planned, or went out. Raises LookupError."""
    async with house.database.reading() as connection:
        found = await notices.one(connection, number)
    if found is None:
        raise LookupError(f"there is no notice {number}")
    return outbox.to_say(house, (await originals.added(house, [found]))[0])


def example(house: House, kind: NoticeKind) -> Notice:
    """What a notice of this kind looks like, with made-up facts and the operator's own name."""
    operator = house.settings.operator
    made = samples.example(kind)
    facts = made.facts | {"organisation": operator.name}
    return replace(
        made, sender=operator.address, sender_name=house.settings.sender_name, facts=facts,
        html=house.settings.notices.html,
    )  # fmt: skip


def shown(house: House, notice: Notice, language: str | None = None) -> Wording:
    """As a page shows it: the links open nothing, since they let whoever has them act as the customer or reporter.
    Raises LookupError like `worded`."""
    said = worded(house, notice, language)
    return replace(said, text=_TOKEN.sub(r"\1…", said.text))


def worded(
    house: House, notice: Notice, language: str | None = None, own: Texts | None = None, *, mail: bool = False
) -> Wording:
    """The notice in its language, or in another. `own`: texts of a folder instead. Raises LookupError with the reason
    why it cannot be written."""
    notice = replace(notice, language=language or notice.language)
    texts = own or house.texts
    try:
        subject, text = subject_and_text(notice, texts)
        whole = _whole(house, notice, texts) if mail else ""
    except (CannotComposeError, TemplateError) as error:
        raise LookupError(str(error)) from error
    return Wording(notice.to, notice.language, subject, text, whole)


def _whole(house: House, notice: Notice, texts: Texts) -> str:
    """The mail, or the document that a channel's program would be given. Raises CannotComposeError, LookupError."""
    made: Composed | channels.Posting | Refused
    if notice.to.startswith(channels.PREFIX):
        party = XarfParty(house.settings.operator.name, house.settings.operator.address)
        made = channels.posting(house.channels, notice, party, texts)
    else:
        made = compose(notice, texts)
    if isinstance(made, Refused):
        raise LookupError(made.answer)  # noqa: TRY004  (no wrong type: nothing would go out)
    return (
        made.body.decode() if isinstance(made, channels.Posting) else made.message.decode("ascii").replace("\r\n", "\n")
    )

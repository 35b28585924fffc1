"""What a notice says before it goes out, or said when it did: a stored one by its number, or an example of a kind.

Must never send anything, nor leave a trace of being asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from jinja2 import TemplateError

from gateway import originals, outbox
from gateway.house import House
from gateway.store import notices
from notifier import samples
from notifier.compose import CannotComposeError, compose, subject_and_text
from notifier.notice import Notice, NoticeKind
from notifier.texts import Texts


@dataclass(frozen=True, slots=True)
class Wording:
    """A notice in words. `mail`: the whole mail as it would go out."""

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


def worded(
    house: House, notice: Notice, language: str | None = None, own: Texts | None = None, *, mail: bool = False
) -> Wording:
    """The notice in its language, or in another. `own`: texts of a folder instead. Raises LookupError with the reason
    why it cannot be written."""
    notice = replace(notice, language=language or notice.language)
    texts = own or house.texts
    try:
        subject, text = subject_and_text(notice, texts)
        whole = compose(notice, texts).message.decode("ascii").replace("\r\n", "\n") if mail else ""
    except (CannotComposeError, TemplateError) as error:
        raise LookupError(str(error)) from error
    return Wording(notice.to, notice.language, subject, text, whole)

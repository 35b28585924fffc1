"""What a reporter does on our pages: sends a report, confirms it, completes one that is held, asks what became of it.

A report by the form is stored as a mail and held until whoever reads its sender's address opened the link that was
mailed there; from then on it goes the way of every mail. Must never file anything for an unproven address, say who a
customer is or what was done, or put a word of the form into the mail that it causes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway import knocking, pages, tokens
from gateway.house import House
from gateway.intake import form
from gateway.intake.form import Letter
from gateway.model import report_number
from gateway.pages import NotSaidError, WrongLinkError
from gateway.store import events, held, messages, notices, portal, replies
from gateway.store.events import Event
from gateway.store.held import Held
from gateway.store.messages import Arrived
from notifier.notice import NoticeKind
from parsers.contract import iso
from parsers.report import Kind


@dataclass(frozen=True, slots=True)
class Standing:
    """What a reporter may know: the number, when it came, and one word of `words.OUTCOMES`."""

    number: str
    received_at: datetime
    outcome: str


async def is_report(house: House, raw: bytes) -> bool:
    """Whether our parsers find in it what a report needs: the header of the reported mail with its trace, or address
    (or site) and time."""
    (parsed,) = await house.workers.parse([raw])
    if parsed.kind is not Kind.REPORT:
        return False
    return all(one.trace or (one.arrival_date and (one.source_ip or one.reported_uri)) for one in parsed.reports)


async def send(house: House, letter: Letter, language: str, category: str | None = None) -> None:
    """Store a report of the form (`category`: what its sender says it is) and mail its sender a link to confirm it.
    Whether a mail went out, the visitor is not told: an address that wants none, or had too many, gets none, and then
    nothing is kept either. Raises NotSaidError: what it holds is no report."""
    raw, now = form.written(letter, house.settings.operator.domain), house.clock()
    if not await is_report(house, raw):
        raise NotSaidError("We could not find the header of the reported mail in it. Please attach the mail itself.")
    per_address = house.settings.portal.form_address_hourly
    limits = {
        knocking.of_address(house, "confirmations", letter.sender): per_address,
        "confirmations all": house.settings.replies.hourly,
    }
    async with house.database.writing() as connection:
        refused = (await replies.turns(connection, [letter.sender], now)).refused
        if refused or not await knocking.taken(house, connection, limits):
            return
        arrived = Arrived(raw, now, written_by=letter.sender, stated=category)
        (message_id,) = await messages.store(connection, [arrived], None, now)
        facts = {"message": message_id, "received_at": iso(now), "days": house.settings.replies.hold_days}
        key = f"confirm:{message_id}"
        await notices.plan(
            connection, [notices.planned(NoticeKind.CONFIRM_REPORT, key, letter.sender, facts, now, language)]
        )
        said = Event(
            now, letter.sender, "report sent on the page", "waits for its sender's word", message_id=message_id
        )
        await events.add(connection, [said])


async def confirm(house: House, text: str) -> str:
    """Its sender says that it was them: it is worked on like new mail. Returns the token of its status page.
    Raises WrongLinkError; NotSaidError while it is being read."""
    link, now = pages.read(house, text, "f"), house.clock()
    if link is None:
        raise WrongLinkError
    async with house.database.writing() as connection:
        sent = await portal.sent(connection, link.number, now)
        if sent is None or not link.is_for(sent.written_by, house.key("portal")):
            raise WrongLinkError
        if sent.in_hand:
            raise NotSaidError("The report is being read at this moment. Please press the button once more.")
        if sent.confirmed_at is None:
            await portal.confirm(connection, link.number, now)
            if await held.decide(connection, link.number, held.CONFIRMED, sent.written_by, now):
                await held.again(connection, link.number, None)
            said = Event(now, sent.written_by, "report confirmed by its sender", message_id=link.number)
            await events.add(connection, [said])
    return pages.status_token(house, link.number, sent.written_by, sent.received_at)


async def waiting(house: House, text: str) -> Held:
    """What a link from a reply of ours completes. Raises WrongLinkError: also when nothing is missing any more."""
    link = pages.read(house, text, "h")
    if link is None:
        raise WrongLinkError
    async with house.database.reading() as connection:
        found = (await held.waiting(connection, [link.number])).get(link.number)
    if found is None or not found.identity.get("address"):
        raise WrongLinkError
    return found


async def complete(house: House, about: Held, text: str, mails: tuple[bytes, ...]) -> str:
    """What was missing in a held report, as a mail to the address that completes it. Returns the token of the status
    page. Raises NotSaidError."""
    now, sender = house.clock(), str(about.identity["address"])
    to = tokens.notice_address(house.settings.operator.notice_address, about.id, house.key("notice"), "h")
    number = report_number(about.message_id, about.received_at)
    letter = Letter(sender, to, f"What was missing in {number}", text, now, mails=mails)
    raw = form.written(letter, house.settings.operator.domain)
    if not await is_report(house, raw):
        raise NotSaidError("We could not find the header of the reported mail in it. Please attach the mail itself.")
    async with house.database.writing() as connection:
        arrived = Arrived(raw, now, written_by=sender, confirmed_at=now)
        (message_id,) = await messages.store(connection, [arrived], None, now)
        why = f"for message {about.message_id}"
        await events.add(
            connection, [Event(now, sender, "what was missing came on the page", why, message_id=message_id)]
        )
    return pages.status_token(house, about.message_id, sender, about.received_at)


async def status(house: House, text: str) -> Standing:
    """What became of a report. Raises WrongLinkError."""
    link = pages.read(house, text, "s")
    if link is None:
        raise WrongLinkError
    async with house.database.reading() as connection:
        came = await portal.received_at(connection, link.number)
        outcome = await portal.outcome(connection, link.number)
    if came is None or outcome is None:
        raise WrongLinkError
    return Standing(report_number(link.number, came), came, outcome)

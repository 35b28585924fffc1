"""The legal lane: matters are opened with an alarm, named staff look at them, two persons act.

Everything that is done here is done by people; arfgate keeps the message, shows its words, names the steps, and writes
down who looked and who decided. Must never put anything of a message into an alarm, never forward it, and never let one
person act alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casework.states import NotAllowedError
from gateway.dossier import Dossier
from gateway.house import House
from gateway.model import Cleared, Screening, Verdict
from gateway.screening.legal import LegalKind, lane
from gateway.store import events, held, legal, messages, notices
from gateway.store.events import Event
from gateway.store.legal import Act, Matter
from notifier.notice import NoticeKind
from parsers.report import Report

log = structlog.get_logger()


class LegalAction(StrEnum):
    """What two persons may decide; the doing is theirs."""

    REPORT = "report"  # the authority or hotline was told
    DISCLOSE = "disclose"  # a court or the police were answered
    REMOVE = "remove"  # content or account were taken away by hand
    CLOSE = "close"  # nothing more is to be done; the hold stays
    DISMISS = "dismiss"  # it is no legal matter: it goes the ordinary way, without a hold
    LIFT_HOLD = "lift-hold"  # the message of a closed matter need not be preserved any longer


@dataclass(frozen=True, slots=True)
class Shown:
    """A matter as named staff see it: words only, never an attachment."""

    matter: Matter
    acts: list[Act]
    sender: str | None
    subject: str | None
    text: str


# --- coming in ---------------------------------------------------------------------------------------------------


async def open_matters(house: House, connection: AsyncConnection, dossiers: Sequence[Dossier], now: datetime) -> None:
    """Matters, holds and alarms for the legal messages of a batch, those of an observing mailbox too: nothing of it
    goes outside, and nobody else would ever see them. Nothing where there is none."""
    found = [(d, screening) for d in dossiers if (screening := _legal(d)) is not None]
    if not found:
        return
    await _open(house, connection, [_matter_row(dossier, now) for dossier, _ in found], now)


async def take(house: House, message_id: int, who: str, why: str) -> int:
    """A person says that a message is about illegal content (CON-10, NET-6). Returns the number of the matter.
    Raises NotAllowedError."""
    name = admit(house, who)
    now = house.clock()
    async with house.database.writing() as connection:
        received_at = await legal.take_out(connection, message_id)
        if received_at is None:
            raise NotAllowedError(
                f"message {message_id} cannot be taken into the lane: there is none, it is there already, it is still "
                "being worked on, or a case was opened from it (then 'arfgate case enter', class content)"
            )
        row = {
            "message_id": message_id,
            "kind": LegalKind.ILLEGAL_CONTENT.value,
            "why": f"{name}: {why}",
            "state": legal.OPEN,
            "received_at": received_at,
            "opened_at": now,
        }
        numbers = await _open(house, connection, [row], now)
        said = Event(now, name, "legal matter taken in", why, message_id=message_id)
        await events.add(connection, [said])
    return numbers[message_id]


async def _open(
    house: House, connection: AsyncConnection, rows: Sequence[dict[str, Any]], now: datetime
) -> dict[int, int]:
    """Matters with their alarms. Returns {message id: number} of the new ones."""
    numbers = await legal.open_matters(connection, rows)
    kinds = {row["message_id"]: str(row["kind"]) for row in rows}
    log_rows, mails = [], []
    for message_id, number in sorted(numbers.items()):
        why = f"legal matter {number} ({kinds[message_id]})"
        log.warning("alarm", why=why, matter=number)
        # to nobody but those who are named
        log_rows.append(Event(now, events.SYSTEM, "alarm", why, message_id=message_id, data={"alarm": None}))
        for to in house.settings.legal.staff:
            facts = {"matter": number, "legal_kind": kinds[message_id]}
            mails.append(notices.planned(NoticeKind.LEGAL_ALARM, f"legal:{number}/{to}", to, facts, now))
    await events.add(connection, log_rows)
    await notices.plan(connection, mails)
    return numbers


def _legal(dossier: Dossier) -> Screening | None:
    found = [item.screening for item in dossier.reports] or ([dossier.screening] if dossier.screening else [])
    return next((one for one in found if one.verdict is Verdict.LEGAL), None)


def _matter_row(dossier: Dossier, now: datetime) -> dict[str, object]:
    reports: list[Report | None] = [item.report for item in dossier.reports] or [None]
    kind, why = next(hit for report in reports if (hit := lane(dossier.parsed, report)) is not None)
    return {
        "message_id": dossier.message.id,
        "kind": kind.value,
        "why": why,
        "state": legal.OPEN,
        "received_at": dossier.message.received_at,
        "opened_at": now,
    }


# --- named staff -------------------------------------------------------------------------------------------------


def admit(house: House, who: str) -> str:
    """The name as the settings have it. Raises NotAllowedError for everybody whom they do not name."""
    named = {address.lower(): address for address in house.settings.legal.staff}
    if who.lower() not in named:
        raise NotAllowedError(f"'{who}' is not among legal.staff in {house.settings.path}: the legal lane is closed")
    return named[who.lower()]


async def list_matters(house: House, who: str, *, everything: bool) -> list[Matter]:
    """The matters, without a word of their messages."""
    admit(house, who)
    async with house.database.reading() as connection:
        return await legal.listed(connection, everything=everything)


async def show(house: House, number: int, who: str, login: str) -> Shown:
    """The words of a matter. That somebody looked is an event. `login`: who sits at the machine."""
    name = admit(house, who)
    async with house.database.writing() as connection:
        matter, acts = await _matter(connection, number)
        raw = await messages.whole(connection, matter.message_id)
        said = Event(house.clock(), name, "legal matter looked at", f"login {login}", message_id=matter.message_id)
        await events.add(connection, [said])
    (parsed,) = await house.workers.parse([raw or b""])
    return Shown(matter, acts, parsed.envelope.from_, parsed.envelope.subject, parsed.text)


async def evidence(house: House, number: int, who: str, login: str, why: str) -> bytes:
    """The bytes, for an authority that is entitled to them; that they were taken is an event."""
    name = admit(house, who)
    async with house.database.writing() as connection:
        matter, _ = await _matter(connection, number)
        said = f"{why} (login {login})"
        what = "legal matter taken out"
        await events.add(connection, [Event(house.clock(), name, what, said, message_id=matter.message_id)])
        return await messages.whole(connection, matter.message_id) or b""


async def act(house: House, number: int, action: LegalAction, who: str, why: str) -> int:
    """The first of two persons says what is to be done. Returns the number of the act."""
    name = admit(house, who)
    now = house.clock()
    async with house.database.writing() as connection:
        matter, acts = await _matter(connection, number)
        _possible(matter, action)
        if any(one.confirmed_by is None and one.action == action for one in acts):
            raise NotAllowedError(f"{action.value} waits already; a second person confirms it")
        made = await legal.propose(connection, number, action.value, why, name, now)
        said = Event(now, name, f"legal {action.value} proposed", why, message_id=matter.message_id)
        await events.add(connection, [said])
        return made


async def confirm(house: House, number: int, who: str) -> Act:
    """The second person agrees to the oldest act that waits. Raises NotAllowedError where it is the first again."""
    name = admit(house, who)
    now = house.clock()
    async with house.database.writing() as connection:
        matter, acts = await _matter(connection, number)
        waiting = next((one for one in acts if one.confirmed_by is None), None)
        if waiting is None:
            raise NotAllowedError(f"nothing waits in matter {number}; 'arfgate legal act' comes first")
        if waiting.proposed_by == name:
            raise NotAllowedError(f"{name} proposed it: another person of legal.staff has to confirm")
        action = LegalAction(waiting.action)
        _possible(matter, action)
        await legal.confirm(connection, waiting, name, now)
        await _follow(connection, matter, action)
        why = f"proposed by {waiting.proposed_by}: {waiting.reason}"
        said = Event(now, name, f"legal {action.value} confirmed", why, message_id=matter.message_id)
        await events.add(connection, [said])
        return waiting


async def _follow(connection: AsyncConnection, matter: Matter, action: LegalAction) -> None:
    if action is LegalAction.CLOSE:
        await legal.settle(connection, matter, legal.CLOSED)
    elif action is LegalAction.DISMISS:
        await legal.settle(connection, matter, legal.DISMISSED)
        await legal.lift(connection, matter)
        await held.again(connection, matter.message_id, Cleared.LEGAL.value)
    elif action is LegalAction.LIFT_HOLD:
        await legal.lift(connection, matter)


def _possible(matter: Matter, action: LegalAction) -> None:
    if matter.state == legal.DISMISSED:
        raise NotAllowedError(f"matter {matter.id} was dismissed: its message went the ordinary way")
    if action is LegalAction.LIFT_HOLD and matter.state != legal.CLOSED:
        raise NotAllowedError(f"matter {matter.id} is open: close it before its hold is lifted")
    if action in (LegalAction.CLOSE, LegalAction.DISMISS) and matter.state == legal.CLOSED:
        raise NotAllowedError(f"matter {matter.id} is closed")


async def _matter(connection: AsyncConnection, number: int) -> tuple[Matter, list[Act]]:
    found = await legal.shown(connection, number)
    if found is None:
        raise NotAllowedError(f"there is no legal matter {number}; 'arfgate legal list' shows them")
    return found

"""Automatic replies, and the reports that wait for what is missing: the way back to a complainant.

Runs inside the transaction that files a batch: what is held is kept under a number, who may be answered is answered
once (as a notice in the outbox, under its idempotency key), and a mail to the token address of such a reply completes
what it is about. Whether anybody is answered `screening.replies` decides. Must never send, and never choose an address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import outcomes, tokens
from gateway.dossier import Dossier, ReportInHand
from gateway.house import House
from gateway.model import Identity, IdentityKind, Verdict, report_number
from gateway.screening.replies import Decision, Ledger, Reply, Silence, decide
from gateway.screening.words import language
from gateway.store import events, held, notices, replies
from gateway.store.events import Event
from gateway.store.held import Held
from notifier.notice import NoticeKind
from parsers.contract import iso
from parsers.report import Category, Kind, Parsed

_PLAIN = frozenset({Category.SPAM, Category.OTHER})


# --- what completes something ------------------------------------------------------------------------------------


def numbers(house: House, dossier: Dossier) -> list[int]:
    """The numbers of held messages whose token address this mail was sent to."""
    if dossier.parsed.kind is not Kind.REPORT:
        return []  # an answer without any evidence: for a person
    addresses = [to for to in dossier.parsed.envelope.to if "+h." in to.lower()]
    keys = [house.key("notice")] if addresses else []
    found = [tokens.read_token(to, keys) for to in addresses]
    return [token.number for token in found if token is not None and token.kind == "h"]


def completes(dossier: Dossier, waiting: Held) -> None:
    """The mail answers our reply about `waiting`: nobody else knows the address, so its sender is who was asked. A
    category that the first mail stated stays, where the second is no more than a forward."""
    dossier.completes = waiting
    before = waiting.identity
    if dossier.identity.kind in (IdentityKind.NOBODY, IdentityKind.UNCHECKED) and before.get("domain"):
        said = f"it answers our reply about message {waiting.message_id}, at an address that nobody else was told"
        dossier.identity = Identity(IdentityKind.DOMAIN, before["domain"], before["address"], "token", None, said)
    dossier.parsed = stated(dossier.parsed, waiting.category)


def stated(parsed: Parsed, category: str | None) -> Parsed:
    """With the category that the sender stated elsewhere, where the mail itself says no more than that it came."""
    said = Category(category) if category else Category.OTHER
    if said in _PLAIN:
        return parsed
    read = tuple(replace(one, category=said) if one.category in _PLAIN else one for one in parsed.reports)
    return replace(parsed, reports=read)


# --- what is held, and who is answered ---------------------------------------------------------------------------


async def answer(house: House, connection: AsyncConnection, dossiers: Sequence[Dossier], now: datetime) -> None:
    """Keep what is held, complete what was, and plan the replies of a batch. Nothing where nothing is held and only
    programs wrote; else a fixed number of statements (two more for each completed report)."""
    numbered = await held.keep(connection, [_held_row(house, d, now) for d in dossiers if _first(d, Verdict.HELD)])
    done = await _complete(connection, dossiers, now)
    await outcomes.wish(house, connection, dossiers, _ledger(house, now), now)
    await _reply(house, connection, [d for d in dossiers if d.reports], numbered, done, now)


def _first(dossier: Dossier, verdict: Verdict) -> ReportInHand | None:
    return next((item for item in dossier.reports if item.screening.verdict is verdict), None)


def _held_row(house: House, dossier: Dossier, now: datetime) -> dict[str, Any]:
    item = _first(dossier, Verdict.HELD)
    assert item is not None
    identity = item.screening.identity
    return {
        "message_id": dossier.message.id,
        "reason": item.screening.reason.value,
        "state": held.WAITING,
        "category": item.report.category.value,
        "identity": {"kind": identity.kind.value, "domain": identity.domain, "address": identity.address},
        "received_at": dossier.message.received_at,
        "held_at": now,
        "expires_at": now + timedelta(days=house.settings.replies.hold_days),
    }


async def _complete(connection: AsyncConnection, dossiers: Sequence[Dossier], now: datetime) -> set[int]:
    """Returns the numbers of what is completed now."""
    by = {d.completes.id: d for d in dossiers if d.completes is not None and d.accepted}
    done = await held.complete(connection, {number: d.message.id for number, d in by.items()}, now)
    log = []
    for number in sorted(done):
        first = by[number].completes
        assert first is not None
        why = f"message {by[number].message.id} brought what was missing"
        log.append(Event(now, events.SYSTEM, "held report completed", why, message_id=first.message_id))
    await events.add(connection, log)
    return done


async def _reply(
    house: House, connection: AsyncConnection, dossiers: list[Dossier], numbered: dict[int, int], done: set[int],
    now: datetime,
) -> None:  # fmt: skip
    blank = _ledger(house, now)
    wanted = [(d, said) for d in dossiers if (said := _decide(d, blank, done)).reply is not None]
    if not wanted or not house.settings.replies.enabled:
        return
    turns = await replies.turns(connection, [said.to for _, said in wanted if said.to], now)
    answered, left = dict(turns.answered), house.settings.replies.hourly - turns.in_last_hour
    rows, took = [], {}
    for dossier, _ in wanted:
        said = _decide(
            dossier, replace(blank, answered=answered, left=left, refused=turns.refused | blank.refused), done
        )
        if said.reply is None or said.to is None:
            continue
        rows.append(_notice_row(house, dossier, said, numbered.get(dossier.message.id), now))
        answered[said.to], took[said.to] = now, said.reply.value
        left -= 1
    await replies.took(connection, took, now)
    await notices.plan(connection, rows)


def would_reply(house: House, dossier: Dossier, now: datetime) -> Decision:
    """What the sender would be told, as far as this mail alone says: for `explain`, and while only observing."""
    if not dossier.reports or not house.settings.replies.enabled:
        return Decision(None, why=Silence.NOTHING_TO_SAY)
    return _decide(dossier, _ledger(house, now), set())


def _ledger(house: House, now: datetime) -> Ledger:
    operator = house.settings.operator
    own = frozenset({operator.address.lower(), operator.notice_address.lower()})
    refused = frozenset(one.key.partition(":")[2] for one in house.standings.values() if one.may_reply is False)
    return Ledger(now, left=1, own_addresses=own, own_domains=frozenset(operator.own_domains), refused=refused)


def _decide(dossier: Dossier, ledger: Ledger, done: set[int]) -> Decision:
    """One reply to a message: that something was accepted says more than that something is missing."""
    item = _first(dossier, Verdict.ACCEPTED) or dossier.reports[0]
    proven = dossier.completes is not None and dossier.completes.id in done
    return decide(dossier.parsed, item.report, item.screening, replace(ledger, completes=proven))


def _notice_row(house: House, dossier: Dossier, said: Decision, number: int | None, now: datetime) -> dict[str, Any]:
    message, first = dossier.message, dossier.completes
    number_of = (first.message_id, first.received_at) if first else (message.id, message.received_at)
    facts: dict[str, Any] = {
        "number": report_number(*number_of),
        "received_at": iso(message.received_at),
        "in_reply_to": dossier.parsed.envelope.message_id,
        "message": message.id,
        "may_ask": house.policy.outcome != "off",
    }
    if said.reply is Reply.INCOMPLETE:
        waits = {"held": number, "days": house.settings.replies.hold_days}
        facts |= {"missing": [one.value for one in said.missing]} | waits
    kind = NoticeKind(said.reply.value if said.reply else "")
    key = f"reply:{message.id}/{kind.value}"
    return notices.planned(kind, key, said.to or "", facts, now, language(dossier.parsed))


async def expire(house: House, connection: AsyncConnection, now: datetime) -> int:
    """What was held too long, with its reason. `now`: nothing that arrived before is unread. Returns how many."""
    gone = await held.expire(connection, now)
    why = f"nothing that was missing came in {house.settings.replies.hold_days} days"
    rows = [
        Event(house.clock(), events.SYSTEM, "held report expired", f"{one.reason}: {why}", message_id=one.message_id)
        for one in gone
    ]
    await events.add(connection, rows)
    return len(gone)

"""Sends what is due and writes what came of it: at least once, and once but for one mail.

Each notice is claimed, composed and sent, and its outcome committed before the next one
goes out: a kill between the server's 250 and our commit repeats at most that one mail,
under the same Message-ID. The clocks follow in batches (`settle`), which a kill only
delays. Must never decide what is said or to whom.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import channels, copies, originals, pages, telling, tokens, undelivered
from gateway.casework import clocks
from gateway.casework.clocks import Change
from gateway.casework.desk import Applied, Desk, Origin
from gateway.casework.states import ClockTrigger
from gateway.channels import Posting
from gateway.house import House
from gateway.logs import bind_message
from gateway.model import Clock, NoticeState
from gateway.store import desk as desk_store
from gateway.store import events, notices, switches
from gateway.store.events import Event
from gateway.store.notices import StoredNotice
from notifier.compose import CannotComposeError, Composed, compose, message_id_for
from notifier.notice import (
    OUR_FAULT,
    STARTS,
    TO_OTHERS,
    TO_STAFF,
    Deferred,
    Delivered,
    Notice,
    NoticeKind,
    Outcome,
    Part,
    Refused,
    Why,
    XarfParty,
)
from notifier.retry import next_attempt

_TIMES = ("received_at", "notified_at", "due_at")  # facts that are times
_LOOK_AGAIN = timedelta(seconds=5)  # a batch that takes longer asks again what of it is still to be sent

Parcel = Composed | Posting | Refused

log = structlog.get_logger(module=__name__)


async def send_due(house: House, limit: int = 100) -> int:
    """Send up to `limit` notices that are due, then let their clocks know. Returns how many were tried."""
    now = house.clock()
    async with house.database.writing() as connection:
        if await switches.is_paused(connection):
            return 0
        claimed = await notices.claim(connection, house.node, now, limit)
        if claimed:
            await notices.name(connection, {n.id: mail_id(house, n) for n in claimed})
    if claimed:
        await _send_all(house, await originals.added(house, claimed), now)
    while await settle(house):
        pass
    return len(claimed)


async def _send_all(house: House, claimed: list[StoredNotice], now: datetime) -> None:
    """On as many connections as the settings say; what one wrote is committed before it sends the next."""
    lanes = min(house.settings.smtp.connections, len(claimed))
    async with house.database.single() as connection:
        desk = _Writing(house, connection, now, now, {notice.id for notice in claimed})
        ways = [_lane(desk, claimed[lane::lanes]) for lane in range(lanes)]
        done = await asyncio.gather(*ways, return_exceptions=True)
        if desk.ended:  # nobody is sending any more: another node may have the rest
            await notices.release(connection, house.node)
    for one in done:
        if isinstance(one, BaseException):
            raise one


@dataclass
class _Writing:
    """What the connections of a batch share: one database connection, and whether all of it is to end. `due`: what was
    still to be sent when that was `looked` at last."""

    house: House
    connection: AsyncConnection
    began: datetime
    looked: datetime
    due: set[int]
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    ended: bool = False

    def goes_on(self) -> bool:
        if self.house.clock() - self.began > notices.CLAIM / 2:  # soon another node may claim the rest
            self.ended = True
        return not (self.ended or self.house.stopping)  # on stopping the service frees what it had claimed

    async def still_due(self, notice: StoredNotice) -> bool:
        """False: it was cancelled after it was claimed, by an opt-out or an answer."""
        async with self.lock:
            if self.house.clock() - self.looked > _LOOK_AGAIN:
                self.looked = self.house.clock()
                self.due = await notices.still_due(self.connection, self.due)
        return notice.id in self.due

    async def write(self, notice: StoredNotice, outcome: Outcome) -> bool:
        async with self.lock:
            return await _write(self.house, self.connection, notice, outcome)


async def _lane(desk: _Writing, claimed: list[StoredNotice]) -> None:
    mail = _composed(desk.house, claimed[0])
    for notice, following in zip_longest(claimed, claimed[1:]):
        if not desk.goes_on():
            return
        if not await desk.still_due(notice):
            mail = _composed(desk.house, following) if following else mail
            continue
        sending = asyncio.create_task(_send(desk.house, notice, mail))
        await asyncio.sleep(0)  # it is on its way to the server: time to write the next one
        try:
            mail = _composed(desk.house, following) if following else mail
        finally:
            outcome = await sending
        if await desk.write(notice, outcome):
            desk.ended = True  # paused: at once means after this mail
            return


def _composed(house: House, notice: StoredNotice) -> Parcel:
    with bind_message(f"notice-{notice.id}"):
        try:
            said = to_say(house, notice)
            if notice.to.startswith(channels.PREFIX):
                mail = channels.posting(house.channels, said, _xarf(house), house.texts)
            else:
                mail = compose(said, house.texts)
            return house.signer.sign(mail) if house.signer and isinstance(mail, Composed) else mail
        except CannotComposeError as error:
            log.error("notice cannot be composed", why=error.why.value, error=str(error))  # noqa: TRY400  (told whole)
            return Refused(error.why, str(error))
        except Exception as error:  # a bug with one notice: kept for staff, the others still go out
            log.exception("notice cannot be composed")
            return Refused(Why.COMPOSE, f"{type(error).__name__}: {error}")


async def _send(house: House, notice: StoredNotice, mail: Parcel) -> Outcome:
    if isinstance(mail, Refused):
        return mail
    with bind_message(f"notice-{notice.id}"):
        outcome = await (mail.send() if isinstance(mail, Posting) else house.mailer.send(mail))
        why = None if isinstance(outcome, Delivered) else outcome.why.value
        log.info("notice sent" if why is None else "notice not sent", to=notice.to, why=why, answer=outcome.answer)
        return outcome


def to_say(house: House, notice: StoredNotice) -> Notice:
    """The stored notice as the notifier takes it."""
    operator = house.settings.operator
    facts: dict[str, object] = {k: telling.moment(v) if k in _TIMES else v for k, v in notice.facts.items()}
    facts["organisation"] = operator.name
    policy = house.book.of_label(str(facts["policy"])) if facts.get("policy") else None
    if policy is not None:
        facts.setdefault("timezone", policy.calendar.time_zone)
    due_at = facts.get("due_at")
    if notice.kind == NoticeKind.REMINDER.value and isinstance(due_at, datetime):
        facts["time_left"] = max(due_at - house.clock(), timedelta(0))
    if notice.kind in TO_OTHERS:
        facts["opt_out"] = tokens.notice_address(operator.notice_address, notice.id, house.key("notice"), kind="o")
        facts["opt_out_url"] = pages.opt_out(house, notice)
    if page := pages.of_notice(house, notice):
        facts["page"] = page
    return Notice(
        kind=NoticeKind(notice.kind),
        key=_secret_key(house, notice),
        to=notice.to,
        language=policy.language_for(notice.language) if policy else notice.language,
        address=_address(house, notice),
        sender=operator.address,
        sender_name=house.settings.sender_name,
        date=notice.created_at,
        facts=facts,
        evidence=telling.evidence_from(notice.evidence) if notice.evidence else None,
        in_reply_to=notice.facts.get("in_reply_to"),
        html=house.settings.notices.html,
        xarf=_xarf(house) if notice.facts.get("xarf") else None,
        parts=_for_programs(notice),
    )


def _xarf(house: House) -> XarfParty:
    operator = house.settings.operator
    return XarfParty(operator.name, operator.address)


def _for_programs(notice: StoredNotice) -> tuple[Part, ...]:
    said = notice.facts.get("machine")
    if said is None or notice.to.startswith(channels.PREFIX):
        return ()
    raw = json.dumps({"outcome": said}, ensure_ascii=True, sort_keys=True, indent=1).encode("ascii")
    return (Part("application/json", raw, "outcome.json"),)


def _address(house: House, notice: StoredNotice) -> str:
    """Where an answer goes: back to this notice, or to what is held and lacks something."""
    held = notice.facts.get("held")
    ours, key = house.settings.operator.notice_address, house.key("notice")
    return tokens.notice_address(ours, notice.id, key) if held is None else tokens.notice_address(ours, held, key, "h")


def mail_id(house: House, notice: StoredNotice) -> str:
    """The Message-ID: the same for every copy of this notice, and not to be guessed from its key."""
    return message_id_for(_secret_key(house, notice), house.settings.operator.address.rpartition("@")[2])


def _secret_key(house: House, notice: StoredNotice) -> str:
    return hmac.new(house.key("message-id"), notice.key.encode(), hashlib.sha256).hexdigest()


async def _write(house: House, connection: AsyncConnection, notice: StoredNotice, outcome: Outcome) -> bool:
    """Commit the outcome, on a connection of single statements. True: everything was paused meanwhile."""
    now = house.clock()
    if isinstance(outcome, Delivered):
        return await notices.sent(connection, notice.id, now, outcome.answer)
    if outcome.why in OUR_FAULT:  # tried again, then alarmed; the next contact is not burnt for it
        outcome = Deferred(outcome.why, outcome.answer)
    if isinstance(outcome, Deferred) and outcome.wait is not None:
        await notices.put_off(connection, notice.id, now + outcome.wait, outcome.answer)
        return await switches.is_paused(connection)
    give_up = timedelta(hours=house.settings.smtp.give_up_hours)
    again = next_attempt(notice.attempts + 1, outcome, now, notice.created_at, give_up_after=give_up, key=notice.key)
    await notices.not_sent(connection, notice.id, again, outcome.why.value, outcome.answer)
    return await switches.is_paused(connection)


async def settle(house: House) -> int:
    """Let the clocks know of notices that went out or failed for good. Returns how many."""
    async with house.database.writing() as connection:
        rows = await notices.unsettled(connection)
        if not rows:
            return 0
        desk = await desk_store.load_cases(connection, [n.case_id for n in rows if n.case_id is not None])
        by_id = {clock.id: clock.key for clock in desk.clocks.values()}
        for notice in rows:
            if notice.clock_id in by_id:
                _settle(house, desk, desk.clocks[by_id[notice.clock_id]], notice)
        now = house.clock()
        await desk_store.save(connection, desk, now)
        await copies.plan(house, connection, desk, rows)
        await events.add(connection, [event for notice in rows for event in _events(notice, now)])
        await undelivered.note(connection, undelivered.refused(house, rows), now)
        await notices.settled(connection, [notice.id for notice in rows])
    return len(rows)


def _settle(house: House, desk: Desk, clock: Clock, notice: StoredNotice) -> None:
    rule = house.rule(clock)
    contacts = desk.parties[clock.case_key[0]].contacts
    current = clock.contact < len(contacts) and contacts[clock.contact] == notice.to
    if notice.round != clock.round or not current:
        return
    if notice.kind in STARTS and notice.sent_at is not None:
        grace = timedelta(0) if notice.to.startswith(channels.PREFIX) else house.bounce_grace
        desk.apply(Applied(clocks.accepted(clock, notice.sent_at, grace, rule)))
    elif notice.kind in STARTS and notice.why not in OUR_FAULT:
        why = f"{notice.to}: {notice.answer or notice.why}"
        change = clocks.bounced(clock, len(contacts), why, house.given_up_at(clock))
        desk.apply(Applied(change, Origin(dict(notice.facts), notice.evidence)))
    elif notice.kind in (NoticeKind.REMINDER.value, NoticeKind.ANSWER_REJECTED.value) and notice.sent_at is not None:
        if notice.kind == NoticeKind.REMINDER.value:
            moved = clocks.reminder_sent(clock, notice.sent_at, rule)
        else:
            moved = clocks.rejection_sent(clock, notice.sent_at - _decided_at(notice))
        if moved != clock:
            desk.apply(
                Applied(Change(moved, ClockTrigger.REMINDER, f"it went out late: until {moved.due_at:%Y-%m-%d %H:%M}Z"))
            )


def _decided_at(notice: StoredNotice) -> datetime:
    return telling.moment(notice.facts.get("decided_at")) or notice.created_at


def _events(notice: StoredNotice, now: datetime) -> Iterator[Event]:
    done = notice.state == NoticeState.SENT.value
    said = f"notice {notice.kind} {'accepted' if done else 'failed'}"
    about: dict[str, Any] = {"case_id": notice.case_id, "clock_id": notice.clock_id, "notice_id": notice.id}
    yield Event(now, events.SYSTEM, said, f"{notice.to}: {notice.answer}", **about)
    if notice.why in OUR_FAULT:
        why = f"notice {notice.id} could not be sent, and not for the contact's fault"
        log.warning("alarm", why=why, case=notice.case_id)
        if notice.kind not in TO_STAFF:  # else each alarm would bring another
            yield Event(now, events.SYSTEM, events.ALARM, f"{why}: {notice.answer}", **about)

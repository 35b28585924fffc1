"""What comes back to our notices: answers, bounces and opt-outs find their case by token.

The token in the recipient address decides, then the Message-ID in In-Reply-To,
References or the returned mail (both carry an HMAC, so neither can be guessed). Only a
reply to a customer's notice is an answer (`answers` files it); an automatic reply is none. Must never go by a
subject or a sender.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import answer_files, answers, consents, outcomes, tokens, undelivered
from gateway.answers import Answer
from gateway.casework import clocks
from gateway.casework.desk import Applied, Desk, Origin
from gateway.dossier import Dossier
from gateway.house import House
from gateway.model import Clock, NoticeState, Verdict
from gateway.store import desk as desk_store
from gateway.store import events, notices, postmasters, third_parties
from gateway.store.events import Event
from gateway.store.notices import StoredNotice
from gateway.undelivered import Undelivered
from notifier.notice import STARTS, NoticeKind
from parsers import quoted
from parsers.report import Bounce, Kind

# A reply to one of these is an answer to its case.
ANSWERED = frozenset(
    kind.value
    for kind in (
        NoticeKind.COMPLAINT,
        NoticeKind.REMINDER,
        NoticeKind.OVERDUE,
        NoticeKind.ANSWER_RECEIVED,
        NoticeKind.ANSWER_REJECTED,
        NoticeKind.RESOLVED,
        NoticeKind.REOPENED,
        NoticeKind.ACTION_PLANNED,
        NoticeKind.ENFORCED,
        NoticeKind.LIFTED,
        NoticeKind.CONSENT_ASKED,
        NoticeKind.APPEAL_DECIDED,
    )
)
# Told whether they like it or not.
CUSTOMERS = ANSWERED | {
    kind.value
    for kind in (
        NoticeKind.FIRST_WARNING,
        NoticeKind.SECOND_WARNING,
        NoticeKind.FINAL_WARNING,
        NoticeKind.POLICY_CHANGE,
        NoticeKind.CUSTOMER_COPY,
        NoticeKind.CUSTOMER_DIGEST,
    )
}
_COMES_BACK = frozenset({Kind.REPLY, Kind.AUTO_REPLY, Kind.BOUNCE, Kind.OPT_OUT})


@dataclass(frozen=True, slots=True)
class Returned:
    """One message and the notice it comes back to. `opts_out`: it was sent to the opt-out address."""

    dossier: Dossier
    notice: StoredNotice
    opts_out: bool


async def route(house: House, connection: AsyncConnection, dossiers: Sequence[Dossier], now: datetime) -> None:
    """Let answers stop clocks, bounces void them and opt-outs be kept: a fixed number of statements."""
    back = [d for d in dossiers if d.parsed.kind in _COMES_BACK]
    if not back:
        return
    returned = await _with_notices(house, connection, back)
    for dossier in back:
        if not any(r.dossier is dossier for r in returned) and not _of_a_customer(dossier):
            _to_a_person(dossier, "it names no notice that we sent")
    desk = await desk_store.load_cases(connection, [r.notice.case_id for r in returned if r.notice.case_id is not None])
    taken = _Taken()
    for one in returned:
        await _take(house, connection, desk, one, taken)
    await notices.mark(connection, [one.notice.id for one in taken.bounced], NoticeState.BOUNCED)
    await undelivered.note(connection, taken.bounced, now)
    await third_parties.opt_out(connection, taken.opted_out, now)
    await postmasters.confirmed(connection, taken.reads, now)
    await outcomes.asked(connection, taken.want_to_hear, now)
    await answers.file(house, connection, desk, taken.given, now)
    await desk_store.save(connection, desk, now)
    await events.add(connection, [_event(one, now) for one in returned])


@dataclass
class _Taken:
    """What a batch of returned mail means: notices that bounced, who opted out by which notice, whose
    postmaster reads, who wants to hear the outcome, and what customers answered."""

    bounced: list[Undelivered] = field(default_factory=list)
    opted_out: dict[str, int] = field(default_factory=dict)
    reads: dict[int, str] = field(default_factory=dict)
    want_to_hear: list[StoredNotice] = field(default_factory=list)
    given: list[Answer] = field(default_factory=list)


async def _take(house: House, connection: AsyncConnection, desk: Desk, one: Returned, taken: _Taken) -> None:
    """One mail that came back."""
    notice, parsed = one.notice, one.dossier.parsed
    if one.opts_out or parsed.kind == Kind.OPT_OUT:
        if notice.kind in CUSTOMERS:
            _to_a_person(one.dossier, f"{notice.to} wants no more notices, but a customer is told all the same")
        else:
            taken.opted_out[notice.to] = notice.id
    elif parsed.kind == Kind.BOUNCE:
        taken.bounced += _bounce(house, desk, one)
    elif parsed.kind != Kind.REPLY:
        return  # a machine answered
    elif notice.kind == NoticeKind.POSTMASTER_CHECK.value:
        taken.reads[notice.id] = parsed.envelope.from_ or "unknown sender"
    elif notice.kind == NoticeKind.ACKNOWLEDGEMENT.value:
        taken.want_to_hear.append(notice)
    elif notice.kind in ANSWERED and notice.case_id is not None:
        if not await consents.receive(house, connection, notice, one.dossier):
            taken.given.append(_answer(house, one))
    else:
        _to_a_person(one.dossier, f"{notice.to} answers our {notice.kind} notice")


def _of_a_customer(dossier: Dossier) -> bool:
    """An opt-out or a bounce of a customer's mail has its place on the customer's suppression list."""
    return any(a.account_id is not None for _, attributions in dossier.routed for a in attributions)


async def _with_notices(house: House, connection: AsyncConnection, back: list[Dossier]) -> list[Returned]:
    keys = [house.key("notice")]
    marked = {
        id(d): [t for t in (tokens.read_token(to, keys) for to in d.parsed.envelope.to) if t and t.kind != "h"]
        for d in back
    }
    numbers = [token.number for found in marked.values() for token in found]
    found = await notices.find(connection, numbers, [i for d in back for i in _named_ids(d)])
    by_id = {notice.id: notice for notice in found}
    by_mail = {notice.mail_id: notice for notice in found if notice.mail_id}
    returned = []
    for dossier in back:
        token = next((t for t in marked[id(dossier)] if t.number in by_id), None)
        if token is not None:
            returned.append(Returned(dossier, by_id[token.number], opts_out=token.kind == "o"))
            continue
        named = next((by_mail[i] for i in _named_ids(dossier) if i in by_mail), None)
        if named is not None:
            returned.append(Returned(dossier, named, opts_out=False))
    return returned


def _named_ids(dossier: Dossier) -> Iterable[str]:
    envelope = dossier.parsed.envelope
    named = [envelope.in_reply_to, *envelope.references, *(b.message_id for b in dossier.parsed.bounces)]
    return [f"<{i.strip('<>')}>" for i in named if i]


def _to_a_person(dossier: Dossier, why: str) -> None:
    """Nothing can be done with it by itself: staff look at it."""
    if dossier.screening is not None and dossier.screening.verdict == Verdict.ROUTED:
        dossier.screening = replace(dossier.screening, verdict=Verdict.REVIEW, detail=f"{why}: a person has to look")


def _bounce(house: House, desk: Desk, one: Returned) -> list[Undelivered]:
    """A delivery report: the notice, if it says that it did not arrive."""
    worst = _worst(one.dossier.parsed.bounces)
    clock = _clock(desk, one.notice)
    if worst is None:
        return []
    starts = one.notice.kind in STARTS and clock is not None and one.notice.round == clock.round
    if worst.action == "failed":
        if starts and clock is not None and _is_current(desk, clock, one.notice):
            why = f"{one.notice.to}: {worst.status or 'bounced'}"
            contacts = desk.parties[clock.case_key[0]].contacts
            change = clocks.bounced(clock, len(contacts), why, house.given_up_at(clock))
            desk.apply(Applied(change, Origin(dict(one.notice.facts), one.notice.evidence)))
        return [undelivered.by_report(one.notice, one.dossier.parsed.bounces)]
    if worst.action == "delivered" and starts and clock is not None and clock.starts_at is not None:
        rule = house.rule(clock)
        desk.apply(Applied(clocks.delivered(clock, one.dossier.message.received_at, rule)))
    return []


def _answer(house: House, one: Returned) -> Answer:
    """The mail as an answer to the case of its notice."""
    message, envelope = one.dossier.message, one.dossier.parsed.envelope
    folded = quoted.fold(one.dossier.parsed.text)
    return Answer(
        key=f"message:{message.id}",
        case_id=one.notice.case_id or 0,
        way="mail",
        who=envelope.from_ or "unknown sender",
        at=message.received_at,
        text=folded.own,
        quoted=folded.quoted,
        files=answer_files.of_mail(message.raw, house.settings.limits.for_parsing()),
        clock_id=one.notice.clock_id,
        notice_id=one.notice.id,
        message_id=message.id,
        mail_id=envelope.message_id,
    )


def _worst(bounces: Sequence[Bounce]) -> Bounce | None:
    order = ("failed", "delivered", "delayed", "relayed", "expanded")
    return min(bounces, key=lambda b: order.index(b.action) if b.action in order else len(order), default=None)


def _clock(desk: Desk, notice: StoredNotice) -> Clock | None:
    return next((clock for clock in desk.clocks.values() if clock.id == notice.clock_id), None)


def _is_current(desk: Desk, clock: Clock, notice: StoredNotice) -> bool:
    """Whether the contact it was for is the one that is being told: an old bounce voids nothing."""
    contacts = desk.parties[clock.case_key[0]].contacts
    return clock.contact < len(contacts) and contacts[clock.contact] == notice.to


def _event(one: Returned, now: datetime) -> Event:
    what = "opt-out" if one.opts_out else f"{one.dossier.parsed.kind.value} received"
    why = "; ".join(f"{b.recipient}: {b.action} {b.status or ''}".strip() for b in one.dossier.parsed.bounces[:5])
    envelope = one.dossier.parsed.envelope
    return Event(
        now, envelope.from_ or "unknown sender", what, why or envelope.subject or "",
        message_id=one.dossier.message.id, case_id=one.notice.case_id, clock_id=one.notice.clock_id,
        notice_id=one.notice.id,
    )  # fmt: skip

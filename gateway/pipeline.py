"""The way of a report, one function per arrow:

    mailbox --fetch--> Message --parse--> Report(s) --screen--> accepted --attribute--> Account --file--> Case
    clock --tick--> what is due --> Notices + Actions --send--> Outcome

`fetch` is intake's (`intake.poll`), `tick` the ticker's, `send` the outbox's; this file holds the
middle and the order. Each arrow can be killed and run again: a message stays `stored` until
the one transaction that files it commits. Must never decide what the packages below decide.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog

from gateway import (
    answering,
    customer_digests,
    enforced,
    filing,
    ladder_steps,
    outbox,
    outcomes,
    policy_versions,
    queue_acts,
    routed,
    senders,
    staff_mail,
    third_parties,
    ticker,
)
from gateway.attribution.attribute import Network, names_ours
from gateway.attribution.attribute import attribute as attribute_report
from gateway.dossier import Dossier, ReportInHand
from gateway.house import House
from gateway.logs import bind_message
from gateway.model import Cleared, Identity, Mode, Screening, ScreeningReason, Verdict
from gateway.queue_rules import run_again
from gateway.screening.duplicates import complainant, fingerprint
from gateway.screening.reporters import beyond, reporter_of, standing
from gateway.screening.verdict import ScreeningContext, throttled
from gateway.screening.verdict import screen as screen_report
from gateway.second_looks import look_again
from gateway.senders import Senders
from gateway.store import events, held, mailboxes, messages
from gateway.store.database import StoreError
from gateway.store.mailboxes import MailboxState
from gateway.store.messages import MOST_TRIES, Stored
from gateway.workers import CHUNK, WorkersBrokenError
from notifier.compose import loop_token
from parsers.report import Envelope, Kind, Parsed

ATTRIBUTED = frozenset({Verdict.ACCEPTED, Verdict.RECORDED})

log = structlog.get_logger(module=__name__)


async def work(house: House, limit: int = 100) -> int:
    """Take waiting messages all the way to their cases. Returns how many; 0 means nothing waits, and nothing is
    in hand any more either: one batch at a time."""
    async with house.working:
        return await _batch(house, limit)


async def _batch(house: House, limit: int) -> int:
    now = house.clock()
    async with house.database.writing() as connection:
        claimed = await messages.claim(connection, house.node, now, limit)
    if not claimed:
        return 0
    try:
        await _work(house, claimed, now)
    except (StoreError, WorkersBrokenError) as error:  # the world's fault: the messages are not held to it
        log.error("batch put off", error=str(error), message_ids=[m.id for m in claimed])  # noqa: TRY400  (said whole)
        await _give_back(house, claimed, counts=False)
        raise
    except Exception:  # a bug: nothing of the batch is filed, each is tried again alone
        log.exception("batch failed", message_ids=[m.id for m in claimed])
        # what fails even when given up stays claimed for a while: it must not keep the others waiting
        await _give_back(house, [m for m in claimed if m.tries <= MOST_TRIES], counts=True)
    return len(claimed)


async def _work(house: House, claimed: Sequence[Stored], now: datetime) -> None:
    async with house.database.reading() as connection:
        network = await house.network(connection)
        boxes = await mailboxes.all_of(connection)
        await house.know_reporters(connection)
    dossiers: list[Dossier] = []
    later: list[Dossier] = []
    async with aclosing(examined(house, network, claimed, boxes, now)) as examined_ones:
        async for dossier in examined_ones:
            waits = senders.try_again(dossier.message, dossier.parsed, dossier.identity, now)
            (later if waits else dossiers).append(dossier)
    await complete(house, network, dossiers, now)
    throttle(house, dossiers)
    await look_again(house, network, dossiers)
    async with house.database.writing() as connection:
        await messages.put_off(connection, [dossier.message.id for dossier in later], now + senders.PUT_OFF)
        await filing.file(house, connection, dossiers, now)
    for dossier in dossiers:
        _say(dossier)
    await _once_more(house, network, dossiers)


async def _once_more(house: House, network: Network, dossiers: Sequence[Dossier]) -> None:
    """What came in between attribution and filing looked over the queue before these stood in it."""
    if all(a.account_id is not None for d in dossiers if d.live for item in d.reports for a in item.attributions):
        return
    async with house.database.reading() as connection:
        now = await house.network(connection)
    if any(getattr(now, what) is not getattr(network, what) for what in ("prefixes", "hosts", "identifiers")):
        await run_again(house, events.SYSTEM, "assignments changed while it was filed")


async def _give_back(house: House, claimed: Sequence[Stored], *, counts: bool) -> None:
    async with house.database.writing() as connection:
        await messages.give_back(connection, [m.id for m in claimed], counts=counts)


async def parse(house: House, claimed: Sequence[Stored]) -> AsyncGenerator[tuple[Stored, Parsed], None]:
    """Message -> what it says, in order: the first are examined while the next are still being read."""
    parts = [claimed[start : start + CHUNK] for start in range(0, len(claimed), CHUNK)]
    reading = [asyncio.create_task(_read(house, part)) for part in parts]
    try:
        for part, read in zip(parts, reading, strict=True):
            for message, said in zip(part, await read, strict=True):
                yield message, said
    finally:
        for read in reading:
            read.cancel()
        await asyncio.gather(*reading, return_exceptions=True)


async def _read(house: House, claimed: Sequence[Stored]) -> list[Parsed]:
    """What failed too often is not tried again: a person has to look."""
    hopeless = {m.id for m in claimed if m.tries > MOST_TRIES}
    read = iter(await house.workers.parse([m.raw for m in claimed if m.id not in hopeless]))
    return [_given_up() if m.id in hopeless else next(read) for m in claimed]


async def examined(
    house: House, network: Network, claimed: Sequence[Stored], boxes: dict[str, MailboxState], now: datetime
) -> AsyncGenerator[Dossier, None]:
    """Parsed messages -> dossiers. Those of which the border did not say who sent them come last, after one round of
    questions for all of them."""
    who = Senders(house)
    unsure = []
    async with aclosing(parse(house, claimed)) as parsed:
        async for message, said in parsed:
            identity = who.by_the_border(message, said)
            if identity is None:
                unsure.append((message, said))
            else:
                yield examine(house, network, message, said, now, identity, live=_is_live(message, boxes))
    for (message, said), identity in zip(unsure, await who.by_own_checks(unsure), strict=True):
        yield examine(house, network, message, said, now, identity, live=_is_live(message, boxes))


def examine(  # noqa: PLR0913  (one arrow's whole input)
    house: House, network: Network, message: Stored, parsed: Parsed, now: datetime, identity: Identity, *, live: bool
) -> Dossier:
    """Screen and attribute, without storing anything: what `work` and `explain` share."""
    dossier = Dossier(message, answering.stated(parsed, message.stated), identity, live)
    screen(house, network, dossier, now)
    attribute(network, dossier)
    return dossier


def screen(house: House, network: Network, dossier: Dossier, now: datetime) -> None:
    """Report -> may we act on it; if not, why."""
    context = screening_context(house, network, now, dossier.message.mailbox)
    context = replace(context, legal_lane=dossier.message.cleared is None)
    parsed = dossier.parsed
    dossier.reporter = reporter_of(dossier.identity, parsed)
    if not parsed.reports or parsed.kind != Kind.REPORT:
        dossier.screening = screen_report(parsed, None, dossier.identity, context)
        return
    for report in parsed.reports:
        verdict = _cleared(dossier, screen_report(parsed, report, dossier.identity, context))
        who = complainant(report, dossier.identity)
        dossier.reports.append(ReportInHand(report, verdict, fingerprint(report), who))
    _all_legal(dossier)


async def complete(house: House, network: Network, dossiers: Sequence[Dossier], now: datetime) -> None:
    """A mail that answers our reply about a held report is screened as what was asked for."""
    asked = {number: dossier for dossier in dossiers for number in answering.numbers(house, dossier)}
    if not asked:
        return
    async with house.database.reading() as connection:
        waiting = await held.waiting(connection, asked)
    for number, first in waiting.items():
        dossier = asked[number]
        answering.completes(dossier, first)
        dossier.reports.clear()
        screen(house, network, dossier, now)
        attribute(network, dossier)


def throttle(house: House, dossiers: Sequence[Dossier]) -> None:
    """What is more than staff allow a reporter in an hour waits."""
    live = [dossier for dossier in dossiers if dossier.live and dossier.accepted]
    for place in beyond([dossier.reporter for dossier in live], house.standings):
        found = standing(live[place].reporter, house.standings)
        for item in live[place].accepted:
            item.screening = throttled(item.screening, (found.throttle if found else None) or 0)
            item.attributions = ()


def attribute(network: Network, dossier: Dossier) -> None:
    """Report -> whose resource it was then. Rates need it for recorded ones too."""
    for item in dossier.reports:
        if item.screening.verdict in ATTRIBUTED:
            item.attributions = attribute_report(item.report, dossier.message.received_at, network)
    for report in routed.about(dossier):
        dossier.routed.append((report, attribute_report(report, dossier.message.received_at, network)))


def _all_legal(dossier: Dossier) -> None:
    """One report of the legal lane takes the whole message with it: the bytes are the same."""
    legal = next((item.screening for item in dossier.reports if item.screening.verdict is Verdict.LEGAL), None)
    for item in dossier.reports if legal else ():
        item.screening = legal or item.screening


def _cleared(dossier: Dossier, screening: Screening) -> Screening:
    """Staff's word goes over what the rules made of a message that was held."""
    if dossier.message.cleared != Cleared.HELD or screening.verdict is not Verdict.HELD:
        return screening
    detail = f"a person released it; it was held: {screening.detail}"
    return replace(screening, verdict=Verdict.ACCEPTED, reason=ScreeningReason.RELEASED, detail=detail)


def screening_context(house: House, network: Network, now: datetime, mailbox: str | None) -> ScreeningContext:
    """What screening has to know of us."""
    operator = house.settings.operator
    return ScreeningContext(
        own_addresses=frozenset({operator.address.lower(), operator.notice_address.lower()}),
        loop_token=loop_token(operator.address.rpartition("@")[2]),
        names_ours=partial(names_ours, network=network),
        now=now,
        age_limit=house.policy.age_limit,
        count_only_feeds=house.border().count_only,
        standings=house.standings,
        header_needed=house.asks_for_header(mailbox),
        cfbl_addresses=frozenset(house.settings.screening.cfbl_addresses),
    )


async def drain(house: House, *, contacts: bool = True) -> None:
    """Everything that can be done now without a mailbox: work, tick, look up, send, until nothing is left
    or the service is to stop. `contacts`: also what waits for registries, which may take its time."""
    await queue_acts.wake(house)
    while not house.stopping:
        done = await work(house) + await ticker.tick(house)
        done += await third_parties.look_up(house) if contacts else 0
        done += await ladder_steps.step(house) + await enforced.tell(house)
        done += await policy_versions.tell(house) + await outcomes.tell(house) + await staff_mail.send(house)
        done += await customer_digests.send(house) + await outbox.send_due(house)
        if done == 0:
            return


def _is_live(message: Stored, boxes: dict[str, MailboxState]) -> bool:
    """Mail from files is always live; a mailbox's from the moment from which it is."""
    if message.mailbox is None:
        return True
    box = boxes.get(message.mailbox)
    return (
        box is not None
        and box.mode == Mode.LIVE
        and box.live_since is not None
        and message.received_at >= box.live_since
    )


def _given_up() -> Parsed:
    why = f"working on it failed {MOST_TRIES} times; the log says why"
    return Parsed(kind=Kind.UNREADABLE, format=None, envelope=Envelope(), error=why)


def _say(dossier: Dossier) -> None:
    with bind_message(str(dossier.message.id)):
        if dossier.screening is not None:
            log.info(
                "message",
                kind=dossier.parsed.kind.value,
                verdict=dossier.screening.verdict.value,
                reason=dossier.screening.reason.value,
            )
        for item in dossier.reports:
            log.info(
                "report",
                verdict=item.screening.verdict.value,
                reason=item.screening.reason.value,
                source_ip=item.report.source_ip,
            )

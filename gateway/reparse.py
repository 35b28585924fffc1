"""Stored messages through today's parsers: what would change, and on request the change.

What had no effect yet (only observed, or nothing could be read) waits again like new mail, and the service takes it
the whole way. What was filed keeps its verdict, its customer and its case: only the facts are written anew. What is
now something else than it was filed as is shown to a person and left alone. So nothing is filed or sent twice, and a
run that was cut short can be run again. Must never screen, attribute or send.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from gateway.house import House
from gateway.screening.duplicates import fingerprint
from gateway.store import again, events, messages
from gateway.store.again import FACTS, Kept, Wanted
from gateway.store.events import Event
from gateway.store.text import storable
from parsers.contract import to_json
from parsers.report import Category, Parsed

BATCH = 100  # messages read and written together
BATCH_BYTES = 32 * 1024 * 1024
VALUE_CHARS = 60  # of a value in a difference
DIFFERENCES = 30  # told of one message
WHY_CHARS = 500


class Step(StrEnum):
    """What becomes of a message that is read otherwise today."""

    WORK = "work"  # it waits again, like new mail
    UPDATE = "update"  # its facts are written anew, nothing else
    LOOK = "look"  # nothing is done; a person looks


_SAID = {Step.WORK: "message waits again", Step.UPDATE: "message read again"}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a message was taken for, and with how many reports."""

    kind: str | None
    format: str | None
    reports: int


@dataclass(frozen=True, slots=True)
class Change:
    """One message that is read otherwise today. `applied`: the step was done."""

    message: int
    received_at: datetime
    mailbox: str | None
    sender: str | None
    subject: str | None
    before: Reading
    after: Reading
    step: Step
    differences: tuple[str, ...]
    applied: bool = False


@dataclass
class Outcome:
    """`read` messages were read again; those that read as before are not among the `changes`."""

    read: int = 0
    changes: list[Change] = field(default_factory=list)

    def of(self, step: Step) -> list[Change]:
        return [change for change in self.changes if change.step is step]


async def reparse(
    house: House, wanted: Wanted, who: str, *, apply: bool, tell: Callable[[int, int], None] = lambda _read, _all: None
) -> Outcome:
    """Read the wanted messages again, a batch at a time, each in a transaction of its own; `tell` hears how many
    are done of how many. Raises StoreError and WorkersBrokenError."""
    outcome = Outcome()
    async with house.database.reading() as connection:
        total = await again.count(connection, wanted)
    last = 0
    while True:
        async with house.database.reading() as connection:
            ids = await again.page(connection, wanted, last, BATCH, BATCH_BYTES)
            batch = await again.read(connection, ids) if ids else []
        if not batch:
            return outcome
        parsed = await house.workers.parse([kept.raw for kept in batch])
        changes = [(found, kept, now) for kept, now in zip(batch, parsed, strict=True) if (found := change(kept, now))]
        done = await _apply(house, changes, who) if apply and changes else set()
        outcome.changes += [replace(one, applied=one.message in done) for one, _, _ in changes]
        outcome.read += len(batch)
        last = ids[-1]
        tell(outcome.read, total)


def change(kept: Kept, now: Parsed) -> Change | None:
    """What is read otherwise today, and what may become of it. None: all is as before."""
    differences = list(_differences(kept, now))
    if not differences:
        return None
    return Change(
        message=kept.id,
        received_at=kept.received_at,
        mailbox=kept.mailbox,
        sender=kept.facts["sender"],
        subject=kept.facts["subject"],
        before=Reading(kept.facts["kind"], kept.facts["format"], len(kept.reports)),
        after=Reading(now.kind.value, now.format, len(now.reports)),
        step=_step(kept, now),
        differences=tuple(differences[:DIFFERENCES]),
    )


def _differences(kept: Kept, now: Parsed) -> Iterator[str]:
    for name, value in storable(_facts(now)).items():
        yield from _differ(kept.facts[name], value, name)
    told = _told(now)
    if len(told) != len(kept.reports):
        yield f"reports: {len(kept.reports)} -> {len(told)}"
    for position, (old, new) in enumerate(zip(kept.reports, told, strict=False)):
        place = f"report {position + 1} " if len(told) > 1 else ""
        found = [place + one for one in _differ(old.parsed, new, "")]
        if not found and old.fingerprint != fingerprint(now.reports[position]):
            found = [f"{place}evidence: told apart by something else"]
        yield from found


def _step(kept: Kept, now: Parsed) -> Step:
    """Only what is still the same reports, in their places, may be written anew where it stands."""
    if kept.untouched:
        return Step.WORK
    before = [report.fingerprint for report in kept.reports]
    if kept.facts["kind"] != now.kind.value or len(now.reports) != len(before):
        return Step.LOOK
    for old, report in zip(kept.reports, now.reports, strict=True):
        key = fingerprint(report)
        if key != old.fingerprint and key in before:
            return Step.LOOK
        if report.category is Category.CHILD_ABUSE and old.parsed.get("category") != report.category.value:
            return Step.LOOK  # the restricted lane is screening's to choose
    return Step.UPDATE


async def _apply(house: House, changes: Sequence[tuple[Change, Kept, Parsed]], who: str) -> set[int]:
    """One transaction: puts back, rewrites, and says so in the events. Returns the messages that were changed."""
    now = house.clock()
    updates = [(kept, parsed) for one, kept, parsed in changes if one.step is Step.UPDATE]
    async with house.database.writing() as connection:
        waiting = await again.put_back(connection, [one.message for one, _, _ in changes if one.step is Step.WORK])
        await messages.finish(connection, [{"id": kept.id} | _facts(parsed) for kept, parsed in updates])
        await again.rewrite(connection, [row for kept, parsed in updates for row in _report_rows(kept, parsed)])
        done = waiting | {kept.id for kept, _ in updates}
        log = [
            Event(now, who, _SAID[one.step], "; ".join(one.differences)[:WHY_CHARS], message_id=one.message)
            for one, _, _ in changes
            if one.message in done
        ]
        await events.add(connection, log)
    return done


def _told(parsed: Parsed) -> list[dict[str, Any]]:
    """The reports as the database keeps them."""
    told: list[dict[str, Any]] = storable(to_json(parsed, "", 0)["reports"])
    return told


def _facts(parsed: Parsed) -> dict[str, str | None]:
    """What the row of a message repeats of what it says: the names are `again.FACTS`."""
    envelope = parsed.envelope
    values = (
        parsed.kind.value,
        parsed.format,
        envelope.message_id,
        envelope.from_,
        envelope.subject,
        parsed.error,
    )
    return dict(zip(FACTS, values, strict=True))


def _report_rows(kept: Kept, now: Parsed) -> Iterator[dict[str, Any]]:
    """What `again.rewrite` takes, of the reports that are read otherwise."""
    for old, report, told in zip(kept.reports, now.reports, _told(now), strict=True):
        # The key among twins: a copy that arrives tomorrow is read as today's parsers read, and must meet it.
        key = fingerprint(report)
        if told == old.parsed and key == old.fingerprint:
            continue
        yield {
            "id": old.id,
            "parsed": told,
            "feedback_type": report.feedback_type,
            "category": report.category.value,
            "source_ip": report.source_ip,
            "source_port": report.source_port,
            "arrival_date": report.arrival_date,
            "fingerprint": key,
        }


def _differ(old: Any, new: Any, path: str) -> Iterator[str]:
    """`source_ip: none -> 192.0.2.1`, `findings: +no-unsubscribe`; a field that was not there yet is an empty one."""
    if old == new or (not old and not new):
        return
    if isinstance(new, dict) and isinstance(old or {}, dict):
        before = old or {}
        for key in dict.fromkeys((*before, *new)):
            yield from _differ(before.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif isinstance(new, list) and isinstance(old or [], list):
        before = old or []
        changed = [f"+{_short(one)}" for one in new if one not in before]
        changed += [f"-{_short(one)}" for one in before if one not in new]
        yield f"{path}: {', '.join(changed[:5]) or 'in another order'}{' ...' if len(changed) > 5 else ''}"
    else:
        yield f"{path}: {_short(old)} -> {_short(new)}"


def _short(value: Any) -> str:
    if value in (None, "", [], {}):
        return "none"
    if isinstance(value, dict):
        value = value.get("code") or value.get("value") or json.dumps(value, ensure_ascii=False)
    shown = str(value)
    return shown if len(shown) <= VALUE_CHARS else shown[: VALUE_CHARS - 1] + "…"

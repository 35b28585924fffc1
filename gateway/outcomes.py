"""The outcome for those who complained: once for a complaint, in general words, after it was released.

Who hears it: whoever asked (by answering our acknowledgement), reporters whom staff said may be written to, XARF
reporters at the contact that their document names, and those who have a channel in the settings. A case is released by
staff or, where its policy says so, with its end; who complains of an ended case later hears the same. Must never name
the customer or what was done, nor write to those behind a feedback loop, to a forged address, or to one that refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import channels
from gateway.casework.states import NotAllowedError
from gateway.dossier import Dossier
from gateway.house import House
from gateway.model import Case, CaseState, Cause, IdentityKind, report_number
from gateway.screening.replies import Ledger, contact_of, may_write_to
from gateway.screening.reporters import standing
from gateway.screening.words import language
from gateway.store import cases as case_store
from gateway.store import desk as desk_store
from gateway.store import notices, switches, third_parties
from gateway.store import outcomes as store
from gateway.store.notices import StoredNotice
from notifier.notice import NoticeKind
from parsers.contract import iso

SOLVED, UNFOUNDED, CLOSED, REFUSED = "solved", "unfounded", "closed", "refused"
RESULTS = (SOLVED, UNFOUNDED, CLOSED)

_UNFOUNDED = frozenset({Cause.MISATTRIBUTED, Cause.FALSE})
_BATCH = 100
_HOUR = timedelta(hours=1)


# --- who is to hear it -------------------------------------------------------------------------------------------


async def wish(
    house: House, connection: AsyncConnection, dossiers: Iterable[Dossier], ledger: Ledger, now: datetime
) -> None:
    """Remember those of a batch who hear the outcome without asking. Nothing where staff named nobody."""
    await store.wish(connection, [row for dossier in dossiers for row in _wishes(house, dossier, ledger, now)])


def _wishes(house: House, dossier: Dossier, ledger: Ledger, now: datetime) -> Iterator[dict[str, Any]]:
    reporter = dossier.reporter
    if reporter is None or not dossier.accepted:
        return
    channel = channels.of_reporter(house.settings.channels, reporter)
    decided = standing(reporter, house.standings)
    machine = {"report_ids": [i for item in dossier.accepted for i in dict(item.report.fields).get("report_id", ())]}
    if channel is not None:
        yield _row(dossier, channel, "channel", now) | {"machine": machine}
    elif decided is not None and decided.may_reply:
        identity, parsed = dossier.identity, dossier.parsed
        if (contact := contact_of(dossier.accepted[0].report, identity, ledger)) is not None:
            yield _row(dossier, contact, "xarf", now) | {"machine": machine}
        elif identity.kind is IdentityKind.DOMAIN and (to := may_write_to(parsed, identity, ledger)) is not None:
            yield _row(dossier, to, "registered", now)


def _row(dossier: Dossier, to: str, how: str, now: datetime) -> dict[str, Any]:
    message, first = dossier.message, dossier.completes
    number_of = (first.message_id, first.received_at) if first else (message.id, message.received_at)
    row = wanted(message.id, report_number(*number_of), message.received_at, to, now)
    return row | {"language": language(dossier.parsed), "in_reply_to": dossier.parsed.envelope.message_id, "how": how}


def wanted(message_id: int, number: str, received_at: datetime, to: str, now: datetime) -> dict[str, Any]:
    """A row for `store.wish`: who reported in this message, under this number, wants to hear the outcome at an address
    that is known to be theirs. Looked at at once: its cases may be over."""
    return {
        "message_id": message_id, "to": to, "language": "en", "number": number, "received_at": received_at,
        "in_reply_to": None, "how": "asked", "machine": None, "wished_at": now, "look_at": now,
    }  # fmt: skip


async def asked(connection: AsyncConnection, acknowledged: Iterable[StoredNotice], now: datetime) -> None:
    """Somebody answered our acknowledgement, whose address nobody else was told: they want to know how it ends."""
    rows = [
        wanted(n.facts["message"], n.facts["number"], datetime.fromisoformat(n.facts["received_at"]), n.to, now)
        | {"language": n.language, "in_reply_to": n.facts.get("in_reply_to")}
        for n in acknowledged
        if "message" in n.facts
    ]
    await store.wish(connection, rows)


# --- what may be said --------------------------------------------------------------------------------------------


async def release(house: House, number: str, *, who: str, why: str, result: str | None = None) -> tuple[str, int]:
    """Staff let complainants hear how a case ended. Returns (the result, how many wait for it). Raises
    NotAllowedError: it has not ended, or its policy tells no outcome."""
    now = house.clock()
    async with house.database.writing() as connection:
        desk = await desk_store.load_cases(connection, [case_store.case_id_of(number)])
        case = next(iter(desk.cases.values()), None)
        if case is None:
            raise NotAllowedError(f"there is no case {number}; 'arfgate case list --all' shows them")
        if house.policy_of(case).outcome == "off":
            raise NotAllowedError(f"policy {case.policy} tells complainants no outcome")
        if case.state in (CaseState.OPEN, CaseState.MERGED):
            raise NotAllowedError(f"case {case.number} is {case.state.value}: there is no outcome yet")
        said = result or result_of(case)
        return said, await store.release(connection, case.id or 0, said, who=who, why=why, now=now)


async def case_ended(house: House, connection: AsyncConnection, case: Case, *, who: str) -> None:
    """Where the policy releases by itself, that is now."""
    if house.policy_of(case).outcome == "auto" and case.state is not CaseState.OPEN:
        why = "the policy releases it with the case's end"
        await store.release(connection, case.id or 0, result_of(case), who=who, why=why, now=house.clock())


def result_of(case: Case) -> str:
    """In general words."""
    return UNFOUNDED if case.cause in _UNFOUNDED else SOLVED


# --- saying it ---------------------------------------------------------------------------------------------------


async def tell(house: House) -> int:
    """Plan the mails to those whose cases may all be told of. Returns how many wishes were settled."""
    now = house.clock()
    async with house.database.reading() as connection:
        if not await store.any_due(connection, now):
            return 0
    async with house.database.writing() as connection:
        if await switches.is_paused(connection):
            return 0
        left = house.settings.replies.hourly - await store.said_since(connection, now - _HOUR)
        wishes = await store.due(connection, now, min(_BATCH, max(left, 0)))
        results = await store.results(connection, [one["message_id"] for one in wishes])
        refused = await _refused(house, connection)
        told: dict[int, tuple[str, int | None]] = {}
        rows: dict[int, dict[str, Any]] = {}
        for one in wishes:
            if one["message_id"] not in results:
                continue
            gone = {one["to"], one["to"].rpartition("@")[2], "@" + one["to"].rpartition("@")[2]} & refused
            if gone and one["how"] != "channel":
                told[one["id"]] = (REFUSED, None)
            else:
                rows[one["id"]] = _notice(one, _together(results[one["message_id"]]), now)
        planned = await notices.plan(connection, list(rows.values()))
        told |= {number: (row["facts"]["result"], planned.get(row["key"])) for number, row in rows.items()}
        await store.done(connection, told, now)
        await store.sleep(connection, [one["id"] for one in wishes if one["id"] not in told])
    return len(wishes)


async def _refused(house: House, connection: AsyncConnection) -> set[str]:
    """Addresses, domains and `@domain` that want no mail."""
    decided = {one.key.partition(":")[2] for one in house.standings.values() if one.may_reply is False}
    return decided | await third_parties.opted_out(connection)


def _together(results: set[str]) -> str:
    """One word for all cases of one complaint: what was found is found."""
    return next((one for one in (SOLVED, CLOSED, UNFOUNDED) if one in results), CLOSED)


def _notice(wish: dict[str, Any], result: str, now: datetime) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "number": wish["number"],
        "received_at": iso(wish["received_at"]),
        "in_reply_to": wish["in_reply_to"],
        "result": result,
    }
    if wish["machine"] is not None:
        facts["machine"] = wish["machine"] | {"number": wish["number"], "result": result}
    key = f"outcome:{wish['message_id']}/{wish['to']}"
    return notices.planned(NoticeKind.OUTCOME, key, wish["to"], facts, now, wish["language"])

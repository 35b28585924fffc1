"""Weighs what changed clocks ask for against who complained: part of every transaction that plans Actions.

An action that nobody approves needs enough independent reporters, one of whom is known (`casework.defence`). Costs
nothing where the policy lets a person decide. Must never add an action, or take an approval away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casework.defence import Reporter, weigh
from gateway.casework.desk import ClockKey, Desk
from gateway.house import House
from gateway.policies.ladder import Defence
from gateway.screening import registry
from gateway.screening.reporters import Reporter as Known
from gateway.screening.reporters import ReporterKind, Standing, Trust, precision
from gateway.store import history

_ALL = 2**62  # above every row


async def weigh_actions(
    house: House,
    connection: AsyncConnection,
    desk: Desk,
    in_hand: Mapping[ClockKey, Sequence[Reporter]] | None = None,
    before: int | None = None,
) -> None:
    """Give the actions on the desk the approval they need. `in_hand`: who complained in this batch, whose reports have
    ids from `before` on (None: they are not stored yet). Two statements; none where a person decides anyway."""
    alone = [index for index, one in enumerate(desk.applied) if any(w.approval == "none" for w in one.change.actions)]
    if not alone:
        return
    behind = await _behind(house, connection, desk, alone, in_hand or {}, before)
    for index in alone:
        applied = desk.applied[index]
        clock = applied.change.clock
        policy, customer = house.policy_of(clock), desk.parties[clock.case_key[0]].customer
        weighed = [weigh(policy, wanted.kind, customer, behind[clock.key]) for wanted in applied.change.actions]
        needs = "; ".join(dict.fromkeys(said for _, said in weighed if said))
        why = f"{applied.change.why}; {needs}" if needs else applied.change.why
        change = replace(applied.change, actions=tuple(wanted for wanted, _ in weighed), why=why)
        desk.applied[index] = replace(applied, change=change)


def reporter_from(found: Known | None, standings: Mapping[str, Standing]) -> Reporter:
    """Who stands behind a report, before its history is looked at. The operator knows a registered feed, and staff
    say whom they trust."""
    if found is None:
        return Reporter("", "")
    decided = standings.get(found.key)
    trusted = decided is not None and decided.trust is Trust.TRUSTED
    strangers = found.kind is ReporterKind.PERSON and found.domain in registry.freemail()
    organisation = found.key if found.kind is ReporterKind.FEED else found.domain or found.key
    return Reporter(found.key, organisation, known=trusted or found.kind is ReporterKind.FEED, freemail=strangers)


def known(reporter: Reporter, past: Mapping[str, tuple[int, int, int]], defence: Defence) -> Reporter:
    """The reporter with whether it is a known one: enough accepted reports, of which enough were true."""
    accepted, disputed, false = past.get(reporter.complainant, (0, 0, 0))
    share = precision(accepted, disputed, false)
    proven = accepted >= max(1, defence.history) and share is not None and share >= defence.least_precision
    return replace(reporter, known=reporter.known or proven)


async def _behind(
    house: House,
    connection: AsyncConnection,
    desk: Desk,
    alone: Sequence[int],
    in_hand: Mapping[ClockKey, Sequence[Reporter]],
    before: int | None,
) -> dict[ClockKey, list[Reporter]]:
    """Who complained about the clocks of these changes."""
    clocks = {desk.applied[index].change.clock.key: desk.applied[index].change.clock for index in alone}
    by_id = {clock.id: key for key, clock in clocks.items() if clock.id is not None}
    found = {key: list(in_hand.get(key, ())) for key in clocks}
    rows = await history.behind_clocks(connection, [clock_id for clock_id in by_id if clock_id is not None])
    oldest: dict[str, int] = {}
    for row in rows:
        who = Known(ReporterKind(row.kind), row.name, row.domain)
        found[by_id[row.clock_id]].append(reporter_from(who, house.standings))
        oldest[row.key] = min(row.id, oldest.get(row.key, row.id))
    strangers = {one.complainant for those in found.values() for one in those if not one.known}
    first = min([*oldest.values(), _ALL if before is None else before])
    past = await history.history(connection, strangers, first)
    return {
        key: [known(one, past, house.policy_of(clocks[key]).defence) for one in those] for key, those in found.items()
    }

"""What attribution cannot know from the mail alone: our relays' logs, and the operator's own system.

Asked for a whole batch at once, and only where the report leads there. Must never let an answer from outside choose
an account where ours chose another: that is a contradiction, and a person's to solve.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import structlog

from gateway.attribution.attribute import attribute
from gateway.attribution.network import Network
from gateway.attribution.relays import keys_of
from gateway.connectors.outside import Outside
from gateway.dossier import Dossier, ReportInHand
from gateway.house import House
from gateway.model import Attribution, AttributionReason, Holder
from gateway.store import customers, identifiers, mutes
from notifier.http import HttpClient
from parsers.report import ResourceKind

_AGREED = 0.97
# Ours, and open: the operator's system may know a candidate.
_OPEN = frozenset({AttributionReason.NOT_ASSIGNED_THEN, AttributionReason.SHARED_ADDRESS, AttributionReason.NO_TIME})

log = structlog.get_logger()


async def look_again(house: House, network: Network, dossiers: Sequence[Dossier]) -> None:
    """Attribute again what our relays' logs may tell of, and see what is muted. One statement for the mute rules, one
    for the logs where a relay of ours has a part."""
    async with house.database.reading() as connection:
        house.mutes = await mutes.active(connection, house.clock())
    await _by_logs(house, network, dossiers)
    await ask_outside(house, dossiers)


async def _by_logs(house: House, network: Network, dossiers: Sequence[Dossier]) -> None:
    relayed = [(d, item) for d in dossiers for item in d.reports if network.relays and _relayed(item, network)]
    if not relayed:
        return
    keys = [keys_of(item.report) for _, item in relayed]
    async with house.database.reading() as connection:
        records = await identifiers.relay_records(connection, keys)
    if not records:
        return
    for dossier, item in relayed:
        item.attributions = attribute(item.report, dossier.message.received_at, network, records)


def _relayed(item: ReportInHand, network: Network) -> bool:
    if not item.attributions:  # its verdict asks for none
        return False
    if any(a.reason is AttributionReason.OWN_RELAY for a in item.attributions):
        return True
    return any(hop.ip and network.is_relay(hop.ip) for hop in item.report.trace)


async def ask_outside(house: House, dossiers: Iterable[Dossier]) -> None:
    """Where the operator has a system of its own: agreement raises confidence; where it names another account than we,
    or we none, a person decides."""
    if house.settings.attribution.outside_url is None:
        return
    asked = [
        (item, index, a)
        for dossier in dossiers
        for item in dossier.reports
        for index, a in enumerate(item.attributions)
        if a.kind is ResourceKind.IP and (a.account_id is not None or a.reason in _OPEN)
    ]
    if not asked:
        return
    how = house.settings.attribution
    http = HttpClient(house.resolver, house.clock)
    try:
        secret = how.outside_secret.get_secret_value() if how.outside_secret else ""
        outside = Outside(http, how.outside_url or "", secret, house.clock, tuple(how.outside_private_hosts))
        said = await outside.ask([(a.value, a.at, a.port) for _, _, a in asked])
    finally:
        await http.aclose()
    if isinstance(said, str):
        log.warning("no second opinion", why=said)
        return
    async with house.database.reading() as connection:
        accounts = {name: await customers.account_named(connection, name) for name in {s for s in said if s}}
    for (item, index, a), name in zip(asked, said, strict=True):
        if name is not None:
            found = list(item.attributions)
            found[index] = _beside(a, name, accounts[name])
            item.attributions = tuple(found)


def _beside(ours: Attribution, name: str, account: int | None) -> Attribution:
    words = f"our own system says that it was {name}"
    if account is None:
        return replace(ours, how=f"{ours.how}; {words}, whom nobody knows here")
    if ours.account_id == account:
        return replace(ours, how=f"{ours.how}; our own system agrees", confidence=_AGREED)
    candidate = Holder(account, words)
    if ours.account_id is None:
        return replace(ours, candidates=(candidate, *(c for c in ours.candidates if c.account_id != account)))
    return replace(
        ours, reason=AttributionReason.OUTSIDE_DISAGREES, account_id=None, confidence=None, assignment_id=None,
        how=f"{ours.how}; but {words}", candidates=(Holder(ours.account_id, ours.how), candidate),
    )  # fmt: skip

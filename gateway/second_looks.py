"""What attribution cannot know from the mail alone: our relays' logs, and the operator's own system.

Asked for a whole batch at once, and only where the report leads there. Must never let an answer from outside choose
an account where ours chose another: that is a contradiction, and a person's to solve.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.attribution.attribute import attribute
from gateway.attribution.network import Network
from gateway.attribution.relays import keys_of
from gateway.dossier import Dossier, ReportInHand
from gateway.house import House
from gateway.model import AttributionReason
from gateway.store import identifiers


async def look_again(house: House, network: Network, dossiers: Sequence[Dossier]) -> None:
    """Attribute again what our relays' logs may tell of. One statement, and none where no relay has a part."""
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

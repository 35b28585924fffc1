"""Attribution over reports that are stored already, under what is known now.

They are read again from the mail as it came, and attributed as when it came in: with our relays' logs and the
operator's own system. Must never file or change anything: who asked decides what becomes of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.attribution.attribute import attribute
from gateway.attribution.network import Network
from gateway.attribution.relays import RelayMail, keys_of
from gateway.dossier import Dossier
from gateway.house import House
from gateway.model import Attribution
from gateway.queue import read_again
from gateway.second_looks import ask_outside
from gateway.store import identifiers
from gateway.store import queue as store
from gateway.store.queue import Entry

BATCH = 100  # reports that are read again in one go


@dataclass(frozen=True, slots=True)
class Again:
    """A stored report: what it has, and what attribution says now. `plain`: without the operator's own system."""

    report_id: int
    dossier: Dossier
    entries: list[Entry]
    plain: tuple[Attribution, ...]

    @property
    def found(self) -> tuple[Attribution, ...]:
        return self.dossier.reports[0].attributions


async def again(house: House, network: Network, report_ids: Sequence[int]) -> list[Again]:
    """Those of the reports that can still be read, in order."""
    async with house.database.reading() as connection:
        entries = await store.of_reports(connection, report_ids)
    of_report = {report_id: [e for e in entries if e.report_id == report_id] for report_id in report_ids}
    dossiers = await read_again(house, [of_report[report_id][0] for report_id in report_ids])
    logged = await _logged(house, network, dossiers.values())
    for dossier in dossiers.values():
        item = dossier.reports[0]
        item.attributions = attribute(item.report, dossier.message.received_at, network, logged)
    plain = {report_id: dossier.reports[0].attributions for report_id, dossier in dossiers.items()}
    await ask_outside(house, dossiers.values())
    return [Again(one, dossier, of_report[one], plain[one]) for one, dossier in dossiers.items()]


async def _logged(house: House, network: Network, dossiers: Iterable[Dossier]) -> list[RelayMail]:
    """What our relays' logs have by now of mails like these."""
    if not network.relays:
        return []
    keys = [keys_of(dossier.reports[0].report) for dossier in dossiers]
    async with house.database.reading() as connection:
        return await identifiers.relay_records(connection, keys)

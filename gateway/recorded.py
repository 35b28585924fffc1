"""Recorded reports whose leases were not read when they came: they open no case, but count in a customer's rates.

Nobody waits for them, so the unmatched queue does not show them; the next reading places them. Must never file them,
nor tell anybody.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from gateway.house import House
from gateway.model import Attribution, AttributionReason
from gateway.reattribution import BATCH, Again, again
from gateway.store import counted_later

_RATES_LOOK_BACK = timedelta(days=60)  # an older one changes no rate any more


async def place(house: House) -> int:
    """Attribute again what waits for a reading. Safe to run again. Returns how many were placed."""
    async with house.database.writing() as connection:
        await counted_later.forget(connection, house.clock() - _RATES_LOOK_BACK)
    placed = last = 0
    while True:
        async with house.database.reading() as connection:
            ids = await counted_later.reports_after(connection, last, BATCH)
            network = await house.network(connection) if ids else None
        if network is None:
            return placed
        last = ids[-1]
        pairs = [pair for one in await again(house, network, ids) for pair in _settled(one)]
        async with house.database.writing() as connection:
            placed += await counted_later.settle(connection, pairs)


def _settled(one: Again) -> Iterator[tuple[int, Attribution]]:
    """(entry, what it is now) of what need not wait any longer."""
    known = {(e.kind, e.role, e.value) for e in one.entries}
    by_key = {(a.kind.value, a.role.value, a.value): a for a in one.found}
    new = [a for key, a in by_key.items() if key not in known]
    for entry in one.entries:
        if entry.queue != counted_later.COUNTED:
            continue
        found = by_key.get((entry.kind, entry.role, entry.value)) or (new.pop(0) if new else None)
        if found is not None and found.reason is not AttributionReason.LEASES_UNREAD:
            yield entry.id, found

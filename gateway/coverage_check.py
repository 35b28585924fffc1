"""What an import leaves open: addresses of ours that nobody holds, and assignments that cannot both be true.

For people, after an import; a house with very many leases is looked at by `arfgate assignment gaps` and `overlaps` when
they want to. Must never change anything.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from gateway.attribution.coverage import gaps, overlaps
from gateway.house import House
from gateway.store import assignments

_MOST = 50_000  # assignments that are looked through without being asked to


@dataclass(frozen=True, slots=True)
class Coverage:
    """`gaps`: parts of our networks that nobody holds at present, as people write ranges."""

    gaps: tuple[str, ...]
    overlaps: int

    @property
    def lines(self) -> list[str]:
        """What people are told; nothing where all is well."""
        shown = ", ".join(self.gaps[:3]) + (", ..." if len(self.gaps) > 3 else "")
        told = [f"{self.overlaps} overlaps: reports about them attribute nobody; `arfgate assignment overlaps`"]
        free = [f"held by nobody: {shown}; `arfgate assignment gaps`"]
        return [*(told if self.overlaps else []), *(free if self.gaps else [])]


async def coverage(house: House) -> Coverage | None:
    """None: there are too many to look through by the way."""
    async with house.database.reading() as connection:
        if await assignments.count(connection) > _MOST:
            return None
        held = await assignments.all_of(connection)
    networks, now = house.settings.operator.networks, house.clock()
    return await asyncio.to_thread(lambda: Coverage(tuple(gaps(networks, held, now)), sum(1 for _ in overlaps(held))))

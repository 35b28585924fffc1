"""What is ours, as attribution asks it: the index over the assignments, kept as fresh as the database.

Read whole once; after that only what changed is read and laid over it, which takes milliseconds. When the overlay
has grown, a new base is built in a thread while everybody goes on with the old one, and swapped in whole. Whoever asks
waits for what is committed already: an answer from yesterday's leases would be a guess. Must never decide.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.attribution.hosts import HostIndex
from gateway.attribution.network import Network
from gateway.attribution.packed import MOST_SOURCES, Row, row_of
from gateway.attribution.prefixes import PrefixIndex
from gateway.model import Assignment
from gateway.store import assignments, bystanders, identifiers, lease_readings, switches

_MANY = 2_000  # rows from which on the work is done in a thread


@dataclass
class Holdings:
    """`empty` has the settings' part: own networks, relays, the systems that lease addresses, and the like."""

    empty: Network
    _network: Network | None = field(default=None, init=False)
    _version: int = field(default=-1, init=False)
    _tree: str | None = field(default=None, init=False)  # version of the customers that `owners` is of
    _numbers: dict[str, int] = field(default_factory=dict, init=False)  # of the systems, in the order of their numbers
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    merging: asyncio.Task[None] | None = field(default=None, init=False)

    async def network(self, connection: AsyncConnection) -> Network:
        """Who held what, when, by all that is committed. One statement where nothing changed."""
        version, leases = await lease_readings.states(connection, [one.name for one in self.empty.leases])
        for one in leases:  # also of a system that is no setting any more: nothing tells since when its leases are over
            self._numbers.setdefault(one.name, min(len(self._numbers) + 1, MOST_SOURCES))
        network = await self._at(connection, version)
        order = {name: place for place, name in enumerate(self._numbers)}
        return replace(network, leases=tuple(sorted(leases, key=lambda one: order[one.name]))) if leases else network

    async def _at(self, connection: AsyncConnection, version: int) -> Network:
        if self._network is not None and version == self._version:
            return self._network
        async with self._lock:
            if self._network is None:
                self._network = await self._whole(connection)
            elif version > self._version:
                self._network = await self._patched(connection, self._network)
            self._version = max(version, self._version)
            if self._network.prefixes.overgrown and (self.merging is None or self.merging.done()):
                self.merging = asyncio.create_task(self._merge(self._network.prefixes))
            return self._network

    async def _whole(self, connection: AsyncConnection) -> Network:
        rows: dict[int, list[Row]] = {4: [], 6: []}
        names: list[Assignment] = []
        async for page in assignments.pages(connection, sources=self._numbers):
            for one in page:
                if one.family:
                    rows[one.family].append(row_of(one))
                else:
                    names.append(one)
        prefixes = await asyncio.to_thread(PrefixIndex.of_rows, rows)
        return await self._people(connection, replace(self.empty, prefixes=prefixes, hosts=HostIndex(names)), -1)

    async def _patched(self, connection: AsyncConnection, before: Network) -> Network:
        """Rows of other transactions that commit later have later versions: none is ever passed over."""
        rows: dict[int, list[Row]] = {4: [], 6: []}
        names: list[Assignment] = []
        async for page in assignments.pages(connection, self._version, self._numbers):
            for one in page:
                if one.family:
                    rows[one.family].append(row_of(one))
                else:
                    names.append(one)
        prefixes = before.prefixes
        if count := sum(map(len, rows.values())):
            patch = prefixes.patched
            prefixes = await asyncio.to_thread(patch, rows) if count > _MANY else patch(rows)
        after = replace(before, prefixes=prefixes, hosts=before.hosts.patched(names) if names else before.hosts)
        return await self._people(connection, after, self._version)

    async def _people(self, connection: AsyncConnection, network: Network, version: int) -> Network:
        """Identifiers that changed, the tree, what staff confirmed, and whom they hold innocent."""
        network = replace(network, bystanders=await bystanders.current(connection, self.empty.bystanders))
        if found := await identifiers.changed(connection, version):
            network = replace(network, identifiers=network.identifiers.patched(found))
        tree = await switches.read(connection, switches.CUSTOMERS_VERSION)
        if tree != self._tree or version < 0:
            self._tree = tree
            network = replace(network, owners=await identifiers.owners(connection))
        return replace(network, confirmed=await identifiers.confirmed(connection))

    async def _merge(self, before: PrefixIndex) -> None:
        """The overlay goes into a new base; what came meanwhile is laid over that."""
        merged = await asyncio.to_thread(before.merged)
        async with self._lock:
            if self._network is not None:
                self._network = replace(self._network, prefixes=merged.patched(self._network.prefixes.since(before)))

"""DHCP leases: ISC Kea's lease file (CSV, IPv4 and IPv6) and ISC dhcpd's.

Both are logs of what the server granted: each line or block is one grant or renewal, from its start to its expiry.
Renewals join what they touch; a release or a reclaimed lease ends early. Must never read a lease as held for longer
than it was granted.
"""

from __future__ import annotations

import csv
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

from gateway.connectors.sources.contract import Batch, Lease, Position
from gateway.connectors.sources.tables import utc
from gateway.connectors.sources.tail import Line, begin, lost, unread

_DECLINED = 1  # Kea's state of an address that a client found in use: whoever had it by our book, has it no longer
_BLOCK = re.compile(r"lease\s+([0-9.]{7,15})\s*\{")
_SAID = re.compile(r"^\s*(.+?)\s*;\s*(?:#.*)?$")
_DATE = re.compile(r"(?:\d\s+)?(\d{4})/(\d\d)/(\d\d) (\d\d):(\d\d):(\d\d)|epoch (\d+)")


@dataclass(frozen=True, slots=True)
class Kea:
    """`kea-leases4.csv` or `kea-leases6.csv` of the memfile backend."""

    path: Path

    async def read(self, position: Position) -> AsyncGenerator[Batch, None]:
        gone = lost(self.path, position)
        place = begin(self.path, position)
        header: list[str] = position.get("header", []) if place["offset"] else []
        batch = Batch(place | {"header": header}, lost=gone)
        if gone:
            batch.survived, batch.survived_at = self._survived(), self._merged_at()
        for line in chain(self._merged() if gone else (), unread(self.path, position)):
            cells = next(csv.reader([line.text]), [])
            if "address" in cells and "expire" in cells:
                header = cells
            elif cells:
                self._row(dict(zip(header, cells, strict=False)), line, batch)
            if batch.behind(line.place | {"header": header}):
                yield batch
                batch = Batch(batch.position)
        yield batch

    def _merged(self) -> Iterator[Line]:
        """What kea-lfc made of the files that it took away, the last lease of each address, and what it has not merged
        yet."""
        merged = [Path(f"{self.path}.{end}") for end in ("completed", "2")]
        last = next((file for file in merged if file.exists()), None)
        for file in (last, Path(f"{self.path}.1")) if last else ():
            if file is not None and file.exists():
                yield from (Line(line.number, line.text, line.inode, 0, line.head) for line in unread(file, {}))

    def _merged_at(self) -> datetime | None:
        """When the last clean-up took the files away."""
        files = (Path(f"{self.path}.{end}") for end in ("completed", "2", "1"))
        return max((utc(int(file.stat().st_mtime)) for file in files if file.exists()), default=None)

    def _survived(self) -> dict[str, datetime] | None:
        header: list[str] = []
        found: dict[str, datetime] = {}
        for line in self._merged():
            cells = next(csv.reader([line.text]), [])
            if "address" in cells and "expire" in cells:
                header = cells
                continue
            row = dict(zip(header, cells, strict=False))
            with suppress(KeyError, ValueError):
                found[row["address"]] = utc(int(row["expire"]) - int(row["valid_lifetime"]))
        return found if header else None

    def _row(self, row: dict[str, str], line: Line, batch: Batch) -> None:
        try:
            lifetime, expire = int(row["valid_lifetime"]), int(row["expire"])
            start, end = utc(expire - lifetime), utc(expire)
            state = int(row.get("state") or 0)
        except (KeyError, ValueError):
            batch.refuse(f"{self.path.name}, line {line.number}", "is no lease: address, lifetime or expiry is missing")
            return
        address = row["address"]
        if row.get("lease_type") in {"2", "IA_PD"}:
            address = f"{address}/{row.get('prefix_len') or 64}"
        if state == _DECLINED:
            batch.records.append(Lease(address, (), None, start, seen=start, logins=True))
            return
        holders = tuple(h for h in (row.get("hwaddr"), row.get("client_id"), row.get("duid")) if h)
        if lifetime == 0:  # released: whatever it was, it ends now
            start = end
        batch.records.append(Lease(address, holders, start if start < end else None, end, seen=start, logins=True))


@dataclass(frozen=True, slots=True)
class Dhcpd:
    """`dhcpd.leases`."""

    path: Path

    async def read(self, position: Position) -> AsyncGenerator[Batch, None]:
        batch = Batch(begin(self.path, position), lost=lost(self.path, position))
        for address, said, line in _blocks(unread(self.path, position)):
            self._block(address, said, line, batch)
            if batch.behind(line.place):
                yield batch
                batch = Batch(batch.position)
        yield batch

    def _block(self, address: str, said: dict[str, str], line: Line, batch: Batch) -> None:
        start, end = _date(said.get("starts", "")), _date(said.get("ends", ""))
        if start is None:
            batch.refuse(f"{self.path.name}, line {line.number}", f"lease {address} does not say when it starts")
            return
        state = said.get("binding state", "active")
        if state == "abandoned":  # found in use by a stranger: whoever had it by our book, has it no longer
            batch.records.append(Lease(address, (), None, start, seen=start, logins=True))
        if state not in {"active", "free", "expired", "released"}:
            return
        holders = tuple(h.strip('"').lower() for h in (said.get("hardware ethernet"), said.get("uid")) if h)
        if end is not None and end <= start:
            end = start + timedelta(seconds=1)
        batch.records.append(Lease(address, holders, start, end, logins=True))
        if state != "active":  # over, perhaps before its time
            batch.records.append(Lease(address, holders, None, end or start, seen=end or start, logins=True))


def _blocks(read: Iterator[Line]) -> Iterator[tuple[str, dict[str, str], Line]]:
    """(address, statements, last line) of each lease that is whole."""
    address: str | None = None
    said: dict[str, str] = {}
    for line in read:
        if address is None:
            if found := _BLOCK.match(line.text.strip()):
                address, said = found[1], {}
        elif line.text.strip() == "}":
            yield address, said, line
            address = None
        elif statement := _SAID.match(line.text[:2_000]):
            for name in ("starts", "ends", "hardware ethernet", "uid", "binding state"):
                if statement[1].startswith(f"{name} "):
                    said[name] = statement[1].removeprefix(f"{name} ").strip()


def _date(text: str) -> datetime | None:
    found = _DATE.match(text)
    if found is None:
        return None
    try:
        return utc(int(found[7])) if found[7] else datetime(*(int(n) for n in found.groups()[:6]), tzinfo=UTC)  # type: ignore[arg-type,misc]  # six numbers
    except ValueError:
        return None

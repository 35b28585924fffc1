"""RADIUS accounting as FreeRADIUS keeps it: detail files, and its table `radacct`.

A session holds its addresses from its start to its stop; an interim update of a session of which the start was lost
tells when it began. Must never take a session for ended because nothing more is heard of it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from gateway.connectors.sources.contract import BATCH, Batch, Lease, Position, SourceError
from gateway.connectors.sources.tables import utc
from gateway.connectors.sources.tail import Line, begin, lost, unread

_ADDRESSES = ("Framed-IP-Address", "Framed-IPv6-Address", "Framed-IPv6-Prefix", "Delegated-IPv6-Prefix")
_COLUMNS = ("framedipaddress", "framedipv6address", "framedipv6prefix", "delegatedipv6prefix")
_HELD = {"Start", "Stop", "Interim-Update", "Alive"}
_WRITTEN_LATE = timedelta(hours=1)
_SINCE = """
SELECT radacctid, acctuniqueid, username, acctstarttime, acctupdatetime, acctstoptime,
       framedipaddress, framedipv6address, framedipv6prefix, delegatedipv6prefix, callingstationid,
       COALESCE(acctstoptime, acctupdatetime, acctstarttime) AS changed
FROM radacct
WHERE COALESCE(acctstoptime, acctupdatetime, acctstarttime) >= {since}
ORDER BY COALESCE(acctstoptime, acctupdatetime, acctstarttime), radacctid LIMIT :most OFFSET :skip
"""


@dataclass(frozen=True, slots=True)
class Detail:
    """A detail file of rlm_detail."""

    path: Path

    async def read(self, position: Position) -> AsyncGenerator[Batch, None]:
        batch = Batch(begin(self.path, position), lost=lost(self.path, position))
        for packet, line in _packets(unread(self.path, position)):
            self._packet(packet, line, batch)
            if batch.behind(line.place):
                yield batch
                batch = Batch(batch.position)
        yield batch

    def _packet(self, packet: Mapping[str, str], line: Line, batch: Batch) -> None:
        status = packet.get("Acct-Status-Type", "")
        if status not in _HELD:
            return
        try:
            at = utc(int(packet["Timestamp"]) - int(packet.get("Acct-Delay-Time", "0")))
            start = at - timedelta(seconds=int(packet.get("Acct-Session-Time", "0")))
        except (KeyError, ValueError, OverflowError):
            batch.refuse(f"{self.path.name}, line {line.number}", "a packet without a usable Timestamp")
            return
        session = packet.get("Acct-Unique-Session-Id") or (
            f"{packet.get('NAS-IP-Address', packet.get('NAS-Identifier', ''))}/{packet.get('Acct-Session-Id', '')}"
        )
        holders = tuple(h for h in (packet.get("User-Name"), packet.get("Calling-Station-Id")) if h)
        for name in _ADDRESSES:
            if address := packet.get(name):
                end = at if status == "Stop" else None
                ref = f"{session}/{address}"
                batch.records.append(Lease(address, holders, start, _after(start, end), ref, logins=True))


@dataclass(frozen=True, slots=True)
class Radacct:
    """FreeRADIUS's SQL table. `url` as SQLAlchemy has it, with an async driver."""

    url: str

    async def read(self, position: Position) -> AsyncGenerator[Batch, None]:
        engine = create_async_engine(self.url)
        # a plain text in SQLite, where text compares; elsewhere a time
        since = ":since" if self.url.startswith("sqlite") else "CAST(CAST(:since AS text) AS timestamptz)"
        place = _earlier(str(position.get("since", "1970-01-01 00:00:00")))
        skip = 0
        try:
            async with engine.connect() as connection:
                while True:
                    found = await connection.execute(
                        text(_SINCE.format(since=since)), {"since": place, "most": BATCH, "skip": skip}
                    )
                    rows = [dict(row) for row in found.mappings()]
                    batch = Batch(position)
                    for row in rows:
                        _session(row, batch)
                    place, skip = _behind(rows, place, skip)
                    batch.position = position = {"since": place}
                    yield batch
                    if len(rows) < BATCH:
                        return
        except (SQLAlchemyError, OSError) as error:
            said = str(getattr(error, "orig", error)).strip().splitlines()
            raise SourceError(f"the RADIUS database: {said[-1] if said else error}; look at the source's url") from None
        finally:
            await engine.dispose()


def _earlier(place: str) -> str:
    """A row bears the time of what happened, and is written when a server gets to it: the last of it is read again."""
    try:
        return (datetime.fromisoformat(place) - _WRITTEN_LATE).isoformat(" ")
    except (ValueError, OverflowError):
        return place


def _session(row: Mapping[str, Any], batch: Batch) -> None:
    start, end = _time(row["acctstarttime"]), _time(row["acctstoptime"])
    holders = tuple(str(row[name]) for name in ("username", "callingstationid") if row[name])
    if start is None:
        batch.refuse(f"radacct {row['radacctid']}", "a session without a start")
        return
    for name in _COLUMNS:
        address = str(row[name] or "").removesuffix("/32") if row[name] else ""
        if address:
            ref = f"{row['acctuniqueid']}/{address}"
            batch.records.append(Lease(address, holders, start, _after(start, end), ref, logins=True))


def _behind(rows: list[dict[str, Any]], place: str, skip: int) -> tuple[str, int]:
    """Where to read on: the last time, and how many of that very time were read. Rows of one second are no loss."""
    if not rows:
        return place, skip
    last = str(rows[-1]["changed"])
    same = sum(str(row["changed"]) == last for row in rows)
    return last, same + (skip if last == place else 0)


def _packets(read: Iterator[Line]) -> Iterator[tuple[dict[str, str], Line]]:
    """Attributes of each packet that is whole: a date, indented lines, an empty line."""
    packet: dict[str, str] = {}
    for line in read:
        if line.text[:1] in {"\t", " "}:
            name, _, value = line.text.strip().partition(" = ")
            packet.setdefault(name, value.strip('"'))
        elif not line.text:
            if packet:
                yield packet, line
            packet = {}


def _time(value: Any) -> datetime | None:
    """A time of the database: aware, or text and naive in UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _after(start: datetime, end: datetime | None) -> datetime | None:
    """A session that ended in the second in which it began held for that second."""
    return end if end is None or end > start else start + timedelta(seconds=1)

"""Staff's word about reporters: who is meant by a name, and what is decided.

Must never believe a report: screening does, with what was decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway.house import House
from gateway.screening.identity import Feed
from gateway.screening.reporters import Reporter, ReporterKind
from gateway.store import reporter_lists, reporters
from parsers.fields import address, host, registrable


class NoReporterError(LookupError):
    """The name means nobody; the text says what would."""


def meant(house: House, name: str) -> Reporter:
    """The reporter that staff mean: a feed's name, a domain, an address, or a key as lists show it."""
    kind, colon, rest = name.strip().partition(":")
    feeds = {feed.name: feed for feed in house.border().feeds}
    if colon and kind in set(ReporterKind):
        wanted, value = ReporterKind(kind), rest
    elif name in feeds:
        wanted, value = ReporterKind.FEED, name
    else:
        wanted, value = (ReporterKind.PERSON if "@" in name else ReporterKind.ORGANISATION), name.strip()
    if wanted is ReporterKind.FEED and value in feeds:
        return Reporter(wanted, value)
    if wanted is ReporterKind.PERSON and (box := address(value)):
        domain = registrable(box.rpartition("@")[2]) or box.rpartition("@")[2]
        return Reporter(wanted, box.lower(), domain)
    if wanted is ReporterKind.ORGANISATION and (found := host(value)):
        domain = registrable(found) or found
        return Reporter(wanted, domain, domain)
    raise NoReporterError(f"{name}: no feed of that name, no domain and no address; 'arfgate reporter list' shows them")


async def decide(house: House, name: str, values: Mapping[str, Any], who: str, why: str) -> str:
    """Keep a decision about a reporter. Returns its key. Raises NoReporterError."""
    async with house.database.writing() as connection:
        await house.know_reporters(connection)
        one = meant(house, name)
        await reporters.decide(connection, one, values, who, why, house.clock())
    return one.key


async def listed(
    house: House, *, everything: bool, since: datetime | None = None, limit: int = 500
) -> list[dict[str, Any]]:
    """The busiest reporters with what is known of them; `everything`: also registered feeds that never reported.
    `since`: only reports received from then on are counted."""
    async with house.database.reading() as connection:
        await house.know_reporters(connection)
        rows = await reporter_lists.listed(connection, house.clock(), limit, since)
    feeds = {feed.name: feed for feed in house.border().feeds}
    seen = {row["name"] for row in rows if row["kind"] == ReporterKind.FEED.value}
    told = [_told(row, feeds.get(row["name"]) if row["kind"] == ReporterKind.FEED.value else None) for row in rows]
    return told + [_told({}, feed) for name, feed in sorted(feeds.items()) if everything and name not in seen]


async def shown(house: House, name: str) -> dict[str, Any]:
    """One reporter whole, with its newest reports. Raises NoReporterError."""
    async with house.database.reading() as connection:
        await house.know_reporters(connection)
        one = meant(house, name)
        row = await reporter_lists.shown(connection, one.key, house.clock())
        newest = await reporter_lists.latest(connection, row["id"]) if row else []
    feed = next((f for f in house.border().feeds if one.key == f"feed:{f.name}"), None)
    if row is None and feed is None:
        raise NoReporterError(f"{one.key} has not reported, and nothing was decided about it")
    return _told(row or {}, feed) | {"latest": newest}


def _told(row: Mapping[str, Any], feed: Feed | None) -> dict[str, Any]:
    """What staff decided, else what the feed is registered with, else what holds for everybody."""

    def value(name: str, usual: Any) -> Any:
        if row.get(name) is not None:
            return row[name]
        return getattr(feed, name) if feed else usual

    return {
        "key": row.get("key") or f"feed:{feed.name if feed else ''}",
        "kind": row.get("kind") or ReporterKind.FEED.value,
        "title": feed.title if feed else "",
        "note": feed.note if feed else "",
        "domains": sorted(feed.domains) if feed else [d for d in [row.get("domain")] if d],
        "aliases": sorted(feed.aliases) if feed else [a for a in [row.get("alias")] if a],
        "trust": row.get("trust", "usual"),
        "blocked": bool(row.get("blocked")),
        "throttle": row.get("throttle"),
        "weight": value("weight", 2.0),
        "may_reply": value("may_reply", True),
        "opens_cases": value("opens_cases", True),
        "raw_forwarding": value("raw_forwarding", False),
        **{name: row.get(name, 0) for name in ("reports", "accepted", "disputed", "false")},
        "precision": row.get("precision"),
        "first_seen": row.get("first_seen"),
        "last_seen": row.get("last_seen"),
        "decided_by": row.get("decided_by"),
        "decided_at": row.get("decided_at"),
        "why": row.get("why", ""),
    }

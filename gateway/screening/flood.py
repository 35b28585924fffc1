"""Too much from one place: token buckets for senders' domains, the networks they send from, and accounts.

A bucket that runs empty opens a breaker: whatever comes from there waits for a person until the bucket is half full
again, so that a flood neither ruins a customer nor passes in portions. Decides on values; the rows are the store's.
Must never be asked about a registered feed, whose numbers are its business.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import ip_address, ip_network

_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Bucket:
    """`tokens` at the time `at`; `tripped_at`: since when its breaker is open."""

    key: str
    tokens: float
    at: datetime
    tripped_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """The bucket after one report. `passes` False: it waits. `trips`: this one opened the breaker."""

    bucket: Bucket
    passes: bool
    trips: bool = False


def take(bucket: Bucket | None, key: str, an_hour: int, now: datetime) -> Taken:
    """One report more, where `an_hour` are fine: so many at once, and as many again in each hour."""
    if bucket is None:
        bucket = Bucket(key, an_hour, now)
    seconds = max((now - bucket.at).total_seconds(), 0.0)
    tokens = min(an_hour, bucket.tokens + an_hour * seconds / _HOUR)
    bucket = replace(bucket, tokens=tokens, at=max(now, bucket.at))
    if bucket.tripped_at is not None and tokens >= an_hour / 2:
        bucket = replace(bucket, tripped_at=None)
    if bucket.tripped_at is not None:
        return Taken(bucket, passes=False)
    if tokens < 1:
        return Taken(replace(bucket, tripped_at=now), passes=False, trips=True)
    return Taken(replace(bucket, tokens=tokens - 1), passes=True)


def network_of(address: str) -> str:
    """The network that an address stands for: its /24, of IPv6 its /48."""
    version = ip_address(address).version
    return str(ip_network(f"{address}/{24 if version == 4 else 48}", strict=False))


def keys(domain: str | None, address: str | None, accounts: Iterable[int]) -> tuple[str, ...]:
    """What one report counts against: the sender's organisation, the network it came from, each account."""
    found = [f"domain {domain}"] if domain else []
    if address:
        found.append(f"network {network_of(address)}")
    return (*found, *(f"account {account}" for account in sorted(set(accounts))))

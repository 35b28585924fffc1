"""Mute rules: complaints that are counted and not forwarded, for a stated reason and time. Pure.

Must never hide a report: it is attributed, counted and shown as ever; only no case is opened from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import ip_address

from gateway.model import Attribution
from parsers.report import ResourceKind


class MuteKind(StrEnum):
    ADDRESS = "address"  # an address or prefix
    CUSTOMER = "customer"
    CLASS = "class"
    FEED = "feed"


@dataclass(frozen=True, slots=True)
class Mute:
    """`first`/`last`: bounds of an address range (both inclusive) of `family`; else `value` is compared."""

    id: int
    kind: MuteKind
    value: str
    expires_at: datetime
    family: int = 0
    first: int = 0
    last: int = 0


def muting(
    mutes: Iterable[Mute], found: Attribution, customer: str, cls: str, feed: str | None, now: datetime
) -> Mute | None:
    """The rule under which a complaint is only counted; None: it is forwarded."""
    said = {MuteKind.CUSTOMER: customer, MuteKind.CLASS: cls, MuteKind.FEED: feed}
    for mute in mutes:
        if mute.expires_at <= now:
            continue
        if mute.kind is MuteKind.ADDRESS:
            if found.kind is ResourceKind.IP and _inside(mute, found.value):
                return mute
        elif said[mute.kind] == mute.value:
            return mute
    return None


def _inside(mute: Mute, value: str) -> bool:
    try:
        address = ip_address(value)
    except ValueError:
        return False
    return address.version == mute.family and mute.first <= int(address) <= mute.last

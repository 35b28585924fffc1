"""Links that prove themselves: one case for one contact, one report for its sender, for a time.

A link's token is a kind, a number, the hour in which it ends, a mark of the address it was made for, and an
HMAC over all of them, in lower-case base32. Pure. Nothing of it is stored: it ends by its time, and whoever reads
it asks whether the address is still the one. Must never accept what was not made with the key, nor look
anything up for a token that was not.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from gateway.tokens import MAX_NUMBER, base32, decoded, encoded

# c: a case, for a customer's contact; f: a report by the form, to be confirmed; h: what is held and lacks something;
# s: what became of a report; o: no more mail to a contact outside
LinkKind = Literal["c", "f", "h", "s", "o"]

_MARK_CHARS = 8  # tells the contacts of one case apart
_MAC_CHARS = 26  # 130 bits
_MOST_CHARS = 80
_HOUR = 3600
_LAST_HOUR = 10_000_000  # far beyond what a datetime of ours is


@dataclass(frozen=True, slots=True)
class Link:
    """What a token that proved itself stands for: the number of a case, a message or what is held."""

    kind: LinkKind
    number: int
    ends_at: datetime
    mark: str

    def is_for(self, address: str, key: bytes) -> bool:
        """Was it made for this address?"""
        return hmac.compare_digest(self.mark, _mark(address, key))


def token(kind: LinkKind, number: int, address: str, ends_at: datetime, key: bytes) -> str:
    """The token of a link for `address` until the hour of `ends_at` is over."""
    said = f"{kind}{encoded(number)}-{encoded(int(ends_at.timestamp()) // _HOUR + 1)}-{_mark(address, key)}"
    return f"{said}-{_mac(said, key)}"


def read(text: str, kind: LinkKind, key: bytes, now: datetime) -> Link | None:
    """The link that `text` (hostile) is the token of, where it is genuine, of this kind, and not over."""
    said, _, mac = text.rpartition("-")
    if len(text) > _MOST_CHARS or not text.isascii() or not hmac.compare_digest(mac, _mac(said, key)):
        return None
    first, last, mark = said.split("-")  # it is ours: it has its three parts
    number, hour = decoded(first[1:]), decoded(last)
    if first[0] != kind or number is None or number > MAX_NUMBER or hour is None or hour > _LAST_HOUR:
        return None
    ends_at = datetime.fromtimestamp(0, UTC) + timedelta(hours=hour)
    return Link(kind, number, ends_at, mark) if now < ends_at else None


def _mark(address: str, key: bytes) -> str:
    said = f"mark\n{address.strip().lower()}".encode("utf-8", "replace")
    return base32(hmac.digest(key, said, hashlib.sha256), _MARK_CHARS)


def _mac(said: str, key: bytes) -> str:
    return base32(hmac.digest(key, f"link\n{said}".encode("utf-8", "replace"), hashlib.sha256), _MAC_CHARS)

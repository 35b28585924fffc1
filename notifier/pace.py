"""No more than so many mails a minute to one domain; what is too much is told when to come back.

Whoever is sent away gets a time of his own, so that a thousand mails do not all come back in the next minute, and the
pace never makes a mail undeliverable. In one process: nodes have their pace each. Must never sleep.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

_MINUTE = timedelta(minutes=1)
_FORGOTTEN = 2 * _MINUTE  # without a mail: whoever was promised a time does not come
_MOST_DOMAINS = 10_000


@dataclass(slots=True)
class _Domain:
    sent: deque[datetime] = field(default_factory=deque)  # within the last minute
    promised: int = 0  # who were sent away and are to come back
    last: datetime | None = None  # when one went out


class Pace:
    """`a_minute` mails to one domain at most; 0: no limit. `clock` gives aware UTC."""

    def __init__(self, a_minute: int, clock: Callable[[], datetime]) -> None:
        self._a_minute = a_minute
        self._clock = clock
        self._domains: dict[str, _Domain] = {}

    def wait(self, domain: str) -> timedelta | None:
        """None: go, and be counted; else when to ask again."""
        if not self._a_minute:
            return None
        now = self._clock()
        if len(self._domains) > _MOST_DOMAINS:
            self._domains = {n: one for n, one in self._domains.items() if one.last and now - one.last < _FORGOTTEN}
        one = self._domains.setdefault(domain.lower(), _Domain())
        while one.sent and now - one.sent[0] >= _MINUTE:
            one.sent.popleft()
        if len(one.sent) < self._a_minute:
            kept = one.last is not None and now - one.last < _FORGOTTEN
            one.promised = max(0, one.promised - 1) if kept else 0
            one.sent.append(now)
            one.last = now
            return None
        minutes = 1 + one.promised // self._a_minute
        one.promised += 1
        return one.sent[0] + minutes * _MINUTE - now

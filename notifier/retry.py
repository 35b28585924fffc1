"""When to try again: attempts and outcome in, a time out.

Pure. Growing pauses, with a jitter that depends on the notice alone, so that a restart
plans the same time. Must never sleep or look at a clock.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from notifier.notice import Deferred, Outcome, Why

PAUSES = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),  # and every further one
)
_SLOW_DOWN = timedelta(minutes=15)  # the least pause after a server said "too much"
_JITTER = 0.2  # of the pause, added


def next_attempt(
    attempts: int, outcome: Outcome, now: datetime, first_at: datetime, *, give_up_after: timedelta, key: str = ""
) -> datetime | None:
    """The time of the next attempt (aware UTC), or None: delivered, refused for good, or given up.

    `attempts` counts those made, at least 1; `first_at` is the first; the last attempt is made
    at `first_at + give_up_after` (RFC 5321 section 4.5.4.1: four to five days). `key` is the
    notice's idempotency key.
    """
    if attempts < 1:
        raise ValueError(f"attempts is {attempts}: count the one that was just made")
    if not isinstance(outcome, Deferred):
        return None
    end = first_at + give_up_after
    if now >= end:
        return None
    pause = PAUSES[min(attempts, len(PAUSES)) - 1]
    if outcome.why is Why.RATE:
        pause = max(pause, _SLOW_DOWN)
    return min(now + pause * (1 + _JITTER * _fraction(key, attempts)), end)


def _fraction(key: str, attempts: int) -> float:
    digest = hashlib.sha256(f"{key}\0{attempts}".encode()).digest()
    return int.from_bytes(digest[:4]) / 2**32

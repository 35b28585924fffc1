"""How much time is left, as a bar and in words. Must never decide what happens when it is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

_LONG = 100  # hours from which on days are counted


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """`share` of the full time that is left, 0 to 1; `span`: `23:10`, hours and minutes, from some days on `10`, the
    hours beside the `days`; `late`: beyond the end."""

    share: float
    span: str
    late: bool
    days: int = 0


def time_left(notified_at: datetime | None, due_at: datetime | None, now: datetime) -> TimeLeft | None:
    """None where no clock runs."""
    if due_at is None:
        return None
    minutes = int((due_at - now).total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    late = minutes < 0
    full = (due_at - notified_at).total_seconds() if notified_at else 0
    share = max(0.0, min(1.0, (due_at - now).total_seconds() / full)) if full > 0 else float(not late)
    days, beside = divmod(hours, 24) if hours >= _LONG else (0, hours)
    return TimeLeft(round(share, 3), f"{beside}" if days else f"{hours}:{rest:02d}", late, days)

"""Complaints, bounces and opt-outs against what was sent, per day; and how fast a list grows (CON-3, CON-9). Pure.

Must never judge a small volume: below the policy's least a single complaint would be a rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from gateway.policies.rates import Rates

_DAYS_BEFORE = 14  # that additions are compared with
_LEAST_BEFORE = 3  # with fewer nothing is sudden


@dataclass(frozen=True, slots=True)
class Day:
    """One day (`2026-01-31`) of an account or campaign. `sent` and `added` None: not imported."""

    account: str
    campaign: str
    day: str
    sent: int | None = None
    added: int | None = None
    complaints: int = 0
    bounces: int = 0
    unknown: int = 0  # of them with status 5.1.1
    opt_outs: int = 0

    def share(self, count: int) -> float | None:
        """Of the mails sent, 0..1; None where that is not known."""
        return count / self.sent if self.sent else None


@dataclass(frozen=True, slots=True)
class Alert:
    """What staff are told. `level` is warn or alarm."""

    day: Day
    level: str
    what: str


def alerts(days: Sequence[Day], rules: Rates) -> list[Alert]:
    """What is beyond the policy's bounds, of days of one account and campaign in order of time."""
    found = [alert for day in days for alert in _of_shares(day, rules)]
    for index, day in enumerate(days):
        before = [d.added for d in days[max(0, index - _DAYS_BEFORE) : index] if d.added is not None]
        if day.added is None or day.added < rules.growth_least or len(before) < _LEAST_BEFORE:
            continue
        usual = max(mean(before), 1.0)
        if day.added >= usual * rules.growth:
            found.append(Alert(day, "alarm", f"{day.added} subscribers added, {day.added / usual:.1f} times the usual"))
    return sorted(found, key=lambda a: a.day.day)


def _of_shares(day: Day, rules: Rates) -> list[Alert]:
    if not day.sent or day.sent < rules.volume_least:
        return []
    found = []
    share = day.complaints / day.sent
    if share >= rules.complaints_warn:
        level = "alarm" if share >= rules.complaints_alarm else "warn"
        found.append(Alert(day, level, f"complaints {share:.2%} of {day.sent} mails"))
    for count, limit, what in (
        (day.unknown, rules.unknown_alarm, "bounces 5.1.1"),
        (day.opt_outs, rules.opt_outs_alarm, "opt-outs"),
    ):
        if count / day.sent >= limit:
            found.append(Alert(day, "alarm", f"{what} {count / day.sent:.2%} of {day.sent} mails"))
    return found

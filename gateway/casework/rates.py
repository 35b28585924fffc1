"""Complaints, bounces and opt-outs against what was sent, per day; and how fast a list grows (CON-3, CON-9). Pure.

Must never judge a small volume: below the policy's least a single complaint would be a rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from gateway.policies.rates import Rates

_DAYS_BEFORE = 14  # that additions are compared with
_ALL = "(all accounts)"
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
    """What staff are told. `level` is warn or alarm; `of`: complaints, bounces, opt-outs or growth."""

    day: Day
    level: str
    of: str
    what: str

    @property
    def key(self) -> str:
        """The same is told once, however its numbers move."""
        return f"{self.day.account}|{self.day.campaign}|{self.day.day}|{self.of}|{self.level}"


def whole(days: Sequence[Day], customer: str) -> list[Day]:
    """A customer of several accounts as one: their days added up, in order of time. Empty where it has only one."""
    if len({day.account for day in days}) < 2:
        return []
    by_day: dict[str, list[Day]] = {}
    for day in days:
        if day.campaign == "":
            by_day.setdefault(day.day, []).append(day)
    return [_together(f"{customer} {_ALL}", by_day[day]) for day in sorted(by_day)]


def _together(name: str, days: Sequence[Day]) -> Day:
    """One day of several accounts. What was sent is known only where it is known of each: else it would be a rate of
    some mails against the complaints about all."""
    sent, added = [d.sent for d in days if d.sent is not None], [d.added for d in days if d.added is not None]
    return Day(
        name, "", days[0].day,
        sent=sum(sent) if len(sent) == len(days) else None,
        added=sum(added) if added else None,
        complaints=sum(d.complaints for d in days),
        bounces=sum(d.bounces for d in days),
        unknown=sum(d.unknown for d in days),
        opt_outs=sum(d.opt_outs for d in days),
    )  # fmt: skip


def alerts(days: Sequence[Day], rules: Rates) -> list[Alert]:
    """What is beyond the policy's bounds, of days of one account and campaign in order of time."""
    found = [alert for day in days for alert in _of_shares(day, rules)]
    for index, day in enumerate(days):
        before = [d.added for d in days[max(0, index - _DAYS_BEFORE) : index] if d.added is not None]
        if day.added is None or day.added < rules.growth_least or len(before) < _LEAST_BEFORE:
            continue
        usual = max(mean(before), 1.0)
        if day.added >= usual * rules.growth:
            found.append(
                Alert(day, "alarm", "growth", f"{day.added} subscribers added, {day.added / usual:.1f} times the usual")
            )
    return sorted(found, key=lambda a: a.day.day)


def _of_shares(day: Day, rules: Rates) -> list[Alert]:
    if not day.sent or day.sent < rules.volume_least:
        return []
    found = []
    share = day.complaints / day.sent
    if share >= rules.complaints_warn:
        level = "alarm" if share >= rules.complaints_alarm else "warn"
        found.append(Alert(day, level, "complaints", f"complaints {share:.2%} of {day.sent} mails"))
    for count, limit, of, what in (
        (day.unknown, rules.unknown_alarm, "bounces", "bounces 5.1.1"),
        (day.opt_outs, rules.opt_outs_alarm, "opt-outs", "opt-outs"),
    ):
        if count / day.sent >= limit:
            found.append(Alert(day, "alarm", of, f"{what} {count / day.sent:.2%} of {day.sent} mails"))
    return found

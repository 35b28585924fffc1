"""Classes of cases in a policy: the time that customers have, in which hours it runs, and what ends it.

Must never compute a moment: casework does, with these rules in its hand.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from gateway.policies.rules import Actions, Hours, Name, Rules

_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Calendar(Rules):
    """Working days, for the classes that count only their hours, and the zone in which notices tell times."""

    time_zone: str = "UTC"
    """IANA name of the zone, for example "Europe/Bucharest"."""
    working_days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = _WEEK[:5]  # type: ignore[assignment]  # a slice has no literal type
    """Days of the week that count."""
    holidays: frozenset[date] = frozenset()
    """Days that do not count, as dates."""

    @field_validator("time_zone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (OSError, ValueError, LookupError):
            raise ValueError('there is no such time zone; a name such as "Europe/Bucharest" or "UTC"') from None
        return value

    @field_validator("working_days")
    @classmethod
    def _some(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("a week without a working day would never end; name at least one")
        return value

    def counts(self, day: date) -> bool:
        """Whether the hours of this day (in `time_zone`) count."""
        return _WEEK[day.weekday()] in self.working_days and day not in self.holidays


class ClassRule(Rules):
    """One class of cases and the time its customers have (SES-4, SES-7)."""

    name: Name
    """Name of the class: its key in the table."""
    hours: Hours
    """Hours from the notice to `overdue`."""
    reminder_at: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = (0.5,)
    """Fractions of the time after which the customer is reminded, ascending, for example [0.5]."""
    business_days: bool = False
    """Count only the hours of the calendar's working days."""
    calendar: Calendar | None = None
    """Working days of this class alone; default: the policy's."""
    overdue: Actions = ()
    """Actions when the time is up, for example ["block-address"]; none: staff are told."""
    on_repeat: Actions = ()
    """Actions when conduct after the stated resolution reopens the case (SES-5)."""
    before_notice: Actions = ()
    """Actions with the first complaint, before the customer is told; the notice follows (MED-4)."""

    @field_validator("reminder_at")
    @classmethod
    def _ascending(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if list(value) != sorted(set(value)):
            raise ValueError("must ascend, each fraction once")
        return value

    @property
    def working(self) -> Calendar | None:
        """The days whose hours count; None: all."""
        return self.calendar if self.business_days else None

    @property
    def time(self) -> timedelta:
        """From the notice to `overdue`."""
        return timedelta(hours=self.hours)


class Answer(Rules):
    """What a customer's answer does."""

    rejected_minimum_hours: Hours = 2
    """A rejected answer leaves the customer at least this much time."""
    alarm_hours: Hours = 8
    """Hours after which staff are reminded of an answer that nobody has judged."""
    needs_prevention: bool = False
    """Staff may hold a case resolved only when the answer says what prevents it from happening again (SES-4)."""
